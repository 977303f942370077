"""SQL of a plugin's own: values are bound, lists stand for brackets, odd names are quoted, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from sagadoctor.api.v1 import Deadline, SystemClock
from sagadoctor.api.v1.sql import Guest, Session, parse_address, statement
from sagadoctor.testing.opening import without_password

T = TypeVar("T")
ODD = "it's :odd %s {x} \\"


def asked(url: str, work: Callable[[Session], T]) -> T:
    address, password = without_password(url)

    async def main() -> T:
        clock = SystemClock()
        guest = Guest(parse_address(address), source="test", clock=clock, password=password)
        try:
            return await guest.run(work, Deadline.after(clock, 30))
        finally:
            await guest.close()

    return asyncio.run(main())


@pytest.fixture
def engine(store_url: str) -> Engine:
    return create_engine(store_url, poolclass=NullPool)


def quoted(engine: Engine, name: str) -> str:
    return engine.dialect.identifier_preparer.quote_identifier(name)


def fill(engine: Engine, table: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"create table {table} (id varchar(50), n integer)")
        for number, text in enumerate(("a", "b", ODD)):
            mark = "?" if engine.dialect.name == "sqlite" else "%s"
            connection.exec_driver_sql(f"insert into {table} values ({mark}, {mark})", (text, number))


def test_values_are_bound_and_lists_are_brackets(store_url: str, engine: Engine) -> None:
    fill(engine, "t")

    def work(session: Session) -> Any:
        by_text = session.rows(statement("select n from t where id = :id", id=ODD))
        several = session.rows(statement("select n from t where id in :ids order by n", ids=["a", ODD]))
        none = session.rows(statement("select n from t where id in :ids", ids=[]))
        over = session.rows(
            statement("select n from t where n > :n and id like 'b%' and 'x\\:y' = :colon", n=0, colon="x:y")
        )
        return [[tuple(row) for row in rows] for rows in (by_text, several, none, over)]

    assert asked(store_url, work) == [[(2,)], [(0,), (2,)], [], [(1,)]]


def test_a_table_of_any_name_can_be_named(store_url: str, engine: Engine) -> None:
    name = 'odd "n`ame: :x'
    fill(engine, quoted(engine, name))

    def work(session: Session) -> int:
        table = session.catalog.table([name])
        return int(session.rows(statement(f"select count(*) from {session.named(table)} where n > :n", n=0))[0][0])

    assert asked(store_url, work) == 2
