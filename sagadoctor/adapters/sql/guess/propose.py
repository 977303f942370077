"""From a database that nobody has described to drafts of a mapping: look at the catalogue, read a little, conclude."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from pydantic import ValidationError

from sagadoctor.api.v1 import BackendError, ConfigError, Problem
from sagadoctor.api.v1.proposing import (
    Draft,
    Inquiry,
    Inventory,
    Listed,
    NearMiss,
    Proposal,
    Section,
    Setting,
    TableKind,
)
from sagadoctor.api.v1.sql import Guest, Limits, Session, beside, nearest, parse_address

from ..mapping.saga import StateWords
from ..opened import open_mapping
from ..options import SqlOptions
from ..states import WordMeanings
from . import around, drafting
from .meanings import Meanings
from .names import is_mappable, tokens
from .recognising import Recognised, in_full, known_presets, preset_draft, recognise
from .sagas import ENOUGH, OTHER_THINGS, SagaTable, name_weight, promise, refers_to, saga_table
from .sampling import sample, unread, within, words_beyond
from .seen import Seen
from .steps import Steps
from .steps_in_row import cursor_alone, steps_in_row
from .steps_in_rows import Tie, steps_in_rows, tie_of

LOOKED_AT: Final = 16
"""Tables whose rows are sampled as perhaps those of sagas."""
CHILDREN: Final = 6
"""Tables a saga table whose rows are sampled as perhaps those of its steps."""
SAMPLING: Final = 5.0
"""Seconds after which no further table is sampled."""
ONE_TABLE: Final = 2.0
MOST_DRAFTS: Final = 10
_ORDINARY: Final = (TableKind.TABLE, TableKind.PARTITIONED)
_ALSO: Final = (TableKind.VIEW, TableKind.MATERIALISED)

LOOKED_FOR: Final = (
    "the tables and columns of the presets {presets}",
    "a table with an id and a column of few words that says where a saga stands, best with words of undoing "
    "(compensating, rolled back, aborted)",
    "steps of it: a JSON list or object with their words, a table whose rows name a saga, a step and a status, "
    "flags, counters, or the current step",
    "names with saga, workflow, process instance, global transaction or compensation in them",
)


async def propose(inquiry: Inquiry) -> Proposal:
    """Return what the database's tables may be; raises ConfigError for the URL, BackendError for the database."""
    try:
        address = beside(parse_address(inquiry.url), inquiry.context.folder)
    except ValueError as error:
        raise ConfigError([Problem(str(error), key="url")]) from None
    guest = Guest(
        address,
        source=inquiry.context.name,
        clock=inquiry.context.clock,
        password=inquiry.password,
        limits=Limits(statement=ONE_TABLE + 1),
    )
    try:
        return await _Look(guest, inquiry, address.url).proposal()
    finally:
        await guest.close()


class _Look:
    """One look at one database."""

    def __init__(self, guest: Guest, inquiry: Inquiry, url: str) -> None:
        self._guest, self._inquiry, self._url = guest, inquiry, url
        self._seen: dict[tuple[str | None, str], Seen] = {}
        self._notes: list[str] = []
        self._now = inquiry.context.clock.now()
        self._until = inquiry.context.clock.monotonic() + SAMPLING

    async def proposal(self) -> Proposal:
        """Return what was found, and where nothing was, what came nearest."""

        def listing(session: Session) -> tuple[Inventory, str, datetime]:
            told = session.version
            product = told if told.startswith(session.product) else f"{session.product} {told}"
            return session.catalog.inventory(), product, session.now()

        inventory, product, self._now = await self._guest.run(listing, self._inquiry.deadline)
        self._remark(inventory)
        every = within(self._inquiry.schema, inventory.tables)
        named = self._named(every)
        may = [
            each for each in every if each.readable and is_mappable(each.table.name) and self._is_wanted(each, named)
        ]
        presets = known_presets()
        drafts: list[Draft] = []
        taken: set[tuple[str | None, str]] = set()
        around_them = [each for each in every if each.readable]
        for known in presets:
            for found in recognise(known, around_them)[:3]:
                if found.place in may and _place(found.place) not in taken:
                    draft = await self._as_preset(found, around_them)
                    if draft is not None:
                        drafts.append(draft)
                        taken |= {_place(listed) for listed in found.tables.values()}
        guessed, near = await self._guesses(may, around_them, taken, forced=named is not None)
        drafts += guessed
        return Proposal(
            tuple(drafts[:MOST_DRAFTS]),
            product,
            self._url,
            len(every),
            tuple(text.format(presets=", ".join(known.name for known in presets)) for text in LOOKED_FOR),
            tuple(near[:5]),
            tuple(self._notes),
        )

    def _remark(self, inventory: Inventory) -> None:
        """Say which tables were left out, and why."""
        tables = inventory.tables
        closed = [each.table.place for each in tables if not each.readable and each.kind is not TableKind.VIRTUAL]
        if closed:
            self._notes.append(f"not looked at, for this user may not read them: {_some(closed)}")
        far = [each.table.place for each in tables if each.kind is TableKind.FOREIGN]
        if far:
            self._notes.append(
                f"not touched, for they lie on other servers: {_some(far)}; name one with --table to look at it"
            )
        odd = [each.table.place for each in tables if not is_mappable(each.table.name)]
        if odd:
            self._notes.append(f"left out, for a mapping can't hold such a name: {_some(odd)}")
        if inventory.cut:
            self._notes.append(
                "there are more tables or columns than are looked at; narrow it with --schema or --table"
            )

    def _named(self, every: Sequence[Listed]) -> set[tuple[str | None, str]] | None:
        """Return the tables that were asked for by name; None where none was."""
        if not self._inquiry.tables:
            return None
        found: set[tuple[str | None, str]] = set()
        for name in self._inquiry.tables:
            exact = [each for each in every if name in (each.table.name, each.table.place)]
            loose = [
                each for each in every if name.casefold() in (each.table.name.casefold(), each.table.place.casefold())
            ]
            fits = exact or loose
            if not fits:
                near = nearest(name.rpartition(".")[2], [each.table.name for each in every])
                self._notes.append(f"no table {name!r} is here" + (f"; did you mean {near!r}?" if near else ""))
            here = [each for each in fits if each.at_hand] or fits
            found |= {_place(each) for each in here}
        return found

    def _is_wanted(self, listed: Listed, named: set[tuple[str | None, str]] | None) -> bool:
        if named is not None:
            return _place(listed) in named
        return listed.kind in (*_ORDINARY, *_ALSO)

    async def _look_into(self, listed: Listed) -> Seen:
        """Return a table with a sample of its rows; one that can't be read, or not in time, without."""
        place = _place(listed)
        known = self._seen.get(place)
        if known is not None:
            return known
        if self._inquiry.context.clock.monotonic() > self._until:
            return unread(listed, "there was no time left to look into it")
        try:
            seen = await self._guest.run(
                lambda session: sample(session, listed), self._inquiry.deadline.sooner(ONE_TABLE)
            )
        except BackendError as error:
            self._inquiry.deadline.check(self._inquiry.context.name)
            seen = unread(listed, error.reason)
            self._notes.append(f"{listed.table.place} could not be read: {error.reason}")
        self._seen[place] = seen
        return seen

    async def _as_preset(self, found: Recognised, there: Sequence[Listed]) -> Draft | None:
        """Return the draft that names a preset; None where the rows are not what it reads."""
        seen = await self._look_into(found.place)
        words = found.known.options.saga.state
        share = known_share(words, seen)
        if share is not None and share < 0.5:
            self._notes.append(
                f"{seen.place} has the columns of preset {found.known.name}, and {1 - share:.0%} of its states are "
                "words that the preset doesn't know"
            )
            return None
        if not _steps_agree(found.known.options, seen):
            return None
        why = [f"{seen.place} has the columns of the preset {found.known.name} ({seen.counted})"]
        if share is not None:
            why.append(f"{share:.0%} of its different states are words that the preset knows")
        draft = preset_draft(found, why)
        if found.missing:
            gone = ", ".join(".".join(wanted.name) for wanted in found.missing)
            why.append(f"said in full, for without {gone} the preset as it is would not load")
            sections = (Section((), (), tuple(why)), *sections_of(in_full(found)))
            draft = replace(draft, sections=sections, preset=None, why=tuple(why))
        box = await self._outbox(found, seen, there)
        if box is not None:
            draft = replace(draft, sections=(*draft.sections, box))
        return draft if await self._opens(draft) is None else None

    async def _outbox(self, found: Recognised, seen: Seen, there: Sequence[Listed]) -> Section | None:
        """Return an outbox beside the tables of a preset that knows none."""
        options = found.known.options
        if options.outbox is not None or found.known.tables[0].within or len(options.saga.id.columns) != 1:
            return None
        names = {column.casefold(): column for column in seen.by_name}
        identity = names.get(options.saga.id.columns[0].casefold())
        boxes: list[tuple[float, Section]] = []
        for child in _children(found.place, there):
            table = await self._look_into(child)
            tie = tie_of(table, seen)
            box = around.outbox_of(table, tie, identity) if tie is not None and identity is not None else None
            if box is not None:
                boxes.append((box[1], box[0]))
        return max(boxes, key=lambda one: one[0])[1] if boxes else None

    async def _guesses(
        self, may: Sequence[Listed], there: Sequence[Listed], taken: set[tuple[str | None, str]], *, forced: bool
    ) -> tuple[list[Draft], list[NearMiss]]:
        ranked = sorted(
            ((promise(each.table), number, each) for number, each in enumerate(may) if _place(each) not in taken),
            key=lambda one: (-one[0], one[1]),
        )
        chosen = [each for weight, _, each in ranked if forced or weight >= 1.5]
        tables = [each for each in chosen if forced or each.kind in _ORDINARY][:LOOKED_AT]
        views = [] if forced else [each for each in chosen if each.kind in _ALSO][:LOOKED_AT]
        drafts: list[Draft] = []
        near: list[tuple[float, NearMiss]] = []
        for group in (tables, views):
            if group is views and (drafts or taken):
                break  # a view shows what lies in a table, and that one was found
            judged = [await self._judge(listed, there) for listed in group]
            used = {steps.place for saga, steps, _ in judged if steps is not None and saga.is_one} - {""}
            used |= {saga.seen.place for saga, *_ in judged if _belongs(saga, [each for each, *_ in judged])}
            for saga, steps, sections in sorted(judged, key=lambda one: -one[0].weight):
                good = saga.is_one or (forced and not saga.lacks)
                if good and (saga.seen.place not in used or forced):
                    draft = drafting.draft(saga, steps, self._now, sections)
                    wrong = await self._opens(draft)
                    if wrong is None:
                        drafts.append(draft)
                        continue
                    near.append((saga.weight, NearMiss(saga.seen.place, (f"what was concluded doesn't fit: {wrong}",))))
                elif saga.seen.place not in used:
                    near.append((saga.weight, NearMiss(saga.seen.place, what_lacks(saga))))
        near.sort(key=lambda one: -one[0])
        return drafts, [miss for _, miss in near]

    async def _judge(self, listed: Listed, there: Sequence[Listed]) -> tuple[SagaTable, Steps | None, list[Section]]:
        """Return a table judged, with its steps and what lies around it."""
        seen = await self._look_into(listed)
        saga = saga_table(seen)
        if saga.state is not None and saga.state.column is not None:
            seen = await self._with_more_words(seen, saga.state)
            saga = saga_table(seen)
        inside = steps_in_row(saga)
        best: tuple[Steps, Tie] | None = None
        outbox: tuple[Section, float] | None = None
        for child in _children(listed, there):
            table = await self._look_into(child)
            tie = tie_of(table, seen)
            if tie is None:
                continue
            steps = steps_in_rows(table, tie)
            if steps is not None and (best is None or steps.weight > best[0].weight):
                best = (steps, tie)
            box = around.outbox_of(table, tie, tie.parent)
            if box is not None and steps is None and (outbox is None or box[1] > outbox[1]):
                outbox = box
        chosen = inside
        referred: str | None = None
        if best is not None and (inside is None or best[0].weight >= inside.weight):
            chosen, referred = best[0], best[1].parent
        if chosen is not None:
            sign = f"its steps: {chosen.why[0]}" if chosen.why else "its steps were found"
            saga = saga_table(seen, referred=referred, steps=chosen.weight, step_sign=sign)
        else:
            chosen = cursor_alone(saga)
        sections = [outbox[0]] if outbox is not None and _says(outbox[0], "saga_id") and saga.id is not None else []
        return saga, chosen, sections

    async def _with_more_words(self, seen: Seen, state: Meanings) -> Seen:
        """Return the table with words of its state that no sample showed."""
        assert state.column is not None
        name = state.column.name
        table, column = seen.listed.table, state.column.column
        if seen.whole or seen.trouble or self._inquiry.context.clock.monotonic() > self._until:
            return seen
        try:
            more, every = await self._guest.run(
                lambda session: words_beyond(session, table, column), self._inquiry.deadline.sooner(ONE_TABLE)
            )
        except BackendError:
            return seen
        columns = tuple(
            replace(each, more=more, all_words=each.all_words or every) if each.name == name else each
            for each in seen.columns
        )
        return replace(seen, columns=columns)

    async def _opens(self, draft: Draft) -> str | None:
        """Return why a draft can't be opened on this database; None where it can."""
        try:
            table = plugin_table(draft)
            from ..presets import expand

            options = SqlOptions.model_validate({"url": self._url, **expand(table)})
            await open_mapping(self._guest, options, self._inquiry.context, self._inquiry.deadline)
        except ValidationError as error:
            return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        except BackendError as error:
            return str(error)
        return None


def _belongs(saga: SagaTable, others: Sequence[SagaTable]) -> bool:
    """Say whether a table called after steps, events or messages holds rows that belong to sagas of another one."""
    return bool(OTHER_THINGS & set(tokens(saga.seen.name))) and any(
        other.is_one and other is not saga and tie_of(saga.seen, other.seen) is not None for other in others
    )


def _place(listed: Listed) -> tuple[str | None, str]:
    return listed.table.schema, listed.table.name


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + rest


def _says(section: Section, key: str) -> bool:
    return any(setting.key == key for setting in section.settings)


def _children(parent: Listed, there: Iterable[Listed]) -> list[Listed]:
    """Return the tables whose rows may belong to the parent's, by foreign keys and names; the likeliest first."""
    found: list[tuple[int, float, Listed]] = []
    for each in there:
        if each.kind not in _ORDINARY or _place(each) == _place(parent):
            continue
        by_key = any(key.table == parent.table.name for key in each.foreign_keys)
        same = each.table.schema == parent.table.schema
        named = any(
            refers_to(column.name, parent.table) or column.name.lower().replace("_", "") in ("sagaid", "gid")
            for column in each.table.columns[:200]
        )
        if by_key or (named and same):
            found.append((0 if by_key else 1, -name_weight_of_child(each), each))
    found.sort(key=lambda one: one[:2])
    return [each for _, _, each in found[:CHILDREN]]


def name_weight_of_child(listed: Listed) -> float:
    """Return how much a table's name and columns speak for steps."""
    names = " ".join(column.name.lower() for column in listed.table.columns[:200])
    weight = 2.0 * ("step" in listed.table.name.lower() or "step" in names)
    weight += 1.0 * ("status" in names or "state" in names or "event" in names)
    return weight + max(name_weight(listed.table), 0) / 10


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


def known_share(words: StateWords, seen: Seen) -> float | None:
    """Return the share of a table's different states that a mapping knows; None where it has none to be known."""
    column = next((each for each in seen.columns if each.name.casefold() == (words.column or "").casefold()), None)
    if column is None or not column.counted:
        return None
    meanings = WordMeanings(words)
    known = [
        word for word in column.counted if (doubt := meanings.of(word).doubt) is None or "stands for" in doubt.reason
    ]
    return len(known) / len(column.counted)


def _steps_agree(options: SqlOptions, seen: Seen) -> bool:
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
    told.append(f"too little speaks for sagas ({saga.weight:.1f} of {ENOUGH:.0f})")
    return tuple(told)
