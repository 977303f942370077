"""The preset `eventuate-tram` on rows that the engine itself wrote, each saga stopped in one known way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest
import sqlalchemy as sa

from sagadoctor.api.v1 import Policy, SagaPolicy, StepDefinition, StillClock, Thresholds
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.opening import open_store

ROWS: Final = (Path(__file__).parent / "eventuate-tram-0.25.0.sql").read_text("utf-8")
NOW: Final = datetime.fromtimestamp(1795174766.349, tz=UTC)
SCHEMA: Final[dict[str, Any]] = {
    "preset": "eventuate-tram",
    "saga": {"table": "eventuate.saga_instance"},
    "outbox": {"table": "eventuate.message"},
    "received": {"table": "eventuate.received_messages"},
    "replies": {"table": "eventuate.message"},
    "locks": {"table": "eventuate.saga_lock_table", "waiters": {"table": "eventuate.saga_stash_table"}},
}
COMMAND: Final = "lab.Cmds$"
PLACE_ORDER: Final = (
    StepDefinition("createOrder", compensable=False),
    StepDefinition("reserve", action=f"{COMMAND}ReserveStock", compensation=f"{COMMAND}ReleaseStock"),
    StepDefinition("charge", action=f"{COMMAND}ChargeCard", compensation=f"{COMMAND}RefundCard"),
    StepDefinition("approve", action=f"{COMMAND}ApproveOrder", waits_for="person", compensable=False),
    StepDefinition("post", action=f"{COMMAND}PostLedger", compensable=False),
    StepDefinition("ship", action=f"{COMMAND}Ship", compensable=False),
)
EXPECTED: Final = {
    "forward_noreply": "no-progress",
    "comp_noreply": "compensation-stuck",
    "comp_fails": "compensation-failed",
    "held_by_cdc": "outbox-unpublished",
    "consumer_gone": "no-progress",
    "tx_aborted": "no-progress",
    "tx_aborted_behind": "no-progress",
    "handler_throws": "no-progress",
    "behind_throwing": "no-progress",
    "reply_poison": "reply-lost",
    "behind_poison_reply": "reply-lost",
    "lock_holder": "no-progress",
    "lost_reply": "reply-lost",
    "lock_waiter": "no-progress",
    "stashed": "blocked-by",
}
"""What is said first of each plant that was stopped; of the others nothing at warning or above."""


@pytest.fixture
def written(postgres_url: str) -> str:
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    connection = engine.raw_connection()
    try:
        connection.cursor().execute(ROWS.encode())
        connection.commit()
    finally:
        connection.close()
    return postgres_url


def plans(url: str) -> dict[str, str]:
    """Return how each saga was stopped, by its id as it is printed."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    statement = "select saga_type, saga_id, saga_data_json::json ->> 'plan' from eventuate.saga_instance"
    with engine.connect() as connection:
        return {f"{kind}/{saga_id}": plan for kind, saga_id, plan in connection.execute(sa.text(statement))}


def told(url: str, known: Policy, said: dict[str, Any] = SCHEMA) -> tuple[dict[str, Finding], ReportEnd]:
    async def work() -> tuple[dict[str, Finding], ReportEnd]:
        backends = Backends((open_store(url, said, policy=known),), known, StillClock(NOW))
        request = ScanRequest("cron", as_of=NOW, since=timedelta(days=30))
        each = [one async for one in scan(backends, request)]
        await backends.close()
        end = each[-1]
        assert isinstance(end, ReportEnd)
        bad = [one for one in each if isinstance(one, Finding) and one.primary and one.severity.weight > 1]
        return {str(one.saga_id): one for one in bad}, end

    return asyncio.run(work())


def policy() -> Policy:
    """Return what a configuration says where a minute is long, as it was for these rows."""
    limits = Thresholds(no_progress=timedelta(minutes=1), compensation=timedelta(minutes=1))
    known = SagaPolicy(limits, PLACE_ORDER)
    return Policy(
        SagaPolicy(limits),
        MappingProxyType({f"lab.{name}Saga": known for name in ("PlaceOrder", "PoisonReply", "Contended")}),
    )


def test_each_plant_is_told_by_what_stopped_it_and_nobody_who_is_well(written: str) -> None:
    found, end = told(written, policy())
    plan = plans(written)

    assert end.blind_spots == ()
    assert {plan[saga_id]: finding.rule for saga_id, finding in found.items()} == EXPECTED
    by_plan = {plan[saga_id]: finding for saga_id, finding in found.items()}
    assert "not among what lab.PoisonReplySaga-consumer received" in str(by_plan["reply_poison"].evidence)
    assert "waits for lock sku/SKU-HOT" in str(by_plan["stashed"].evidence)
    holder = next(saga_id for saga_id, each in plan.items() if each == "lock_holder")
    assert holder in by_plan["stashed"].summary


def test_without_a_word_about_steps_the_conversation_tells_all_the_same(written: str) -> None:
    limits = Thresholds(no_progress=timedelta(minutes=1), compensation=timedelta(minutes=1))
    found, _ = told(written, Policy(SagaPolicy(limits)))
    plan = plans(written)

    rules = {plan[saga_id]: finding.rule for saga_id, finding in found.items()}
    assert {each for each, rule in rules.items() if rule == "reply-lost"} == {
        "reply_poison",
        "behind_poison_reply",
        "lost_reply",
    }
    assert rules["held_by_cdc"] == "outbox-unpublished"
    assert rules["stashed"] == "blocked-by"
    assert not {"ok", "moving", "comp_clean", "fail_first", "lock_last"} & set(rules)


def test_by_the_usual_limits_nobody_is_late_yet(written: str) -> None:
    found, _ = told(written, Policy())
    plan = plans(written)

    assert {plan[saga_id]: finding.rule for saga_id, finding in found.items()} == {
        "held_by_cdc": "outbox-unpublished",
        "comp_fails": "compensation-failed",
    }
