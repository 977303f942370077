"""What is asked by ids beside a page: by an index or, of a big table, not at all, and it is said what would help."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import FullScanRefused, Look, Page, Policy, Saga, StillClock
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.sheet import TEMPLATE, Sheet, fetch, later

from .test_sql_conversation import BIG, LOCKS, NOW, TALK, Town, crowd, message

OWNED = {**TEMPLATE, "worker": "text"}
ALIVE: dict[str, Any] = {
    "preset": "saga-template",
    "saga": {
        "owner": {"column": "worker", "alive": {"table": "workers", "id": "name", "heartbeat": "seen", "within": "1m"}}
    },
}
OUTBOX = {"table": "mail", "id": "id", "saga_id": "saga", "sent": "published"}


def looked(store: SqlStore, **asked: Any) -> tuple[list[Page], FullScanRefused | None]:
    """Read a store to its end; what it could not read, where it says so at the end."""

    async def work() -> tuple[list[Page], FullScanRefused | None]:
        told: list[Page] = []
        try:
            async for page in store.read(Look(later(), **asked)):
                told.append(page)
        except FullScanRefused as refused:
            return told, refused
        finally:
            await store.close()
        return told, None

    return asyncio.run(work())


def the_saga(told: list[Page]) -> Saga:
    [saga] = [saga for page in told for saga in page.sagas]
    return saga


def analyzed(*sheets: Sheet) -> None:
    for sheet in sheets:
        name = sheet.name
        sheet.run({"sqlite": "analyze", "postgresql": f"analyze {name}"}.get(sheet.kind, f"analyze table {name}"))


def test_an_outbox_that_no_index_finds_leaves_the_sagas_in_sight_and_the_store_incomplete(store_url: str) -> None:
    sagas, mail = Sheet(store_url), Sheet(store_url, "mail", {"id": "id", "saga": "text", "published": "int"})
    sagas.add(sagas.good())
    mail.add({"id": "m", "saga": "s-1", "published": 0})
    mail.add(*({"id": f"m-{number}", "saga": f"x-{number}", "published": 1} for number in range(300)))
    analyzed(sagas, mail)
    said = {"preset": "saga-template", "outbox": OUTBOX}

    told, refused = looked(sagas.open(said, **BIG))
    assert the_saga(told).outbox == ()
    assert refused is not None
    assert "commands in the outbox were not looked at: no index finds them in" in refused.reason
    assert refused.hint.startswith("CREATE INDEX")

    [shown] = fetch(sagas.open(said, **BIG), "s-1", detail=True)
    [doubt] = shown.doubts
    assert (doubt.field, doubt.raw) == ("outbox", "not looked at")
    assert "CREATE INDEX" in doubt.reason

    told, none = looked(sagas.open(said, **BIG), allow_full_scan=True)
    assert none is None
    assert [entry.entry_id for entry in the_saga(told).outbox] == ["m"]

    mail.run(refused.hint.replace("CONCURRENTLY ", ""))
    told, none = looked(sagas.open(said, **BIG))
    assert none is None
    assert [entry.entry_id for entry in the_saga(told).outbox] == ["m"]


def test_owners_that_no_index_finds_are_nobodys_to_judge(store_url: str) -> None:
    sagas, workers = Sheet(store_url, columns=OWNED), Sheet(store_url, "workers", {"name": "text", "seen": "moment"})
    sagas.add(sagas.good(worker="w-7"))
    workers.add(*({"name": f"w-{number}", "seen": "2020-01-01 00:00:00"} for number in range(300)))
    analyzed(sagas, workers)

    told, refused = looked(sagas.open(ALIVE, **BIG))
    owner = the_saga(told).owner
    assert owner is not None
    assert (owner.name, owner.alive) == ("w-7", None)
    assert refused is not None
    assert "whether owners are alive was not looked at" in refused.reason

    workers.run(refused.hint.replace("CONCURRENTLY ", ""))
    told, refused = looked(sagas.open(ALIVE, **BIG))
    owner = the_saga(told).owner
    assert owner is not None
    assert (owner.alive, refused) == (False, None)


def test_of_several_heartbeats_of_one_worker_the_latest_counts(store_url: str) -> None:
    sagas, workers = Sheet(store_url, columns=OWNED), Sheet(store_url, "workers", {"name": "text", "seen": "moment"})
    sagas.add(sagas.good(worker="w"))
    workers.add(*({"name": "w", "seen": f"20{year}-01-01 00:00:00"} for year in (20, 25, 22)))
    told, _ = looked(sagas.open(ALIVE))
    owner = the_saga(told).owner
    assert owner is not None
    assert owner.heartbeat_at is not None
    assert owner.heartbeat_at.year == 2025


def test_a_heartbeat_from_the_future_tells_nothing(store_url: str) -> None:
    sagas, workers = Sheet(store_url, columns=OWNED), Sheet(store_url, "workers", {"name": "text", "seen": "moment"})
    sagas.add(sagas.good(worker="w"))
    workers.add({"name": "w", "seen": "2099-01-01 00:00:00"})
    told, _ = looked(sagas.open(ALIVE))
    owner = the_saga(told).owner
    assert owner is not None
    assert owner.alive is None


def test_who_allows_it_has_all_of_a_big_table_read_for_a_conversation_too(store_url: str) -> None:
    town = Town(store_url)
    crowd(town)
    town.order()
    town.messages.add(message("m-1", command="b"))
    town.answer("r-1", "m-1")
    town.receive("payment", "m-1")
    town.stash.add({"message_id": "m-1", "target": "t-7", "saga_id": "s-1"})
    town.analyzed()

    told, _ = looked(town.sagas.open({**TALK, **LOCKS}, **BIG), allow_full_scan=True)

    saga = the_saga(told)
    assert [receipt.consumer for receipt in saga.received] == ["payment"]
    assert [(reply.reply_id, reply.taken) for reply in saga.replies] == [("r-1", False)]
    assert [wait.target for wait in saga.waits_on] == ["t-7"]
    assert not any("not looked at" in note for page in told for note in page.notes)


def test_mostly_empty_columns_are_asked_by_their_index_all_the_same(store_url: str) -> None:
    """An engine that guesses by averages takes an index on a column that is mostly NULL for useless."""
    town = Town(store_url, message={**{"id": "id", "headers": "document", "published": "int"}, "answers": "text"})
    town.order()
    rows = ({"id": f"x-{number}", "headers": "{}", "published": 1} for number in range(2000))
    town.messages.add(*rows, {"id": "r-1", "headers": "{}", "published": 1, "answers": "m-1"})
    town.messages.run("create index by_answer on message (answers)")
    town.analyzed()
    outbox = {"table": "message", "id": "id", "saga": "last_request", "sent": "published"}
    said = {"preset": "saga-template", "outbox": outbox, "replies": {"table": "message", "answers": "answers"}}

    told, _ = looked(town.sagas.open(said, **BIG))

    assert [reply.reply_id for reply in the_saga(told).replies] == ["r-1"]
    assert not [note for page in told for note in page.notes]


@pytest.mark.parametrize("unread", ["steps", "ids"])
def test_one_saga_is_not_looked_up_by_reading_all_of_a_big_table(store_url: str, unread: str) -> None:
    columns = {"saga": "text", "number": "int", "name": "text", "status": "text"}
    sagas = Sheet(store_url, columns={**TEMPLATE, "saga_id": "text"} if unread == "ids" else TEMPLATE)
    steps = Sheet(store_url, "saga_steps", columns)
    rows = 300 if unread == "ids" else 1
    sagas.add(*(sagas.good(saga_id=f"s-{number}") for number in range(rows)))
    steps.add(*({"saga": f"s-{number}", "number": 0, "name": "a", "status": "completed"} for number in range(300)))
    analyzed(sagas, steps)
    shape = {"shape": "child_table", "table": "saga_steps", "foreign_key": "saga", "order_by": "number"}
    fields = {"name": "name", "status": "status"}
    said = {
        "saga": {"table": "sagas", "id": "saga_id", "state": "state", "updated_at": "updated_at"},
        **({"steps": {**shape, "fields": fields}} if unread == "steps" else {}),
    }

    with pytest.raises(FullScanRefused) as error:
        fetch(sagas.open(said, **BIG), "s-0")
    sagas.run(error.value.hint.replace("CONCURRENTLY ", ""))
    assert [saga.saga_id for saga in fetch(sagas.open(said, **BIG), "s-0")] == ["s-0"]


def test_repairs_that_no_index_finds_leave_a_note_and_every_other_finding(store_url: str) -> None:
    sagas = Sheet(store_url, columns={**TEMPLATE, "saga_id": "text", "mended": "text"})
    sagas.add(*(sagas.good(saga_id=f"s-{number}", state="completed") for number in range(300)))
    sagas.add(sagas.good(saga_id="failed", state="failed", mended="s-3"), sagas.good(saga_id="stuck"))
    sagas.run("create index live on sagas (state, updated_at)")
    analyzed(sagas)
    said = {"preset": "saga-template", "saga": {"repaired_by": "mended"}}

    async def work() -> tuple[set[str], str]:
        backends = Backends((sagas.open(said, **BIG),), Policy(), StillClock(NOW))
        told = [each async for each in scan(backends, ScanRequest("cron", as_of=NOW, since=timedelta(days=30)))]
        await backends.close()
        notes = " ".join(told[-1].notes)
        return {str(getattr(each, "saga_id", "")) for each in told}, notes

    found, notes = asyncio.run(work())
    assert {"failed", "stuck"} <= found
    assert "whether its sagas were repaired by others was not looked at" in notes
