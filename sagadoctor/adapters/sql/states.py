"""From what a row says of its saga's state to a SagaState: a constant, words, or rules over several columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from sagadoctor.api.v1 import ENDED, Doubt, SagaState
from sagadoctor.api.v1.sql import Column, Kind

from .cells import NAME_BOUND
from .fields import at_path, found_in
from .mapping.columns import Condition
from .mapping.saga import StateWords
from .paths import parse_path
from .patterns import parse_pattern, value_of
from .selection import Selection
from .source import Source
from .truths import agreeing, loose_number, matches
from .values import Unreadable, raw_text, word
from .words import FailedMeans, saga_state, says_only_failed, synonym

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

_REMEMBERED: Final = 2000


class Verdict(msgspec.Struct, frozen=True):
    """What one word means; `by_steps`: the word says "failed" and the steps decide what that means."""

    state: SagaState
    raw_state: str | None
    doubt: Doubt | None = None
    by_steps: bool = False
    ended: bool = False
    """The row is read as an ended one, whatever its state is called."""


class States(Protocol):
    """How a mapping reads states."""

    def read(self, row: Any) -> Verdict:
        """Return what a row says."""
        ...


def _verdict(state: SagaState, raw: str | None) -> Verdict:
    return Verdict(state, raw, ended=state in ENDED)


class ConstantState:
    """Every row of the table is in one state."""

    def __init__(self, words: StateWords) -> None:
        """Keep the state."""
        self.verdict = _verdict(saga_state(words.const or ""), None)

    def read(self, row: Any) -> Verdict:
        """Return the constant."""
        del row
        return self.verdict


class ColumnStates:
    """A column's words, through the mapping's own values, then through the usual synonyms."""

    def __init__(self, words: StateWords, source: Source, selection: Selection) -> None:
        """Find the column and select it."""
        self.column: Column | None = source.column(words.column or "")
        self.at = -1
        self._open: Callable[[Any], Any] = lambda raw: raw
        self.plain = words.path is None
        """The column itself holds the word, so the database can compare it."""
        if self.column is not None:
            expression = source.text(self.column, NAME_BOUND)
            self.at = selection.add(f"state:{self.column.name}", expression)
            self._open = source.opener(self.column)
        self.meanings = WordMeanings(words)
        self.known: dict[Any, Verdict] = {}
        """What was read before, by raw cell."""

    def read(self, row: Any) -> Verdict:
        """Return what the row's word means."""
        return self.classify(row[self.at])

    def classify(self, raw: Any) -> Verdict:
        """Return what a raw cell means, and remember it."""
        found = self.known.get(raw)
        if found is not None:
            return found
        verdict = self._fresh(raw)
        if len(self.known) < _REMEMBERED:
            self.known[raw] = verdict
        return verdict

    def _fresh(self, raw: Any) -> Verdict:
        if raw is None:
            return self.meanings.of(None)
        try:
            return self.meanings.of(self._open(raw))
        except Unreadable as odd:
            doubt = Doubt("state", odd.raw, odd.reason)
            return Verdict(SagaState.UNKNOWN, None if odd.value is None else str(odd.value), doubt)


class WordMeanings:
    """What words mean by one mapping, without a database."""

    def __init__(self, words: StateWords) -> None:
        """Keep values, pattern, path and what "failed" means."""
        self._values = {key: saga_state(meant) for key, meant in words.values.items()}
        self._names = {key: key for key in words.values}
        self._pattern = parse_pattern(words.pattern) if words.pattern is not None else None
        self._path = at_path(parse_path(words.path) if words.path is not None else None)
        self._failed_means = words.failed_means

    def live_names(self) -> list[str]:
        """Return the words that the mapping itself calls live."""
        return [key for key, state in self._values.items() if state not in ENDED]

    def ended_names(self) -> list[str]:
        """Return the words that the mapping itself calls ended."""
        return [key for key, state in self._values.items() if state in ENDED]

    def of(self, value: Any) -> Verdict:
        """Return what a loose value means; an unknown word is unknown, with a doubt."""
        raw = word(value)
        value = self._path(value) if value is not None else None
        text = word(value)
        if text is None:
            return Verdict(SagaState.UNKNOWN, raw, Doubt("state", raw or "NULL", "the row says no state"))
        key = found_in(self._names, value)
        if key is not None:
            return _verdict(self._values[key], raw)
        if self._pattern is not None:
            text = value_of(self._pattern, text)
            if text is None:
                return Verdict(
                    SagaState.UNKNOWN, raw, Doubt("state", raw_text(raw), "the state's pattern doesn't match")
                )
            if text in self._values:
                return _verdict(self._values[text], raw)
        if says_only_failed(text):
            return self._failed(raw)
        meant = synonym(text)
        if meant is not None:
            return _verdict(meant, raw)
        return Verdict(SagaState.UNKNOWN, raw, Doubt("state", raw_text(raw), "a word that the mapping doesn't know"))

    def _failed(self, raw: str | None) -> Verdict:
        match self._failed_means:
            case FailedMeans.COMPENSATED:
                return _verdict(SagaState.COMPENSATED, raw)
            case FailedMeans.FAILED:
                return _verdict(SagaState.FAILED, raw)
            case FailedMeans.BY_STEPS:
                return Verdict(SagaState.FAILED, raw, by_steps=True, ended=True)
            case FailedMeans.UNKNOWN:
                reason = "the mapping doesn't know what this word stands for"
            case _:
                reason = 'say failed_means: are all steps undone ("compensated"), or not ("failed"), or "by_steps"?'
        return Verdict(SagaState.UNKNOWN, raw, Doubt("state", raw_text(raw), reason), ended=True)


def _told(value: Any) -> str:
    """Return a value to be told among others; a long one would be cut in its middle, perhaps within a secret."""
    text = "NULL" if value is None else word(value) or ""
    return text if len(text) <= NAME_BOUND else "(a long text)"


def _opened(column: Column, source: Source) -> Callable[[Any], Any]:
    """Return the opener of a rule's column; a decimal is a number, however many zeros it is written with."""
    opened = source.opener(column)
    return opened if column.kind is not Kind.DECIMAL else lambda raw: loose_number(opened(raw))


class RuleStates:
    """Rules over several columns: the first that matches wins, none is unknown."""

    def __init__(self, words: StateWords, source: Source, selection: Selection) -> None:
        """Find the columns of all rules and select them."""
        self._source = source
        self._rules = [(rule.if_, saga_state(rule.is_)) for rule in words.when or ()]
        self._columns: dict[str, tuple[int, Callable[[Any], Any]]] = {}
        for conditions, _ in self._rules:
            for name in conditions:
                column = source.column(name)
                if column is not None and name not in self._columns:
                    at = selection.add(f"rule:{column.name}", source.text(column, NAME_BOUND))
                    self._columns[name] = (at, _opened(column, source))

    def read(self, row: Any) -> Verdict:
        """Return what the first matching rule says."""
        values: dict[str, Any] = {}
        for name, (at, opened) in self._columns.items():
            raw = row[at]
            try:
                values[name] = None if raw is None else opened(raw)
            except Unreadable as odd:
                values[name] = odd.value
        told = " ".join(f"{name}={_told(value)}" for name, value in values.items())
        for conditions, state in self._rules:
            if all(matches(values[name], wanted) for name, wanted in conditions.items()):
                return _verdict(state, told)
        return Verdict(SagaState.UNKNOWN, told, Doubt("state", told, "no rule of the mapping matches"))

    @property
    def takes_all(self) -> bool:
        """Say whether one of the rules matches every row."""
        return any(not conditions for conditions, _ in self._rules)

    def live(self) -> ColumnElement[bool]:
        """Return the condition of rows that no ended rule takes: the live ones and those no rule knows."""
        from sqlalchemy import or_

        return or_(*self.parts(ended=False), self.unmatched())

    def ended(self) -> ColumnElement[bool]:
        """Return the condition of rows whose first matching rule is an ended one."""
        from sqlalchemy import false, or_

        parts = self.parts(ended=True)
        return or_(*parts) if parts else false()

    def parts(self, *, ended: bool) -> list[ColumnElement[bool]]:
        """Return, for each live (or ended) rule, the condition of rows whose first match it is."""
        from sqlalchemy import and_, true

        found: list[ColumnElement[bool]] = []
        before: list[ColumnElement[bool]] = []
        for conditions, state in self._rules:
            if (state in ENDED) is ended:
                found.append(and_(true(), *agreeing(self._source, conditions), *before))
            before.append(self._fails(conditions))
        return found

    def unmatched(self) -> ColumnElement[bool]:
        """Return the condition of rows that no rule takes."""
        from sqlalchemy import and_, true

        return and_(true(), *(self._fails(conditions) for conditions, _ in self._rules))

    def _fails(self, conditions: Condition) -> ColumnElement[bool]:
        """Return the condition that a rule doesn't match; a NULL doesn't, as in `read`."""
        from sqlalchemy import and_, case, false, literal_column

        if not conditions:
            return false()
        yes: ColumnElement[int] = literal_column("1")
        no: ColumnElement[int] = literal_column("0")
        return case((and_(*agreeing(self._source, conditions)), yes), else_=no) == no


def states(words: StateWords, source: Source, selection: Selection) -> ConstantState | ColumnStates | RuleStates:
    """Return how this mapping reads states."""
    if words.const is not None:
        return ConstantState(words)
    return RuleStates(words, source, selection) if words.when is not None else ColumnStates(words, source, selection)
