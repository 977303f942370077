"""Drafts that are guessed: each likely table judged with the tables around it, and the best of them drafted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sagadoctor.api.v1.proposing import Draft, Listed, NearMiss, Section, TableKind

from . import around, drafting
from .looking import Looker, Place, place_of
from .names import tokens
from .relatives import ORDINARY, children
from .sagas import OTHER_THINGS, SagaTable, promise, saga_table
from .steps import Steps
from .steps_in_row import cursor_alone, steps_in_row
from .steps_in_rows import Tie, steps_in_rows, tie_of
from .verdicts import what_lacks

LOOKED_AT: Final = 16
"""Tables whose rows are sampled as perhaps those of sagas."""
ALSO: Final = (TableKind.VIEW, TableKind.MATERIALISED)
_PROMISING: Final = 1.5


async def guesses(
    looker: Looker, may: Sequence[Listed], there: Sequence[Listed], taken: set[Place], now: datetime, *, forced: bool
) -> tuple[list[Draft], list[NearMiss]]:
    """Return drafts of the tables taken for those of sagas (of all that were named, if forced), and what came near."""
    ranked = sorted(
        ((promise(each.table), number, each) for number, each in enumerate(may) if place_of(each) not in taken),
        key=lambda one: (-one[0], one[1]),
    )
    chosen = [each for weight, _, each in ranked if forced or weight >= _PROMISING]
    tables = [each for each in chosen if forced or each.kind in ORDINARY][:LOOKED_AT]
    views = [] if forced else [each for each in chosen if each.kind in ALSO][:LOOKED_AT]
    drafts: list[Draft] = []
    near: list[tuple[float, NearMiss]] = []
    for group in (tables, views):
        if group is views and (drafts or taken):
            break  # a view shows what lies in a table, and that one was found
        judged = [await _judge(looker, listed, there) for listed in group]
        used = {steps.place for saga, steps, _ in judged if steps is not None and saga.is_one} - {""}
        used |= {saga.seen.place for saga, *_ in judged if _belongs(saga, [each for each, *_ in judged])}
        for saga, steps, sections in sorted(judged, key=lambda one: -one[0].weight):
            good = saga.is_one or (forced and not saga.lacks)
            if good and (saga.seen.place not in used or forced):
                draft = drafting.draft(saga, steps, now, sections)
                wrong = await looker.opens(draft)
                if wrong is None:
                    drafts.append(draft)
                    continue
                near.append((saga.weight, NearMiss(saga.seen.place, (f"what was concluded doesn't fit: {wrong}",))))
            elif saga.seen.place not in used:
                near.append((saga.weight, NearMiss(saga.seen.place, what_lacks(saga))))
    near.sort(key=lambda one: -one[0])
    return drafts, [miss for _, miss in near]


async def _judge(
    looker: Looker, listed: Listed, there: Sequence[Listed]
) -> tuple[SagaTable, Steps | None, list[Section]]:
    """Return a table judged, with its steps and what lies around it."""
    seen = await looker.look_into(listed)
    saga = saga_table(seen)
    if saga.state is not None and saga.state.column is not None:
        seen = await looker.with_more_words(seen, saga.state)
        saga = saga_table(seen)
    inside = steps_in_row(saga)
    best: tuple[Steps, Tie] | None = None
    boxes: list[tuple[float, str, Section]] = []
    for child in children(listed, there):
        table = await looker.look_into(child)
        tie = tie_of(table, seen)
        if tie is None:
            continue
        steps = steps_in_rows(table, tie)
        if steps is not None and (best is None or steps.weight > best[0].weight):
            best = (steps, tie)
        box = around.outbox_of(table, tie, tie.parent)
        if box is not None and steps is None:
            boxes.append((box[1], tie.parent, box[0]))
    chosen = inside
    referred: str | None = None
    if best is not None and (inside is None or best[0].weight >= inside.weight):
        chosen, referred = best[0], best[1].parent
    if chosen is not None:
        sign = f"its steps: {chosen.why[0]}" if chosen.why else "its steps were found"
        saga = saga_table(seen, referred=referred, steps=chosen.weight, step_sign=sign)
    else:
        chosen = cursor_alone(saga)
    fitting = [(weight, section) for weight, parent, section in boxes if parent == saga.id]
    return saga, chosen, [max(fitting, key=lambda one: one[0])[1]] if fitting else []


def _belongs(saga: SagaTable, others: Sequence[SagaTable]) -> bool:
    """Say whether a table called after steps, events or messages holds rows that belong to sagas of another one."""
    return bool(OTHER_THINGS & set(tokens(saga.seen.name))) and any(
        other.is_one and other is not saga and tie_of(saga.seen, other.seen) is not None for other in others
    )
