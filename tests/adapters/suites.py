"""The SQL store in the hands of the conformance kit; each engine's test file says how to hang and to count it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import sqlalchemy as sa

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Deadline, Saga, Store, SystemClock
from sagadoctor.testing.store_suite import StoreSuite

from .tables import SagaTable, mapping, open_store


class SqlSuite(StoreSuite):
    """A table with every column that the language knows, steps as a JSON list."""

    child: ClassVar[bool] = False
    needs = frozenset(("steps",))
    url: str
    tables: SagaTable | None = None

    def said(self) -> dict[str, Any]:
        return mapping()

    def open(self, sagas: Sequence[Saga]) -> Store:
        if self.tables is None:
            self.tables = SagaTable(self.url, child=self.child)
        self.tables.write(sagas)
        return open_store(self.url, self.said())

    @contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        assert self.tables is not None
        with self.tables.engine.begin() as connection:
            connection.execute(sa.text("alter table sagas rename to elsewhere"))
        try:
            yield
        finally:
            with self.tables.engine.begin() as connection:
                connection.execute(sa.text("alter table elsewhere rename to sagas"))

    async def write(self, store: Store) -> None:
        assert isinstance(store, SqlStore)
        deadline = Deadline.after(SystemClock(), 10)
        await store._guest.run(lambda session: session.ask("update sagas set error = 'changed'"), deadline)


class ChildTableSuite(SqlSuite):
    """Steps in a table of their own: a saga without rows there has no steps."""

    child = True
    needs = frozenset()

    def said(self) -> dict[str, Any]:
        said = mapping()
        steps = {**said["steps"], "shape": "child_table", "table": "saga_steps", "foreign_key": "saga_id"}
        del steps["column"]
        return {**said, "steps": {**steps, "order_by": "place"}}

    def expected(self, saga: Saga) -> Saga:
        import msgspec

        told = super().expected(saga)
        return msgspec.structs.replace(told, steps=told.steps or ())
