"""What each word of a store's states is read as, and how many rows have one that nobody mapped: for `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sagadoctor.api.v1 import CheckLevel, CheckLine, Redactor
from sagadoctor.api.v1.sql import Session

from .advice import has_index
from .opened import Opened
from .states import ColumnStates
from .vocabulary import Vocabulary, parameter
from .words import FailedMeans, says_only_failed, toml_key

_LONGEST: Final = 60
_COUNTED: Final = 5
"""Unknown words whose rows are counted."""
_MOST_COUNTED: Final = 10_000


def state_words(session: Session, opened: Opened, told: Vocabulary) -> Iterator[CheckLine]:
    """Yield what the words that the table really holds are read as."""
    states = opened.reader.states
    if not isinstance(states, ColumnStates):
        return
    unknown: dict[str, Any] = {}
    failed: list[str] = []
    known: list[str] = []
    masked = Redactor()
    for raw in (*told.live, *told.ended):
        verdict = states.classify(raw)
        word = masked.cut(verdict.raw_state or "", _LONGEST)
        if verdict.doubt is None:
            known.append(f"{word} = {verdict.state}")
        elif says_only_failed(word):
            failed.append(word)
        else:
            unknown[word] = raw
    if known:
        yield CheckLine("state words", CheckLevel.OK, ", ".join(sorted(known)[:30]))
    if unknown:
        often = _counted(session, opened, {word: unknown[word] for word in sorted(unknown)[:_COUNTED]})
        shown = ", ".join(f"{word!r}{often.get(word, '')}" for word in sorted(unknown)[:20])
        todo = f'say state.values = {{ {toml_key(min(unknown))} = "…" }}'
        yield CheckLine("state words", CheckLevel.WARNING, f"the mapping doesn't know {shown}", todo)
    if failed and opened.options.saga.state.failed_means is not FailedMeans.UNKNOWN:
        shown = ", ".join(repr(word) for word in sorted(failed))
        yield CheckLine(
            "state words",
            CheckLevel.WARNING,
            f"{shown} can mean that all is undone, or that an undo failed",
            'say state.failed_means = "compensated", "failed", "by_steps" or "unknown"',
        )


def _counted(session: Session, opened: Opened, words: Mapping[str, Any]) -> dict[str, str]:
    """Return how many rows have each of these words, where an index counts them or the table is small."""
    from sqlalchemy import Select, func, literal_column, select

    source, states = opened.reader.source, opened.reader.states
    column = states.column if isinstance(states, ColumnStates) else None
    if column is None or (opened.table.rows > opened.context.big_table and not has_index(opened.table, column.name)):
        return {}
    told: dict[str, str] = {}
    for word, raw in words.items():
        one: Select[Any] = select(literal_column("1").label("one")).select_from(source.clause)
        one = one.where(*opened.reader.where, source.element(column) == parameter(opened, column, raw))
        some = one.limit(literal_column(str(_MOST_COUNTED))).subquery()
        count = int(session.rows(select(func.count()).select_from(some))[0][0])
        more = " or more" if count == _MOST_COUNTED else ""
        told[word] = f" ({count:,}{more} row{'' if count == 1 else 's'})"
    return told
