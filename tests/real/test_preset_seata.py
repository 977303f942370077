"""The preset `seata` on the engine's own tables, with rows as its runs were seen to leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from .seata.rows import DEFINITION, MACHINES
from .wild import Schema, at_home

FOLDER: Final = Path(__file__).parent / "seata"
STORE: Final = """
[stores.orders]
plugin = "sql"
url = "DATABASE"
preset = "seata"
"""
SICK: Final = {
    "comp_fails": "compensation-failed",
    "dirty_ship": "half-compensated",
    "hang_forward": "no-progress",
    "hang_comp": "compensation-stuck",
}


@pytest.fixture(params=["postgresql", "mysql"])
def written(request: pytest.FixtureRequest) -> str:
    """The URL of a database with the engine's tables and rows."""
    fixture = "postgres_url" if request.param == "postgresql" else "mariadb_url"
    url = str(request.getfixturevalue(fixture))
    Schema.run_text(url, (FOLDER / f"schema-{request.param}.sql").read_text("utf-8"))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in (DEFINITION, *(line for machine in MACHINES for line in machine.statements())):
            connection.exec_driver_sql(statement)
    return url


def scanned(url: str, folder: Path, *words: str) -> dict[str, Any]:
    done = at_home(STORE, url, folder).call("scan", "--as-of", "2026-11-20T12:00:00Z", "-o", "json", *words)
    assert done.document["complete"], done.said
    return done.document


def test_what_hangs_and_what_is_half_undone_is_found_and_nobody_else(written: str, tmp_path: Path) -> None:
    found = [each for each in scanned(written, tmp_path)["findings"] if each["severity"] != "info"]
    assert {each["saga_id"]: each["rule"] for each in found if each["primary"]} == SICK
    steps = {each["saga_id"]: each["step"] for each in found if each["primary"]}
    assert steps["hang_forward"] == "Ship"
    assert steps["hang_comp"] == "ChargeCard"
    assert steps["comp_fails"] == "ChargeCard"
    assert {each["saga_type"] for each in found} == {"PlaceOrder"}


def test_what_a_machine_tells(written: str, tmp_path: Path) -> None:
    home = at_home(STORE, written, tmp_path)
    document = home.call("show", "-o", "json", "--key", "key-hang_comp", "--as-of", "2026-11-20T12:00:00Z").document
    [case] = document["cases"]
    told = {each["name"]: (each["status"], each["compensation"]) for each in case["steps"]}
    assert told == {
        "ReserveStock": ("completed", "CompensateState"),
        "ChargeCard": ("compensating", "RefundCard"),
        "Ship": ("compensated", "RecallParcel"),
    }
    engine = sa.create_engine(written, poolclass=sa.NullPool)
    with engine.begin() as connection:
        part = "UPDATE seata_state_machine_inst SET parent_id = '10.0.0.1:8091:2674:s-3' WHERE id = 'hang_comp'"
        connection.exec_driver_sql(part)
    document = home.call("show", "-o", "json", "hang_comp", "--as-of", "2026-11-20T12:00:00Z").document
    [child] = document["cases"]
    assert [(each["relation"], each["saga_id"]) for each in child["linked"]] == [("parent", "10.0.0.1:8091:2674")]
    document = home.call("show", "-o", "json", "dirty_ship", "--as-of", "2026-11-20T12:00:00Z").document
    [dirty] = document["cases"]
    assert [each["status"] for each in dirty["steps"]] == ["completed", "completed", "timed_out"]
