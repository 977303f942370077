"""The incident: every sickness is in the rows as its truth says, on every database, and can be told by the rules."""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Row, create_engine, insert, select

from sagadoctor.demo.config_text import config_text
from sagadoctor.demo.incident import Incident, Truth, the_incident
from sagadoctor.demo.kinds import BANK_TRANSFER, ORDER_FULFILLMENT
from sagadoctor.demo.schema import DEAD_LETTERS, METADATA, OUTBOX, PAYMENTS, REFUNDS, SAGAS, SHIPMENTS
from sagadoctor.demo.topics import REFUND

from .conftest import Look

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ON_CALL = "A-10042"
"""The order that examples speak of: its refund is a dead letter."""


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Incident, Look]]:
    """The incident, for tests that only look."""
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('incident')}/demo.db")
    incident = the_incident(engine, NOW)
    yield incident, Look(engine)
    incident.world.close()
    engine.dispose()


@pytest.fixture
def moving(engine: Engine) -> Iterator[Incident]:
    """An incident of the test's own, which may run on."""
    incident = the_incident(engine, NOW)
    yield incident
    incident.world.close()


Saga = Row[Any]


def status_of(saga: Saga, name: str | None) -> str:
    return str(next(step["status"] for step in saga.steps if step["name"] == name))


def statuses(saga: Saga) -> list[str]:
    return [step["status"] for step in saga.steps]


def step_of(saga: Saga, truth: Truth) -> dict[str, Any]:
    return next(step for step in saga.steps if step["name"] == truth.step)


def late(saga: Saga, truth: Truth) -> bool:
    return datetime.fromisoformat(step_of(saga, truth)["timeout_at"]) < NOW.replace(tzinfo=None)


def live_forward(saga: Saga) -> bool:
    return saga.state in ("started", "pending")


SIGNATURES: dict[str, Callable[[Saga, Truth], bool]] = {
    "clock-skew": lambda saga, truth: saga.updated_at > NOW.replace(tzinfo=None) + timedelta(minutes=9),
    "forward-while-compensating": lambda saga, truth: (
        saga.state in ("pending", "completed") and status_of(saga, truth.step) == "compensated"
    ),
    "concurrent-steps": lambda saga, truth: live_forward(saga) and statuses(saga).count("executing") == 2,
    "late-success": lambda saga, truth: (
        saga.state == "failed"
        and status_of(saga, truth.step) == "failed"
        and step_of(saga, truth)["result"] is not None
    ),
    "undone-past-pivot": lambda saga, truth: (
        saga.state == "compensating" and status_of(saga, "create_shipment") == "completed"
    ),
    "false-completion": lambda saga, truth: saga.state == "completed" and status_of(saga, truth.step) == "executing",
    "half-compensated": lambda saga, truth: (
        saga.state == "failed" and status_of(saga, truth.step) == "completed" and "compensated" in statuses(saga)
    ),
    "outbox-unpublished": lambda saga, truth: status_of(saga, truth.step) in ("executing", "compensating"),
    "failure-not-handled": lambda saga, truth: (
        saga.state == "pending"
        and status_of(saga, truth.step) == "failed"
        and "executing" not in statuses(saga)
        and statuses(saga)[0] == "completed"
    ),
    "nothing-to-compensate": lambda saga, truth: (
        saga.state == "compensating" and set(statuses(saga)) == {"failed", "pending"}
    ),
    "compensation-not-sent": lambda saga, truth: (
        saga.state == "compensating"
        and status_of(saga, truth.step) == "completed"
        and "compensating" not in statuses(saga)
    ),
    "compensation-stuck": lambda saga, truth: (
        saga.state == "compensating" and status_of(saga, truth.step) == "compensating"
    ),
    "step-timed-out": lambda saga, truth: (
        live_forward(saga) and status_of(saga, truth.step) == "executing" and late(saga, truth)
    ),
    "no-progress": lambda saga, truth: saga.state == "pending" and set(statuses(saga)) == {"completed", "pending"},
    "dirty-timeout": lambda saga, truth: saga.state == "failed" and step_of(saga, truth)["error"] == "Step timed out",
    "duplicate-saga": lambda saga, truth: saga.state == "pending",
    "wrong-compensation-order": lambda saga, truth: (
        saga.state == "failed" and saga.steps[0]["compensated_at"] < saga.steps[1]["compensated_at"]
    ),
    "waiting": lambda saga, truth: saga.state == "pending" and status_of(saga, "manager_approval") == "executing",
}


def assert_rows_tell_the_truth(incident: Incident, look: Look) -> None:
    rows = {row.saga_id: row for row in look.rows(SAGAS)}
    assert sorted(rows) == sorted(truth.saga_id for truth in incident.truths)
    for truth in incident.truths:
        row = rows[truth.saga_id]
        assert (row.saga_type, row.data["reference"]) == (truth.saga_type, truth.business_key)
        if truth.rule is not None:
            assert SIGNATURES[truth.rule](row, truth), (truth, row)


def test_every_sickness_is_in_its_row(quiet: tuple[Incident, Look]) -> None:
    assert_rows_tell_the_truth(*quiet)


def test_every_database_tells_the_same(store_url: str) -> None:
    engine = create_engine(store_url)
    incident = the_incident(engine, NOW)
    assert_rows_tell_the_truth(incident, Look(engine))
    incident.world.close()
    engine.dispose()


@pytest.mark.parametrize("seed", range(2, 8))
def test_the_truth_does_not_hang_on_the_seed(engine: Engine, look: Look, seed: int) -> None:
    incident = the_incident(engine, NOW, seed)
    assert_rows_tell_the_truth(incident, look)
    incident.world.close()


def test_it_has_each_sickness_and_enough_that_is_well(quiet: tuple[Incident, Look]) -> None:
    incident, _ = quiet
    rules = Counter(truth.rule for truth in incident.truths)
    assert set(rules) - {None} == set(SIGNATURES)
    assert rules["compensation-stuck"] >= 7
    assert rules[None] >= 60
    assert len(incident.sick) == 31
    assert not any(truth.rule == "waiting" for truth in incident.sick)


def test_who_is_well_has_ended_cleanly_or_is_within_its_time(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    rows = {row.saga_id: row for row in look.rows(SAGAS)}
    ends: Counter[str] = Counter()
    for truth in incident.truths:
        if truth.rule is None:
            row = rows[truth.saga_id]
            ends[row.state] += 1
            if row.state == "completed":
                assert set(statuses(row)) == {"completed"}
            elif row.state == "failed":
                compensable = [step for step in row.steps if step["compensation"] is not None]
                assert {step["status"] for step in compensable} <= {"compensated", "failed", "pending"}
            elif row.state != "compensating":
                assert status_of(row, truth.step) == "executing"
                assert not late(row, truth)
    assert ends["completed"] >= 50
    assert ends["failed"] >= 7
    assert ends["compensating"] == 1
    assert ends["pending"] + ends["started"] >= 4


def test_the_near_misses_are_near(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    rows = {row.saga_id: row for row in look.rows(SAGAS)}
    left = [
        datetime.fromisoformat(step_of(rows[truth.saga_id], truth)["timeout_at"]) - NOW.replace(tzinfo=None)
        for truth in incident.truths
        if "just inside" in truth.what
    ]
    assert len(left) == 2
    assert all(timedelta() < rest < timedelta(minutes=1) for rest in left)


def test_dead_letters_are_those_of_the_gateway_the_carrier_and_the_late_mail(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    letters = Counter(letter.error for letter in look.rows(DEAD_LETTERS))
    assert letters == {
        "payment gateway: 503 Service Unavailable": 5,
        "carrier API: 502 Bad Gateway": 1,
        "payment is settled already": 1,
    }
    lettered = {letter.msg_key for letter in look.rows(DEAD_LETTERS)}
    dead = {truth.saga_id for truth in incident.truths if truth.with_letters == "dead-lettered"}
    assert dead < lettered
    assert len(dead) == 6


def test_the_order_that_examples_speak_of_is_stuck_in_its_refund(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    (truth,) = [truth for truth in incident.truths if truth.business_key == ON_CALL]
    assert (truth.rule, truth.step) == ("compensation-stuck", "process_payment")
    (payment,) = [row for row in look.rows(PAYMENTS) if row.reference == ON_CALL]
    assert payment.id not in {row.payment_id for row in look.rows(REFUNDS)}


def test_only_the_stopped_relay_leaves_commands_unsent(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    unsent = [row for row in look.rows(OUTBOX) if row.sent_at is None]
    assert min(row.created_at for row in unsent) > NOW.replace(tzinfo=None) - timedelta(minutes=6)
    young = NOW.replace(tzinfo=None) - timedelta(minutes=1)
    victims = {row.saga_id for row in unsent if row.created_at < young}
    assert victims == {truth.saga_id for truth in incident.truths if truth.rule == "outbox-unpublished"}


def test_a_parcel_that_left_twice_cannot_be_seen_in_its_saga(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    parcels = Counter(row.saga_id for row in look.rows(SHIPMENTS))
    ((twice, count),) = [(saga_id, number) for saga_id, number in parcels.items() if number > 1]
    (truth,) = [truth for truth in incident.truths if truth.saga_id == twice]
    assert (count, truth.rule) == (2, None)


def test_one_seed_gives_one_incident_to_the_last_byte(engine: Engine, tmp_path: Path) -> None:
    other = create_engine(f"sqlite:///{tmp_path}/other.db")
    first, second = the_incident(engine, NOW), the_incident(other, NOW)
    assert first.truths == second.truths
    for table in METADATA.sorted_tables:
        assert Look(engine).rows(table) == Look(other).rows(table), table.name
    first.world.close()
    second.world.close()
    other.dispose()


def test_three_hours_take_less_than_three_seconds(engine: Engine) -> None:
    begun = time.process_time()
    the_incident(engine, NOW).world.close()
    assert time.process_time() - begun < 3


def test_it_ends_at_the_present_and_began_three_hours_before(quiet: tuple[Incident, Look]) -> None:
    incident, look = quiet
    begun = [row.created_at for row in look.rows(SAGAS) if row.saga_id not in skewed(incident)]
    assert incident.world.now() == NOW
    assert min(begun) >= NOW.replace(tzinfo=None) - timedelta(hours=3)
    assert max(begun) < NOW.replace(tzinfo=None)


def skewed(incident: Incident) -> set[str]:
    return {truth.saga_id for truth in incident.truths if truth.rule == "clock-skew"}


def test_a_relay_that_is_started_again_cures_its_victims(moving: Incident, look: Look) -> None:
    victims = {truth.saga_id for truth in moving.truths if truth.rule == "outbox-unpublished"}
    moving.world.relay.start()
    moving.world.run_for(timedelta(minutes=30))
    states = Counter(row.state for row in look.rows(SAGAS) if row.saga_id in victims)
    assert states == {"completed": 3, "failed": 1}
    assert all(row.sent_at is not None for row in look.rows(OUTBOX))


def test_a_compensation_that_is_sent_again_by_the_outbox_cures_its_saga(
    moving: Incident, look: Look, engine: Engine
) -> None:
    saga = look.saga(ON_CALL)
    with engine.begin() as connection:
        lost = select(OUTBOX).where(OUTBOX.c.saga_id == saga.saga_id, OUTBOX.c.topic == REFUND)
        row = connection.execute(lost).one()
        again = {"topic": row.topic, "msg_key": row.msg_key, "payload": row.payload, "headers": row.headers}
        connection.execute(insert(OUTBOX).values(id="sent-by-a-doctor", created_at=row.created_at, **again))
    moving.world.relay.start()
    moving.world.run_for(timedelta(minutes=1))
    cured = look.saga(ON_CALL)
    assert (cured.state, status_of(cured, "process_payment")) == ("failed", "compensated")


def test_the_configuration_names_what_the_company_does() -> None:
    config = tomllib.loads(config_text("sqlite:////tmp/demo.db"))
    assert (config["environment"]["name"], config["stores"]["demo"]["preset"]) == ("demo", "saga-template")
    for kind in (ORDER_FULFILLMENT, BANK_TRANSFER):
        declared = config["sagas"][kind.saga_type]["steps"]
        assert [step["name"] for step in declared] == [plan.name for plan in kind.steps]
        for step, plan in zip(declared, kind.steps, strict=True):
            if "waits_for" not in step:
                assert step["action"] == plan.action
                assert _span(step["timeout"]) == plan.timeout
            assert step.get("compensation") == plan.compensation
            assert step.get("compensable", True) is (plan.compensation is not None)


def _span(text: str) -> timedelta:
    return timedelta(**{{"s": "seconds", "m": "minutes"}[text[-1]]: int(text[:-1])})


def test_the_configuration_maps_columns_that_exist() -> None:
    config = tomllib.loads(config_text("sqlite://"))
    outbox = config["stores"]["demo"]["outbox"]
    assert {outbox[key] for key in ("id", "saga_id", "step", "created_at", "sent_at")} <= set(OUTBOX.c.keys())
    assert outbox["table"] in METADATA.tables


@pytest.mark.parametrize("url", ["sqlite:///C:\\new\\demo.db", 'sqlite:////tmp/a "quoted" {url} folder/ü.db'])
def test_any_url_survives_the_configuration(url: str) -> None:
    assert tomllib.loads(config_text(url))["stores"]["demo"]["url"] == url
