"""Presets met again: by the tables and columns that each preset itself names, and the words that it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ValidationError

from sagadoctor.api.v1.proposing import Draft, Listed, Section, Setting
from sagadoctor.api.v1.sql import fitting

from .. import presets
from ..mapping.columns import AnyTable, TableName
from ..options import SqlOptions
from .drafting import store_name, table_words
from .names import plain

_NOWHERE: Final = "sqlite:////dev/null"
_AFTER_FROM: Final = re.compile(r'(?i)\b(?:from|join)\s+(?:[\w"`]+\.)?["`]?([^\W\d]\w*)')
_FEW: Final = 5
"""Columns of a saga table that are enough to know it by, where its name is another one."""


class Wanted(msgspec.Struct, frozen=True):
    """A table that a preset names: the section that does, its name there, and the columns that it needs."""

    section: str
    name: tuple[str, ...]
    columns: frozenset[str]
    within: tuple[str, ...] = ()
    """The tables of a query, where one stands for the table: they are known by their names alone."""

    @property
    def optional(self) -> bool:
        """Say whether sagas can be read without it."""
        return self.section not in ("saga", "steps")


class Known(msgspec.Struct, frozen=True):
    """A preset with the tables that it names; that of the sagas comes first."""

    name: str
    tables: tuple[Wanted, ...]
    options: SqlOptions


class Recognised(msgspec.Struct, frozen=True):
    """A preset and the real tables that take the places of its own, by section; `missing` those that are not there."""

    known: Known
    tables: Mapping[str, Listed]
    missing: tuple[Wanted, ...]

    @property
    def place(self) -> Listed:
        """Return the table of the sagas."""
        return self.tables["saga"]


def known_presets(names: Sequence[str] | None = None) -> tuple[Known, ...]:
    """Return every preset that ships with the tables and columns that its own file names."""
    found: list[Known] = []
    for name in names if names is not None else presets.names():
        try:
            options = SqlOptions.model_validate({"url": _NOWHERE, **presets.load(name)})
        except ValidationError:
            continue  # what the language doesn't know yet can't be recognised either; its own tests say so
        found.append(Known(name, tuple(_wanted(options)), options))
    return tuple(found)


def _wanted(options: SqlOptions) -> Iterator[Wanted]:
    own = frozenset(columns_of(options.saga))
    steps = options.steps
    if getattr(steps, "table", None) is None:
        own |= frozenset(columns_of(steps, beside=("fields",)))
    if options.outbox is not None and options.outbox.saga is not None:
        own |= {options.outbox.saga}
    yield _named("saga", options.saga.table, own)
    if getattr(steps, "table", None) is not None:
        yield _beside("steps", steps)
    for section in ("outbox", "received", "replies", "locks"):
        words = getattr(options, section)
        if words is None:
            continue
        left_out = ("saga",) if section == "outbox" else ()
        yield _beside(section, words, left_out)
        waiters = getattr(words, "waiters", None)
        if waiters is not None:
            yield _beside(f"{section}.waiters", waiters)


def _beside(section: str, words: Any, left_out: Sequence[str] = ()) -> Wanted:
    return _named(section, words.table, frozenset(columns_of(words, beside=("waiters", *left_out))))


def _named(section: str, table: AnyTable, columns: frozenset[str]) -> Wanted:
    if isinstance(table, TableName):
        return Wanted(section, table.parts, columns)
    within = tuple(dict.fromkeys(_AFTER_FROM.findall(getattr(table, "query", ""))))
    return Wanted(section, within[:1] or ("",), frozenset(), within)


_NOT_COLUMNS: Final = frozenset(
    ("const", "path", "pattern", "format", "tz", "by", "from_", "default", "shape", "current", "direction", "otherwise",
     "failed_means", "taken_by", "is_")
)  # fmt: skip
_CONDITIONS: Final = frozenset(("where", "if_", "match"))


def columns_of(words: Any, beside: Sequence[str] = ()) -> Iterator[str]:
    """Yield every column that a part of a mapping names; tables of their own in it are left out."""
    if not isinstance(words, BaseModel):
        return
    for name in type(words).model_fields:
        value = getattr(words, name)
        if name in beside or value is None or isinstance(value, AnyTable) or name in _NOT_COLUMNS:
            continue
        if name in _CONDITIONS and isinstance(value, Mapping):
            yield from value
        elif isinstance(value, BaseModel):
            if not isinstance(getattr(value, "table", None), AnyTable):
                yield from columns_of(value)
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, BaseModel):
                    yield from columns_of(each)
                elif isinstance(each, str) and name not in ("ignore", "waiting"):
                    yield each
        elif isinstance(value, str) and name != "name":
            yield value


def recognise(known: Known, there: Sequence[Listed]) -> list[Recognised]:
    """Return where a preset's tables are: by their names, else by their columns, in any schema and with any prefix."""
    first = known.tables[0]
    if first.within:
        return _by_query(known, there)
    found: list[Recognised] = []
    for listed in there:
        if not holds(listed, first.columns) or not _may_be(listed, first):
            continue
        tables = {"saga": listed}
        missing: list[Wanted] = []
        for wanted in known.tables[1:]:
            real = _counterpart(wanted, listed, first, there)
            if real is None:
                missing.append(wanted)
            else:
                tables[wanted.section] = real
        if all(wanted.optional for wanted in missing):
            found.append(Recognised(known, tables, tuple(missing)))
    return sorted(found, key=lambda each: (plain(each.place.table.name) != plain(first.name[-1]), len(each.missing)))


def _by_query(known: Known, there: Sequence[Listed]) -> list[Recognised]:
    """Return where the tables are that a preset's queries read; they are called as the preset calls them."""
    names = {name.casefold() for wanted in known.tables for name in wanted.within}
    at_hand = {each.table.name.casefold(): each for each in there if each.at_hand}
    if not names <= at_hand.keys():
        return []
    others = {name for wanted in known.tables[1:] for name in wanted.within}
    main = next((name for name in known.tables[0].within if name not in others), known.tables[0].within[0])
    tables = {"saga": at_hand[main.casefold()]}
    return [Recognised(known, {**tables, **{name: at_hand[name] for name in names}}, ())]


def holds(listed: Listed, columns: Sequence[str] | frozenset[str]) -> bool:
    """Say whether a table has all of these columns."""
    real = [column.name for column in listed.table.columns]
    return all(fitting(name, real) is not None for name in columns)


def _may_be(listed: Listed, wanted: Wanted) -> bool:
    """Say whether a table may be the one that a preset calls otherwise: its name ends alike, or its columns tell."""
    name, usual = plain(listed.table.name), plain(wanted.name[-1])
    return name.endswith(usual) or usual in name or len(wanted.columns) >= _FEW


def _counterpart(wanted: Wanted, saga: Listed, first: Wanted, there: Sequence[Listed]) -> Listed | None:
    """Return the table beside the sagas' that has a preset's columns: of the usual name, or of the same prefix."""
    beside = [each for each in there if each.table.schema == saga.table.schema and holds(each, wanted.columns)]
    usual = plain(wanted.name[-1])
    prefix = plain(saga.table.name).removesuffix(plain(first.name[-1]))
    for fits in (usual, f"{prefix}{usual}"):
        for each in beside:
            if plain(each.table.name) == fits:
                return each
    ends = [each for each in beside if plain(each.table.name).endswith(usual)]
    return ends[0] if len(ends) == 1 else None


def preset_draft(found: Recognised, why: Sequence[str]) -> Draft:
    """Return a short draft that names the preset, and only what differs from it."""
    known = found.known
    sections: list[Section] = [Section((), (Setting("preset", known.name),), tuple(why))]
    said = {wanted.section: wanted.name for wanted in known.tables}
    for section, listed in found.tables.items() if not known.tables[0].within else ():
        if listed.parts == said[section] or (len(listed.parts) == 1 and _same(listed.parts, said[section])):
            continue
        sections.append(Section(tuple(section.split(".")), (Setting("table", table_words(listed.parts)),)))
    todo = []
    for wanted in found.missing:
        todo.append(
            f"{'.'.join(wanted.name)} is not there: what the preset reads in it ({wanted.section}) stays unknown"
        )
    place = ".".join(found.place.parts)
    return Draft(store_name(found.place.table.name), place, tuple(sections), known.name, tuple(why), tuple(todo))


def _same(parts: Sequence[str], said: Sequence[str]) -> bool:
    return parts[-1].casefold() == said[-1].casefold() and len(parts) == len(said)


def in_full(found: Recognised) -> dict[str, Any]:
    """Return the preset's own table without the sections whose tables are not there, with the real tables' names."""
    made = presets.load(found.known.name)
    for wanted in found.missing:
        made.pop(wanted.section.partition(".")[0], None)
    if "outbox" not in made:
        for section in ("received", "replies"):
            made.pop(section, None)
    for section, listed in found.tables.items():
        place: Any = made
        for part in section.split("."):
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place["table"] = table_words(listed.parts)
    return made
