"""A query in the place of a table: `table = { query = "select …", key = "id" }`.

This model is loaded only where a mapping says a query. Annotations in here are no texts, as they are elsewhere:
pydantic would work out each of them at every start.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, StrictStr, field_validator

from ..query_text import one_select
from .columns import AnyTable, Names


class QueryTable(AnyTable):
    """One statement that only reads; `key` are the columns that tell its rows apart, by which it is paged."""

    query: Annotated[StrictStr, AfterValidator(one_select)]
    key: Names

    @field_validator("key")
    @classmethod
    def _each_once(cls, key: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(key)) < len(key):
            raise ValueError("a column of the key is named once")
        return key


def query_table(given: Mapping[str, Any]) -> QueryTable:
    """Return the query of a table of the configuration; raises ValueError."""
    if "query" in given and "key" not in given:
        raise ValueError(
            "a query needs its key: key = the column, or columns, that tell its rows apart; it is read in pages by it"
        )
    odd = [key for key in given if key not in ("query", "key")]
    if odd:
        raise ValueError(f'unknown key {odd[0]!r}; a query is {{ query = "select …", key = "id" }}')
    return QueryTable.model_validate(given)
