"""Which column says where a saga stands, and what its words mean: judged by names, types and the words themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from sagadoctor.api.v1 import SagaState
from sagadoctor.api.v1.sql import Kind

from ..words import says_only_failed, synonym
from .names import STATE_NAMES, plain, ranked, tokens
from .seen import NUMBERS, TEXTS, Seen, SeenColumn

_BACK: Final = re.compile(r"compens|rollback|roll(ed|ing)?[ _-]?back|undo|undone|revert|abort|unwind|unwound")
_SPLIT: Final = re.compile(r"(.+)([.:/])([A-Za-z_ -]+)\Z")
_FAILED: Final = frozenset((SagaState.FAILED,))

FLAGS: Final = (
    (SagaState.FAILED, "failed isfailed hasfailed failure"),
    (SagaState.COMPENSATED, "compensated iscompensated rolledback isrolledback"),
    (SagaState.CANCELLED, "cancelled iscancelled canceled iscanceled"),
    (SagaState.COMPENSATING, "compensating iscompensating rollingback"),
    (
        SagaState.COMPLETED,
        "completed iscompleted endstate done isdone finished isfinished closed isclosed ended isended",
    ),
)
"""Names of flags that together say where a saga stands, in the order in which they count."""


class Meanings(msgspec.Struct, frozen=True):
    """How a state is said: a column with its words (perhaps behind a separator), or flags in the order they count.

    `known` words have a usual meaning, `failed` ones say only that, `unknown` ones say nothing to us.
    """

    column: SeenColumn | None = None
    flags: tuple[tuple[SeenColumn, SagaState], ...] = ()
    known: tuple[tuple[str, SagaState], ...] = ()
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    separator: str = ""
    """The word stands behind it, and before it the step."""

    @property
    def words(self) -> int:
        """Return how many words were seen."""
        return len(self.known) + len(self.failed) + len(self.unknown)

    @property
    def undoing(self) -> tuple[str, ...]:
        """Return the words and flags that tell of undoing, which few tables but those of sagas have."""
        said = [*(word for word, _ in self.known), *self.unknown]
        flags = [column.name for column, state in self.flags if state is SagaState.COMPENSATING]
        return (*(word for word in said if tells_of_undoing(word)), *flags)

    @property
    def goes_back(self) -> bool:
        """Say whether anything tells of undoing."""
        return bool(self.undoing)


_STAGES: Final = (
    (re.compile(r"fail|error|stuck|dead"), SagaState.FAILED),
    (re.compile(r"succ|done|finish|complet|compensated|rolledback|reverted|aborted|undone"), SagaState.COMPENSATED),
    (re.compile(r"ing$|start|progress|pending|^compensate$|^rollback$|^undo$|requested"), SagaState.COMPENSATING),
)
_BEFORE: Final = ("saga", "status", "state", "execute", "execution", "exec", "run", "process", "workflow")


def likely_state(word: str) -> SagaState | None:
    """Return what a word that nobody has listed says by its parts: `COMPENSATE_SUCC`, `EXECUTE_SUCC`; None for most."""
    parts = list(tokens(word))
    if tells_of_undoing(word):
        for stage, state in _STAGES:
            if stage.search("".join(parts)) or any(stage.search(part) for part in parts):
                return state
        return None
    while len(parts) > 1 and parts[0] in _BEFORE:
        parts = parts[1:]
    rest = "".join(parts)
    if rest == plain(word) or says_only_failed(rest):
        return SagaState.COMPLETED if rest == "succ" else None
    return SagaState.COMPLETED if rest == "succ" else synonym(rest)


def tells_of_undoing(word: str) -> bool:
    """Say whether a word tells of undoing what was done."""
    return _BACK.search(" ".join(tokens(word))) is not None or _BACK.search(plain(word)) is not None


def meanings_of(column: SeenColumn) -> Meanings:
    """Return what a column's words mean as far as anybody knows."""
    words = list(column.counted)
    separator = _separator(words)
    known: dict[str, SagaState] = {}
    failed: list[str] = []
    unknown: list[str] = []
    for whole in words:
        word = whole.rpartition(separator)[2] if separator else whole
        meant = synonym(word)
        if says_only_failed(word):
            failed.append(word)
        elif meant is not None:
            known[word] = meant
        else:
            unknown.append(word)
    return Meanings(
        column,
        known=tuple(known.items()),
        failed=tuple(dict.fromkeys(failed)),
        unknown=tuple(dict.fromkeys(unknown)),
        separator=separator,
    )


def _separator(words: Iterable[str]) -> str:
    """Return what divides a step from a state in every one of the words: `charge_card.running`."""
    found: set[str] = set()
    for word in words:
        parts = _SPLIT.match(word)
        if parts is None or (synonym(parts[3]) is None and not says_only_failed(parts[3])):
            return ""
        found.add(parts[2])
    return found.pop() if len(found) == 1 else ""


def state_of(seen: Seen, owners: tuple[str, ...]) -> tuple[Meanings | None, tuple[str, ...]]:
    """Return how a table says its state, None where nothing does, and what spoke against the columns that came near."""
    best: tuple[float, Meanings] | None = None
    against: list[str] = []
    for column in seen.columns:
        rank = ranked(column.name, STATE_NAMES, owners)
        if not _may_hold_words(column) or (rank is None and column.kind in NUMBERS):
            continue
        meant = meanings_of(column)
        if rank is None and (len(meant.known) < 2 or not meant.goes_back):
            continue
        if not column.has_few_words and not meant.separator:
            if rank is not None:
                against.append(f"{column.name} holds {len(column.counted):,} different values, not a few words")
            continue
        score = (2 - rank / 10 if rank is not None else 0) + _trust(meant)
        if best is None or score > best[0]:
            best = (score, meant)
    if best is not None and (best[1].words == 0 or best[1].known or best[1].failed or best[1].column is None):
        return best[1], ()
    flagged = by_flags(seen, owners)
    if flagged is not None:
        return flagged, ()
    return (best[1] if best is not None else None), tuple(against)


def _may_hold_words(column: SeenColumn) -> bool:
    return column.kind in TEXTS or column.kind is Kind.INT


def _trust(meant: Meanings) -> float:
    if meant.words == 0:
        return 0.0
    share = (len(meant.known) + len(meant.failed)) / meant.words
    return 2 * share + (1 if meant.goes_back else 0)


def by_flags(seen: Seen, owners: tuple[str, ...]) -> Meanings | None:
    """Return the flags that say a state together; None where none says that a saga has ended."""
    found: list[tuple[SeenColumn, SagaState]] = []
    for state, names in FLAGS:
        for column in seen.columns:
            if _is_flag(column) and ranked(column.name, names.split(), owners) is not None:
                found.append((column, state))
                break
    states = [state for _, state in found]
    return Meanings(flags=tuple(found)) if SagaState.COMPLETED in states else None


def _is_flag(column: SeenColumn) -> bool:
    return column.kind is Kind.BOOL or (column.kind is Kind.INT and set(column.counted) <= {"0", "1"})
