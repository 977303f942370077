"""What speaks for a proposal, and what against it: pure, from samples and drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagadoctor.api.v1.proposing import Draft, Section, Setting

from ..mapping.saga import StateWords
from ..options import SqlOptions
from ..states import WordMeanings
from .sagas import SagaTable
from .seen import Seen


def plugin_table(draft: Draft) -> dict[str, Any]:
    """Return what a draft says, as the table that the configuration will hold."""
    made: dict[str, Any] = {}
    for section in draft.sections:
        if not section.said or section.outside:
            continue
        place = made
        for part in section.path:
            place = place.setdefault(part, {})
        place.update({setting.key: setting.value for setting in section.settings if setting.said})
    return made


def sections_of(table: Mapping[str, Any]) -> list[Section]:
    """Return a mapping as the sections that say it."""
    found: list[Section] = []
    own = tuple(Setting(key, value) for key, value in table.items() if not isinstance(value, Mapping))
    if own:
        found.append(Section((), own))
    for name, value in table.items():
        if isinstance(value, Mapping):
            found.append(Section((name,), tuple(Setting(key, inner) for key, inner in value.items())))
    return found


def words_met(words: StateWords, seen: Seen) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of a table's different states a mapping knows, and which not; neither where it asks for none."""
    column = next((each for each in seen.columns if each.name.casefold() == (words.column or "").casefold()), None)
    meanings = WordMeanings(words)
    known: list[str] = []
    unknown: list[str] = []
    for word in column.counted if column is not None else ():
        doubt = meanings.of(word).doubt
        (known if doubt is None or "stands for" in doubt.reason else unknown).append(word)
    return tuple(known), tuple(unknown)


def steps_agree(options: SqlOptions, seen: Seen) -> bool:
    """Say whether the documents of a preset's steps hold what it reads in them; an empty table may."""
    if options.steps.shape != "json_list":
        return True
    wanted = str(getattr(options.steps, "column", ""))
    column = next((each for each in seen.columns if each.name.casefold() == wanted.casefold()), None)
    if column is None or not column.documents:
        return True
    name = getattr(getattr(options.steps, "fields", None), "name", None)
    key = name.column if name is not None else None
    lists = [value for value in column.decoded if isinstance(value, list)]
    told = [step for value in lists for step in value if isinstance(step, dict)]
    return len(lists) * 2 >= len(column.documents) and (not told or any(key in step for step in told))


def what_lacks(saga: SagaTable) -> tuple[str, ...]:
    """Return why a table was not taken for one of sagas."""
    if saga.seen.trouble:
        return (saga.seen.trouble,)
    if saga.lacks:
        return tuple(
            f"no sign of {lack}" if not lack.startswith("no ") and " holds " not in lack else lack
            for lack in saga.lacks
        )
    told: list[str] = []
    if saga.state is not None and not saga.state.goes_back:
        words = [word for word, _ in saga.state.known] + list(saga.state.failed) + list(saga.state.unknown)
        listed = ", ".join(words[:6]) or "none seen"
        told.append(f"no state of it tells of undoing ({listed})")
    if "current_step" not in saga.roles:
        told.append("no steps of it were found")
    told.append("so too little speaks for sagas")
    return tuple(told)
