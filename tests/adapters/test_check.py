"""What `check` says of a store: true, counted in rows, and with statements that can be run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sagadoctor.adapters.sql.advice import grant_reading
from sagadoctor.adapters.sql.mapping.columns import TimeFormat
from sagadoctor.adapters.sql.units import unit_of
from sagadoctor.api.v1 import CheckLevel, CheckLine
from sagadoctor.api.v1.sql import MARIADB, POSTGRESQL, Table

from .sheet import TEMPLATE, Sheet, later, steps_json


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


def checked(sheet: Sheet, said: dict[str, Any] | None = None, **context: Any) -> list[CheckLine]:
    store = sheet.open(said, **context)

    async def work() -> tuple[CheckLine, ...]:
        try:
            return await store.check(later())
        finally:
            await store.close()

    return list(asyncio.run(work()))


def told(lines: list[CheckLine], about: str) -> str:
    [line] = [line for line in lines if line.about == about]
    return line.text


@pytest.mark.parametrize(
    ("index", "by_index"),
    [
        (None, False),
        ("create index other on sagas (saga_type)", False),
        ("create index live on sagas (state, updated_at)", True),
        ("create index live on sagas (state)", True),
    ],
)
def test_by_an_index_is_said_only_of_one_that_leads_to_live_sagas(url: str, index: str | None, by_index: bool) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "saga_id": "integer primary key"})
    sheet.run(
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 5000) "
        "insert into sagas (saga_id, state, steps) select x, 'completed', '[]' from n"
    )
    sheet.add(sheet.good(saga_id=7000))
    if index is not None:
        sheet.run(index, "analyze")
    text = told(checked(sheet), "live scan")
    if by_index:
        assert text == "finds live sagas by an index"
    else:
        wanted = 'CREATE INDEX "sagas_state_updated_at" ON "sagas" ("state", "updated_at")'
        assert text == f"reads all of sagas, which is small enough; when it grows: {wanted}"


def test_rows_are_counted_and_not_their_cells(url: str) -> None:
    sheet = Sheet(url)
    odd = steps_json("wobbling", "shaking", "gone")
    sheet.add(sheet.good(steps=odd), sheet.good(saga_id="s-2", steps=odd, updated_at="soon"), sheet.good(saga_id="s-3"))
    assert told(checked(sheet), "rows") == "of 3 rows (3 live, 0 ended), unreadable: steps in 2, updated_at in 1"


@pytest.mark.parametrize(
    ("cell", "unit", "like"),
    [
        (1_763_600_000, "epoch_s", ", with values such as 1763600000"),
        (1_763_600_000_123, "epoch_ms", ", with values such as 1763600000123"),
        (None, "epoch_ms", ""),
        ("soon", "epoch_ms", ""),
    ],
)
def test_a_time_that_is_a_number_is_told_once_with_its_key_and_a_unit(
    url: str, cell: object, unit: str, like: str
) -> None:
    sheet = Sheet(url, columns={**TEMPLATE, "created_at": "bigint"})
    sheet.add(sheet.good(created_at=cell))
    [failed] = [line for line in checked(sheet) if line.level is CheckLevel.FAILED]
    assert failed.text == (
        f"stores.orders.saga.created_at: sagas.created_at is a number (bigint{like}): say its unit, such as "
        f'created_at = {{ column = "created_at", format = "{unit}" }}'
    )


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        (0, None),
        (1_763_600_000, TimeFormat.EPOCH_S),
        (1_763_600_000_000, TimeFormat.EPOCH_MS),
        (1_763_600_000_000_000, TimeFormat.EPOCH_US),
        (638_991_936_000_000_000, TimeFormat.DOTNET_TICKS),
        (float("nan"), None),
    ],
)
def test_the_unit_that_a_number_speaks_for(number: float, unit: TimeFormat | None) -> None:
    assert unit_of(number) is unit


def test_grants_are_statements_that_can_be_run() -> None:
    odd, plain = Table("Odd Sch", "My.Sagas", ()), Table("Odd Sch", 'say "x`', ())
    assert grant_reading([odd, plain, odd], POSTGRESQL) == (
        'GRANT USAGE ON SCHEMA "Odd Sch" TO …; GRANT SELECT ON "Odd Sch"."My.Sagas", "Odd Sch"."say ""x`" TO …'
    )
    assert grant_reading([odd, plain, odd], MARIADB) == (
        'GRANT SELECT ON `Odd Sch`.`My.Sagas` TO …; GRANT SELECT ON `Odd Sch`.`say "x``` TO …'
    )
