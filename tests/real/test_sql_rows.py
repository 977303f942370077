"""Rows that are not as they should be, on every engine: read all the same, and said."""

from __future__ import annotations

import gzip
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagadoctor.adapters.sql.cells import ERROR_BOUND, NAME_BOUND
from sagadoctor.adapters.sql.values import LONGEST_RAW
from sagadoctor.api.v1 import Redactor, SagaState, Step, StepStatus
from sagadoctor.services.veil import veiled
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, doubts, fetch, pages, raws, read, read_one, steps_json


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_good_row_has_no_doubts(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(GOOD)
    saga = read_one(sheet.open())
    assert saga.doubts == ()
    assert saga.derived == ()
    assert saga.state is SagaState.PENDING
    assert (saga.created_at, saga.updated_at) == (at("2026-11-20 09:00:00"), at("2026-11-20 10:00:00.25"))
    assert saga.current_step == "b"
    assert saga.source.endswith(".sagas")
    assert saga.source.startswith("orders.")
    assert saga.steps == (
        Step("a", 0, StepStatus.COMPLETED, "completed", "Do0", "Undo0"),
        Step("b", 1, StepStatus.EXECUTING, "executing", "Do1", "Undo1"),
    )


def test_row_20_unknown_status_word(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(state="Schrödinger"), sheet.good(saga_id="s-2"))
    saga = next(saga for saga in read(sheet.open()) if saga.saga_id == "s-1")
    assert saga.state is SagaState.UNKNOWN
    assert saga.raw_state == "Schrödinger"
    assert raws(saga) == ["Schrödinger"]


def test_row_20_unknown_step_word(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(steps=steps_json("completed", "wobbling")))
    saga = read_one(sheet.open())
    assert saga.steps is not None
    assert [step.status for step in saga.steps] == [StepStatus.COMPLETED, StepStatus.UNKNOWN]
    assert saga.steps[1].raw_status == "wobbling"
    assert list(doubts(saga)) == ["steps[1].status"]


def test_row_21_null_state_time_and_id(store_url: str) -> None:
    columns = {**TEMPLATE, "saga_id": "text"}
    sheet = Sheet(store_url, columns=columns)
    sheet.add(
        sheet.good(state=None),
        sheet.good(saga_id="s-2", updated_at=None),
        sheet.good(saga_id="s-3", updated_at=None, created_at=None),
        sheet.good(saga_id=None),
    )
    found = {saga.saga_id: saga for saga in read(sheet.open())}
    assert set(found) == {"s-1", "s-2", "s-3", ""}
    assert found["s-1"].state is SagaState.UNKNOWN
    assert "state" in doubts(found["s-1"])
    assert found["s-2"].updated_at == found["s-2"].created_at
    assert found["s-2"].derived == ("updated_at",)
    assert found["s-3"].updated_at is None
    assert doubts(found[""]) == {"id": "the row has no id"}


def test_row_22_duplicate_ids_are_both_shown(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "text"})
    sheet.add(sheet.good(), sheet.good(state="started"), sheet.good(saga_id="s-2"))
    found = read(sheet.open())
    assert sorted(saga.saga_id for saga in found) == ["s-1", "s-1", "s-2"]
    assert [("id" in doubts(saga)) for saga in sorted(found, key=lambda each: each.saga_id)] == [True, True, False]
    both = fetch(sheet.open(), "s-1")
    assert [doubts(saga)["id"] for saga in both] == ["duplicate id: another row has the same"] * 2


def test_row_22_duplicates_never_get_lost_between_pages(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "text"})
    rows = [sheet.good(saga_id=f"s-{number // 3:05}") for number in range(9000)]
    with sheet.engine.begin() as connection:
        import sqlalchemy as sa

        table = sa.table("sagas", *(sa.column(name) for name in GOOD))
        connection.execute(table.insert(), rows)
    assert len(read(sheet.open())) == 9000


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("not json at all", "not JSON"),
        ('{"a": "completed"}', "a JSON object where a list was expected"),
        ("17", "a JSON number where a list was expected"),
        ("[" * 5000 + "]" * 5000, "nested too deeply"),
        ("", "not JSON"),
        ('[{"name": "a", "status": "pending"', "not JSON"),
    ],
)
def test_row_29_steps_that_are_no_list(store_url: str, document: str, reason: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(steps=document))
    saga = read_one(sheet.open())
    assert saga.steps is None
    assert reason in doubts(saga)["steps"]


def test_row_29_nan_and_double_keys_are_read_and_said(store_url: str) -> None:
    sheet = Sheet(store_url)
    odd = '[{"name": "a", "status": "pending", "status": "completed", "result": {"x": NaN}}]'
    sheet.add(sheet.good(steps=odd))
    saga = read_one(sheet.open())
    assert saga.steps is not None
    assert saga.steps[0].status is StepStatus.COMPLETED
    reasons = " ".join(doubt.reason for doubt in saga.doubts)
    assert "NaN is no JSON" in reasons
    assert "the same key twice (status)" in reasons


def test_row_29_double_encoded_steps(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(steps=json.dumps(steps_json("completed"))))
    saga = read_one(sheet.open())
    assert saga.steps is not None
    assert saga.steps[0].status is StepStatus.COMPLETED
    assert "json_double" in doubts(saga)["steps"]
    said = {"preset": "saga-template", "steps": {"format": "json_double"}}
    assert read_one(sheet.open(said)).doubts == ()


def test_row_29_odd_entries_and_wrong_types(store_url: str) -> None:
    sheet = Sheet(store_url)
    steps = [
        {"name": "a", "status": "completed", "error": {"code": 7}, "executed_at": 17},
        "just a text",
        {"status": 3, "result": "text"},
        {"name": 5, "status": None, "attempts": "x"},
    ]
    sheet.add(sheet.good(steps=json.dumps(steps)))
    saga = read_one(sheet.open())
    assert saga.steps is not None
    assert [step.index for step in saga.steps] == [0, 1, 2, 3]
    assert saga.steps[0].error == '{"code":7}'
    assert saga.steps[0].executed_at is None
    assert saga.steps[3].name == "5"
    fields = set(doubts(saga))
    assert {"steps[0].executed_at", "steps[1]", "steps[2].name", "steps[2].status", "steps[3].status"} <= fields


def test_row_27_very_many_steps_are_bounded(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(steps=steps_json(*["completed"] * 100_000)))
    saga = read_one(sheet.open())
    assert saga.steps is not None
    assert len(saga.steps) == 1000
    assert (saga.steps[0].index, saga.steps[-1].index) == (0, 99_999)
    assert "100000 steps" in doubts(saga)["steps"]


def test_row_28_a_huge_document_is_not_fetched(store_url: str) -> None:
    sheet = Sheet(store_url)
    if sheet.kind in ("mysql", "mariadb"):
        sheet.run("set global max_allowed_packet = 67108864")
    huge = steps_json("completed", error="x" * 17_000_000)
    sheet.add(sheet.good(steps=huge, data=json.dumps({"order_id": "y" * 17_000_000})), sheet.good(saga_id="s-2"))
    found = {saga.saga_id: saga for saga in read(sheet.open())}
    assert found["s-1"].steps is None
    assert doubts(found["s-1"]) == {"steps": "too big to be fetched"}
    assert found["s-2"].doubts == ()
    [detail] = fetch(sheet.open(), "s-1", detail=True)
    assert detail.payload is None
    assert doubts(detail)["payload"] == "too big to be fetched"


def test_row_28_a_huge_error_is_cut(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "error": "long"})
    sheet.add(sheet.good(error="é" * 3_000_000))
    said = {"preset": "saga-template", "saga": {"error": "error"}}
    saga = read_one(sheet.open(said))
    assert saga.error is not None
    assert 3000 < len(saga.error) <= 4000
    [detail] = fetch(sheet.open(said), "s-1", detail=True)
    assert detail.error is not None
    assert 60_000 < len(detail.error) <= 65_536


def test_promise_17_no_half_of_a_secret_is_left_where_a_text_is_cut(store_url: str) -> None:
    secret = "Qz7kPw2mXv9tRb4n"
    forms = ("postgresql://app:{}@db/orders", "mail {}@example.org", "known {} secret")
    rows = [
        (offset, form.replace("{}", secret))
        for form in forms
        for offset in (1, 8, 20, 40)  # how far before the cut it begins
    ]
    columns = {**TEMPLATE, "error": "long", "state": "long", "saga_type": "long"}
    sheet = Sheet(store_url, columns=columns)

    def planted(bound: int, offset: int, text: str) -> str:
        return ("lorem ipsum " * bound)[: bound - offset] + text + " and so on" * 20

    sheet.add(
        *(
            sheet.good(
                saga_id=f"s-{number}",
                error=planted(ERROR_BOUND, offset, text),
                state=planted(NAME_BOUND, offset, text),
                steps=planted(LONGEST_RAW, offset, text),
            )
            for number, (offset, text) in enumerate(rows)
        )
    )
    found = read(sheet.open({"preset": "saga-template", "saga": {"error": "error"}}))
    assert len(found) == len(rows)
    redactor = Redactor()
    redactor.learn(secret)
    pieces = {secret[at : at + 4] for at in range(len(secret) - 3)}
    for saga in found:
        told = veiled(saga, redactor)
        assert len(told.error or "") > 2000
        assert len(told.raw_state or "") > 200
        shown = repr(told)
        assert not [piece for piece in pieces if piece in shown]


class _Evil:
    def __reduce__(self) -> Any:
        raise AssertionError("a pickle was loaded")


@pytest.mark.parametrize(
    ("blob", "guess"),
    [
        (pickle.dumps({"a": 1}, protocol=4), "a pickle"),
        (gzip.compress(b"[]", mtime=0), "gzip"),
        (b"\xac\xed\x00\x05sr\x00", "a serialised Java object"),
        (b"\x00\xff\x00\xff", "not JSON"),
    ],
)
def test_row_30_blobs_are_guessed_and_never_loaded(store_url: str, blob: bytes, guess: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "steps": "blob"})
    sheet.add(sheet.good(steps=blob))
    saga = read_one(sheet.open())
    assert saga.steps is None
    assert any(guess in doubt.reason for doubt in saga.doubts)
    assert any(doubt.raw.startswith("0x") for doubt in saga.doubts)


def test_steps_in_a_blob_are_read(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "steps": "blob"})
    sheet.add(sheet.good(steps=steps_json("completed").encode()))
    saga = read_one(sheet.open())
    assert saga.doubts == ()
    assert saga.steps is not None


def test_row_31_bytes_that_are_no_text(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_type": "blob"})
    sheet.add(sheet.good(saga_type=b"caf\xe9"), sheet.good(saga_id="s-2", saga_type=b"a\x00b"))
    found = {saga.saga_id: saga for saga in read(sheet.open())}
    assert found["s-1"].saga_type == "caf�"
    assert doubts(found["s-1"]) == {"type": "not UTF-8 text"}
    assert found["s-2"].saga_type == "a�b"
    assert "type" in doubts(found["s-2"])


def test_row_32_hostile_ids_are_read_and_found(store_url: str) -> None:
    hostile = ["\x1b]0;x\x07", "[@click=app.quit]", "\u202etxt", "../../x", "a\nb", "👩‍👩‍👧", "%s%(a)s", "-rf", "=cmd"]
    sheet = Sheet(store_url)
    sheet.add(*(sheet.good(saga_id=saga_id) for saga_id in hostile))
    assert sorted(saga.saga_id for saga in read(sheet.open())) == sorted(hostile)
    assert sorted(saga.saga_id for saga in fetch(sheet.open(), *hostile)) == sorted(hostile)


def test_row_32_an_id_of_ten_thousand_characters(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "saga_id": "long"})
    sheet.add(sheet.good(saga_id="x" * 10_000))
    assert read_one(sheet.open()).saga_id == "x" * 10_000
    assert len(fetch(sheet.open(), "x" * 10_000)) == 1


def test_row_25_a_deadline_before_the_start(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "deadline": "moment"})
    steps = steps_json("executing", started_at="2026-11-20T10:00:00Z", timeout_at="2026-11-20T09:00:00Z")
    sheet.add(sheet.good(steps=steps, deadline="2026-11-20 08:00:00"))
    said = {
        "preset": "saga-template",
        "saga": {"deadline": "deadline"},
        "steps": {"fields": {"started_at": "started_at"}},
    }
    saga = read_one(sheet.open(said))
    assert set(doubts(saga)) == {"deadline", "steps[0].timeout_at"}
    assert saga.steps is not None
    assert saga.steps[0].timeout_at == at("2026-11-20 09:00:00")


@pytest.mark.parametrize(
    ("form", "number", "moment"),
    [
        ("epoch_s", 1_795_200_000, datetime(2026, 11, 20, 18, 40, tzinfo=UTC)),
        ("epoch_ms", 1_795_200_000_250, datetime(2026, 11, 20, 18, 40, 0, 250_000, tzinfo=UTC)),
        ("epoch_us", 1_795_200_000_250_001, datetime(2026, 11, 20, 18, 40, 0, 250_001, tzinfo=UTC)),
        ("dotnet_ticks", 639_307_968_000_000_010, datetime(2026, 11, 20, 18, 40, 0, 1, tzinfo=UTC)),
        ("epoch_s", 0, None),
        ("epoch_s", 1_795_200_000_250, None),
        ("epoch_ms", 1_795_200_000, None),
        ("epoch_us", -5, None),
        ("dotnet_ticks", 17, None),
    ],
)
def test_row_24_times_as_numbers(store_url: str, form: str, number: int, moment: datetime | None) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "updated_at": "bigint"})
    sheet.add(sheet.good(updated_at=number))
    said = {"preset": "saga-template", "saga": {"updated_at": {"column": "updated_at", "format": form, "tz": "UTC"}}}
    saga = read_one(sheet.open(said))
    assert saga.updated_at == moment
    assert raws(saga) == ([] if moment else [str(number)])


def test_row_24_a_number_without_a_unit_is_refused(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "updated_at": "bigint"})
    sheet.add(sheet.good(updated_at=1_795_200_000))
    from sagadoctor.api.v1 import SchemaMismatch

    with pytest.raises(SchemaMismatch, match="say its unit"):
        read(sheet.open())


def test_row_24_far_times_are_unusable(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(
        sheet.good(updated_at="9999-12-31 23:59:59"),
        sheet.good(saga_id="s-2", updated_at="2027-11-20 10:00:00"),
        sheet.good(saga_id="s-3", updated_at="1753-01-01 00:00:00"),
    )
    found = {saga.saga_id: saga for saga in read(sheet.open())}
    assert found["s-1"].updated_at is None
    assert doubts(found["s-1"]) == {"updated_at": "unusable time"}
    assert found["s-2"].updated_at == at("2027-11-20 10:00:00")
    assert found["s-2"].doubts == ()
    assert doubts(found["s-3"]) == {"updated_at": "unusable time"}


def test_row_24_naive_times_of_a_zone_and_the_doubled_hour(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(
        sheet.good(updated_at="2026-07-01 12:00:00"),
        sheet.good(saga_id="s-2", updated_at="2026-10-25 02:30:00"),
        sheet.good(saga_id="s-3", updated_at="2026-03-29 02:30:00"),
        sheet.good(saga_id="s-4", updated_at="2026-01-01 12:00:00"),
    )
    said = {"preset": "saga-template", "saga": {"updated_at": {"tz": "Europe/Berlin"}}}
    found = {saga.saga_id: saga for saga in read(sheet.open(said))}
    assert found["s-1"].updated_at == at("2026-07-01 10:00:00")
    assert found["s-2"].updated_at == at("2026-10-25 00:30:00")
    assert "came twice" in doubts(found["s-2"])["updated_at"]
    assert "never was" in doubts(found["s-3"])["updated_at"]
    assert found["s-4"].updated_at == at("2026-01-01 11:00:00")
    assert found["s-4"].doubts == ()


def test_the_environments_zone_holds_inside_json_too(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(sheet.good(steps=steps_json("completed", executed_at="2026-07-01T12:00:00")))
    said = {
        "preset": "saga-template",
        "saga": {"updated_at": {"column": "updated_at"}},
        "steps": {"fields": {"executed_at": {"column": "executed_at", "format": "iso"}}},
        "tz": "America/New_York",
    }
    from sagadoctor.adapters.sql.presets import expand

    full = dict(expand({**said, "preset": "saga-template"}))
    del full["preset"]
    del full["saga"]["updated_at"]["tz"]
    del full["steps"]["fields"]["executed_at"]["tz"]
    saga = read_one(sheet.open(full))
    assert saga.steps is not None
    assert saga.steps[0].executed_at == at("2026-07-01 16:00:00")
    assert saga.updated_at == at("2026-11-20 15:00:00.25")


def test_row_37_ids_compare_as_bytes(store_url: str) -> None:
    columns = {**TEMPLATE, "saga_id": "text"}
    sheet = Sheet(store_url, columns=columns)
    sheet.add(sheet.good(saga_id="ab"), sheet.good(saga_id="AB"), sheet.good(saga_id="äb"))
    assert sorted(saga.saga_id for saga in read(sheet.open())) == ["AB", "ab", "äb"]
    assert [saga.saga_id for saga in fetch(sheet.open(), "AB")] == ["AB"]
    assert not any(saga.doubts for saga in read(sheet.open()))


def test_row_12_missing_columns_are_told_all_at_once(store_url: str) -> None:
    from sagadoctor.api.v1 import SchemaMismatch

    sheet = Sheet(store_url)
    said = {
        "preset": "saga-template",
        "saga": {"updated_at": {"column": "updatedat"}, "version": "revision"},
        "steps": {"column": "stepz"},
    }
    with pytest.raises(SchemaMismatch) as error:
        read(sheet.open(said))
    text = error.value.reason
    assert "no column 'updatedat', did you mean 'updated_at'?" in text
    assert "no column 'revision'" in text
    assert "no column 'stepz', did you mean 'steps'?" in text
    assert "it has saga_id, saga_type, state" in text


def test_row_35_a_missing_table_names_the_nearest(store_url: str) -> None:
    from sagadoctor.api.v1 import SchemaMismatch

    sheet = Sheet(store_url)
    with pytest.raises(SchemaMismatch, match="no table 'sgas'") as error:
        read(sheet.open({"preset": "saga-template", "saga": {"table": "sgas"}}))
    assert "did you mean 'sagas'?" in str(error.value)


def test_row_13_odd_names_are_quoted(store_url: str) -> None:
    names = {column: column for column in TEMPLATE}
    names["state"] = 'st"ate; drop table x --'
    names["steps"] = "select"
    names["data"] = "100% %s"
    sheet = Sheet(store_url, name="Sa.gas `x` %d", columns={names[column]: kind for column, kind in TEMPLATE.items()})
    sheet.add({names[column]: value for column, value in GOOD.items()})
    said: dict[str, Any] = {
        "preset": "saga-template",
        "saga": {
            "table": ["Sa.gas `x` %d"],
            "state": {"column": names["state"]},
            "payload": names["data"],
        },
        "steps": {"column": "select"},
    }
    saga = read_one(sheet.open(said))
    assert saga.state is SagaState.PENDING
    assert saga.steps is not None
    assert fetch(sheet.open(said), "s-1", detail=True)[0].payload == b'{"order_id": "A-1"}'


def test_row_38_mixed_case_names_are_found(store_url: str) -> None:
    sheet = Sheet(store_url, name="SagaInstances", columns={**TEMPLATE, "Version": "int"})
    sheet.add(sheet.good(Version=7))
    said = {"preset": "saga-template", "saga": {"table": "sagainstances", "version": "VERSION"}}
    saga = read_one(sheet.open(said))
    assert saga.version == "7"
    assert saga.source.endswith("SagaInstances")


def test_row_33_a_row_that_is_gone_is_not_fetched(store_url: str) -> None:
    sheet = Sheet(store_url)
    sheet.add(GOOD)
    assert len(fetch(sheet.open(), "s-1")) == 1
    sheet.run("delete from sagas")
    assert fetch(sheet.open(), "s-1") == ()


def test_where_narrows_every_question(store_url: str) -> None:
    sheet = Sheet(store_url, columns={**TEMPLATE, "deleted_at": "moment", "kind": "text", "archived": "flag"})
    sheet.add(
        sheet.good(kind="saga", archived=False),
        sheet.good(saga_id="s-2", kind="tcc", archived=False),
        sheet.good(saga_id="s-3", kind="saga", archived=False, deleted_at="2026-11-20 10:00:00"),
        sheet.good(saga_id="s-4", kind="msg", archived=False),
        sheet.good(saga_id="s-5", kind="saga", archived=True),
    )
    where = {"deleted_at": "null", "kind": ["saga", "msg"], "archived": [False]}
    said = {"preset": "saga-template", "saga": {"where": where}}
    assert {saga.saga_id for saga in read(sheet.open(said))} == {"s-1", "s-4"}
    assert fetch(sheet.open(said), "s-2", "s-3", "s-5") == ()


def test_above_the_cap_the_page_says_so(store_url: str) -> None:
    sheet = Sheet(store_url)
    start = at("2026-11-20 00:00:00")
    sheet.add(
        *(
            sheet.good(
                saga_id=f"s-{number:02}",
                updated_at=str((start + timedelta(minutes=97 * number % 40)).replace(tzinfo=None)),
            )
            for number in range(40)
        )
    )
    some = pages(sheet.open(), live_cap=10)
    told = [saga for page in some for saga in page.sagas]
    assert len(told) == 10
    assert any(page.truncated for page in some)
    assert max(saga.updated_at for saga in told) == start + timedelta(minutes=9)  # type: ignore[type-var]
