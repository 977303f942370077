"""What docs/presets.md says that a preset can know is what its mapping has, and what its store says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from sagadoctor.adapters.sql.presets import load, names
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Capability
from tests.adapters.opening import open_store
from tests.adapters.sheet import TEMPLATE, Sheet, later
from tests.cli.running import ROOT
from tests.real.wild import FOLDER, Schema

PAGE: Final = (ROOT / "docs" / "presets.md").read_text("utf-8")
REAL: Final = ROOT / "tests" / "real"
CAPABILITIES: Final = {
    "steps": Capability.STEPS,
    "times": Capability.TIMES,
    "ended sagas": Capability.ENDED,
    "business key": Capability.BUSINESS_KEYS,
    "outbox": Capability.OUTBOX,
    "parents and children": Capability.LINKS,
    "payload": Capability.PAYLOAD,
}
MAPPED: Final[Mapping[str, Callable[[dict[str, Any]], bool]]] = {
    "errors": lambda said: _maps(said, "error"),
    "deadlines": lambda said: _maps(said, "deadline", "timeout_at"),
    "retries": lambda said: _maps(said, "attempts") or said["steps"]["shape"] == "log_table",
    "replies": lambda said: "replies" in said,
    "locks": lambda said: "locks" in said,
}
FILES: Final = {
    "dtm": REAL / "dtm" / "dump.sql",
    "eventuate-tram": REAL / "eventuate-tram-0.25.0.sql",
    "debezium-saga": FOLDER / "debezium" / "schema.sql",
    "seata": REAL / "seata" / "schema-postgresql.sql",
}
BESIDE: Final[Mapping[str, dict[str, Any]]] = {
    "debezium-saga": {"saga": {"table": "purchaseorder.sagastate"}},
    "eventuate-tram": {
        "saga": {"table": "eventuate.saga_instance"},
        "outbox": {"table": "eventuate.message"},
        "received": {"table": "eventuate.received_messages"},
        "replies": {"table": "eventuate.message"},
        "locks": {"table": "eventuate.saga_lock_table", "waiters": {"table": "eventuate.saga_stash_table"}},
    },
}


def _maps(said: dict[str, Any], *fields: str) -> bool:
    return any(name in said["saga"] or name in said["steps"].get("fields", {}) for name in fields)


def table() -> dict[str, dict[str, str]]:
    """Return the page's table: by preset, and by what may be known."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    heads, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    presets = [head[1 : head.index("]")] for head in heads[1:]]
    told: dict[str, dict[str, str]] = {preset: {} for preset in presets}
    for row in rows:
        for preset, cell in zip(presets, row[1:], strict=True):
            told[preset][row[0]] = cell
    return told


def test_every_preset_has_its_column_and_its_section() -> None:
    told = table()
    assert sorted(told) == sorted(names())
    for preset, cells in told.items():
        assert f"\n## {preset}\n" in PAGE
        section = PAGE.split(f"\n## {preset}\n")[1].split("\n## ")[0]
        assert "**It can't tell**" in section
        assert "**Say:**" in section
        assert set(cells) == {*CAPABILITIES, *MAPPED, "tested on"}
        assert "rows" in cells["tested on"]


@pytest.mark.parametrize("preset", names())
def test_what_it_is_said_to_know_is_what_its_store_says(preset: str, postgres_url: str) -> None:
    if preset in FILES:
        _filled(postgres_url, FILES[preset])
    else:
        Sheet(postgres_url, columns=TEMPLATE)
    store = open_store(postgres_url, {"preset": preset, **BESIDE.get(preset, {})})
    able = asyncio.run(_able(store))
    told = table()[preset]
    assert {name for name in CAPABILITIES if _yes(told[name])} == {
        name for name, capability in CAPABILITIES.items() if capability in able
    }


@pytest.mark.parametrize("preset", names())
def test_what_it_is_said_to_know_is_what_it_maps(preset: str) -> None:
    told = table()[preset]
    said = load(preset)
    assert {name for name in MAPPED if _yes(told[name])} == {name for name, maps in MAPPED.items() if maps(said)}


def _yes(cell: str) -> bool:
    assert cell.startswith(("yes", "no")), cell
    return cell.startswith("yes")


def _filled(url: str, file: Path) -> None:
    sheet = Sheet(url, columns={})
    if file.parent.name in ("dtm", "real"):
        sheet.run(file.read_text("utf-8"))
    else:
        Schema.run_text(url, file.read_text("utf-8"))


async def _able(store: SqlStore) -> frozenset[Capability]:
    await store.fetch(("1/1",), later())
    able = store.capabilities
    await store.close()
    return able
