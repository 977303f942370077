"""unreadable: the row holds something that nobody can read."""

from __future__ import annotations

import msgspec
import pytest

from sagadoctor.diagnosis.gate import Gate
from sagadoctor.model.finding import EvidenceKind, Severity
from sagadoctor.model.remedy import Advice, RemedyKind
from sagadoctor.model.saga import LIVE, Doubt, SagaState, Step, StepStatus
from sagadoctor.testing.builders import (
    NOW,
    PAY,
    ago,
    ahead,
    changed,
    findings,
    observation,
    order_policy,
    order_steps,
    saga,
)
from tests.diagnosis.looking import advised, bad, facts, named, override, primary, supporting

DONE, UNKNOWN = StepStatus.COMPLETED, StepStatus.UNKNOWN
RULE = "unreadable"


def test_a_state_that_nobody_mapped() -> None:
    row = saga(SagaState.UNKNOWN, raw_state="HALF_DONE")

    finding = primary(findings(row), RULE)

    assert (finding.severity, finding.state, finding.raw_state) == (Severity.WARNING, "unknown", "HALF_DONE")
    assert (finding.step, finding.late_seconds) == (None, None)
    assert "'HALF_DONE'" in facts(finding)
    assert supporting(finding) == {EvidenceKind.STATUS}
    assert advised(finding) == {(RemedyKind.CALL_HUMAN, None): Advice.ASK}


def test_a_state_that_is_missing() -> None:
    assert primary(findings(saga(SagaState.UNKNOWN, raw_state=None)), RULE).raw_state is None


def test_the_status_of_a_step_that_nobody_mapped() -> None:
    row = changed(saga(steps=order_steps(DONE, UNKNOWN)), PAY, raw_status="WAT")

    finding = primary(findings(row), RULE)

    assert PAY in facts(finding)
    assert "'WAT'" in facts(finding)


def test_steps_that_are_malformed_or_missing() -> None:
    row = saga(steps=None, doubts=(Doubt("steps", '{"a": ', "a list of steps as JSON"),))

    assert "a list of steps as JSON" in facts(primary(findings(row), RULE))


def test_a_bad_time_is_told_and_the_rest_is_judged() -> None:
    doubt = Doubt("updated_at", "0000-00-00", "a time")
    row = changed(saga(updated_at=ago(hours=1), doubts=(doubt,)), PAY, timeout_at=ago(minutes=50))

    found = findings(row)

    primary(found, "step-timed-out")
    assert not named(found, RULE).primary
    assert found[-1].rule == RULE


def test_a_bad_time_alone_is_primary() -> None:
    found = findings(saga(doubts=(Doubt("updated_at", "0000-00-00", "a time"),)))

    assert bad(found) == {RULE}
    assert "the rest of the row was read" in primary(found, RULE).summary


def test_two_rows_with_one_id() -> None:
    assert bad(findings(saga(doubts=(Doubt("id", "s-1", "one row for an id"),)))) == {RULE}
    finding = primary(findings(repeated=True), RULE)
    assert finding.summary.startswith("another row has the same id")
    assert "same id" in facts(finding)


def test_every_word_that_is_known_is_readable() -> None:
    for state in SagaState:
        if state is not SagaState.UNKNOWN:
            assert RULE not in bad(findings(saga(state)))
    row = changed(saga(), PAY, raw_status="IN_FLIGHT")
    assert findings(row) == ()


def test_nothing_is_repaired_on_a_row_that_cannot_be_read() -> None:
    steps = (*order_steps(DONE, StepStatus.EXECUTING)[:2], Step("extra", 2, UNKNOWN, raw_status="WAT"))
    row = changed(saga(steps=steps, updated_at=ago(hours=1)), PAY, timeout_at=ago(minutes=50))

    late = named(findings(row), "step-timed-out")

    assert set(advised(late).values()) == {Advice.REFUSE}
    assert override(late, RemedyKind.RETRY_STEP, PAY) == "unreadable"


def test_an_unknown_state_may_still_be_stuck() -> None:
    row = msgspec.structs.replace(saga(SagaState.UNKNOWN, raw_state="HALF_DONE"), updated_at=ago(days=3))

    found = findings(row)

    primary(found, RULE)
    assert "no-progress" in bad(found)


def test_the_sentence_names_everything_that_could_not_be_read() -> None:
    doubt = Doubt("updated_at", "0000-00-00", "a time")
    row = saga(SagaState.UNKNOWN, order_steps(UNKNOWN), raw_state="HALF_DONE", doubts=(doubt,))

    assert primary(findings(row), RULE).summary.startswith("state 'HALF_DONE', steps, updated_at could not be read")
    long = msgspec.structs.replace(row, raw_state="x" * 500)
    assert primary(findings(long), RULE).summary.startswith("state, steps, updated_at could not be read")


def test_many_doubts_are_counted_in_the_sentence_and_listed_in_the_evidence() -> None:
    doubts = tuple(Doubt(f"steps[{place}].executed_at", "x", "a time") for place in range(8))

    finding = primary(findings(saga(doubts=doubts)), RULE)

    assert "and 3 more" in finding.summary
    assert len(finding.evidence) == 8


EMPTY_LIST = saga(steps=(), created_at=ago(minutes=5), updated_at=ago(seconds=6))


@pytest.mark.parametrize("state", [state for state in SagaState if state in LIVE])
def test_a_live_saga_whose_list_of_steps_is_empty(state: SagaState) -> None:
    finding = primary(findings(msgspec.structs.replace(EMPTY_LIST, state=state)), RULE)

    assert finding.summary == "it has no steps; so nobody can say whether this saga is well"
    assert "its list of steps is empty" in facts(finding)
    assert supporting(finding) == {EvidenceKind.STATUS}


@pytest.mark.parametrize("state", [SagaState.STARTED, SagaState.PENDING])
def test_a_saga_that_began_just_now_may_still_get_its_steps(state: SagaState) -> None:
    row = saga(state, (), created_at=ago(seconds=60), updated_at=ago(seconds=60))

    assert findings(row) == ()
    assert bad(findings(row, now=ahead(seconds=1))) == {RULE}
    timeless = saga(state, (), updated_at=None)
    assert findings(timeless, observed=observation(ago(seconds=5))) == ()


def test_what_is_being_undone_has_begun() -> None:
    row = saga(SagaState.COMPENSATING, (), created_at=ago(seconds=5), updated_at=ago(seconds=5))

    assert bad(findings(row)) == {RULE}


def test_a_saga_that_has_ended_may_have_lost_its_steps() -> None:
    for state in (SagaState.COMPLETED, SagaState.COMPENSATED, SagaState.CANCELLED):
        assert findings(saga(state, (), updated_at=ago(days=1))) == ()


def test_a_store_that_knows_no_steps_is_no_store_that_lost_them() -> None:
    assert findings(saga(steps=None)) == ()


def test_a_doubt_about_the_steps_is_told_once() -> None:
    row = msgspec.structs.replace(EMPTY_LIST, doubts=(Doubt("steps", "{}", "a list of steps as JSON"),))

    finding = primary(findings(row), RULE)

    assert finding.summary.startswith("steps could not be read;")
    assert len(finding.evidence) == 1


def test_a_live_saga_that_tells_no_time_in_a_store_that_has_times() -> None:
    doubt = Doubt("updated_at", "NULL", "NULL: nothing tells when it last moved")

    found = findings(saga(updated_at=None, doubts=(doubt,)))

    assert bad(found) == {RULE}
    finding = primary(found, RULE)
    assert finding.summary == (
        "updated_at could not be read; nothing tells when it last moved, so nobody can say whether it stands still"
    )
    assert facts(finding) == "updated_at is NULL: nothing tells when it last moved"
    assert (finding.since, finding.late_seconds) == (None, None)
    assert not Gate(order_policy(), NOW).passes(saga(updated_at=None, doubts=(doubt,)))


def test_a_saga_with_one_time_missing_is_judged_by_the_others() -> None:
    doubt = Doubt("updated_at", "NULL", "nothing tells when it last moved")
    row = saga(steps=None, updated_at=None, created_at=ago(minutes=2), doubts=(doubt,))

    assert "the rest of the row was read" in primary(findings(row), RULE).summary
    ended = saga(SagaState.COMPENSATED, order_steps(StepStatus.FAILED), updated_at=None, doubts=(doubt,))
    assert "the rest of the row was read" in primary(findings(ended), RULE).summary


def test_a_store_without_times_is_no_row_without_times() -> None:
    assert findings(saga(updated_at=None)) == ()
