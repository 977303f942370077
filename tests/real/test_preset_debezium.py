"""The preset `debezium-saga` on the framework's own table, with rows as it writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .wild import Schema, at_home, schemas

STORE: Final = """
[stores.orders]
plugin = "sql"
url = "DATABASE"
preset = "debezium-saga"
saga.table = "purchaseorder.sagastate"
"""
STEPS: Final = """
[sagas.order-placement]
steps = [{ name = "credit-approval" }, { name = "payment" }]
"""
[SCHEMA] = [each for each in schemas() if each.folder.name == "debezium"]


def primary(schema: Schema, url: str, configuration: str, folder: Path) -> dict[str, str]:
    """Return what is said first of each saga at warning or above, at the second look."""
    schema.fill(url)
    document = schema.looks(url, at_home(configuration, url, folder)).document
    assert document["complete"]
    found = (each for each in document["findings"] if each["primary"] and each["severity"] != "info")
    return {each["saga_id"]: each["rule"] for each in found}


@pytest.mark.parametrize("steps", ["", STEPS], ids=["by itself", "with its steps named"])
def test_what_is_stuck_shows_at_the_second_look(steps: str, postgres_url: str, tmp_path: Path) -> None:
    assert primary(SCHEMA, postgres_url, STORE + steps, tmp_path) == SCHEMA.sick


def test_the_first_look_says_that_there_are_no_times(postgres_url: str, tmp_path: Path) -> None:
    SCHEMA.fill(postgres_url)
    done = at_home(STORE, postgres_url, tmp_path).call("scan", "--deep", "-o", "json")
    infos = [each for each in done.document["findings"] if each["severity"] == "info"]
    assert [each["subject"] for each in infos] == ["store"]
    assert "tells no times" in infos[0]["summary"]


def test_show_names_the_undo_that_is_owed(postgres_url: str, tmp_path: Path) -> None:
    SCHEMA.fill(postgres_url)
    shown = at_home(STORE, postgres_url, tmp_path).call("show", "73d9a512-2e8a-4cac-89eb-3fa4b5c6d707").text
    assert "credit-approval was never undone (no undo ran)" in shown
    assert "resend-compensation credit-approval" in shown


def test_its_older_columns_need_two_keys(postgres_url: str, tmp_path: Path) -> None:
    SCHEMA.fill(postgres_url)
    SCHEMA.run_text(
        postgres_url,
        "ALTER TABLE purchaseorder.sagastate RENAME COLUMN sagastatus TO status;\n"
        "ALTER TABLE purchaseorder.sagastate RENAME COLUMN stepstatus TO stepstate;\n",
    )
    older = STORE + 'saga.state = "status"\nsteps.column = "stepState"\n'
    done = at_home(older, postgres_url, tmp_path).call("scan", "--deep", "-o", "json")
    rules = {each["rule"] for each in done.document["findings"] if each["severity"] != "info"}
    assert rules == {"half-compensated", "false-completion"}
