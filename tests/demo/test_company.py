"""A company in a folder: an earlier one is replaced, a stranger's files never."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sagadoctor.demo.company import open_company

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
