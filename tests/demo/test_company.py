"""A company in a folder: an earlier one is replaced, a stranger's files never."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sagadoctor.demo import company
from sagadoctor.demo.company import open_company
from sagadoctor.demo.world import World

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def test_an_earlier_company_is_replaced(tmp_path: Path) -> None:
    first = open_company(tmp_path / "demo", NOW)
    assert open_company(tmp_path / "demo", NOW) == first
    assert first.sick > 20


@pytest.mark.parametrize("name", ["company.db", "ledger.db", "demo.toml"])
def test_a_strangers_file_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(FileExistsError, match="not made by the demo"):
        open_company(tmp_path, NOW)
    assert (tmp_path / name).read_text() == "precious"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_interrupted_one_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: World, now: datetime) -> None:
        assert (tmp_path / "company.db.unfinished").stat().st_size > 0
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(World, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_company(tmp_path, NOW)
    assert files(tmp_path) == []
    open_company(tmp_path, NOW)
    assert files(tmp_path) == ["company.db", "demo.toml"]


def test_an_earlier_company_stays_until_the_next_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    open_company(tmp_path, NOW)
    before = (tmp_path / "company.db").read_bytes()
    monkeypatch.setattr(company, "the_incident", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_company(tmp_path, NOW)
    assert (tmp_path / "company.db").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "last"), [(company, "the_incident"), (Path, "write_text"), (Path, "replace")])
def test_the_next_one_opens_whenever_one_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, last: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_, **__: None)  # who is killed tidies nothing up
        patched.setattr(owner, last, killed)
        with pytest.raises(KeyboardInterrupt):
            open_company(tmp_path, NOW)
    (tmp_path / "company.db.unfinished").write_text("half")
    open_company(tmp_path, NOW)
    assert files(tmp_path) == ["company.db", "demo.toml"]
