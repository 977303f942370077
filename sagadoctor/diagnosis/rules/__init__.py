"""RULES in order of rank: the first that holds is the primary finding; one sickness a file."""

from __future__ import annotations

from typing import Final

from ..sign import Rule, SurveyRule
from . import (
    backing_off,
    blocked_by,
    clock_skew,
    compensation_failed,
    compensation_not_sent,
    compensation_stuck,
    concurrent_steps,
    dirty_timeout,
    duplicate_saga,
    failure_not_handled,
    false_completion,
    forward_while_compensating,
    half_compensated,
    late_success,
    no_progress,
    no_times,
    nothing_to_compensate,
    orphan_steps,
    outbox_unpublished,
    owner_gone,
    reply_lost,
    retry_loop,
    sources_disagree,
    step_timed_out,
    undone_past_pivot,
    unreadable,
    waiting,
    wake_up_missed,
    wrong_compensation_order,
)

RULES: Final[tuple[Rule, ...]] = (
    unreadable.RULE,
    clock_skew.RULE,
    forward_while_compensating.RULE,
    concurrent_steps.RULE,
    late_success.RULE,
    undone_past_pivot.RULE,
    false_completion.RULE,
    compensation_failed.RULE,
    half_compensated.RULE,
    outbox_unpublished.RULE,
    reply_lost.RULE,
    owner_gone.RULE,
    retry_loop.RULE,
    blocked_by.RULE,
    failure_not_handled.RULE,
    nothing_to_compensate.RULE,
    compensation_not_sent.RULE,
    compensation_stuck.RULE,
    wake_up_missed.RULE,
    step_timed_out.RULE,
    no_progress.RULE,
    dirty_timeout.RULE,
    sources_disagree.RULE,
    wrong_compensation_order.RULE,
    backing_off.RULE,
    waiting.RULE,
)

SURVEY_RULES: Final[tuple[SurveyRule, ...]] = (duplicate_saga.RULE, no_times.RULE, orphan_steps.RULE)


def _ranked() -> dict[str, int]:
    names = [rule.name for rule in RULES]
    names.insert(names.index("wrong-compensation-order"), duplicate_saga.RULE.name)
    return {name: rank for rank, name in enumerate(names)}


RANK: Final = _ranked()
"""Place of each rule in the contract's table; the lower, the more it explains."""
