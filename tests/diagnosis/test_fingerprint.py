"""Fingerprints and ids: equal while a saga stands still, different once it has moved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sagadoctor.diagnosis.fingerprint import fingerprint, reached
from sagadoctor.model.saga import OutboxEntry, Owner, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import PAY, ago, ahead, changed, findings, observation, order_steps, saga
from tests.diagnosis.looking import named
from tests.diagnosis.strategies import QUICK, any_saga

ROW = saga()

A_RETRY: tuple[dict[str, Any], ...] = (
    {"updated_at": ago(seconds=1)},
    {"attempts": 7},
    {"next_attempt_at": ahead(minutes=1)},
    {"owner": Owner("worker-2", alive=True)},
    {"error": "connection refused"},
    {"outbox": (OutboxEntry("m", "outbox"),)},
    {"trace_id": "t"},
    {"deadline": ahead(hours=1)},
)
A_STEP: tuple[dict[str, Any], ...] = (
    {"version": "2"},
    {"state": SagaState.COMPENSATING},
    {"raw_state": "ROLLING_BACK"},
    {"current_step": PAY},
    {"steps": None},
    {"steps": ()},
    {"steps": order_steps(StepStatus.COMPLETED, StepStatus.COMPLETED)},
)


@pytest.mark.parametrize("fields", A_RETRY)
def test_a_retry_is_no_progress(fields: dict[str, Any]) -> None:
    assert fingerprint(msgspec.structs.replace(ROW, **fields)) == fingerprint(ROW)


@pytest.mark.parametrize("fields", A_STEP)
def test_a_step_forward_or_back_is(fields: dict[str, Any]) -> None:
    assert fingerprint(msgspec.structs.replace(ROW, **fields)) != fingerprint(ROW)


def test_the_tries_of_a_step_are_no_progress_and_its_end_is() -> None:
    tried = changed(ROW, PAY, attempts=9, started_at=ago(seconds=1), next_attempt_at=ahead(minutes=1), error="no")
    assert fingerprint(tried) == fingerprint(ROW)

    ends: tuple[dict[str, Any], ...] = (
        {"result": b'{"payment_id": 7}'},
        {"executed_at": ago(seconds=1)},
        {"compensated_at": ago(seconds=1)},
        {"raw_status": "SENT"},
    )
    seen = {fingerprint(ROW), *(fingerprint(changed(ROW, PAY, **each)) for each in ends)}
    assert len(seen) == len(ends) + 1


def test_no_steps_known_is_not_the_same_as_no_steps() -> None:
    assert fingerprint(saga(steps=None)) != fingerprint(saga(steps=()))


@QUICK
@given(first=st.binary(max_size=8), second=st.binary(max_size=8))
@example(first=b"\xff", second=b"\xfe")
def test_two_results_look_the_same_only_if_they_are(first: bytes, second: bytes) -> None:
    same = fingerprint(changed(ROW, PAY, result=first)) == fingerprint(changed(ROW, PAY, result=second))

    assert same == (first == second)


@QUICK
@given(row=any_saga, other=any_saga)
def test_only_what_a_step_forward_changes_is_looked_at(row: Saga, other: Saga) -> None:
    retried = msgspec.structs.replace(
        row,
        updated_at=other.updated_at,
        attempts=other.attempts,
        next_attempt_at=other.next_attempt_at,
        owner=other.owner,
        error=other.error,
        outbox=other.outbox,
    )

    assert fingerprint(retried) == fingerprint(row)


STUCK = changed(saga(updated_at=ago(minutes=40)), PAY, timeout_at=ago(minutes=30))


def test_the_id_of_a_finding_stays_while_only_time_goes_by() -> None:
    ids = {
        named(findings(STUCK, now=ago(minutes=20) + timedelta(hours=hours)), "step-timed-out").id for hours in range(9)
    }

    assert len(ids) == 1


def test_the_id_of_a_finding_changes_when_the_saga_moves() -> None:
    moved = changed(STUCK, PAY, started_at=ago(minutes=35))

    assert named(findings(moved), "step-timed-out").id != named(findings(STUCK), "step-timed-out").id


def test_the_id_of_a_finding_without_times_stands_on_what_the_row_looks_like() -> None:
    row = saga(SagaState.COMPENSATED, order_steps(StepStatus.COMPLETED, StepStatus.FAILED), updated_at=None)
    other = changed(row, PAY, result=b"{}")

    first, again, then = (named(findings(each), "half-compensated").id for each in (row, row, other))

    assert first == again != then


def test_two_stores_sagas_rules_and_steps_have_ids_of_their_own() -> None:
    rows = [STUCK, msgspec.structs.replace(STUCK, store="billing"), msgspec.structs.replace(STUCK, saga_id="s-2")]

    ids = [finding.id for row in rows for finding in findings(row)]

    assert len(set(ids)) == len(ids) == 3


def test_a_change_that_was_watched_is_a_move() -> None:
    row = saga(steps=None, updated_at=None)

    earlier = findings(row, observed=observation(ago(days=2)))
    later = findings(row, observed=observation(ago(days=1)))

    assert earlier[0].rule == later[0].rule == "no-progress"
    assert earlier[0].id != later[0].id


AN_ATTEMPT: tuple[dict[str, Any], ...] = (
    *A_RETRY,
    {"version": "2"},
    {"state": SagaState.BACKING_OFF, "raw_state": "RETRYING"},
    *({"steps": order_steps(StepStatus.COMPLETED, out)} for out in (StepStatus.FAILED, StepStatus.PENDING)),
    {"steps": changed(ROW, PAY, executed_at=ago(seconds=1), result=b'{"code": 503}').steps},
)
A_WAY: tuple[dict[str, Any], ...] = (
    {"state": SagaState.COMPENSATING},
    {"current_step": PAY},
    {"steps": None},
    {"steps": order_steps(StepStatus.COMPLETED, StepStatus.COMPLETED)},
    {"steps": order_steps(StepStatus.COMPENSATED, StepStatus.FAILED)},
    {"steps": changed(ROW, ROW.steps[0].name, executed_at=ago(seconds=1)).steps if ROW.steps else ()},
)


@pytest.mark.parametrize("fields", AN_ATTEMPT)
def test_what_was_reached_stays_from_attempt_to_attempt(fields: dict[str, Any]) -> None:
    assert reached(msgspec.structs.replace(ROW, **fields)) == reached(ROW)


@pytest.mark.parametrize("fields", A_WAY)
def test_what_was_reached_changes_with_every_step_that_is_over(fields: dict[str, Any]) -> None:
    assert reached(msgspec.structs.replace(ROW, **fields)) != reached(ROW)


def test_where_neither_cursor_nor_steps_are_told_the_state_tells_what_was_reached() -> None:
    paying, shipping = (saga(steps=None, raw_state=word) for word in ("PAYING", "SHIPPING"))
    assert reached(paying) != reached(shipping)
    at_pay = [msgspec.structs.replace(row, current_step=PAY) for row in (paying, shipping)]
    assert reached(at_pay[0]) == reached(at_pay[1])


@QUICK
@given(row=any_saga, other=any_saga)
def test_what_was_reached_can_be_told_of_every_row(row: Saga, other: Saga) -> None:
    same = msgspec.structs.replace(
        other, steps=row.steps, current_step=row.current_step, state=row.state, raw_state=row.raw_state
    )
    assert reached(row) == reached(same)
