"""What a plugin answers, looked at before anybody relies on it: types, times, sizes, and each saga only once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from sagadoctor.api.ports import CheckLine, Page
from sagadoctor.errors import BackendError
from sagadoctor.model.capability import Capability
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import Survey

MOST_IN_A_PAGE: Final = 10_000
"""Sagas in one page; the conformance kit holds plugins to it."""
LONGEST_ID: Final = 4_096
_BIGGEST_SAGA: Final = 8 << 20
"""Bytes of one saga, all its texts together."""
_BIGGEST_PAGE: Final = 128 << 20
_MOST_NOTES: Final = 100
_LONGEST_NOTE: Final = 1_000
_MOST_LINES: Final = 1_000
_TIMES: Final = ("created_at", "updated_at", "ended_at", "deadline", "next_attempt_at")
_STEP_TIMES: Final = ("started_at", "executed_at", "compensated_at", "timeout_at", "next_attempt_at")
T = TypeVar("T")
_ENCODER: Final = msgspec.msgpack.Encoder()


class WrongAnswerError(BackendError):
    """A plugin answered with what the port doesn't allow."""


class Border:
    """Looks at what one store of a plugin tells; remembers which ids one read has told already."""

    def __init__(self, store: str, plugin: str) -> None:
        """Keep whose answers these are."""
        self._store, self._plugin = store, plugin
        self._decoder = msgspec.msgpack.Decoder(Saga)

    def wrong(self, said: str) -> WrongAnswerError:
        """Return the error that says what is wrong with an answer."""
        return WrongAnswerError(
            f"plugin {self._plugin} answered wrongly: {said}",
            hint="tell the plugin's author; sagadoctor.testing.store_suite finds this",
        )

    def page(self, page: object, counted: Tally) -> Page:
        """Return a page whose sagas are what they should be; the others are left out and counted."""
        if not isinstance(page, Page):
            raise self.wrong(f"read() yielded {_a(page)}, not a Page")
        if type(page.truncated) is not bool or not isinstance(page.notes, tuple):
            raise self.wrong("a page's truncated is no bool, or its notes are no tuple")
        notes = tuple(str(note)[:_LONGEST_NOTE] for note in page.notes[:_MOST_NOTES])
        sagas = [saga for saga in self.sagas(page.sagas, MOST_IN_A_PAGE, counted) if counted.fresh(saga)]
        counted.live += sum(saga.is_live for saga in sagas)
        return Page(sagas, page.truncated, notes)

    def sagas(self, told: object, most: int, counted: Tally) -> list[Saga]:
        """Return the sagas among what was told."""
        taken = self._taken(told, most)
        kept: list[Saga] = []
        size = 0
        for saga in taken:
            reason, checked, weight = self._looked_at(saga)
            size += weight
            if size > _BIGGEST_PAGE:
                raise self.wrong(f"one answer holds more than {_BIGGEST_PAGE >> 20} MiB")
            if checked is None:
                counted.odd(reason)
            else:
                kept.append(checked)
        return kept

    def _taken(self, told: object, most: int) -> list[object]:
        if isinstance(told, str | bytes | dict) or not isinstance(told, Iterable):
            raise self.wrong(f"sagas are told as {_a(told)}, not as a sequence")
        taken = list(itertools.islice(told, most + 1))
        if len(taken) > most:
            raise self.wrong(f"one answer holds more than {most:,} sagas")
        return taken

    def _looked_at(self, saga: object) -> tuple[str, Saga | None, int]:
        """Return what is wrong, or the saga, and its size in bytes."""
        if type(saga) is not Saga:
            return f"{_a(saga)} among its sagas", None, 0
        if isinstance(saga.saga_id, str) and not 0 < len(saga.saga_id) <= LONGEST_ID:
            return f"an id of {len(saga.saga_id):,} characters", None, 0
        weight = 0
        try:
            encoded = _ENCODER.encode(saga)
            weight = len(encoded)
            if weight > _BIGGEST_SAGA:
                return f"saga {saga.saga_id!r} of {weight >> 20} MiB", None, weight
            checked = self._decoder.decode(encoded)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
            from sagadoctor.api.typed import mistyped

            # What can't be written down (half a character) may be a text all the same.
            wrong = next(mistyped(saga, Saga, "saga"), None)
            if wrong is not None:
                return wrong[:300], None, weight
            checked = saga
        if checked.store != self._store:
            return f"a saga of store {str(checked.store)[:60]!r}; the configured name is {self._store!r}", None, weight
        naive = _naive(checked)
        return (f"{naive} is no aware UTC time", None, weight) if naive else ("", checked, weight)

    def moment(self, told: object) -> datetime:
        """Return an aware moment."""
        if not isinstance(told, datetime) or told.utcoffset() != timedelta(0):
            raise self.wrong(f"now() is {_a(told)}, not an aware UTC datetime")
        return told

    def capabilities(self, told: object) -> frozenset[Capability]:
        """Return the capabilities; what isn't one is no capability of ours."""
        if not isinstance(told, frozenset | set):
            raise self.wrong(f"capabilities is {_a(told)}, not a frozenset")
        return frozenset(each for each in told if isinstance(each, Capability))

    def ids(self, told: object) -> Sequence[str]:
        """Return the ids of one page."""
        taken = self._taken(told, MOST_IN_A_PAGE)
        ids = [each for each in taken if isinstance(each, str) and 0 < len(each) <= LONGEST_ID]
        if len(ids) < len(taken):
            raise self.wrong("ended_ids() yielded something that is no id")
        return ids

    def survey(self, told: object) -> Survey:
        """Return the aggregates."""
        return self._struct(told, Survey, "survey()")

    def lines(self, told: object) -> tuple[CheckLine, ...]:
        """Return the lines of a check."""
        taken = self._taken(told, _MOST_LINES)
        return tuple(self._struct(line, CheckLine, "a line of check()") for line in taken)

    def _struct(self, told: object, kind: type[T], what: str) -> T:
        if type(told) is not kind:
            raise self.wrong(f"{what} is {_a(told)}, not a {kind.__name__}")
        try:
            return msgspec.msgpack.decode(_ENCODER.encode(told), type=kind)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise self.wrong(f"{what}: {str(error)[:200]}") from None


class Tally:
    """What one read has told so far."""

    def __init__(self) -> None:
        """Count from nothing."""
        self.live = 0
        self._seen: dict[int, int] = {}
        self._twice = self._odd = 0
        self._again = self._why = ""

    def fresh(self, saga: Saga) -> bool:
        """Say whether this read hasn't told the saga before; one that it has is counted, unless it moved meanwhile."""
        mark, looks = hash(saga.saga_id), hash((saga.raw_state, saga.updated_at))
        if mark not in self._seen:
            self._seen[mark] = looks
            return True
        known, self._seen[mark] = self._seen[mark], looks
        if known == looks:
            self._twice += 1
            self._again = self._again or saga.saga_id
        return False

    def odd(self, why: str) -> None:
        """Count something that is no saga."""
        self._odd += 1
        self._why = self._why or why

    @property
    def wrongs(self) -> str:
        """Say what was left out, in words for a blind spot; empty where nothing was."""
        said = []
        if self._odd:
            said.append(f"{self._odd:,} of its answers {_are(self._odd)} no saga: {self._why}")
        if self._twice:
            said.append(f"{self._twice:,} of its sagas {_are(self._twice)} told twice, such as {self._again}")
        return "; ".join(said)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _naive(saga: Saga) -> str | None:
    """Return the first field whose time has no zone."""
    for name in _TIMES:
        at = getattr(saga, name)
        if at is not None and at.utcoffset() != _UTC:
            return f"saga.{name}"
    for step in saga.steps or ():
        for name in _STEP_TIMES:
            at = getattr(step, name)
            if at is not None and at.utcoffset() != _UTC:
                return f"saga.steps[{step.index}].{name}"
    return None


_UTC: Final = timedelta(0)


def _a(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
