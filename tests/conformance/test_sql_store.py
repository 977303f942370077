"""The SQL store keeps every promise over very different sets of tables, on every database there is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .on_sql import OnSql
from .sql_tables import Bare, Queried, Runs, Template


class _Anywhere(OnSql):
    @pytest.fixture(autouse=True)
    def _database(self, store_url: str) -> Iterator[None]:
        self.url = store_url
        yield
        self.let_go()


class TestTemplate(_Anywhere, Template):
    """The preset `saga-template`."""


@pytest.mark.slow
class TestRuns(_Anywhere, Runs):
    """Everything said by hand."""


@pytest.mark.slow
class TestBare(_Anywhere, Bare):
    """A table that says next to nothing."""


@pytest.mark.slow
class TestQueried(_Anywhere, Queried):
    """Queries in the place of tables."""
