"""Tables of real applications, mapped by configuration alone: who is sick is told by the cause, and nobody else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .wild import Schema, schemas

ALL = schemas()
BAD = ("warning", "critical")


@pytest.mark.parametrize(("schema", "fixture"), [pytest.param(each, each.fixture, id=each.folder.name) for each in ALL])
def test_what_ails_each_saga_is_said_first(
    schema: Schema, fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = str(request.getfixturevalue(fixture))
    schema.fill(url)
    done = schema.looks(url, schema.home(url, tmp_path))
    document = done.document
    found = [each for each in document["findings"] if each["primary"] and each["severity"] in BAD]

    assert document["complete"], done.said
    assert {each["saga_id"]: each["rule"] for each in found} == schema.sick
    assert done.code == 1


@pytest.mark.parametrize("schema", [pytest.param(each, id=each.folder.name) for each in ALL])
def test_every_row_is_in_the_truth(schema: Schema) -> None:
    assert schema.well
    assert schema.sick
    assert not schema.well & set(schema.sick)
    rows = (schema.folder / "rows.sql").read_text("utf-8")
    assert all(each in rows for each in (*schema.well, *schema.sick))


def test_every_database_has_its_schemas() -> None:
    count = Counter(each.truth["database"] for each in ALL)
    assert set(count) == {"postgresql", "mariadb", "sqlite"}
    assert min(count.values()) >= 2
