"""`init` on tables of real applications: what it proposes, and exactly what a person adds for the right diagnosis."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sagadoctor.export.toml_text import assignment, header
from tests.adapters.opening import without_password
from tests.cli.running import Home

from .wild import Schema, schemas

ALL = schemas()
BAD = ("warning", "critical")


@dataclass(frozen=True)
class Person:
    """What a person knows that no table says: the answer to the one question, and keys of the file.

    `todo` are words that the proposal itself says about them; `missed` are sick sagas that nothing is said of before.
    """

    store: str
    failed_means: str | None = None
    adds: Mapping[str, Any] = field(default_factory=dict)
    todo: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


def undo(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "compensation": f"undo of {name}", **more}


def steps(saga_type: str, *listed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {saga_type: {"steps": list(listed), **more}}


PEOPLE = {
    "debezium": Person("sagastate"),
    "k1s0": Person(  # how long steps may take
        "saga-states",
        "by_steps",
        {
            "sagas": steps(
                "order-fulfillment",
                undo("reserve-inventory", timeout="30s"),
                undo("process-payment", timeout="60s"),
                undo("arrange-shipping", timeout="30s"),
            )
        },
        ("no undo: each is taken to have one",),
    ),
    "latebit": Person(  # the zone, the steps' names, that they have undos
        "saga-states",
        "by_steps",
        {
            "stores": {"saga-states": {"tz": "America/Toronto"}},
            "sagas": steps("saga_state", undo("create-customer"), undo("create-application"), undo("create-mortgage")),
        },
        ("name the steps of saga_state",),
    ),
    "nestjs-saga-states": Person(  # the words of its own state machine, and that archived rows are put aside
        "saga-states",
        None,
        {
            "stores": {
                "saga-states": {
                    "saga": {
                        "where": {"archivedAt": "null"},
                        "state": {
                            "values": {
                                "AwaitingPayment": "pending",
                                "AwaitingShipment": "pending",
                                "RefundingPayment": "compensating",
                                "ManualReview": "waiting",
                            }
                        },
                    }
                }
            }
        },
        ("say what these states mean", "AwaitingPayment"),
    ),
    "omicron": Person(  # "done" doesn't say how it ended: a query asks the events
        "saga",
        None,
        {
            "stores": {
                "saga": {
                    "saga": {
                        "table": {
                            "key": "id",
                            "query": "select s.id, s.name, s.time_created, case when s.saga_state = 'done' and exists "
                            "(select 1 from saga_node_event e where e.saga_id = s.id and event_type = 'undo_started') "
                            "then 'unwound' else s.saga_state::text end as saga_state from saga s",
                        },
                        "state": {"values": {"unwound": "compensated", "abandoned": "failed"}},
                    }
                }
            }
        },
        ("what these states mean: abandoned",),
    ),
    "payment-platform": Person(  # how long a step may take
        "sagas",
        "failed",
        {"sagas": steps("payment", undo("reserve_funds"), undo("authorize", timeout="10m"), undo("capture"))},
        ("no undo: each is taken to have one",),
    ),
    "python-cqrs": Person(  # how often is too often
        "saga-executions",
        "by_steps",
        {"sagas": {"OrderSaga": {"policy": {"attempts": 5}}}},
        missed=("00000000-0000-4000-8000-000000000008",),
    ),
    "saga-phases": Person("sagas", "by_steps"),
    "sagaweaw": Person("sagas", "failed"),
    "sargeras": Person(  # the zone, two words, the steps, and that the cursor goes back
        "saga-context",
        None,
        {
            "stores": {
                "saga-context": {
                    "tz": "Asia/Shanghai",
                    "saga": {"state": {"values": {"OVERTIME": "failed", "INCOMPATIBLE": "failed"}}},
                    "steps": {"goes_back": True},
                }
            },
            "sagas": steps("BookTravel", undo("BookCar"), undo("BookAir"), undo("BookHotel"), {"name": "Summary"}),
        },
        ("say what these states mean: OVERTIME", "name the steps of BookTravel"),
    ),
    "shard-wallet": Person(  # the numbers of a step's status
        "saga-instance",
        "by_steps",
        {
            "stores": {
                "saga-instance": {
                    "steps": {
                        "fields": {
                            "status": {
                                "column": "status",
                                "values": {
                                    "0": "pending",
                                    "1": "executing",
                                    "2": "completed",
                                    "3": "failed",
                                    "4": "compensating",
                                    "5": "compensated",
                                    "6": "skipped",
                                },
                            }
                        }
                    }
                }
            }
        },
        ("mean nothing to us",),
    ),
    "vnf-lcm": Person(  # the steps of both types, and how long they may take
        "saga-instances",
        "compensated",
        {
            "sagas": {
                **steps(
                    "VNF_INSTANTIATE",
                    {"name": "ReserveResources", "compensation": "ReleaseResources", "timeout": "2m"},
                    {"name": "Deploy", "timeout": "30m"},
                ),
                **steps("VNF_TERMINATE", {"name": "TerminateVnf", "timeout": "2m"}),
            }
        },
        ("name the steps of VNF_INSTANTIATE, VNF_TERMINATE",),
        ("vnf-0008",),
    ),
    "yoyo-saga-steps": Person("saga-instances", None),
}
WITHOUT_ROWS = {"servicecomb-pack"}
"""Nothing but events: a person writes two queries."""
MAPPED = [each for each in ALL if each.folder.name not in WITHOUT_ROWS]


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        known = out.get(key)
        if isinstance(known, str) and isinstance(value, Mapping) and not {"column", "query"} & set(value):
            known = {"column": known}
        out[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return out


def written(table: Mapping[str, Any]) -> str:
    """The file anew, every key below its store or saga in one line."""
    lines = [line for key, value in table.items() if not isinstance(value, Mapping) for line in assignment(key, value)]
    for section in ("environment", "policy"):
        if section in table:
            lines += [header([section]), *(line for pair in table[section].items() for line in assignment(*pair))]
    for family in ("stores", "sagas"):
        for name, inner in table.get(family, {}).items():
            lines.append(header([family, name]))
            for key, value in inner.items():
                lines += assignment(key, value)
    return "\n".join(lines) + "\n"


def proposed(url: str, folder: Path, *options: str) -> tuple[Home, str]:
    plain, _ = without_password(url)
    password = sa.make_url(url).password or ""
    file = folder / "proposed.toml"
    home = Home(folder, file, {"SAGADOCTOR_TEST_PASSWORD": password})
    secret = ["--password-env", "SAGADOCTOR_TEST_PASSWORD"] if password else []
    done = home.call("init", plain, *secret, "--out", str(file), "--no-scan", *options)
    assert done.code == 0, done.said
    return home, file.read_text("utf-8")


@pytest.mark.parametrize(
    ("schema", "fixture"), [pytest.param(each, each.fixture, id=each.folder.name) for each in MAPPED]
)
def test_with_what_a_person_adds_the_diagnosis_is_that_of_the_mapping_by_hand(
    schema: Schema, fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    person = PEOPLE[schema.folder.name]
    url = str(request.getfixturevalue(fixture))
    schema.fill(url)
    answer = ["--failed-means", person.failed_means] if person.failed_means else []
    home, text = proposed(url, tmp_path, *answer)
    assert home.call("config", "validate").code == 0
    table = tomllib.loads(text)
    assert list(table["stores"]) == [person.store]
    assert home.config is not None
    home.config.write_text(written(merged(table, person.adds)), "utf-8")
    document = schema.looks(url, home).document
    found = [each for each in document["findings"] if each["primary"] and each["severity"] in BAD]
    assert {each["saga_id"]: each["rule"] for each in found} == schema.sick


@pytest.mark.parametrize(
    ("schema", "fixture"), [pytest.param(each, each.fixture, id=each.folder.name) for each in MAPPED]
)
def test_what_a_person_has_to_add_is_said_and_nobody_is_silenced_meanwhile(
    schema: Schema, fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    person = PEOPLE[schema.folder.name]
    url = str(request.getfixturevalue(fixture))
    schema.fill(url)
    home, text = proposed(url, tmp_path)
    asked = "What does the store's word" in text
    assert asked == (person.failed_means is not None)
    assert ('failed_means = "unknown"' in text) == asked
    for words in person.todo:
        assert re.search(re.escape(words).replace(r"\ ", r"\s+(?:#\s+)?"), text), words
    moment = schema.truth.get("as_of")
    assert home.config is not None
    if moment is None or "tz" in str(person.adds):
        return
    document = home.call("scan", "-o", "json", "--as-of", moment.isoformat()).document
    told = {each["saga_id"] for each in document["findings"] if each["severity"] in BAD}
    assert set(schema.sick) - told == set(person.missed)


def test_every_schema_is_tried() -> None:
    assert set(PEOPLE) | WITHOUT_ROWS == {each.folder.name for each in ALL}


def test_where_sagas_have_no_row_of_their_own_it_says_how_to_make_one(mariadb_url: str, tmp_path: Path) -> None:
    (schema,) = [each for each in ALL if each.folder.name in WITHOUT_ROWS]
    schema.fill(mariadb_url)
    with pytest.raises(AssertionError, match=r"no sagas were found(.|\n)*a query can make one"):
        proposed(mariadb_url, tmp_path)
