"""Drafts that name a preset: recognised by its tables and columns, and borne out by the words in the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from sagadoctor.api.v1.proposing import Draft, Listed, Section

from . import around
from .looking import Looker
from .recognising import Recognised, in_full, preset_draft
from .relatives import children
from .seen import Seen
from .steps_in_rows import tie_of
from .verdicts import sections_of, steps_agree, words_met

_UNTOLD: Final = (
    "no table says how long a step may take or which ones wait for a person: say it in [sagas.TYPE], as "
    "`sagadoctor config example` does"
)


async def as_preset(looker: Looker, found: Recognised, there: Sequence[Listed]) -> Draft | None:
    """Return the draft that names a preset; None where the rows are not what it reads."""
    seen = await looker.look_into(found.place)
    known, unknown = words_met(found.known.options.saga.state, seen)
    if len(unknown) > len(known):
        looker.notes.append(
            f"{seen.place} has the columns of preset {found.known.name}, and most of its states are words that the "
            f"preset doesn't know: {', '.join(unknown[:10])}"
        )
        return None
    if not steps_agree(found.known.options, seen):
        return None
    why = [f"{seen.place} has the columns of the preset {found.known.name} ({seen.counted})"]
    if known:
        why.append(f"{len(known)} of the {len(known) + len(unknown)} states in them are words that the preset knows")
    told = [*why, _UNTOLD]
    if unknown:
        told.append(
            f"TODO: what do {', '.join(unknown[:20])} mean? [stores.X.saga] state = {{ values = {{ … }} }} says it"
        )
    draft = preset_draft(found, told)
    todo = (*draft.todo, f"say what these states mean: {', '.join(unknown[:20])}") if unknown else draft.todo
    draft = replace(draft, why=tuple(why), todo=todo)
    if found.missing:
        gone = ", ".join(".".join(wanted.name) for wanted in found.missing)
        why.append(f"said in full, for without {gone} the preset as it is would not load")
        sections = (Section((), (), (*told, why[-1])), *sections_of(in_full(found)))
        draft = replace(draft, sections=sections, preset=None, why=tuple(why))
    box = await _outbox(looker, found, seen, there)
    if box is not None:
        draft = replace(draft, sections=(*draft.sections, box))
    wrong = await looker.opens(draft)
    if wrong is not None:
        looker.notes.append(f"{seen.place} has the tables of preset {found.known.name}, which can't be read: {wrong}")
        return None
    return draft


async def _outbox(looker: Looker, found: Recognised, seen: Seen, there: Sequence[Listed]) -> Section | None:
    """Return an outbox beside the tables of a preset that knows none."""
    options = found.known.options
    if options.outbox is not None or found.known.tables[0].within or len(options.saga.id.columns) != 1:
        return None
    names = {column.casefold(): column for column in seen.by_name}
    identity = names.get(options.saga.id.columns[0].casefold())
    boxes: list[tuple[float, Section]] = []
    for child in children(found.place, there):
        table = await looker.look_into(child)
        tie = tie_of(table, seen)
        box = around.outbox_of(table, tie, identity) if tie is not None and identity is not None else None
        if box is not None:
            boxes.append((box[1], box[0]))
    return max(boxes, key=lambda one: one[0])[1] if boxes else None
