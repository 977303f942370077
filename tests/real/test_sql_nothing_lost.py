"""Rows that a scan could miss without a word: each is read, or the report says that something is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagadoctor.adapters.sql import plugin, survey
from sagadoctor.adapters.sql.outbox import MOST
from sagadoctor.adapters.sql.repeats import MOST_REPEATED
from sagadoctor.api.v1 import FullScanRefused, Look, Policy, Saga, SagaState, Survey
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, doubts, fetch, later, pages, read, read_one, steps_json

from .test_sql_roads import BIG, PRESET, ask, fill, read_until_refused, saga_id, state_of

pytestmark = pytest.mark.slow

SINCE = datetime(2026, 11, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ids(sagas: list[Saga]) -> list[str]:
    return sorted(saga.saga_id for saga in sagas)


# -- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "blob", "int", "flag", "numeric"])
@pytest.mark.parametrize("indexed", [False, True])
def test_a_word_in_any_storage_class_is_found(sqlite_url: str, kind: str, indexed: bool) -> None:
    sheet = Sheet(sqlite_url, columns={**TEMPLATE, "state": kind})
    if indexed:
        sheet.run("create index by_state on sagas (state, updated_at)")
    words = ["pending", b"pending", "completed", b"completed", b"\xff\xfe", "odd", b"odd", 2, 1, 0, 1.5, None]
    sheet.add(*(sheet.good(saga_id=f"s-{at:02}", state=word) for at, word in enumerate(words)))
    for context in ({}, {"big_table": 5}) if indexed else ({},):
        live = read(sheet.open(**context))
        assert ids(live) == [f"s-{at:02}" for at in range(12) if at not in (2, 3)]
        assert {saga.saga_id: saga.state for saga in live}["s-01"] is SagaState.PENDING
        assert ids(read(sheet.open(**context), ended_since=SINCE)) == [f"s-{at:02}" for at in range(12)]


def test_a_flag_as_the_state_may_be_any_number(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "state": "flag"})
    words: list[Any] = [True, False, None] if sheet.kind == "postgresql" else [1, 0, None, 2]
    sheet.add(*(sheet.good(saga_id=f"s-{at}", state=word) for at, word in enumerate(words)))
    said = {
        **PRESET,
        "saga": {"state": {"column": "state", "values": {"true": "pending", "1": "pending", "0": "started"}}},
    }
    assert ids(read(sheet.open(said))) == [f"s-{at}" for at in range(len(words))]


PATTERN = {**PRESET, "saga": {"state": {"column": "state", "pattern": r"\.(\w+)$"}}}


@pytest.mark.parametrize("indexed", [False, True])
def test_more_words_than_are_looked_at_are_read_all_the_same(store_url: str, indexed: bool) -> None:
    sheet = Sheet(store_url)
    if indexed:
        sheet.run("create index by_state on sagas (state, updated_at)")
    fill(sheet, 1500, saga_id=saga_id, state=lambda at: f"step-{at}.{'completed' if at % 3 == 0 else 'running'}")
    live = read(sheet.open(PATTERN))
    assert (len(live), {saga.state for saga in live}) == (1000, {SagaState.PENDING})
    assert len(read(sheet.open(PATTERN), ended_since=SINCE)) == 1500


def test_more_words_than_are_looked_at_in_a_big_table_are_said(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.run("create index by_state on sagas (state, updated_at)")
    fill(sheet, 1500, saga_id=saga_id, state=lambda at: f"step-{at}.running")
    told, refused = read_until_refused(sheet.open(PATTERN, **BIG))
    assert len(told) == 1000
    assert "rows whose state is none of the first 1,000 different words" in refused.reason
    assert "--allow-full-scan" in refused.hint
    assert len(read(sheet.open(PATTERN, **BIG), allow_full_scan=True)) == 1500


def test_a_full_scan_goes_by_the_mappings_own_words(store_url: str) -> None:
    sheet = Sheet(store_url)
    fill(sheet, 1500, saga_id=saga_id, state=lambda at: "DONE" if at % 40 == 0 else "completed")
    said = {**PRESET, "saga": {"state": {"column": "state", "values": {"DONE": "pending"}}}}
    assert len(read(sheet.open(said, **BIG), allow_full_scan=True)) == 38


@pytest.mark.parametrize(
    "index", ["(state, updated_at) where state is not null", "(updated_at) where state is not null"]
)
@pytest.mark.parametrize("engine", ["sqlite_url", "postgres_url"])
def test_rows_without_a_state_outside_a_partial_index_are_said(
    request: pytest.FixtureRequest, engine: str, index: str
) -> None:
    sheet = Sheet(request.getfixturevalue(engine))
    sheet.run(f"create index held on sagas {index}")
    moved = datetime(2026, 11, 20, 1)
    fill(
        sheet,
        4000,
        saga_id=saga_id,
        state=lambda at: None if at == 7 else state_of(at),
        updated_at=lambda at: str(moved + timedelta(seconds=at)),
    )
    told, refused = read_until_refused(sheet.open(**BIG))
    assert len(told) == 100
    assert "rows without a state can't be found" in refused.reason
    assert "leaves out" not in refused.reason, "the index holds every word"
    whole = read(sheet.open(**BIG), allow_full_scan=True)
    assert (len(whole), [saga.saga_id for saga in whole if saga.state is SagaState.UNKNOWN]) == (101, [saga_id(7)])


@pytest.mark.parametrize("engine", ["sqlite_url", "postgres_url"])
def test_what_a_partial_index_leaves_out_is_said(request: pytest.FixtureRequest, engine: str) -> None:
    sheet = Sheet(request.getfixturevalue(engine), columns={**TEMPLATE, "state": "varchar(40) not null"})
    sheet.run("create index held on sagas (updated_at) where state in ('pending', 'started')")
    fill(sheet, 4000, saga_id=saga_id, state=lambda at: "wobbling" if at == 7 else state_of(at))
    told, refused = read_until_refused(sheet.open(**BIG))
    assert len(told) == 100
    assert "rows that the partial index held leaves out can't be found" in refused.reason
    assert len(read(sheet.open(**BIG), allow_full_scan=True)) == 101


@pytest.mark.parametrize("engine", ["sqlite_url", "postgres_url"])
def test_ended_rows_outside_a_partial_index_are_found_by_their_time_or_said(
    request: pytest.FixtureRequest, engine: str
) -> None:
    sheet = Sheet(request.getfixturevalue(engine), columns={**TEMPLATE, "state": "varchar(40) not null"})
    sheet.run("create index lively on sagas (updated_at) where state not in ('completed', 'failed', 'compensated')")

    def moved(at: int) -> str:
        return str(datetime(2026, 11, 20, 9) if at % 10 == 0 else datetime(2026, 10, 1))

    fill(sheet, 4000, saga_id=saga_id, state=state_of, updated_at=moved)
    assert len(read(sheet.open(**BIG))) == 100
    told, refused = read_until_refused(sheet.open(**BIG), ended_since=SINCE)
    assert len(told) == 100
    assert "ended sagas can't be found" in refused.reason
    sheet.run("create index by_time on sagas (updated_at)")
    sheet.run("analyze" if sheet.kind == "sqlite" else "analyze sagas")
    assert len(read(sheet.open(**BIG), ended_since=SINCE)) == 400


# -- ids, keys ----------------------------------------------------------------------------------------------------


def test_row_22_every_repeated_id_is_marked(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "text"})
    fill(sheet, 3200, saga_id=lambda at: saga_id(at // 2) if at < 3000 else saga_id(at))
    told = read(sheet.open())
    assert sum("id" in doubts(saga) for saga in told) == 3000 < MOST_REPEATED
    assert len(told) == 3200


def test_row_22_more_repeated_ids_than_are_marked_are_said(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagadoctor.adapters.sql.repeats.MOST_REPEATED", 10)
    sheet = Sheet(sqlite_url, columns={**TEMPLATE, "saga_id": "text"})
    fill(sheet, 60, saga_id=lambda at: saga_id(min(at // 2, 20)))
    some = pages(sheet.open())
    told = [saga for page in some for saga in page.sagas]
    assert "id" in doubts(next(saga for saga in told if saga.saga_id == saga_id(20))), "what most rows have comes first"
    assert any(page.truncated and "the others are not marked" in page.notes[0] for page in some)


def test_row_21_rows_without_an_id_come_once(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "text"})
    sheet.add(sheet.good(saga_id=None), sheet.good(saga_id=None), sheet.good(), sheet.good(saga_id="s-2"))
    assert ids(read(sheet.open())) == ["", "", "s-1", "s-2"]
    assert ids(read(sheet.open(), ended_since=SINCE)) == ["", "", "s-1", "s-2"]


def surveyed(store: Any) -> Survey:
    told: Survey = ask(store, lambda each: each.survey(Look(later())))
    return told


KEYED = {**PRESET, "saga": {"business_key": "ref"}}


def test_the_key_that_most_sagas_share_is_never_left_out(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "ref": "text"})
    fill(sheet, 625, saga_id=saga_id, ref=lambda at: f"A-{at // 2}" if at < 600 else "Z")
    told = surveyed(sheet.open(KEYED))
    assert len(told.shared_keys) == 301
    assert (told.shared_keys[0].business_key, told.shared_keys[0].count) == ("Z", 25)
    assert told.shared_keys[0].saga_ids == tuple(saga_id(at) for at in range(600, 625))
    assert (told.truncated, told.notes) == (False, ())
    monkeypatch.setattr(survey, "MOST_GROUPS", 50)
    told = surveyed(sheet.open(KEYED))
    assert (len(told.shared_keys), told.shared_keys[0].business_key) == (50, "Z")
    assert told.truncated
    assert "share a business key" in told.notes[0]


@pytest.mark.parametrize("cap", ["MOST_IDS", "_MOST_ROWS"])
def test_sagas_of_a_key_that_are_left_out_are_said(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, cap: str) -> None:
    monkeypatch.setattr(survey, cap, 20)
    sheet = Sheet(sqlite_url, columns={**TEMPLATE, "ref": "text"})
    fill(sheet, 29, saga_id=saga_id, ref=lambda at: "Z" if at < 25 else f"A-{at // 2}")
    told = surveyed(sheet.open(KEYED))
    assert told.truncated
    assert "share a business key" in told.notes[0]


# -- times --------------------------------------------------------------------------------------------------------


def test_row_21_a_live_saga_without_any_time_is_said(store_url: str) -> None:
    sheet = Sheet(store_url)
    moved = steps_json("completed", "executing", executed_at="2026-11-20T09:30:00Z")
    sheet.add(
        sheet.good(updated_at=None, created_at=None),
        sheet.good(saga_id="s-2", updated_at=None, created_at=None, steps=moved),
        sheet.good(saga_id="s-3", updated_at=None),
        sheet.good(saga_id="s-4", updated_at=None, created_at=None, state="completed"),
    )
    told = {saga.saga_id: doubts(saga) for saga in read(sheet.open(), ended_since=SINCE)}
    assert told == {"s-1": {"updated_at": "nothing tells when it last moved"}, "s-2": {}, "s-3": {}, "s-4": {}}
    saga = next(saga for saga in read(sheet.open()) if saga.saga_id == "s-1")
    policy = Policy().of("Order")
    [finding] = [each for each in examine(assemble(saga, policy, NOW), policy, NOW) if each.rule == "unreadable"]
    assert "nothing tells when it last moved" in finding.summary


def test_row_21_no_time_is_missed_where_the_store_has_none_to_tell(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(updated_at=None, created_at=None))
    said = {**PRESET, "saga": {"updated_at": False, "created_at": False}}
    assert read_one(sheet.open(said)).doubts == ()


def test_row_31_a_time_that_is_no_text_is_no_time(sqlite_url: str) -> None:
    sheet = Sheet(sqlite_url, columns={**TEMPLATE, "updated_at": "text", "due": "blob", "ended": "text"})
    odd = [b"\xff\xfe", b"2026-11-20\x0010:00", "caf\xe9", "\x00"]
    sheet.add(*(sheet.good(saga_id=f"s-{at}", updated_at=one, due=one, ended=one) for at, one in enumerate(odd)))
    sheet.run(
        "insert into sagas (saga_id, state, steps, updated_at, due, ended) "
        "values ('s-4', 'pending', '[]', cast(x'fffe' as text), cast(x'fffe' as text), cast(x'fffe' as text))"
    )
    said = {**PRESET, "saga": {"deadline": "due", "ended_at": "ended"}}
    told = read(sheet.open(said))
    assert len(told) == 5
    for saga in told:
        assert (saga.updated_at in (None, saga.created_at), saga.deadline, saga.ended_at) == (True, None, None)
        assert {"updated_at", "deadline", "ended_at"} <= set(doubts(saga))
        policy = Policy().of(saga.saga_type)
        assert examine(assemble(saga, policy, NOW), policy, NOW)


# -- outbox -------------------------------------------------------------------------------------------------------

MESSAGES = {"id": "int", "saga": "text", "step": "text", "sent": "int", "made": "moment"}
OUTBOX = {"table": "message", "id": "id", "saga_id": "saga", "step": "step", "sent": "sent", "created_at": "made"}


def letters(count: int, unsent: int, start: int = 0) -> list[dict[str, Any]]:
    began = datetime(2026, 11, 20, 1)
    return [
        {
            "id": start + at,
            "saga": "s-1",
            "step": "b",
            "sent": int(at != unsent),
            "made": str(began + timedelta(seconds=at)),
        }
        for at in range(count)
    ]


@pytest.mark.parametrize("unsent", [0, 120, 999])
def test_what_was_not_sent_is_never_cut(store_url: str, unsent: int) -> None:
    sheet = Sheet(store_url)
    sheet.add(GOOD)
    mail = Sheet(store_url, name="message", columns=MESSAGES)
    rows = letters(1000, unsent)
    mail.add(*rows)
    saga = read_one(sheet.open({**PRESET, "outbox": OUTBOX}))
    assert len(saga.outbox) == MOST
    assert [entry.entry_id for entry in saga.outbox if entry.sent is False] == [str(unsent)]
    newest = {str(at) for at in range(1000 - MOST, 1000)}
    assert len(newest & {entry.entry_id for entry in saga.outbox}) >= MOST - 1
    assert "1000 entries" in doubts(saga)["outbox"]
    policy = Policy().of("Order")
    found = {finding.rule for finding in examine(assemble(saga, policy, NOW), policy, NOW)}
    assert "outbox-unpublished" in found


def test_without_times_the_newest_are_those_of_the_last_ids(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(GOOD)
    mail = Sheet(store_url, name="message", columns=MESSAGES)
    mail.add(*reversed(letters(MOST + 50, 3)))
    outbox = {key: value for key, value in OUTBOX.items() if key != "created_at"}
    saga = read_one(sheet.open({**PRESET, "outbox": outbox}))
    assert [entry.entry_id for entry in saga.outbox] == ["3", *(str(at) for at in range(51, MOST + 50))]


def test_an_outbox_is_tied_by_the_whole_of_an_id() -> None:
    said = {
        **PRESET,
        "url": "sqlite:////nowhere.db",
        "saga": {"id": ["tenant", "no"]},
        "outbox": OUTBOX,
    }
    with pytest.raises(ValueError, match=r"saga_id holds .* as many columns as that \(tenant, no\)"):
        plugin.options.model_validate(plugin.expand(said))


# -- indexes ------------------------------------------------------------------------------------------------------

INDEXES = [
    ["on sagas (state desc, updated_at desc)"],
    ["on sagas (state, updated_at) where saga_type = 'Order'", "on sagas (state)"],
    ["on sagas (state) where updated_at > '2026-01-01'", "on sagas (state, saga_type)"],
    ["on sagas (lower(state), updated_at)", "on sagas (state)"],
    ["on sagas (state, lower(saga_type), updated_at)", "on sagas (updated_at)"],
    ["on sagas (updated_at desc)", "on sagas (state, created_at)"],
]


@pytest.mark.parametrize("engine", ["sqlite_url", "postgres_url"])
@pytest.mark.parametrize("indexes", INDEXES)
def test_any_index_that_serves_is_taken_and_no_other(
    request: pytest.FixtureRequest, engine: str, indexes: list[str]
) -> None:
    sheet = Sheet(request.getfixturevalue(engine))
    for at, index in enumerate(indexes):
        sheet.run(f'create index "ix {at}" {index}')
    fill(
        sheet, 4000, saga_id=saga_id, state=state_of, updated_at=lambda at: None if at % 80 == 0 else GOOD["updated_at"]
    )
    for context in ({}, BIG):
        said = {**PRESET, "saga": {"where": {"saga_type": ["Order"]}}}
        assert len(read(sheet.open(said, **context))) == 100
        try:
            assert len(read(sheet.open(said, **context), ended_since=SINCE)) == 4000
        except FullScanRefused:  # PostgreSQL's own choice, where most rows are wanted
            assert sheet.kind == "postgresql"
            assert context
        assert len(read(sheet.open(**context), saga_types=frozenset(("Order",)))) == 100


def test_an_index_that_compares_otherwise_is_not_walked_along(sqlite_url: str) -> None:
    sheet = Sheet(sqlite_url)
    sheet.run("create index by_state on sagas (state collate nocase, updated_at)")
    fill(sheet, 4000, saga_id=saga_id, state=state_of)
    assert len(read(sheet.open())) == 100
    with pytest.raises(Exception, match="without reading all of"):
        read(sheet.open(**BIG))
    assert len(read(sheet.open(**BIG), allow_full_scan=True)) == 100


@pytest.mark.parametrize("indexed", [False, True])
def test_a_table_without_row_ids(sqlite_url: str, indexed: bool) -> None:
    sheet = Sheet(sqlite_url, columns={})
    columns = ", ".join(f"{name} text" for name in TEMPLATE if name != "saga_id")
    sheet.run(f"create table sagas (saga_id text primary key, {columns}) without rowid")
    if indexed:
        sheet.run("create index by_state on sagas (state, updated_at)")
    fill(
        sheet, 4000, saga_id=saga_id, state=state_of, updated_at=lambda at: None if at % 80 == 0 else GOOD["updated_at"]
    )
    for context in ({}, BIG) if indexed else ({},):
        assert len(read(sheet.open(**context))) == 100
        assert len(read(sheet.open(**context), ended_since=SINCE)) == 4000


def test_spaces_that_fill_a_column_up_mean_nothing(store_url: str) -> None:
    filled_up = {"saga_id": "char(12) primary key", "saga_type": "char(10)", "state": "char(20)"}
    sheet = Sheet(store_url, columns={**TEMPLATE, **filled_up})
    fill(sheet, 4010, saga_id=saga_id, state=lambda at: "CLOSED" if at < 10 else "OPEN")
    values = {"OPEN": "pending", "CLOSED": "completed"}
    when = [{"if": {"state": word}, "is": meant} for word, meant in values.items()]
    for state in ({"column": "state", "values": values}, {"when": when}):
        said = {**PRESET, "saga": {"state": state}}
        live = read(sheet.open(said))
        assert ids(live) == [saga_id(at) for at in range(10, 4010)]
        assert {(saga.state, saga.saga_type) for saga in live} == {(SagaState.PENDING, "Order")}
        assert len(read(sheet.open(said), ended_since=SINCE)) == 4010
        assert [saga.saga_id for saga in fetch(sheet.open(said), saga_id(3))] == [saga_id(3)]


def test_row_22_a_full_scan_shows_duplicates_and_rows_without_an_id(postgres_url: str) -> None:
    sheet = Sheet(postgres_url, columns={**TEMPLATE, "saga_id": "text"})
    fill(sheet, 1000, saga_id=lambda at: None if at < 3 else saga_id(at // 2), state="pending")
    told = read(sheet.open(**BIG), allow_full_scan=True)
    assert len(told) == 1000
    assert ids(told)[:4] == ["", "", "", saga_id(1)]
    assert sum(doubts(saga).get("id", "").startswith("duplicate id") for saga in told) == 498
