"""Statements for PostgreSQL are written without its own dialect, and read the same as with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ClauseElement

from sagadoctor.api.sql import postgresql
from sagadoctor.api.sql.postgresql import Postgresql, own_dialect
from sagadoctor.api.sql.statement import Compiled, compiled
from sagadoctor.api.v1 import Look
from tests.adapters.sheet import GOOD, TEMPLATE, Sheet, later

JSONB = {**TEMPLATE, "data": "jsonb", "steps": "jsonb", "part_of": "text"}
OUTBOX = {"outbox": {"table": "outbox", "id": "id", "saga_id": "saga", "sent_at": "sent"}}
RULES = {"when": [{"if": {"current_step": [1, 2], "saga_type": "not null"}, "is": "started"}]}
MAPPINGS: list[dict[str, Any]] = [
    {"preset": "saga-template"},
    {"preset": "saga-template", "saga": {"parent": "part_of"}},
    {"preset": "saga-template", "saga": {"where": {"saga_type": ["Order", "Transfer"], "current_step": "not null"}}},
    {"preset": "saga-template", **OUTBOX},
    {"preset": "saga-template", "saga": {"state": RULES}},
]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that was sent, once it was found to be the same as the real dialect's."""
    seen: list[str] = []
    real = Postgresql.compiled

    def both(self: Postgresql, statement: ClauseElement, *, plain: bool = False) -> Compiled:
        assert plain
        sent, own = real(self, statement, plain=True), compiled(statement, own_dialect())
        assert "".join(sent.text.split()) == "".join(own.text.split())
        assert sent.parameters == own.parameters
        seen.append(sent.text)
        return sent

    monkeypatch.setattr(Postgresql, "compiled", both)
    return seen


@pytest.mark.parametrize("number", range(len(MAPPINGS)))
@pytest.mark.parametrize("columns", [TEMPLATE | {"part_of": "text"}, JSONB], ids=["text", "jsonb"])
def test_everything_that_a_store_asks_is_plain(
    postgres_url: str, statements: list[str], number: int, columns: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = Sheet(postgres_url, columns=columns)
    sheet.add(GOOD, {**GOOD, "saga_id": "s-2", "state": "completed"}, {**GOOD, "saga_id": "s-3", "part_of": "s-1"})
    sheet.run("create index on sagas (state, updated_at)", "create table outbox (id int, saga text, sent timestamptz)")
    store = sheet.open(MAPPINGS[number])
    asked: list[object] = []
    real = postgresql.own_dialect

    def noted() -> object:
        asked.append(1)
        return real()

    monkeypatch.setattr(postgresql, "own_dialect", noted)

    async def work() -> int:
        now = await store.now(later())
        look = Look(later(), ended_since=now - timedelta(days=3650))
        await store.survey(look)
        rows = [saga async for page in store.read(look) for saga in page.sagas]
        await store.fetch(["s-1", "s-9"], later(), detail=True)
        await store.find("A-1", later())
        await store.children(["s-1"], later())
        await store.check(later())
        await store.close()
        return len(rows)

    assert asyncio.run(work()) == 3
    assert len(statements) > 5
    assert not asked
