"""Every way to write a value in every column of a mapping: it is read as it was meant, or refused with a message."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from sagadoctor.api.v1 import Saga, SchemaMismatch
from tests.adapters.sheet import Sheet, read_one

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECONDS: Final = int(AT.timestamp())
TICKS: Final = SECONDS * 10_000_000 + 621_355_968_000_000_000
HEX: Final = f"{SECONDS * 1000:012x}"
V7: Final = f"{HEX[:8]}-{HEX[8:]}-7000-8000-000000000001"
HIGH: Final = f"{SECONDS * 1000:016x}-0242ac1200020000"
COLUMNS: Final = {
    "id": "id",
    "word": "text",
    "t_plain": "moment",
    "t_zoned": "zoned",
    "t_berlin": "moment",
    "t_iso": "text",
    "t_s": "bigint",
    "t_ms": "bigint",
    "t_us": "bigint",
    "t_ticks": "bigint",
    "t_v7": "text",
    "t_v7b": "blob",
    "t_high": "text",
    "t_in_text": "long",
    "t_word": "text",
    "doc": "document",
    "other_doc": "document",
    "list": "document",
    "name": "text",
    "name_in_text": "text",
    "number": "int",
    "number_text": "text",
    "wait": "int",
    "start": "int",
    "flag": "flag",
    "uuid_text": "text",
    "uuid_hex": "text",
    "uuid_bytes": "blob",
    "uuid_swapped": "blob",
    "fk": "text",
}
ID: Final = UUID("0193a1b2-c3d4-7000-8000-00000000000a")
SWAPPED: Final = ID.bytes[6:8] + ID.bytes[4:6] + ID.bytes[:4] + ID.bytes[8:]
DOC: Final = {
    "t": {"iso": "2026-11-20T09:00:00Z", "ms": SECONDS * 1000, "s": str(SECONDS)},
    "n": {"name": "Anna", "no": 7},
}
TIMES: Final[dict[str, dict[str, Any]]] = {
    "timestamp": {"column": "t_plain"},
    "timestamp said": {"column": "t_plain", "format": "timestamp"},
    "timestamp with a zone": {"column": "t_zoned"},
    "tz": {"column": "t_berlin", "tz": "Europe/Berlin"},
    "iso": {"column": "t_iso", "format": "iso"},
    "epoch_s": {"column": "t_s", "format": "epoch_s"},
    "epoch_ms": {"column": "t_ms", "format": "epoch_ms"},
    "epoch_us": {"column": "t_us", "format": "epoch_us"},
    "dotnet_ticks": {"column": "t_ticks", "format": "dotnet_ticks"},
    "uuid_v7": {"column": "t_v7", "format": "uuid_v7"},
    "uuid_v7 in bytes": {"column": "t_v7b", "format": "uuid_v7"},
    "id_high_ms": {"column": "t_high", "format": "id_high_ms"},
    "path": {"column": "other_doc", "path": "$.t.iso"},
    "path to a number": {"column": "other_doc", "path": "$.t.ms", "format": "epoch_ms"},
    "path to a number in a text": {"column": "other_doc", "path": "$.t.s", "format": "epoch_s"},
    "pattern": {"column": "t_in_text", "pattern": "at=([^;]+);"},
    "pattern and format": {"column": "t_in_text", "pattern": "ms=([0-9]+)", "format": "epoch_ms"},
    "values": {"column": "t_word", "values": {"first": "2026-11-20T09:00:00Z"}},
}
SAGA: Final = {"table": "sagas", "id": "id", "state": "word"}
STEP_TIMES: Final = ("started_at", "executed_at", "compensated_at", "timeout_at", "next_attempt_at")
SAGA_TIMES: Final = ("created_at", "updated_at", "ended_at", "deadline", "next_attempt_at", "lease_until")


def sheet(url: str) -> Sheet:
    made = Sheet(url, columns=COLUMNS)
    is_true: Any = True if made.kind == "postgresql" else 1
    made.add(
        {
            "id": "s-1",
            "word": "running",
            "t_plain": "2026-11-20 09:00:00",
            "t_zoned": "2026-11-20 09:00:00" + ("+00" if made.kind == "postgresql" else ""),
            "t_berlin": "2026-11-20 10:00:00",
            "t_iso": "2026-11-20T11:00:00+02:00",
            "t_s": SECONDS,
            "t_ms": SECONDS * 1000,
            "t_us": SECONDS * 1_000_000,
            "t_ticks": TICKS,
            "t_v7": V7,
            "t_v7b": UUID(V7).bytes,
            "t_high": HIGH,
            "t_in_text": f"at=2026-11-20T09:00:00Z; ms={SECONDS * 1000}",
            "t_word": "first",
            "doc": json.dumps(DOC),
            "other_doc": json.dumps({**DOC, "filling": "x" * 100_000}),
            "list": json.dumps([_object(made)]),
            "name": "Anna",
            "name_in_text": "who=Anna, else",
            "number": 3,
            "number_text": "3",
            "wait": 80,
            "start": 10,
            "flag": is_true,
            "uuid_text": str(ID).upper(),
            "uuid_hex": ID.hex,
            "uuid_bytes": ID.bytes,
            "uuid_swapped": SWAPPED,
            "fk": "s-1",
        }
    )
    return made


def _object(made: Sheet) -> dict[str, Any]:
    """What a step's object holds by the names of the columns, as an application would write it."""
    del made
    return {
        "name": "Anna",
        "word": "done",
        "t_plain": "2026-11-20T09:00:00",
        "t_zoned": "2026-11-20T09:00:00Z",
        "t_berlin": "2026-11-20 10:00:00",
        "t_iso": "2026-11-20T11:00:00+02:00",
        "t_s": SECONDS,
        "t_ms": SECONDS * 1000,
        "t_us": SECONDS * 1_000_000,
        "t_ticks": TICKS,
        "t_v7": V7,
        "t_v7b": V7,
        "t_high": HIGH,
        "t_in_text": f"at=2026-11-20T09:00:00Z; ms={SECONDS * 1000}",
        "t_word": "first",
        "other_doc": DOC,
        "name_in_text": "who=Anna, else",
        "number": 3,
        "number_text": "3",
        "wait": 80,
        "flag": True,
    }


def rows(**fields: Any) -> dict[str, Any]:
    """Steps in rows, here those of the sagas' own table."""
    plain = {"name": "name", "status": {"const": "completed"}}
    return {"shape": "child_table", "table": "sagas", "foreign_key": "fk", "fields": {**plain, **fields}}


def told(saga: Saga, *names: str) -> dict[str, Any]:
    return {name: getattr(saga, name) for name in names}


@pytest.mark.parametrize("way", TIMES)
def test_a_time_in_every_format_is_read_in_every_column_of_a_time(store_url: str, way: str) -> None:
    spec = TIMES[way]
    made = sheet(store_url)
    alive = {"table": "sagas", "id": "name", "heartbeat": spec, "within": "1m"}
    saga = {**SAGA, **dict.fromkeys(SAGA_TIMES, spec), "owner": {"column": "name", "alive": alive}}
    outbox = {"table": "sagas", "id": "id", "saga_id": "fk", "sent_at": spec, "created_at": spec}
    received = {"table": "sagas", "message": "id", "at": spec}
    replies = {"table": "sagas", "id": "id", "answers": "fk", "sent_at": spec, "at": spec}
    steps = rows(**dict.fromkeys(STEP_TIMES, spec))
    said = {"saga": saga, "steps": steps, "outbox": outbox, "received": received, "replies": replies}
    found = read_one(made.open(said))
    assert found.doubts == ()
    fields = [name for name in SAGA_TIMES if name != "lease_until"]
    assert told(found, *fields) == dict.fromkeys(fields, AT)
    assert found.owner is not None
    assert (found.owner.lease_until, found.owner.heartbeat_at) == (AT, AT)
    (step,) = found.steps or ()
    assert {name: getattr(step, name) for name in STEP_TIMES} == dict.fromkeys(STEP_TIMES, AT)
    (entry,) = found.outbox
    assert (entry.created_at, entry.sent_at) == (AT, AT)
    assert [receipt.at for receipt in found.received] == [AT]
    assert [(reply.at, reply.sent) for reply in found.replies] == [(AT, True)]
    flags = {"name": "a", "done_at": spec, "started_at": spec, "undone_at": spec, "timeout_at": spec}
    (step,) = read_one(made.open({"saga": SAGA, "steps": {"shape": "columns", "steps": [flags]}})).steps or ()
    assert (step.executed_at, step.started_at, step.compensated_at, step.timeout_at) == (AT, AT, AT, AT)
    listed = {"name": "name", "status": {"const": "completed"}, **dict.fromkeys(STEP_TIMES, spec)}
    found = read_one(made.open({"saga": SAGA, "steps": {"shape": "json_list", "column": "list", "fields": listed}}))
    (step,) = found.steps or ()
    assert {name: getattr(step, name) for name in STEP_TIMES} == dict.fromkeys(STEP_TIMES, AT)
    assert found.doubts == ()
    at = read_one(made.open({"saga": SAGA, "steps": rows(at=spec)}))
    assert [step.executed_at for step in at.steps or ()] == [AT]


TEXTS: Final[dict[str, dict[str, Any]]] = {
    "column": {"column": "name"},
    "path": {"column": "other_doc", "path": "$.n.name"},
    "pattern": {"column": "name_in_text", "pattern": "who=([^,]+)"},
    "values": {"column": "name", "values": {"Anna": "Anna"}},
    "values of a number": {"column": "number", "values": {"3": "Anna"}},
    "values of a flag": {"column": "flag", "values": {"true": "Anna"}},
    "values after a pattern": {"column": "name_in_text", "pattern": "who=(A)", "values": {"A": "Anna"}},
    "values at a path": {"column": "other_doc", "path": "$.n.no", "values": {"7": "Anna"}},
    "const": {"const": "Anna"},
}
SAGA_TEXTS: Final = {
    "type": "saga_type",
    "business_key": "business_key",
    "version": "version",
    "error": "error",
    "waiting_for": "waiting_for",
    "parent": "parent_id",
    "repaired_by": "repaired_by",
    "correlation_id": "correlation_id",
    "trace_id": "trace_id",
}
STEP_TEXTS: Final = ("name", "action", "compensation", "error")


@pytest.mark.parametrize("way", TEXTS)
def test_a_text_told_in_every_way_is_read_in_every_column_of_a_text(store_url: str, way: str) -> None:
    spec = TEXTS[way]
    made = sheet(store_url)
    saga: dict[str, Any] = {**SAGA, **dict.fromkeys(SAGA_TEXTS, spec)}
    if way != "const":
        saga |= {"owner": spec, "current_step": {**spec, "by": "name"}}
    outbox = {"table": "sagas", "id": "id", "saga_id": "fk", "sent": {"const": "yes"}, "step": spec}
    replies = {"table": "sagas", "id": "id", "answers": "fk", "outcome": _outcome(spec)}
    steps = rows(**dict.fromkeys(STEP_TEXTS, spec), result=spec)
    found = read_one(made.open({"saga": saga, "steps": steps, "outbox": outbox, "replies": replies}))
    assert found.doubts == ()
    assert told(found, *SAGA_TEXTS.values()) == dict.fromkeys(SAGA_TEXTS.values(), "Anna")
    if way != "const":
        assert found.current_step == "Anna"
        assert found.owner is not None
        assert found.owner.name == "Anna"
    (step,) = found.steps or ()
    assert {name: getattr(step, name) for name in STEP_TEXTS} == dict.fromkeys(STEP_TEXTS, "Anna")
    assert [entry.step for entry in found.outbox] == ["Anna"]
    assert [reply.outcome for reply in found.replies] == ["done"]
    flags = {"name": "a", "done_at": "t_plain", **dict.fromkeys(STEP_TEXTS[1:], spec)}
    (step,) = read_one(made.open({"saga": SAGA, "steps": {"shape": "columns", "steps": [flags]}})).steps or ()
    assert {name: getattr(step, name) for name in STEP_TEXTS[1:]} == dict.fromkeys(STEP_TEXTS[1:], "Anna")
    fields = {**dict.fromkeys(STEP_TEXTS, spec), "status": {"const": "completed"}}
    found = read_one(made.open({"saga": SAGA, "steps": {"shape": "json_list", "column": "list", "fields": fields}}))
    (step,) = found.steps or ()
    assert {name: getattr(step, name) for name in STEP_TEXTS} == dict.fromkeys(STEP_TEXTS, "Anna")


def _outcome(spec: dict[str, Any]) -> dict[str, Any]:
    """The same way to an outcome, which has two words only."""
    if "const" in spec:
        return {"const": "done"}
    known = dict.fromkeys(spec.get("values", ("Anna",)), "done")
    return {**spec, "values": known}


def test_every_field_may_lie_in_the_payload(store_url: str) -> None:
    made = sheet(store_url)
    if made.kind == "postgresql":
        made.run("alter table sagas alter column doc type jsonb using doc::jsonb")
    texts = dict.fromkeys((*SAGA_TEXTS, "owner"), "$.n.name")
    times = {name: {"path": "$.t.ms", "format": "epoch_ms"} for name in SAGA_TIMES}
    others = {"payload": "doc", "attempts": "$.n.no", "current_step": {"path": "$.n.name", "by": "name"}}
    found = read_one(made.open({"saga": {**SAGA, **texts, **times, **others}}))
    assert found.doubts == ()
    assert told(found, *SAGA_TEXTS.values()) == dict.fromkeys(SAGA_TEXTS.values(), "Anna")
    fields = [name for name in SAGA_TIMES if name != "lease_until"]
    assert told(found, *fields) == dict.fromkeys(fields, AT)
    assert found.owner is not None
    assert (found.owner.name, found.owner.lease_until) == ("Anna", AT)
    assert (found.attempts, found.current_step) == (7, "Anna")


NUMBERS: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "column": ({"column": "number"}, 3),
    "text": ({"column": "number_text"}, 3),
    "path": ({"column": "other_doc", "path": "$.n.no"}, 7),
    "pattern": ({"column": "t_high", "pattern": "-(0242)"}, 242),
    "values": ({"column": "name", "values": {"Anna": 5}}, 5),
    "log2": ({"column": "wait", "format": "log2", "base": 10}, 3),
    "log2 from one": ({"column": "wait", "format": "log2"}, 6),
}


@pytest.mark.parametrize("way", NUMBERS)
def test_a_number_told_in_every_way_is_read(store_url: str, way: str) -> None:
    spec, number = NUMBERS[way]
    made = sheet(store_url)
    step = {**spec, "column": "t_high"} if way == "pattern" else spec
    found = read_one(made.open({"saga": {**SAGA, "attempts": spec}, "steps": rows(attempts=step)}))
    assert found.doubts == ()
    assert found.attempts == number
    assert [step.attempts for step in found.steps or ()] == [number]
    counted = read_one(made.open({"saga": SAGA, "steps": {"shape": "counters", "done": spec}}))
    assert len([step for step in counted.steps or () if step.status == "completed"]) == number


def test_a_number_doubled_from_a_column(store_url: str) -> None:
    made = sheet(store_url)
    base = {"column": "start", "default": 20}
    spec = {"column": "wait", "format": "log2", "base": base}
    assert read_one(made.open({"saga": {**SAGA, "attempts": spec}})).attempts == 3
    for nothing in ("0", "null"):
        made.run(f"update sagas set start = {nothing}")
        assert read_one(made.open({"saga": {**SAGA, "attempts": spec}})).attempts == 2
    for wrong, reason in (
        ("start = -1", "what is doubled begins above zero"),
        ("wait = -80, start = 10", "below zero"),
    ):
        made.run(f"update sagas set {wrong}")
        (doubt,) = read_one(made.open({"saga": {**SAGA, "attempts": spec}})).doubts
        assert doubt.field == "attempts"
        assert reason in doubt.reason


@pytest.mark.parametrize(
    ("column", "form"),
    [
        ("uuid_text", "uuid"),
        ("uuid_text", "uuid_hex"),
        ("uuid_hex", "uuid"),
        ("uuid_hex", "uuid_hex"),
        ("uuid_bytes", "uuid_bytes"),
        ("uuid_swapped", "uuid_bytes_swapped"),
        ("number", "int"),
        ("number_text", "int"),
        ("name", "text"),
    ],
)
def test_an_id_in_every_format_is_read_in_every_column_of_a_text(store_url: str, column: str, form: str) -> None:
    made = sheet(store_url)
    canonical = {"number": "3", "number_text": "3", "name": "Anna"}.get(column, str(ID))
    spec = {"column": column, "format": form}
    alive = {"table": "sagas", "id": column, "heartbeat": "t_plain", "within": "1m"}
    saga = {**SAGA, **dict.fromkeys(SAGA_TEXTS, spec), "id": spec, "owner": {**spec, "alive": alive}}
    found = read_one(made.open({"saga": saga}))
    assert found.doubts == ()
    assert told(found, "saga_id", *SAGA_TEXTS.values()) == dict.fromkeys(("saga_id", *SAGA_TEXTS.values()), canonical)
    assert found.owner is not None
    assert (found.owner.name, found.owner.heartbeat_at) == (canonical, AT)
    known = {**spec, "values": {canonical: "the one"}}
    assert read_one(made.open({"saga": {**SAGA, "parent": known}})).parent_id == "the one"
    piece = {**spec, "pattern": "^(.{1,4})"}
    assert read_one(made.open({"saga": {**SAGA, "correlation_id": piece}})).correlation_id == canonical[:4]


@pytest.mark.parametrize("form", [None, "json", "json_text", "json_blob", "json_double"])
def test_steps_in_a_document_of_every_format(store_url: str, form: str | None) -> None:
    made = sheet(store_url)
    steps = [{"name": "a", "status": "completed"}, {"name": "b", "status": "executing"}]
    text = json.dumps(json.dumps({"all": steps}) if form == "json_double" else {"all": steps})
    column = {"json": "doc", "json_blob": "uuid_bytes"}.get(form or "", "list")
    made.run("delete from sagas")
    made.add({"id": "s-1", "word": "running", column: text.encode() if form == "json_blob" else text})
    if form == "json" and made.kind == "postgresql":
        made.run("alter table sagas alter column doc type json using doc::json")
    document = {"column": column, "path": "$.all", **({"format": form} if form is not None else {})}
    fields = {"name": "name", "status": "status"}
    found = read_one(made.open({"saga": SAGA, "steps": {"shape": "json_list", **document, "fields": fields}}))
    assert [(step.name, step.status) for step in found.steps or ()] == [("a", "completed"), ("b", "executing")]
    assert found.doubts == ()


CONTRADICTED: Final = (
    ("updated_at", {"column": "t_plain", "format": "epoch_ms"}, "leave format out"),
    ("updated_at", {"column": "t_ms", "format": "iso"}, "epoch_s, epoch_ms"),
    ("deadline", {"column": "t_ms", "format": "uuid_v7"}, "can't be"),
    ("lease_until", {"column": "t_plain", "format": "id_high_ms"}, "can't be"),
    ("id", {"column": "t_plain", "format": "int"}, "leave format out"),
    ("id", {"column": "name", "format": "uuid_bytes"}, "can't be"),
    ("parent", {"column": "number", "format": "uuid"}, "can't be"),
    ("owner", {"column": "uuid_bytes", "format": "int"}, "uuid_bytes"),
    ("payload", {"column": "number", "format": "json_text"}, "can't be"),
)


@pytest.mark.parametrize(("field", "spec", "said"), CONTRADICTED)
@pytest.mark.parametrize("engine", ["postgres_url", "mariadb_url"])
def test_a_format_that_the_columns_type_contradicts_is_told_before_anything_is_read(
    request: pytest.FixtureRequest, engine: str, field: str, spec: dict[str, Any], said: str
) -> None:
    made = sheet(request.getfixturevalue(engine))
    with pytest.raises(SchemaMismatch) as mismatch:
        read_one(made.open({"saga": {**SAGA, field: spec}}, origin=lambda path: "c.toml:7"))
    assert f"c.toml:7: saga.{field}" in mismatch.value.reason
    assert f"sagas.{spec['column']} is " in mismatch.value.reason
    assert said in mismatch.value.reason


@pytest.mark.parametrize("field", ["sent_at", "created_at"])
def test_a_time_as_a_number_without_its_unit_is_told_wherever_it_stands(store_url: str, field: str) -> None:
    made = sheet(store_url)
    outbox = {"table": "sagas", "id": "id", "saga_id": "fk", "sent": {"const": "yes"}, field: "t_ms"}
    with pytest.raises(SchemaMismatch, match=rf'{field} = .*format = "epoch_ms"'):
        read_one(made.open({"saga": SAGA, "outbox": outbox}))
    with pytest.raises(SchemaMismatch, match=r'executed_at = .*format = "epoch_us"'):
        read_one(made.open({"saga": SAGA, "steps": rows(executed_at="t_us")}))
