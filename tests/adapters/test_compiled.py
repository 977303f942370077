"""Statements with long lists: what the compiler hands over is taken once."""

from __future__ import annotations

import pytest
from sqlalchemy import column, select, table
from sqlalchemy.dialects.mysql import dialect as mysql
from sqlalchemy.dialects.postgresql import dialect as postgresql
from sqlalchemy.dialects.sqlite import dialect as sqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from sagadoctor.adapters.sql.beside import among, one_of
from sagadoctor.api.sql.statement import bound, compiled

MANY = 700


@pytest.mark.parametrize("dialect", [sqlite(), postgresql(), mysql()], ids=lambda each: each.name)
def test_the_parameters_of_a_long_list_are_made_once(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    construct = SQLCompiler.construct_params

    def counted(self: SQLCompiler, *args: object, **named: object) -> object:
        made.append(1)
        return construct(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(SQLCompiler, "construct_params", counted)
    names = [f"m-{number}" for number in range(MANY)]
    told = table("message", column("id"))
    done = compiled(select(told.c.id).where(one_of(told.c.id, [bound(name) for name in names])), dialect)
    values = list(done.parameters.values()) if isinstance(done.parameters, dict) else list(done.parameters)
    assert values == names
    assert len(made) < 10


def test_lists_of_expressions_and_of_pairs_stand_as_they_are() -> None:
    told = table("message", column("id"), column("kind"))
    pairs = [[bound("a"), bound(1)], [bound("b"), bound(2)]]
    done = compiled(select(told.c.id).where(among([told.c.id, told.c.kind], pairs)), sqlite())
    assert done.parameters == ("a", 1, "b", 2)
    cast = compiled(select(told.c.id).where(one_of(told.c.id, [told.c.kind, bound("x")])), sqlite())
    assert cast.parameters == ("x",)
    assert "message.kind" in cast.text
