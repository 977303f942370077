"""Ids of several columns: pages, steps, entries, locks and single sagas go by the whole of them, on every database."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagadoctor.api.v1 import Look, Saga, StepStatus
from tests.adapters.sheet import Sheet, fetch, later, pages, read
from tests.real.test_sql_roads import ask

AT: Final = "2026-11-20 10:00:00"
SAGAS: Final = {"region": "text", "no": "int", "state": "text", "at": "moment", "msg": "text", "owner": "text"}
STEPS: Final = {"saga_region": "text", "saga_no": "text", "place": "int", "name": "text", "status": "text"}
SAID: Final[dict[str, Any]] = {
    "saga": {"table": "sagas", "id": ["region", "no"], "state": "state", "updated_at": "at"},
    "steps": {
        "shape": "child_table",
        "table": "steps",
        "foreign_key": ["saga_region", "saga_no"],
        "order_by": "place",
        "fields": {"name": "name", "status": "status"},
    },
    "outbox": {"table": "mails", "id": "id", "saga_id": ["of_region", "of_no"], "sent": "sent"},
    "locks": {
        "table": "locked",
        "target": "target",
        "holder": ["by_region", "by_no"],
        "waiters": {"table": "waiting", "target": "target", "saga": ["region", "no"]},
    },
}
ODD: Final = (("eu/west", 7), ("eu", 7), ("", 7), ("eu%2Fwest", 7), ("a/b/c", 1), ("EU", 7), ("50 %", 2), ("ü/ß", -3))
FEW: Final = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sheets(url: str) -> dict[str, Sheet]:
    columns: dict[str, dict[str, str]] = {
        "sagas": SAGAS,
        "steps": STEPS,
        "mails": {"id": "int", "of_region": "text", "of_no": "int", "sent": "flag"},
        "locked": {"target": "text", "by_region": "text", "by_no": "int"},
        "waiting": {"target": "text", "region": "text", "no": "int"},
    }
    made = {name: Sheet(url, name, each) for name, each in columns.items()}
    exact = " collate utf8mb4_nopad_bin" if made["sagas"].kind == "mysql" else ""
    if exact:
        made["sagas"].run(f"alter table sagas modify region varchar(200) character set utf8mb4{exact} not null")
    return made


def named(found: list[Saga] | tuple[Saga, ...]) -> dict[str, Saga]:
    return {saga.saga_id: saga for saga in found}


def printed(region: str, number: int) -> str:
    return f"{region.replace('%', '%25').replace('/', '%2F')}/{number}"


def test_what_belongs_to_a_saga_is_found_by_the_whole_of_its_id(store_url: str) -> None:
    made = sheets(store_url)
    made["sagas"].add(*({"region": region, "no": no, "state": "running", "at": AT} for region, no in ODD))
    for at, (region, no) in enumerate(ODD):
        step = {"saga_region": region, "saga_no": str(no), "place": 1, "name": f"n{at}", "status": "executing"}
        made["steps"].add(step, {**step, "saga_no": "99", "name": "of another"})
        flag = {"sent": at % 2 == 0} if made["mails"].kind == "postgresql" else {"sent": int(at % 2 == 0)}
        made["mails"].add({"id": at, "of_region": region, "of_no": no, **flag})
        made["locked"].add({"target": f"t{at}", "by_region": region, "by_no": no})
        made["waiting"].add({"target": f"t{(at + 1) % len(ODD)}", "region": region, "no": no})
    found = named(read(made["sagas"].open(SAID)))
    assert set(found) == {printed(*each) for each in ODD}
    for at, each in enumerate(ODD):
        saga = found[printed(*each)]
        assert [(step.name, step.status) for step in saga.steps or ()] == [(f"n{at}", StepStatus.EXECUTING)]
        assert [(entry.entry_id, entry.sent) for entry in saga.outbox] == [(str(at), at % 2 == 0)]
        holder = printed(*ODD[(at + 1) % len(ODD)])
        assert [(wait.target, wait.holder_id) for wait in saga.waits_on] == [(f"t{(at + 1) % len(ODD)}", holder)]
    told = ask(made["sagas"].open(SAID), lambda store: store.survey(Look(later())))
    assert told.orphans.count == len(ODD)
    assert printed("eu/west", 99) in told.orphans.saga_ids


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("eu%2Fwest/7", [("eu/west", 7)]),
        ("eu%2fwest/007", [("eu/west", 7)]),
        ("eu/west/7", [("eu/west", 7)]),
        ("eu/7", [("eu", 7)]),
        ("/7", [("", 7)]),
        ("eu%252Fwest/7", [("eu%2Fwest", 7)]),
        ("a/b/c/1", [("a/b/c", 1)]),
        ("50 %25/2", [("50 %", 2)]),
        ("50 %/2", [("50 %", 2)]),
        ("ü/ß/-3", [("ü/ß", -3)]),
        ("EU/7", [("EU", 7)]),
        ("eu", []),
        ("eu/", []),
        ("eu/x", []),
        ("eu/7/", []),
        ("west/7", []),
        ("7/eu", []),
    ],
)
def test_a_saga_is_shown_by_every_spelling_of_its_id_and_no_other_is(
    store_url: str, text: str, meant: list[tuple[str, int]]
) -> None:
    made = sheets(store_url)
    made["sagas"].add(*({"region": region, "no": no, "state": "running", "at": AT} for region, no in ODD))
    found = fetch(made["sagas"].open({"saga": SAID["saga"]}), text, detail=True)
    assert sorted(saga.saga_id for saga in found) == sorted(printed(*each) for each in meant)


def test_a_spelling_that_two_sagas_have_brings_both(store_url: str) -> None:
    sheet = Sheet(store_url, "sagas", {"one": "text", "two": "text", "state": "text"})
    sheet.add({"one": "a/b", "two": "c", "state": "running"}, {"one": "a", "two": "b/c", "state": "running"})
    said = {"saga": {"table": "sagas", "id": ["one", "two"], "state": "state"}}
    assert sorted(saga.saga_id for saga in fetch(sheet.open(said), "a/b/c")) == ["a%2Fb/c", "a/b%2Fc"]
    assert [saga.saga_id for saga in fetch(sheet.open(said), "a%2Fb/c")] == ["a%2Fb/c"]


@pytest.mark.parametrize("key", ["primary key (region, no)", "unique (no, region)", ""])
def test_pages_go_by_several_keys(store_url: str, key: str) -> None:
    made = sheets(store_url)["sagas"]
    if key.startswith("primary") and made.kind == "sqlite":
        made.run("drop table sagas", f"create table sagas (region text, no int, state text, at text, {key})")
    elif key:
        made.run("delete from sagas")
        unique = "create unique index by_key on sagas " + key.partition(" ")[2]
        made.run(unique if made.kind == "sqlite" else f"alter table sagas add {key}")
    rows = [{"region": f"r{at % 7}", "no": at, "state": "running", "at": AT} for at in range(9000)]
    table = sa.table("sagas", *(sa.column(name) for name in rows[0]))
    with made.engine.begin() as connection:
        connection.execute(table.insert(), rows)
    found = pages(made.open({"saga": {**SAID["saga"], "updated_at": None}}))
    ids = [saga.saga_id for page in found for saga in page.sagas]
    assert len(found) > 2
    assert sorted(ids) == sorted(printed(row["region"], row["no"]) for row in rows)


@FEW
@given(ids=st.lists(st.tuples(st.text("ab/%2F\\ ", max_size=5), st.text("c/%25", max_size=4)), min_size=1, unique=True))
def test_every_id_that_is_printed_is_found_again_alone(store_url: str, ids: list[tuple[str, str]]) -> None:
    sheet = _texts(store_url)
    sheet.run("delete from sagas")
    sheet.add(*({"one": one, "two": two, "state": "running"} for one, two in ids))
    said = {"saga": {"table": "sagas", "id": ["one", "two"], "state": "state"}}
    listed = read(sheet.open(said))
    assert len({saga.saga_id for saga in listed}) == len(ids)
    for saga in listed:
        assert [one.saga_id for one in fetch(sheet.open(said), saga.saga_id)] == [saga.saga_id]


_MADE: dict[str, Sheet] = {}


def _texts(url: str) -> Sheet:
    if url not in _MADE:
        sheet = _MADE[url] = Sheet(url, "sagas", {"one": "text", "two": "text", "state": "text"})
        if sheet.kind == "mysql":
            exact = "varchar(200) character set utf8mb4 collate utf8mb4_nopad_bin"
            sheet.run(f"alter table sagas modify one {exact}, modify two {exact}")
    return _MADE[url]


def test_a_query_has_ids_of_several_columns_too(store_url: str) -> None:
    made = sheets(store_url)
    made["sagas"].add(*({"region": region, "no": no, "state": "running", "at": AT} for region, no in ODD))
    step = {"saga_region": "eu/west", "saga_no": "7", "place": 1, "name": "n", "status": "executing"}
    made["steps"].add(step)
    table = {"query": "select region, no, state, at from sagas", "key": ["region", "no"]}
    rows = {"query": "select saga_region, saga_no, name, status, place from steps", "key": "place"}
    said = {"saga": {**SAID["saga"], "table": table}, "steps": {**SAID["steps"], "table": rows}}
    found = named(read(made["sagas"].open(said)))
    assert len(found) == len(ODD)
    assert [each.name for each in found["eu%2Fwest/7"].steps or ()] == ["n"]
    assert [saga.saga_id for saga in fetch(made["sagas"].open(said), "eu/west/7")] == ["eu%2Fwest/7"]
