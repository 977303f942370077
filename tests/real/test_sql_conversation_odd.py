"""Odd values around a saga: nothing in a message, a reply or a lock keeps a scan from its sagas."""

from __future__ import annotations

import json

import pytest

from sagadoctor.adapters.sql import conversation, replies
from tests.adapters.sheet import TEMPLATE, Sheet, doubts, read, read_one

from .test_sql_conversation import TALK, Town, examined, message

UUID = "0198a0c2-0001-7abc-8def-0123456789ab"


def test_a_numbered_saga_is_found_by_the_text_that_names_it_in_the_outbox(store_url: str) -> None:
    sagas = Sheet(store_url, columns={**TEMPLATE, "saga_id": "bigint primary key"})
    Sheet(store_url, "message", {"id": "id", "saga": "text", "published": "int"}).add(
        {"id": "m-1", "saga": "7", "published": 0}, {"id": "m-2", "saga": "seven", "published": 0}
    )
    sagas.add(sagas.good(saga_id=7), sagas.good(saga_id=8))
    outbox = {"table": "message", "id": "id", "saga_id": "saga", "sent": "published"}
    told = {saga.saga_id: saga for saga in read(sagas.open({"preset": "saga-template", "outbox": outbox}))}
    assert [entry.entry_id for entry in told["7"].outbox] == ["m-1"]
    assert told["8"].outbox == ()


def test_a_text_that_names_a_saga_in_an_outbox_of_numbers(store_url: str) -> None:
    sagas = Sheet(store_url)
    Sheet(store_url, "message", {"id": "id", "saga": "bigint", "published": "int"}).add(
        {"id": "m-1", "saga": 7, "published": 0}
    )
    sagas.add(sagas.good(saga_id="7"), sagas.good(saga_id="x"))
    outbox = {"table": "message", "id": "id", "saga_id": "saga", "sent": "published"}
    told = {saga.saga_id: saga for saga in read(sagas.open({"preset": "saga-template", "outbox": outbox}))}
    assert [entry.entry_id for entry in told["7"].outbox] == ["m-1"]


def test_ids_that_are_no_uuid_find_nothing_in_a_column_of_uuids(store_url: str) -> None:
    kind = {"postgresql": "uuid", "mysql": "uuid"}
    town = Town(store_url)
    typed = kind.get(town.sagas.kind, "text")
    Sheet(store_url, "taken", {"message": typed, "consumer": "text"}).add({"message": UUID, "consumer": "p"})
    Sheet(store_url, "answers", {"id": typed, "request": typed}).add({"id": UUID, "request": UUID})
    town.order("s-1", "no uuid at all")
    town.order("s-2", UUID)
    said = {
        **TALK,
        "received": {"table": "taken", "message": "message", "consumer": "consumer"},
        "replies": {"table": "answers", "id": "id", "answers": "request", "taken_by": "p"},
    }
    told = {saga.saga_id: saga for saga in read(town.sagas.open(said))}
    assert (told["s-1"].received, told["s-1"].replies) == ((), ())
    assert [(each.reply_id, each.taken) for each in told["s-2"].replies] == [(UUID, True)]
    assert [each.consumer for each in told["s-2"].received] == ["p"]


def test_ids_that_are_bytes(store_url: str) -> None:
    kind = {"postgresql": "bytea", "mysql": "binary(16)", "sqlite": "blob"}
    sagas = Sheet(store_url, columns={**TEMPLATE, "request": "varchar(64)"})
    typed = kind[sagas.kind]
    raw = bytes.fromhex(UUID.replace("-", ""))
    Sheet(store_url, "message", {"id": typed, "saga": "text", "published": "int"}).add(
        {"id": raw, "saga": "s-1", "published": 1}
    )
    Sheet(store_url, "taken", {"message": typed, "consumer": "text"}).add({"message": raw, "consumer": "p"})
    Sheet(store_url, "answers", {"id": typed, "request": typed}).add({"id": raw, "request": raw})
    sagas.add(sagas.good())
    said = {
        "preset": "saga-template",
        "outbox": {"table": "message", "id": "id", "saga_id": "saga", "sent": "published"},
        "received": {"table": "taken", "message": "message", "consumer": "consumer"},
        "replies": {"table": "answers", "id": "id", "answers": "request", "taken_by": "p"},
    }
    saga = read_one(sagas.open(said))
    assert [entry.entry_id for entry in saga.outbox] == [raw.hex()]
    assert [(each.message_id, each.consumer) for each in saga.received] == [(raw.hex(), "p")]
    assert [(each.reply_id, each.answers, each.taken) for each in saga.replies] == [(raw.hex(), raw.hex(), True)]


LOOSE = {"id": "text", "destination": "text", "headers": "long", "published": "int", "creation_time": "bigint"}
ODD_HEADERS = (
    None,
    "",
    "null",
    "[1]",
    '"text"',
    "{",
    '{"reply_to": null}',
    '{"reply_to": {"a": 1}}',
    '{"reply_to": 1}',
    "\\u0000",
)


def test_messages_that_say_nothing_or_anything(store_url: str) -> None:
    town = Town(store_url, message=LOOSE)
    town.order()
    town.order("s-2", "m-2")
    for number, headers in enumerate(ODD_HEADERS):
        town.messages.add({"id": f"x-{number}", "headers": headers, "published": None, "creation_time": None})
    huge = json.dumps({"reply_to": "m-2", "reply_outcome-type": "OK", "pad": "x" * 500_000})
    town.messages.add(
        {"id": None, "headers": '{"reply_to": "m-1"}', "published": 1, "creation_time": -5},
        {"id": "r-2", "headers": huge, "published": 1, "creation_time": 2**62},
    )
    town.received.add(
        {"consumer_id": None, "message_id": "m-1", "creation_time": None},
        {"consumer_id": "c", "message_id": None, "creation_time": 0},
        {"consumer_id": "Order-consumer", "message_id": "", "creation_time": 0},
    )
    told = {saga.saga_id: saga for saga in read(town.sagas.open(TALK))}
    assert [(each.consumer, each.at) for each in told["s-1"].received] == [(None, None)]
    assert [(each.reply_id, each.taken, each.at) for each in told["s-1"].replies] == [("", None, None)]
    assert [(each.reply_id, each.taken, each.at) for each in told["s-2"].replies] == [("r-2", False, None)]


def test_of_very_many_replies_to_one_command_the_one_that_was_taken_counts(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "MOST", 150)
    town = Town(store_url, message=LOOSE)
    town.order()
    town.order("s-2", "m-2")
    town.messages.add(message("m-1", command="b"), message("m-2", command="b"))
    for number in range(120):
        town.answer(f"r-{number}", "m-1", "NO")
    for number in range(200):
        town.answer(f"q-{number}", "m-2", "NO")
    town.receive("Order-consumer", "r-119")

    told = {saga.saga_id: saga for saga in read(town.sagas.open(TALK))}

    assert len(told["s-1"].replies) == conversation.MOST
    assert (told["s-1"].replies[0].reply_id, told["s-1"].replies[0].taken) == ("r-119", True)
    assert told["s-2"].replies == (), "another one of them may have been taken"
    assert doubts(told["s-2"]) == {"replies": "that many replies to command m-2: only 150 were looked at"}
    found = examined(town.sagas.open(TALK))
    assert {saga_id: finding.rule for saga_id, finding in found.items()} == {"s-1": "no-progress", "s-2": "no-progress"}
