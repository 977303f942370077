"""What a query's own text tells: one statement that only reads, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.adapters.sql.query_text import one_select

GOOD = (
    "select 1 as id",
    "SELECT a.id, b.word FROM a JOIN b ON b.id = a.b_id WHERE note <> 'a; b' AND c = ':x'",
    "with x as (select 1 as id) select * from x",
    "with recursive x(n) as (values (1) union all select n + 1 from x where n < 3) select n as id from x",
    "(select 1 as id) union all (select 2)",
    "/* all; of it */ select id -- and a comment's quote\n from t",
    "select 'it''s' as id, \"odd;name\", `another;name` from t",
    "select 'it\\'s; fine' as id from t",
    "select id # it's one of MariaDB's\n from t",
    "select $$it's; one$$ as id, $q$ ) $q$ as more from t",
    "select replace(a, 'b', 'c') as id, insert(a, 1, 2, 'x') from t where (update_count > 1)",
    'select id, (deleted_at is null) as live, "update", t.delete from t',
    "select 100 % 7 as id, '50 %' from t where a like '%s' and doc ->> 'x' = '{}'",
    "select id from t where a between 1 and 2 limit 10",
)
BAD = (
    ("", "is empty"),
    (" -- nothing\n ;", "is empty"),
    ("select 1; select 2", "several statements"),
    ("select 1; drop table t", "several statements"),
    ("insert into t values (1)", "begins with INSERT"),
    ("update t set a = 1", "begins with UPDATE"),
    ("delete from t", "begins with DELETE"),
    ("create table t (a int)", "begins with CREATE"),
    ("values (1)", "begins with VALUES"),
    ("explain select 1", "begins with EXPLAIN"),
    ("call tidy_up()", "begins with CALL"),
    ("with gone as (delete from t returning id) select id from gone", "holds DELETE"),
    ("with gone as materialized (update t set a = 1 returning id) select id from gone", "holds UPDATE"),
    ('with gone as (insert into "t" values (1) returning id) select id from gone', "holds INSERT"),
    ("with x as (select 1 as id) delete from t", "holds DELETE"),
    ("with x as (select 1 as id) insert into t select * from x", "holds INSERT"),
    ("select id into t2 from t", "writes by INTO"),
    ("select id from t into outfile '/tmp/x'", "writes by INTO"),
    ("select id from t for update", "locks no rows"),
    ("select id from t for no key update skip locked", "locks no rows"),
    ("select id from t for share", "locks no rows"),
    ("select id from t lock in share mode", "locks no rows"),
    ("select id from t where a = 'x", "a quote (') is never closed"),
    ('select "id from t', 'a quote (") is never closed'),
    ("select id /* from t", "a comment that begins with /* is never closed"),
    ("select (id from t", "a parenthesis is never closed"),
    ("select id) from t", "a parenthesis is closed that was never opened"),
    ("select id from t) x; drop table t; select * from (select 1", "a parenthesis is closed that was never opened"),
    ("select 1 /*! , sleep(1) */", "MariaDB and MySQL run"),
    ("select '\x00' as id", "no NUL character"),
    ("select " + "1, " * 10_000 + "1", "make a view of this one"),
    ("sagas", "begins with SAGAS"),
    ("42", "doesn't begin so"),
)


@pytest.mark.parametrize("text", GOOD)
def test_a_statement_that_only_reads_stays_as_it_is(text: str) -> None:
    assert one_select(text) == text
    assert one_select(f"\n {text} ; \n; ") == text


@pytest.mark.parametrize(("text", "why"), BAD)
def test_anything_else_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as refused:
        one_select(text)
    assert why in str(refused.value)


@given(st.text(alphabet="'\"`$();-/*#\\ \nselct1;", max_size=40))
def test_no_text_is_too_odd_to_be_judged(text: str) -> None:
    try:
        kept = one_select(text)
    except ValueError:
        return
    assert kept == kept.strip()
    assert one_select(kept) == kept
