"""What PostgreSQL's own dialect writes in another way than plain SQL is left to it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.exc import UnsupportedCompilationError

from sagadoctor.api.sql.plain_postgresql import PlainDialect
from sagadoctor.api.sql.postgresql import Postgresql, own_dialect
from sagadoctor.api.sql.statement import bound, compiled
from sagadoctor.api.v1.sql import parse_address

TABLE = sa.table("sagas", sa.column("id"), sa.column("data"), sa.column("n"))
FOREIGN = {
    "a cast to a type of its own": sa.select(sa.cast(TABLE.c.data, JSONB)),
    "an array": sa.select(sa.cast(TABLE.c.data, ARRAY(sa.Text))),
    "a type with another name there": sa.select(sa.cast(TABLE.c.id, UUID)),
    "a time": sa.select(sa.cast(TABLE.c.id, sa.DateTime(timezone=True))),
    "a parameter with a type": sa.select(TABLE.c.id).where(TABLE.c.n == 3),
    "distinct on": sa.select(TABLE.c.id).ext(sa.dialects.postgresql.distinct_on(TABLE.c.n))
    if hasattr(sa.dialects.postgresql, "distinct_on")
    else sa.select(TABLE.c.id).distinct(TABLE.c.n),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_may_differ_goes_to_the_real_dialect(what: str) -> None:
    statement = FOREIGN[what]
    with pytest.raises(UnsupportedCompilationError):
        compiled(statement, PlainDialect())
    driver = Postgresql(parse_address("postgresql://localhost/x"), "sagadoctor/test")
    assert driver.compiled(statement, plain=True) == compiled(statement, own_dialect())


def test_statements_of_others_go_to_the_real_dialect() -> None:
    driver = Postgresql(parse_address("postgresql://localhost/x"), "sagadoctor/test")
    odd = sa.select(TABLE.c.n.bitwise_xor(TABLE.c.id), sa.column("window")).with_for_update(skip_locked=True)
    assert driver.compiled(odd) == compiled(odd, own_dialect())
    assert "SKIP LOCKED" in driver.compiled(odd).text
    assert driver.compiled(sa.select(TABLE.c.n.regexp_match("x")), plain=True).text.endswith("sagas")


def test_a_sign_of_a_parameter_in_a_name_or_a_text_stays_itself() -> None:
    statement = sa.select(sa.column("50%", is_literal=False).label("c")).where(TABLE.c.id.in_([bound("a%b"), bound(1)]))
    plain, own = compiled(statement, PlainDialect()), compiled(statement, own_dialect())
    assert plain == own
    assert "%%" in plain.text
    assert sorted(map(str, plain.parameters.values())) == ["1", "a%b"]
