"""Texts as SQLite really keeps them: with NUL, in no encoding, of any length; read whole, and found again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sagadoctor.adapters.sql.cells import ERROR_BOUND, NAME_BOUND
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.adapters.sql.values import whole_characters
from sagadoctor.api.v1 import Look, Saga, SagaState

from .opening import open_store
from .sheet import later

IDS = {
    b"plain": "plain",
    b"nul\x00del": "nul\x00del",
    b"nul\x00del2": "nul\x00del2",
    b"nul": "nul",
    b"\x00": "\x00",
    b"0\xff\xfe": r"0\xff\xfe",
    b"0\xff\xfd": r"0\xff\xfd",
    b"\xed\xa0\x80": r"\xed\xa0\x80",
    "é\x00漢".encode(): "é\x00漢",
}
MAPPING = {
    "saga": {
        "table": "sagas",
        "id": "id",
        "state": "state",
        "business_key": "ref",
        "error": "error",
        "updated_at": "at",
        "type": "kind",
    }
}


def store(folder: Path, rows: list[dict[str, Any]], mapping: dict[str, Any] | None = None) -> SqlStore:
    names = ("id", "part", "state", "ref", "error", "at", "kind")
    connection = sqlite3.connect(folder / "texts.db")
    with connection:
        connection.execute(
            f"create table sagas ({', '.join(f'{name} text' for name in names)}, primary key (id, part))"
        )
        for row in rows:
            full = {"part": b"p", "state": b"pending", "at": b"2026-01-01 00:00:00", **row}
            values = ", ".join("null" if full.get(name) is None else "cast(? as text)" for name in names)
            given = [full[name] for name in names if full.get(name) is not None]
            connection.execute(f"insert into sagas values ({values})", given)
    connection.close()
    return open_store(f"sqlite:///{folder}/texts.db", mapping or MAPPING)


def told(of: SqlStore) -> dict[str, Saga]:
    async def work() -> list[Saga]:
        return [saga async for page in of.read(Look(later(), all_ended=True)) for saga in page.sagas]

    return {saga.saga_id: saga for saga in asyncio.run(work())}


def fetched(of: SqlStore, *ids: str) -> list[str]:
    return [saga.saga_id for saga in asyncio.run(of.fetch(ids, later()))]


def test_every_id_comes_back_whole_and_is_found_again(tmp_path: Path) -> None:
    of = store(tmp_path, [{"id": raw} for raw in IDS])
    assert set(told(of)) == set(IDS.values())
    for printed in IDS.values():
        assert fetched(of, printed) == [printed]
    assert sorted(fetched(of, *IDS.values())) == sorted(IDS.values())
    assert fetched(of, "nul\x00", r"0\xff", "0\udcff\udcfe\x00", "\ud800") == []
    assert fetched(of, "0\udcff\udcfe") == [r"0\xff\xfe"]  # the bytes themselves, as a shell hands them over


def test_only_bytes_that_are_no_text_are_doubted(tmp_path: Path) -> None:
    sagas = told(store(tmp_path, [{"id": raw} for raw in IDS]))
    doubted = {saga.saga_id for saga in sagas.values() if saga.doubts}
    assert doubted == {r"0\xff\xfe", r"0\xff\xfd", r"\xed\xa0\x80"}


def test_ids_of_two_columns_too(tmp_path: Path) -> None:
    mapping = {"saga": {**MAPPING["saga"], "id": ["id", "part"]}}
    of = store(tmp_path, [{"id": raw, "part": b"a\x00b"} for raw in IDS], mapping)
    wanted = {f"{printed}/a\x00b" for printed in IDS.values()}
    assert set(told(of)) == wanted
    for printed in wanted:
        assert fetched(of, printed) == [printed]


def test_ended_ids_are_the_same_ids(tmp_path: Path) -> None:
    of = store(tmp_path, [{"id": raw, "state": b"completed"} for raw in IDS])

    async def work() -> list[str]:
        return [each async for page in of.ended_ids(Look(later(), all_ended=True)) for each in page]

    assert set(asyncio.run(work())) == set(IDS.values())


def test_states_with_nul_lose_no_row(tmp_path: Path) -> None:
    words = [b"pending", b"pending\x00x", b"completed\x00", b"\xff", b"p" * 5000]
    of = store(tmp_path, [{"id": b"%d" % number, "state": word} for number, word in enumerate(words)])
    sagas = told(of)
    assert len(sagas) == len(words)
    assert sagas["0"].state is SagaState.PENDING
    assert {sagas[each].state for each in "1234"} == {SagaState.UNKNOWN}


def test_a_time_with_nul_is_doubted_and_is_no_time(tmp_path: Path) -> None:
    sagas = told(store(tmp_path, [{"id": b"1", "at": b"2026-01-01\x00"}, {"id": b"2", "at": b"\xff"}]))
    for saga in sagas.values():
        assert saga.updated_at is None
        assert [doubt.field for doubt in saga.doubts] == ["updated_at"]


def test_business_keys_with_nul_are_doubted_not_cut(tmp_path: Path) -> None:
    of = store(tmp_path, [{"id": b"1", "ref": b"a\x00b"}, {"id": b"2", "ref": b"a"}])
    sagas = told(of)
    assert sagas["1"].business_key == "a�b"
    assert [doubt.reason for doubt in sagas["1"].doubts] == ["a NUL character in a text"]
    assert [saga.saga_id for saga in asyncio.run(of.find("a", later()))] == ["2"]


def test_shared_keys_that_are_no_text_hide_no_others(tmp_path: Path) -> None:
    keys = (b"a", b"a", b"\xff", b"\xff", b"n\x00a", b"n\x00a", b"n\x00b")
    of = store(tmp_path, [{"id": b"%d" % number, "ref": key, "kind": b"k"} for number, key in enumerate(keys)])
    told = asyncio.run(of.survey(Look(later())))
    assert [each.saga_ids for each in told.shared_keys if each.business_key == "a"] == [("0", "1")]
    assert not [each for each in told.shared_keys if "6" in each.saga_ids]


@pytest.mark.parametrize("char", ["x", "é", "漢", "👩"])
@pytest.mark.parametrize("count", [ERROR_BOUND - 1, ERROR_BOUND, ERROR_BOUND + 1, 3 * ERROR_BOUND])
def test_long_texts_are_cut_between_characters_and_say_so(tmp_path: Path, char: str, count: int) -> None:
    text = "a" + char * (count - 1)
    (saga,) = told(store(tmp_path, [{"id": b"1", "error": text.encode(), "kind": text.encode()}])).values()
    assert saga.doubts == ()
    assert saga.error == (text if count <= ERROR_BOUND else f"{text[: ERROR_BOUND - 1]}…")
    assert saga.saga_type == f"{text[: NAME_BOUND - 1]}…"


@pytest.mark.parametrize("char", ["é", "漢", "👩"])
def test_what_is_left_of_a_character_is_dropped(char: str) -> None:
    data = char.encode()
    for length in range(len(data)):
        assert whole_characters(b"ab" + data[:length]) == b"ab"
    assert whole_characters(b"ab" + data) == b"ab" + data
    assert whole_characters(b"ab\xff") == b"ab\xff"
    assert whole_characters(b"") == b""
    assert whole_characters(b"\x80\x80\x80\x80") == b"\x80\x80\x80\x80"
