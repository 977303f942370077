"""The conversation around a saga in a real database: replies that nobody took, locks that somebody else holds."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagadoctor.adapters.sql import conversation
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Page, Policy, Reply, ReplyOutcome, SchemaMismatch, StillClock
from sagadoctor.model.finding import Finding
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.sheet import TEMPLATE, Sheet, later, pages, read, read_one, steps_json

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WRITTEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
COLUMNS = {**TEMPLATE, "last_request": "text"}
MESSAGE = {
    "id": "id", "destination": "text", "headers": "document", "published": "int", "creation_time": "bigint"
}  # fmt: skip
RECEIVED = {"consumer_id": "text", "message_id": "text", "creation_time": "bigint"}
LOCK = {"target": "id", "saga_id": "text"}
STASH = {"message_id": "id", "target": "text", "saga_id": "text"}
AT = {"column": "creation_time", "format": "epoch_ms"}
TALK: dict[str, Any] = {
    "preset": "saga-template",
    "outbox": {
        "table": "message",
        "id": "id",
        "saga": "last_request",
        "step": {"column": "headers", "path": "$.command"},
        "sent": {"column": "published", "values": {"0": "no", "1": "yes"}},
        "created_at": AT,
    },
    "received": {"table": "received_messages", "message": "message_id", "consumer": "consumer_id", "at": AT},
    "replies": {
        "table": "message",
        "answers": {"column": "headers", "path": "$.reply_to"},
        "outcome": {"column": "headers", "path": "$.reply_outcome-type", "values": {"OK": "done", "NO": "refused"}},
        "taken_by": "{saga_type}-consumer",
    },
}
LOCKS: dict[str, Any] = {
    "preset": "saga-template",
    "locks": {
        "table": "lock_table",
        "target": "target",
        "holder": "saga_id",
        "waiters": {"table": "stash_table", "target": "target", "saga": "saga_id"},
    },
}
BIG: dict[str, Any] = {"big_table": 50}


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def message(message_id: str, at: datetime = WRITTEN, published: int = 1, **headers: str) -> dict[str, Any]:
    return {
        "id": message_id,
        "destination": "somewhere",
        "headers": json.dumps(headers),
        "published": published,
        "creation_time": ms(at),
    }


class Town:
    """The tables around a table of sagas."""

    def __init__(self, url: str, **changed: dict[str, str]) -> None:
        self.sagas = Sheet(url, columns=changed.get("sagas", COLUMNS))
        self.messages = Sheet(url, "message", changed.get("message", MESSAGE))
        self.received = Sheet(url, "received_messages", RECEIVED)
        self.locks = Sheet(url, "lock_table", LOCK)
        self.stash = Sheet(url, "stash_table", STASH)

    def order(self, saga_id: str = "s-1", request: str | None = "m-1", **fields: Any) -> None:
        self.sagas.add(self.sagas.good(saga_id=saga_id, last_request=request, **fields))

    def answer(self, message_id: str, to: str, outcome: str = "OK", **fields: Any) -> None:
        told = message(message_id, **{"at": WRITTEN + timedelta(seconds=5), **fields}, reply_to=to)
        headers = json.loads(told["headers"]) | {"reply_outcome-type": outcome}
        self.messages.add({**told, "headers": json.dumps(headers)})

    def analyzed(self) -> None:
        """Let the engine know how many rows there are."""
        for sheet in (self.sagas, self.messages, self.received, self.locks, self.stash):
            name = sheet.name
            sheet.run({"sqlite": "analyze", "postgresql": f"analyze {name}"}.get(sheet.kind, f"analyze table {name}"))

    def receive(self, consumer: str, *messages: str, at: datetime = WRITTEN) -> None:
        self.received.add(
            *({"consumer_id": consumer, "message_id": each, "creation_time": ms(at)} for each in messages)
        )


def examined(store: SqlStore, **known: Any) -> dict[str, Finding]:
    """Scan one store as of the tests' moment; the primary finding of each saga."""

    async def work() -> dict[str, Finding]:
        backends = Backends((store,), known.get("policy", Policy()), StillClock(NOW))
        request = ScanRequest("cron", as_of=NOW, since=timedelta(days=30))
        told = [each async for each in scan(backends, request)]
        await backends.close()
        return {str(each.saga_id): each for each in told if isinstance(each, Finding) and each.primary}

    return asyncio.run(work())


def checked(store: SqlStore) -> list[str]:
    async def work() -> list[str]:
        try:
            return [line.text for line in await store.check(later())]
        finally:
            await store.close()

    return asyncio.run(work())


def notes(told: list[Page]) -> str:
    return "\n".join(note for page in told for note in page.notes)


def test_what_a_page_tells_of_its_sagas_commands(store_url: str) -> None:
    town = Town(store_url)
    town.order()
    town.order("s-2", "m-2")
    town.order("s-3", None)
    town.order("s-4", "m-4", state="completed", steps=steps_json("completed", "completed"))
    town.messages.add(message("m-1", command="b"), message("m-2", command="b"), message("m-4", command="b"))
    town.answer("r-1", "m-1")
    town.answer("r-2", "m-2", "NO", published=0)
    town.answer("r-4", "m-4")
    town.answer("r-9", "m-9")
    town.receive("payment", "m-1", "m-2")
    town.receive("Order-consumer", "r-2", "r-4", "r-9")
    town.receive("Trip-consumer", "r-1")

    told = {saga.saga_id: saga for saga in read(town.sagas.open(TALK), ended_since=datetime(2026, 1, 1, tzinfo=UTC))}

    answered = WRITTEN + timedelta(seconds=5)
    lost, refused = told["s-1"], told["s-2"]
    [receipt] = lost.received
    assert (receipt.message_id, receipt.consumer, receipt.at) == ("m-1", "payment", WRITTEN)
    [reply] = lost.replies
    expected = Reply("r-1", "m-1", reply.source, ReplyOutcome.DONE, answered, True, False, "Order-consumer")
    assert reply == expected
    assert reply.source.endswith("message")
    assert [(each.reply_id, each.outcome, each.sent, each.taken) for each in refused.replies] == [
        ("r-2", ReplyOutcome.REFUSED, False, True)
    ]
    assert (told["s-3"].received, told["s-3"].replies) == ((), ())
    assert (told["s-4"].received, told["s-4"].replies) == ((), ()), "nobody asks about what has ended"
    assert not any(saga.doubts for saga in told.values())


def test_a_reply_that_was_never_taken_is_what_is_wrong(store_url: str) -> None:
    town = Town(store_url)
    for saga_id in ("lost", "taken", "silent"):
        town.order(saga_id, f"m-{saga_id}")
        town.messages.add(message(f"m-{saga_id}", command="b"))
    town.answer("r-lost", "m-lost")
    town.answer("r-taken", "m-taken")
    town.receive("Order-consumer", "r-taken")

    found = examined(town.sagas.open(TALK))

    assert {saga_id: finding.rule for saga_id, finding in found.items()} == {
        "lost": "reply-lost",
        "taken": "no-progress",
        "silent": "no-progress",
    }


def test_a_command_whose_entry_was_deleted_is_still_asked_about(store_url: str) -> None:
    town = Town(store_url)
    town.order()
    town.answer("r-1", "m-1")

    saga = read_one(town.sagas.open(TALK))

    assert saga.outbox == ()
    assert [reply.taken for reply in saga.replies] == [False]


def test_entries_that_name_their_saga_are_asked_about_the_latest_first(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "ASKED", 3)
    town = Town(store_url, message={**MESSAGE, "saga": "text"})
    town.order()
    for number in range(6):
        town.messages.add({**message(f"m-{number}", WRITTEN + timedelta(minutes=9 - number)), "saga": "s-1"})
        town.answer(f"r-{number}", f"m-{number}")
    outbox = {key: value for key, value in TALK["outbox"].items() if key != "saga"} | {"saga_id": "saga"}

    saga = read_one(town.sagas.open({**TALK, "outbox": outbox}))

    assert len(saga.outbox) == 6
    assert {reply.answers for reply in saga.replies} == {"m-0", "m-1", "m-2"}


def test_of_one_command_a_few_replies_are_kept_but_each_that_was_taken_counts(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "MOST", 2)
    town = Town(store_url)
    town.order()
    for number in range(5):
        town.answer(f"r-{number}", "m-1")
    town.receive("Order-consumer", *(f"x-{number}" for number in range(50)), *(f"r-{number}" for number in range(5)))

    saga = read_one(town.sagas.open(TALK))

    assert [reply.taken for reply in saga.replies] == [True, True]


def test_a_table_of_replies_of_its_own(store_url: str) -> None:
    town = Town(store_url)
    Sheet(store_url, "answers", {"reply": "id", "request": "text", "outcome": "text", "sent": "moment"}).add(
        {"reply": "r-1", "request": "m-1", "outcome": "DONE", "sent": None},
        {"reply": "r-2", "request": "m-2", "outcome": "?", "sent": "2026-11-20 10:00:00"},
    )
    town.order()
    town.order("s-2", "m-2")
    words = {
        "table": "answers",
        "id": "reply",
        "answers": "request",
        "outcome": {"column": "outcome", "values": {"DONE": "done"}},
        "sent_at": "sent",
    }

    told = {saga.saga_id: saga.replies for saga in read(town.sagas.open({**TALK, "received": None, "replies": words}))}

    assert [(each.outcome, each.sent, each.taken, each.at) for each in told["s-1"]] == [
        (ReplyOutcome.DONE, False, None, None)
    ]
    assert [(each.outcome, each.sent) for each in told["s-2"]] == [(None, True)]


def crowd(town: Town) -> None:
    """Make every table around the sagas a big one."""
    town.messages.add(*(message(f"x-{number}", command="b") for number in range(400)))
    town.receive("nobody", *(f"x-{number}" for number in range(400)))
    town.locks.add(*({"target": f"t-{number}", "saga_id": "x"} for number in range(400)))
    town.stash.add(*({"message_id": f"x-{number}", "target": "t", "saga_id": f"x-{number}"} for number in range(400)))


def test_a_big_table_is_asked_by_an_index_or_not_at_all(store_url: str) -> None:
    town = Town(store_url)
    crowd(town)
    town.order()
    town.messages.add(message("m-1", command="b"))
    town.answer("r-1", "m-1")
    town.receive("payment", "m-1")
    town.stash.add({"message_id": "m-1", "target": "t-7", "saga_id": "s-1"})
    town.analyzed()

    told = pages(town.sagas.open({**TALK, **LOCKS}, **BIG))

    [saga] = [saga for page in told for saga in page.sagas]
    assert (saga.received, saga.replies, saga.waits_on) == ((), (), ())
    assert [entry.entry_id for entry in saga.outbox] == ["m-1"]
    said = notes(told)
    for text in ("who received a command was not looked at", "replies were not looked at", "locks were not looked at"):
        assert text in said
    assert said.count("CREATE INDEX") == (3 if town.sagas.kind == "postgresql" else 2)
    assert sum("not looked at" in text for text in checked(town.sagas.open({**TALK, **LOCKS}, **BIG))) == 3

    town.received.run("create index by_message on received_messages (message_id)")
    town.stash.run("create index by_saga on stash_table (saga_id)")
    town.analyzed()
    told = pages(town.sagas.open({**TALK, **LOCKS}, **BIG))
    [saga] = [saga for page in told for saga in page.sagas]
    assert [receipt.consumer for receipt in saga.received] == ["payment"]
    assert [(wait.target, wait.holder_id) for wait in saga.waits_on] == [("t-7", "x")]
    assert "locks" not in notes(told)


def test_replies_of_a_big_table_are_found_by_a_column_with_an_index(store_url: str) -> None:
    town = Town(store_url, message={**MESSAGE, "reply_to": "text"})
    crowd(town)
    town.order()
    town.messages.add({**message("r-1"), "reply_to": "m-1"})
    town.messages.run("create index by_answer on message (reply_to)")
    town.received.run("create index by_both on received_messages (consumer_id, message_id)")
    town.analyzed()
    replies = {**TALK["replies"], "answers": "reply_to"}

    told = pages(town.sagas.open({**TALK, "replies": replies}, **BIG))

    [saga] = [saga for page in told for saga in page.sagas]
    assert [reply.taken for reply in saga.replies] == [False], "one consumer is asked by an index that it leads"
    assert "who received a command was not looked at" in notes(told)
    town.receive("Order-consumer", "r-1")
    [saga] = read(town.sagas.open({**TALK, "replies": replies}, **BIG))
    assert [reply.taken for reply in saga.replies] == [True]


@pytest.mark.parametrize("kind", ["jsonb", "text"])
def test_replies_in_a_document_are_found_by_an_index_of_its_path(postgres_url: str, kind: str) -> None:
    town = Town(postgres_url, message={**MESSAGE, "headers": kind})
    town.order()
    told = "jsonb_build_object('reply_to', 'y-' || n, 'reply_outcome-type', 'NO')"
    town.messages.run(
        f"insert into message select 'x-' || n, 'd', {told}, 1, 1 from generate_series(1, 3000) n",
        """insert into message values ('r-1', 'd', '{"reply_to": "m-1", "reply_outcome-type": "OK"}', 1, 1)""",
    )
    if kind == "text":
        town.messages.run("insert into message values ('x-0', 'd', 'no \"reply_to\": \"m-1\" at all', 1, 1)")
    town.analyzed()
    before = notes(pages(town.sagas.open(TALK, **BIG)))
    assert "replies were not looked at: no index finds them" in before
    found = re.search("CREATE INDEX CONCURRENTLY .*", before)
    assert found is not None
    town.messages.run(found[0].replace("CONCURRENTLY", ""))
    town.analyzed()

    pages_told = pages(town.sagas.open(TALK, **BIG))

    [saga] = [saga for page in pages_told for saga in page.sagas]
    assert [(reply.reply_id, reply.outcome) for reply in saga.replies] == [("r-1", ReplyOutcome.DONE)]
    assert "replies" not in notes(pages_told)


def test_locks_and_who_holds_them(store_url: str) -> None:
    town = Town(store_url)
    for saga_id in ("a", "b", "c", "x", "y", "o", "free"):
        town.order(saga_id)
    town.locks.add(
        {"target": "sku/1", "saga_id": "c"},
        {"target": "dock/x", "saga_id": "x"},
        {"target": "dock/y", "saga_id": "y"},
        {"target": "left", "saga_id": "gone"},
    )
    waits = {"a": "sku/1", "b": "sku/1", "x": "dock/y", "y": "dock/x", "o": "left", "free": "nobody's"}
    town.stash.add(*({"message_id": f"m-{at}", "target": t, "saga_id": at} for at, t in waits.items()))

    told = {saga.saga_id: saga.waits_on for saga in read(town.sagas.open(LOCKS))}
    assert {saga_id: [(w.target, w.holder_id) for w in waits] for saga_id, waits in told.items()} == {
        "a": [("sku/1", "c")],
        "b": [("sku/1", "c")],
        "c": [],
        "x": [("dock/y", "y")],
        "y": [("dock/x", "x")],
        "o": [("left", "gone")],
        "free": [("nobody's", None)],
    }
    found = examined(town.sagas.open(LOCKS))
    assert {saga_id: finding.rule for saga_id, finding in found.items()} == {
        **dict.fromkeys(("a", "b", "x", "y", "o"), "blocked-by"),
        **dict.fromkeys(("c", "free"), "no-progress"),
    }
    assert "a lock held by saga c" in found["a"].summary
    assert "it and saga y wait for each other's locks" in found["x"].summary
    assert "saga gone, which holds it, is in no store that was asked" in found["o"].summary


def test_an_id_of_several_columns_holds_locks_too(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "bigint", "saga_type": "varchar(60)"})
    Sheet(store_url, "lock_table", {"target": "id", "kind": "text", "saga": "text"}).add(
        {"target": "t", "kind": "Order", "saga": "1"}
    )
    Sheet(store_url, "stash_table", {"target": "text", "kind": "text", "saga": "text"}).add(
        {"target": "t", "kind": "Order", "saga": "2"}, {"target": "t", "kind": "Trip", "saga": "1"}
    )
    sheet.add(sheet.good(saga_id=1), sheet.good(saga_id=2), sheet.good(saga_id=1, saga_type="Trip"))
    both = ["kind", "saga"]
    said = {
        "preset": "saga-template",
        "saga": {"id": ["saga_type", "saga_id"]},
        "locks": {
            "table": "lock_table",
            "target": "target",
            "holder": both,
            "waiters": {"table": "stash_table", "target": "target", "saga": both},
        },
    }

    told = {saga.saga_id: [wait.holder_id for wait in saga.waits_on] for saga in read(sheet.open(said))}

    assert told == {"Order/1": [], "Order/2": ["Order/1"], "Trip/1": ["Order/1"]}


def test_ids_of_hostile_text_stay_texts(store_url: str) -> None:
    town = Town(store_url)
    odd = "x'); drop table message; --"
    town.order("s-1", odd)
    town.order("s-2", "m-1")
    town.messages.add(message(odd), message("M-1", command="b"))
    town.answer("r-1", odd)
    town.answer("r-2", "M-1")
    town.locks.add({"target": odd, "saga_id": "S-2"})
    town.stash.add(
        {"message_id": "1", "target": odd, "saga_id": "s-1"}, {"message_id": "2", "target": odd, "saga_id": "S-2"}
    )

    told = {saga.saga_id: saga for saga in read(town.sagas.open({**TALK, **LOCKS}))}

    assert [reply.answers for reply in told["s-1"].replies] == [odd]
    assert [wait.holder_id for wait in told["s-1"].waits_on] == ["S-2"]
    assert told["s-2"].replies == (), "ids are compared by their bytes"
    assert told["s-2"].waits_on == ()


def test_what_the_mapping_names_must_be_there(sqlite_url: str) -> None:
    town = Town(sqlite_url)
    said = {
        **TALK,
        "received": {**TALK["received"], "consumer": "consumr_id"},
        "locks": {**LOCKS["locks"], "table": "lok_table"},
    }
    with pytest.raises(SchemaMismatch, match="lok_table"):
        read(town.sagas.open(said))
    with pytest.raises(SchemaMismatch, match="no column 'consumr_id', did you mean 'consumer_id'"):
        read(town.sagas.open({key: value for key, value in said.items() if key != "locks"}))
