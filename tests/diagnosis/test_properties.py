"""What holds of every saga there can be, whatever its row says."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from sagadoctor.diagnosis.prognosis import prognosis
from sagadoctor.diagnosis.rules import RULES
from sagadoctor.diagnosis.trial import trial
from sagadoctor.model.case import LinkedSaga
from sagadoctor.model.finding import STORE_KINDS
from sagadoctor.model.observation import Observation, Tries
from sagadoctor.model.policy import SagaPolicy, StepDefinition
from sagadoctor.model.remedy import REPAIRS, Advice, RemedyKind
from sagadoctor.model.saga import Doubt, Saga, SagaState, StepStatus
from sagadoctor.testing.builders import NOW
from tests.diagnosis.strategies import QUICK, THOROUGH, any_policy, any_saga, links, observations, past_saga, some_tries

NO_STEP = StepDefinition("none")
SEVERAL = tuple(rule.name for rule in RULES)


@THOROUGH
@given(
    saga=any_saga,
    policy=any_policy,
    observed=st.none() | observations,
    tries=st.none() | some_tries,
    linked=links,
    repeated=st.booleans(),
)
def test_no_row_is_odd_enough_to_raise(
    saga: Saga,
    policy: SagaPolicy,
    observed: Observation | None,
    tries: Tries | None,
    linked: tuple[LinkedSaga, ...],
    repeated: bool,
) -> None:
    case = assemble(saga, policy, NOW, observed=observed, tries=tries, linked=linked, repeated=repeated)
    found = examine(case, policy, NOW)

    assert [finding.primary for finding in found] == [place == 0 for place in range(len(found))]
    assert len({finding.rule for finding in found}) == len(found)
    assert {finding.rule for finding in found} <= set(SEVERAL)
    for finding in found:
        assert finding.evidence
        assert finding.summary
        assert finding.age_seconds is None or finding.age_seconds >= 0
        for remedy in finding.remedies:
            assert remedy.because
            assert remedy.override or remedy.advice not in (Advice.REFUSE, Advice.WAIT) or remedy.kind not in REPAIRS
            if remedy.kind in REPAIRS and {fact.kind for fact in finding.evidence} <= STORE_KINDS:
                assert remedy.advice is not Advice.SAFE


@THOROUGH
@given(saga=any_saga, policy=any_policy, observed=st.none() | observations, linked=links)
def test_a_rule_holds_nowhere_but_where_it_is_asked(
    saga: Saga, policy: SagaPolicy, observed: Observation | None, linked: tuple[LinkedSaga, ...]
) -> None:
    case = assemble(saga, policy, NOW, observed=observed, linked=linked)
    statuses = frozenset(case.by_status)

    unasked = [rule for rule in RULES if not rule.may_hold(case.state, statuses)]

    assert [rule.name for rule in unasked if rule.examine(case, policy, NOW) is not None] == []


@QUICK
@given(saga=any_saga, policy=any_policy, tries=st.none() | some_tries)
def test_a_prognosis_can_be_made_of_every_row(saga: Saga, policy: SagaPolicy, tries: Tries | None) -> None:
    prognosis(assemble(saga, policy, NOW, tries=tries), policy, NOW)


@QUICK
@given(saga=any_saga, policy=any_policy)
def test_every_row_can_be_asked_how_often_it_was_tried(saga: Saga, policy: SagaPolicy) -> None:
    asked = trial(saga, policy, NOW)

    assert asked is None or (saga.is_live and asked.count >= 1 and asked.mark.isalnum())


@QUICK
@given(saga=any_saga, policy=any_policy)
def test_a_deadline_in_doubt_is_as_good_as_none(saga: Saga, policy: SagaPolicy) -> None:
    fields = ("deadline", *(f"steps[{step.index}].timeout_at" for step in saga.steps or ()))
    doubted = msgspec.structs.replace(saga, doubts=tuple(Doubt(field, "x", "not a time") for field in fields))
    steps = None if saga.steps is None else tuple(msgspec.structs.replace(step, timeout_at=None) for step in saga.steps)
    without = msgspec.structs.replace(doubted, deadline=None, steps=steps)

    assert examine(assemble(doubted, policy, NOW), policy, NOW) == examine(assemble(without, policy, NOW), policy, NOW)


@QUICK
@given(saga=any_saga, policy=any_policy)
def test_nothing_is_sent_forward_that_goes_back_nor_back_that_only_goes_forward(saga: Saga, policy: SagaPolicy) -> None:
    case = assemble(saga, policy, NOW)
    kinds = {
        remedy.kind
        for finding in examine(case, policy, NOW)
        for remedy in finding.remedies
        if remedy.advice in (Advice.SAFE, Advice.ASK, Advice.WAIT)
    }

    if case.state is SagaState.COMPENSATING:
        assert not kinds & {RemedyKind.RETRY_STEP, RemedyKind.FAIL_STEP}
    if any(
        step.status is StepStatus.COMPLETED and (policy.step(step.name) or NO_STEP).pivot for step in saga.steps or ()
    ):
        assert not kinds & {RemedyKind.FAIL_STEP, RemedyKind.RESEND_COMPENSATION}


@QUICK
@given(saga=any_saga, policy=any_policy, linked=links)
def test_a_case_with_clock_skew_is_offered_no_repair(
    saga: Saga, policy: SagaPolicy, linked: tuple[LinkedSaga, ...]
) -> None:
    case = assemble(saga, policy, NOW, linked=linked)
    assume(case.future)

    found = examine(case, policy, NOW)

    assert "clock-skew" in {finding.rule for finding in found}
    assert not [remedy for finding in found for remedy in finding.remedies if remedy.kind in REPAIRS]


@QUICK
@given(saga=any_saga, policy=any_policy)
def test_what_one_rule_refuses_no_other_rule_offers(saga: Saga, policy: SagaPolicy) -> None:
    found = examine(assemble(saga, policy, NOW), policy, NOW)

    refused = {
        (remedy.kind, remedy.step)
        for finding in found
        for remedy in finding.remedies
        if remedy.advice is Advice.REFUSE and remedy.override not in ("one-fact", "evidence-against")
    }
    offered = {
        (remedy.kind, remedy.step)
        for finding in found
        for remedy in finding.remedies
        if remedy.advice in (Advice.SAFE, Advice.ASK) and remedy.kind in REPAIRS
    }
    assert not refused & offered
    assert not {kind for kind, step in refused if step is None} & {kind for kind, _ in offered}


@QUICK
@given(saga=past_saga, policy=any_policy, later=st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds)))
def test_ids_of_findings_stay_while_only_time_goes_by(saga: Saga, policy: SagaPolicy, later: timedelta) -> None:
    case = assemble(saga, policy, NOW)
    assume(not case.future)

    first = {finding.rule: finding for finding in examine(case, policy, NOW)}
    then = {finding.rule: finding for finding in examine(assemble(saga, policy, NOW + later), policy, NOW + later)}

    for rule in first.keys() & then.keys():
        if first[rule].step == then[rule].step:
            assert first[rule].id == then[rule].id
            assert first[rule].group == then[rule].group


@QUICK
@given(saga=past_saga, policy=any_policy)
def test_ids_of_findings_change_when_the_saga_moves(saga: Saga, policy: SagaPolicy) -> None:
    case = assemble(saga, policy, NOW)
    assume(case.progress_at is not None)
    moved = assemble(msgspec.structs.replace(saga, updated_at=NOW), policy, NOW)
    assume(not moved.future)

    before = {finding.id for finding in examine(case, policy, NOW)}
    after = {finding.id for finding in examine(moved, policy, NOW)}

    assert not before & after
