"""A system database on each of the databases that DBOS can use."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbos_database import SystemDatabase


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real("postgresql"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SystemDatabase:
    if request.param == "sqlite":
        return SystemDatabase(f"sqlite:///{tmp_path}/orders.db")
    return SystemDatabase(request.getfixturevalue("postgres_url"))
