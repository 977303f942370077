"""From a database that nobody has described to drafts of a mapping: look at the catalogue, read a little, conclude."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sagadoctor.api.v1 import ConfigError, Problem
from sagadoctor.api.v1.proposing import Draft, Inquiry, Inventory, Listed, Proposal, TableKind
from sagadoctor.api.v1.sql import Guest, Limits, beside, nearest, parse_address

from .from_presets import as_preset
from .judging import ALSO, guesses
from .looking import Looker, Place, place_of
from .names import is_mappable
from .recognising import known_presets, recognise
from .relatives import ORDINARY
from .sampling import within

MOST_DRAFTS: Final = 10
MOST_OF_ONE: Final = 3
"""Sets of tables that one preset is tried on."""
MOST_NEAR: Final = 5
_CATALOGUE: Final = 10.0
"""Seconds that one statement may take: that is for the catalogue, a table's own time is shorter."""

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
        limits=Limits(statement=_CATALOGUE),
    )
    try:
        return await _proposal(Looker(guest, inquiry, address.url), inquiry, address.url)
    finally:
        await guest.close()


async def _proposal(looker: Looker, inquiry: Inquiry, url: str) -> Proposal:
    """Return what was found, and where nothing was, what came nearest."""
    inventory, product, now = await looker.list()
    looker.notes += _left_out(inventory)
    every = within(inquiry.schema, inventory.tables)
    if inquiry.schema is not None and not every:
        there = sorted({each.table.schema for each in inventory.tables if each.table.schema is not None})
        listed = f"; there are {_some(there)}" if there else ""
        looker.notes.append(f"no table of a schema {inquiry.schema!r} is here{listed}")
    named = _named(inquiry.tables, every, looker.notes)
    readable = [each for each in every if each.readable and is_mappable(each.table.name)]
    may = [each for each in readable if _is_wanted(each, named)]
    drafts, taken = await _recognised(looker, may, readable, forced=named is not None)
    guessed, near = await guesses(looker, may, readable, taken, now, forced=named is not None)
    presets = ", ".join(known.name for known in known_presets())
    return Proposal(
        (*drafts, *guessed)[:MOST_DRAFTS],
        product,
        url,
        len(every),
        tuple(text.format(presets=presets) for text in LOOKED_FOR),
        tuple(near[:MOST_NEAR]),
        tuple(looker.notes),
    )


async def _recognised(
    looker: Looker, may: Sequence[Listed], there: Sequence[Listed], *, forced: bool
) -> tuple[list[Draft], set[Place]]:
    """Return a draft for each preset that was met, and the tables that it takes."""
    drafts: list[Draft] = []
    taken: set[Place] = set()
    wanted = {place_of(each) for each in may}
    for known in known_presets():
        for found in recognise(known, there)[:MOST_OF_ONE]:
            place = place_of(found.place)
            if place not in wanted or place in taken or (found.place.kind not in ORDINARY and drafts and not forced):
                continue
            draft = await as_preset(looker, found, there)
            if draft is not None:
                drafts.append(draft)
                taken |= {place_of(listed) for listed in found.tables.values()}
    return drafts, taken


def _left_out(inventory: Inventory) -> list[str]:
    """Return which tables are not looked at, and why."""
    notes: list[str] = []
    tables = inventory.tables
    closed = [each.table.place for each in tables if not each.readable and each.kind is not TableKind.VIRTUAL]
    if closed:
        notes.append(f"not looked at, for this user may not read them: {_some(closed)}")
    far = [each.table.place for each in tables if each.kind is TableKind.FOREIGN]
    if far:
        notes.append(f"not touched, for they lie on other servers: {_some(far)}; name one with --table to look at it")
    odd = [each.table.place for each in tables if not is_mappable(each.table.name)]
    if odd:
        notes.append(f"left out, for a mapping can't hold such a name: {_some(odd)}")
    if inventory.cut:
        notes.append("there are more tables or columns than are looked at; narrow it with --schema or --table")
    return notes


def _named(tables: Sequence[str], every: Sequence[Listed], notes: list[str]) -> set[Place] | None:
    """Return the tables that were asked for by name; None where none was."""
    if not tables:
        return None
    found: set[Place] = set()
    for name in tables:
        exact = [each for each in every if name in (each.table.name, each.table.place)]
        loose = [each for each in every if name.casefold() in (each.table.name.casefold(), each.table.place.casefold())]
        fits = exact or loose
        if not fits:
            near = nearest(name.rpartition(".")[2], [each.table.name for each in every])
            notes.append(f"no table {name!r} is here" + (f"; did you mean {near!r}?" if near else ""))
        here = [each for each in fits if each.at_hand] or fits
        found |= {place_of(each) for each in here}
    return found


def _is_wanted(listed: Listed, named: set[Place] | None) -> bool:
    if named is not None:
        return place_of(listed) in named
    return listed.kind in (*ORDINARY, *ALSO)


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + rest
