"""The store keeps every promise that sagadoctor asks of one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import pytest
from sagadoctor_example import plugin, store
from sagadoctor_example.saga_file import STATES, STATUSES

from sagadoctor.api.v1 import Saga, Store
from sagadoctor.testing.opening import open_store
from sagadoctor.testing.store_suite import StoreSuite


class TestExampleStore(StoreSuite):
    """What the files can keep, and how to write, break and block them."""

    states = {state: word for word, state in STATES.items()}
    statuses = {status: word for word, status in STATUSES.items()}
    tells = frozenset(("saga_type", "steps", "created_at", "updated_at", "error"))
    step_tells = frozenset(("compensation", "executed_at", "error"))
    many = 1_200
    short = 0.2

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "sagas"

    def open(self, sagas: Sequence[Saga]) -> Store:
        self.folder.mkdir(exist_ok=True)
        for path in self.folder.iterdir():
            path.unlink()
        for saga in sagas:
            (self.folder / f"{quote(saga.saga_id, safe='')}.json").write_text(json.dumps(written(saga)))
        return open_store(plugin, folder=str(self.folder.parent), settings={"folder": "sagas"})

    @contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        self.folder.rename(self.folder.with_name("away"))
        yield
        self.folder.with_name("away").rename(self.folder)

    @contextmanager
    def hanging(self, opened: Store) -> Iterator[None]:
        answered = threading.Event()
        with mock.patch.object(store, "saga_of", side_effect=lambda *_: answered.wait()):
            yield
        answered.set()


def written(saga: Saga) -> dict[str, object]:
    """Return a saga as the engine would write it."""
    steps = [
        {
            "name": step.name,
            "status": step.raw_status,
            "undo": step.compensation,
            "executed_at": step.executed_at and step.executed_at.isoformat(),
            "error": step.error,
        }
        for step in saga.steps or ()
    ]
    times = {name: at.isoformat() for name in ("created_at", "updated_at") if (at := getattr(saga, name)) is not None}
    told = {"id": saga.saga_id, "type": saga.saga_type, "state": saga.raw_state, "error": saga.error, **times}
    return told if saga.steps is None else {**told, "steps": steps}
