"""The store's words for states, and what they mean to us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sagadoctor.api.v1 import ENDED, RUNNING_WORDS, SagaState, StepStatus

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+\Z")


class FailedMeans(StrEnum):
    """What a store's word "failed" stands for."""

    COMPENSATED = "compensated"
    FAILED = "failed"
    BY_STEPS = "by_steps"
    UNKNOWN = "unknown"


def plain(word: str) -> str:
    """Return a word without case, underscores, hyphens and spaces: `IN_PROGRESS` and `in progress` are one."""
    return word.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _table(lines: Mapping[SagaState, str]) -> Mapping[str, SagaState]:
    return MappingProxyType({word: state for state, words in lines.items() for word in words.split()})


SAGA_SYNONYMS: Final = _table(
    {
        SagaState.STARTED: "started new created initiated init",
        SagaState.PENDING: (
            "pending waiting queued ready submitted running inprogress processing executing active retrying"
        ),
        SagaState.BACKING_OFF: "backingoff backoff",
        SagaState.PAUSED: "paused suspended",
        SagaState.COMPENSATING: "compensating aborting rollingback rollback unwinding reverting cancelling canceling",
        SagaState.COMPLETED: "completed complete done succeeded success succeed finished closed",
        SagaState.COMPENSATED: "compensated aborted rolledback reverted",
        SagaState.CANCELLED: "cancelled canceled",
        SagaState.FAILED: "compensationfailed failedtocancel rollbackfailed stuck deadletter",
    }
)
"""Words of other vocabularies, as `plain` writes them. "waiting" is what many stores call a step that is out."""

FAILED_WORDS: Final = frozenset(("failed", "failure", "error", "errored"))
"""Words that say that something failed and not what: `failed_means` decides."""

_STEP_LINES: Final = {
    StepStatus.PENDING: "pending new created waiting queued scheduled ready notstarted",
    StepStatus.EXECUTING: "executing running inprogress started processing active sent dispatched",
    StepStatus.COMPLETED: "completed complete done succeeded success succeed finished executed ok",
    StepStatus.FAILED: "failed failure error errored rejected refused",
    StepStatus.TIMED_OUT: "timedout timeout expired",
    StepStatus.SKIPPED: "skipped skip notrequired",
    StepStatus.COMPENSATING: "compensating undoing rollingback reverting aborting cancelling canceling",
    StepStatus.COMPENSATED: "compensated undone rolledback reverted",
    StepStatus.COMPENSATION_FAILED: "compensationfailed undofailed rollbackfailed failedtocompensate",
}
STEP_SYNONYMS: Final[Mapping[str, StepStatus]] = MappingProxyType(
    {word: status for status, words in _STEP_LINES.items() for word in words.split()}
)


def saga_state(word: str) -> SagaState:
    """Return the state that stands on the right of a mapping; raises ValueError with the nearest, or all."""
    if word in RUNNING_WORDS:
        return RUNNING_WORDS[word]
    try:
        return SagaState(word)
    except ValueError:
        states = [*SagaState, *RUNNING_WORDS]
        hint = _did_you_mean(word, states) or f"the states are {', '.join(states)}"
        raise ValueError(f"{word!r} is no state; {hint}") from None


def step_status(word: str) -> StepStatus:
    """Return the step status that stands on the right of a mapping; raises ValueError with the nearest, or all."""
    try:
        return StepStatus(word)
    except ValueError:
        hint = _did_you_mean(word, StepStatus) or f"they are {', '.join(StepStatus)}"
        raise ValueError(f"{word!r} is no step status; {hint}") from None


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.65)
    return f"did you mean {str(near[0])!r}?" if near else ""


def toml_key(word: str) -> str:
    """Return a store's word as a key of the configuration, quoted where TOML wants it."""
    return word if _BARE.match(word) else toml_text(word)


def toml_text(word: str) -> str:
    """Return a text as the configuration writes it."""
    if word.isprintable() and '"' in word and "'" not in word:
        return f"'{word}'"
    return '"' + "".join(map(_in_quotes, word)) + '"'


def _in_quotes(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def synonym(word: str) -> SagaState | None:
    """Return what a store's word usually means; None for a word that nobody knows, or that says only "failed"."""
    folded = plain(word)
    known = SAGA_SYNONYMS.get(folded)
    if known is not None:
        return known
    by_name = {plain(state): state for state in SagaState if state not in (SagaState.FAILED, SagaState.UNKNOWN)}
    return by_name.get(folded)


def says_only_failed(word: str) -> bool:
    """Say whether the word reaches `failed` by a synonym, so that `failed_means` decides."""
    return plain(word) in FAILED_WORDS


def ended_spellings(named: Iterable[str]) -> list[str]:
    """Return the words that surely mean "ended", as stores usually spell them; some may be missing."""
    meant = {word for word, state in SAGA_SYNONYMS.items() if state in ENDED} | FAILED_WORDS
    spelt = {"rolledback": "rolled_back", "compensationfailed": "compensation_failed"}
    words = meant | {spelt[word] for word in meant if word in spelt}
    return sorted({form for word in words for form in (word, word.upper(), word.capitalize())} | set(named))


def step_synonym(word: str) -> StepStatus | None:
    """Return what a store's word for a step's status usually means."""
    folded = plain(word)
    known = STEP_SYNONYMS.get(folded)
    if known is not None:
        return known
    by_name = {plain(status): status for status in StepStatus if status is not StepStatus.UNKNOWN}
    return by_name.get(folded)
