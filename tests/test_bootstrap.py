"""The wiring: a relative path is beside the configuration, for stores and the ledger alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.bootstrap import load_configuration, open_backends
from sagadoctor.clock import StillClock
from sagadoctor.ledger import SqlLedger
from sagadoctor.redaction import Redactor
from sagadoctor.testing.builders import NOW

STORE = '[stores.orders]\nplugin = "sql"\nurl = "sqlite:///./orders.db"\npreset = "saga-template"\n'


def ledger_of(config: Path) -> SqlLedger:
    """Return the ledger that a configuration leads to; nothing is touched."""
    made = open_backends(load_configuration(config, None), Redactor(), StillClock(NOW)).ledger
    assert isinstance(made, SqlLedger)
    return made


def configured(folder: Path, url: str) -> Path:
    folder.mkdir(exist_ok=True)
    config = folder / "prod.toml"
    config.write_text(f'config_version = 1\n{STORE}[ledger]\nurl = "{url}"\n', encoding="utf-8")
    return config


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///ledger.db", "conf/ledger.db"),
        ("sqlite:///../kept/ledger.db", "kept/ledger.db"),
        ("sqlite:////var/lib/ledger.db", "/var/lib/ledger.db"),
        ("sqlite:///my%20ledger.db", "conf/my ledger.db"),
    ],
)
def test_a_relative_path_of_the_ledger_is_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, path: str
) -> None:
    config = configured(tmp_path / "conf", url)
    for there in (tmp_path, tmp_path / "conf"):
        monkeypatch.chdir(there)
        assert ledger_of(config.relative_to(there)).place == str(tmp_path / path)


def test_a_server_as_the_ledger_is_left_as_it_is_named(tmp_path: Path) -> None:
    config = configured(tmp_path, "postgresql+psycopg://ann@db/ledger")
    assert ledger_of(config).place == "postgresql://ann@db/ledger"


def test_what_is_remembered_of_a_relative_store_is_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path / "a % folder", "sqlite:///ledger.db")
    shelves = []
    for there in (tmp_path, config.parent):
        monkeypatch.chdir(there)
        shelves.append(ledger_of(config.relative_to(there))._shelf)
    assert dict(shelves[0].places) == {"orders": f"sqlite {config.parent}/orders.db"}
    assert shelves[0] == shelves[1]
