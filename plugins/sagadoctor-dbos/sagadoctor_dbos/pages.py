"""Reading workflows page by page: each page by its key, all that belongs to it in the same snapshot."""

# ruff: noqa: S608 - names are looked up and quoted, words are constants, values are bound

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sagadoctor.api.v1 import Deadline, FullScanRefused, Look, Page, Saga
from sagadoctor.api.v1.sql import Guest, Session, statement

from .moments import milliseconds, moment
from .reading import Around, Reader, Row
from .tables import WORKFLOWS, Tables, row_of
from .values import word_of

SIZE: Final = 500
LIVE_WORDS: Final = ("PENDING", "ENQUEUED", "DELAYED")
BAD_WORDS: Final = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
ENDED_WORDS: Final = ("SUCCESS", *BAD_WORDS)

_ALONE: Final = {
    "PENDING": "w.status = 'PENDING'",
    "ENQUEUED": "w.status in ('ENQUEUED', 'PENDING') and w.status = 'ENQUEUED'",
    "DELAYED": "w.status = 'DELAYED'",
}
"""The condition of each live status as DBOS's partial indexes have it: SQLite compares it by the letter."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that one statement pages through: which, in what order, and at most how many."""

    condition: str
    values: Mapping[str, object] = field(default_factory=dict)
    order: str | None = None
    """A column of whole numbers before the id; None for the id alone."""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a look is to read, and what it leaves out."""

    parts: tuple[Part, ...]
    truncated: bool = False
    notes: tuple[str, ...] = ()


async def pages(guest: Guest, tables: Tables, reader: Reader, look: Look, big: int) -> AsyncIterator[Page]:
    """Yield everything that a look asks for."""
    plan = await guest.run(lambda session: planned(session, tables, look, big), look.deadline)
    if plan.truncated or plan.notes:
        yield Page((), truncated=plan.truncated, notes=plan.notes)
    for part in plan.parts:
        last: Row | None = None
        left = part.most
        while left is None or left > 0:
            size = SIZE if left is None else min(SIZE, left)
            after = last
            rows, sagas = await guest.run(
                lambda session, part=part, after=after, size=size: _page(  # type: ignore[misc]
                    session, tables, reader, part, after, size
                ),
                look.deadline,
            )
            wanted = [saga for saga in sagas if look.saga_types is None or saga.saga_type in look.saga_types]
            if wanted:
                yield Page(wanted)
            if len(rows) < size:
                break
            last = rows[-1]
            left = None if left is None else left - len(rows)


def planned(session: Session, tables: Tables, look: Look, big: int) -> Plan:
    """Decide what is read; raises FullScanRefused where live rows could only be found by reading a big table."""
    is_big = tables.workflows.rows > big and not look.allow_full_scan
    kind, values = _kind(look)
    total, counts = 0, {}
    for word in LIVE_WORDS:
        if is_big and not tables.leads("status", word):
            raise FullScanRefused(
                f"no index of {tables.workflows.place} (about {tables.workflows.rows:,} rows) finds what is {word}",
                hint="let this version of DBOS run its migrations, or --allow-full-scan",
            )
        counts[word] = _count(session, tables, _ALONE[word] + kind, values, look.live_cap + 1)
        total += counts[word]
    notes: list[str] = []
    odd = f"(w.status is null or w.status not in {(*LIVE_WORDS, *ENDED_WORDS)}){kind}"
    if is_big:
        notes.append("whether there are rows with a status that DBOS 3.4 doesn't have was not looked for")
    else:
        counts[odd] = _count(session, tables, odd, values, look.live_cap + 1)
        total += counts[odd]
    if total <= look.live_cap:
        parts = [Part(_ALONE[word] + kind, values, "w.created_at") for word in LIVE_WORDS if counts[word]]
        parts += [Part(odd, values)] if counts.get(odd) else []
        ended, cut = _ended(tables, look, kind, values, is_big)
        return Plan((*parts, *ended), bool(cut), (*notes, *cut))
    unended = f"(w.status is null or w.status not in {ENDED_WORDS}){kind}"
    live = Part(unended, values, "w.updated_at", look.live_cap)
    ended, cut = _ended(tables, look, kind, values, is_big)
    return Plan((live, *ended), truncated=True, notes=(*notes, *cut))


def _ended(
    tables: Tables, look: Look, kind: str, values: Mapping[str, object], is_big: bool
) -> tuple[list[Part], list[str]]:
    """Return the parts of ended rows, and what is left out of them."""
    words = f"w.status in {ENDED_WORDS}{kind}"
    if look.all_ended:
        return [Part(words, values)], []
    if look.ended_since is None:
        return [], []
    since = {**values, "since": milliseconds(look.ended_since)}
    if not is_big:
        return [Part(f"{words} and {tables.moved} >= :since", since, tables.moved)], []
    column = "completed_at" if tables.has("completed_at") else "updated_at"
    if not tables.leads(column, column):
        where = f"{tables.workflows.place} has no index on {column}"
        return [], [f"ended workflows were not read: {where}; --allow-full-scan reads them all the same"]
    parts = [Part(f"{words} and w.{column} >= :since", since, f"w.{column}")]
    if column == "completed_at":
        # Older versions of DBOS left it empty; what ended well with them was judged long ago.
        parts.append(
            Part(f"w.status in {BAD_WORDS}{kind} and w.completed_at is null and w.updated_at >= :since", since)
        )
    return parts, []


def _kind(look: Look) -> tuple[str, Mapping[str, object]]:
    """Return the condition of the types that are asked for; types are short names (see `values.short_name`)."""
    if look.saga_types is None:
        return "", {}
    names = sorted(look.saga_types)
    local = {f"local_{place}": f"%<locals>.{_literal(name)}" for place, name in enumerate(names)}
    likes = "".join(f" or w.name like :{each} escape '!'" for each in local)
    return f" and (w.name in :types{likes})", {"types": names, **local}


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _count(session: Session, tables: Tables, condition: str, values: Mapping[str, object], most: int) -> int:
    """Count rows, up to so many."""
    inner = f"select 1 from {tables.named(WORKFLOWS)} w where {condition} limit {int(most)}"
    return int(session.rows(statement(f"select count(*) from ({inner}) c", **values))[0][0])


def _page(
    session: Session, tables: Tables, reader: Reader, part: Part, last: Row | None, size: int
) -> tuple[list[Row], list[Saga]]:
    values = dict(part.values)
    condition = part.condition
    order = "w.workflow_uuid"
    key = "null" if part.order is None else part.order
    if part.order is not None:
        order = f"{part.order}, w.workflow_uuid"
    if last is not None:
        values["last_id"] = last["workflow_uuid"]
        if part.order is None:
            condition += " and w.workflow_uuid > :last_id"
        else:
            values["last_at"] = last["key"]
            condition += f" and ({part.order}, w.workflow_uuid) > (:last_at, :last_id)"
    select, _, source = tables.workflow_select(detail=False).partition(" from ")
    text = f"{select}, {key} from {source} where {condition} order by {order} limit {int(size)}"
    with session.snapshot():
        found = session.rows(statement(text, **values))
        rows = [row_of((*tables.workflow_names, "key"), tuple(row)) for row in found]
        return rows, list(_sagas(session, tables, reader, rows))


def fetched(
    session: Session, tables: Tables, reader: Reader, ids: Sequence[str], *, detail: bool = False
) -> list[Saga]:
    """Return the workflows with these ids."""
    text = f"{tables.workflow_select(detail=detail)} where w.workflow_uuid in :ids"
    with session.snapshot():
        rows = [row_of(tables.workflow_names, tuple(row)) for row in session.rows(statement(text, ids=list(ids)))]
        return list(_sagas(session, tables, reader, rows))


def children(session: Session, tables: Tables, reader: Reader, parents: Sequence[str], most: int) -> list[Saga]:
    """Return the workflows that these parents started and that are live or may have failed, the oldest move first."""
    words = (*LIVE_WORDS, "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
    lively = f"case when w.status in {LIVE_WORDS} then 0 else 1 end"
    ranked = (
        f"select w.workflow_uuid as id, row_number() over (partition by w.parent_workflow_id, {lively}"
        f" order by w.updated_at, w.workflow_uuid) as place from {tables.named(WORKFLOWS)} w"
        f" where w.parent_workflow_id in :ids and w.status in {words}"
    )
    text = f"select r.id from ({ranked}) r where r.place <= {int(most)}"
    found = [str(row[0]) for row in session.rows(statement(text, ids=list(parents)))]
    return [saga for some in chunks(found) for saga in fetched(session, tables, reader, some)]


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids as many at a time as a statement takes."""
    for start in range(0, len(ids), SIZE):
        yield ids[start : start + SIZE]


def _sagas(session: Session, tables: Tables, reader: Reader, rows: Sequence[Row]) -> Iterator[Saga]:
    ids = [row["workflow_uuid"] for row in rows]
    if not ids:
        return
    steps: dict[str, list[Row]] = {}
    for found in session.rows(statement(tables.step_select(), ids=ids)):
        row = row_of(tables.step_names, tuple(found))
        steps.setdefault(str(row["workflow_uuid"]), []).append(row)
    forked = [row["workflow_uuid"] for row in rows if row["was_forked_from"] or not tables.has("was_forked_from")]
    around = Around(steps, _forks(session, tables, forked), _phases(session, tables, reader.options.phase, ids))
    for row in rows:
        yield reader.saga(row, around)


def _forks(session: Session, tables: Tables, ids: Sequence[object]) -> dict[str, str]:
    """Return each workflow's newest fork, one that completed before any other."""
    text = tables.fork_select()
    if text is None or not ids:
        return {}
    found = session.rows(statement(text, ids=list(ids)))
    best = sorted(found, key=lambda row: row[2] == "SUCCESS")  # stable: the newest stays last among its like
    return {str(origin): str(fork) for origin, fork, _ in best}


def _phases(session: Session, tables: Tables, key: str | None, ids: Sequence[object]) -> dict[str, str]:
    text = tables.event_select()
    if key is None or text is None:
        return {}
    told = session.rows(statement(text, key=key, ids=list(ids)))
    words = ((str(saga_id), word_of(str(value), tongue)) for saga_id, value, tongue in told)
    return {saga_id: word for saga_id, word in words if word is not None}


def superseded(session: Session, tables: Tables) -> dict[str, datetime]:
    """Return when each version of an application had a newer one beside it."""
    text = tables.version_select()
    latest: dict[object, str] = {}
    ended: dict[str, datetime] = {}
    for application, version, at in session.rows(statement(text)) if text is not None else ():
        before, began = latest.get(application), moment(at)
        if before is not None and began is not None:
            ended[before] = began
        latest[application] = str(version)
    return ended


async def reader_of(guest: Guest, make: Reader, tables: Tables, deadline: Deadline) -> Reader:
    """Return the reader with what is read once a scan."""
    present = await guest.now(deadline)
    ended = make.superseded
    if make.options.drain is not None:
        ended = await guest.run(lambda session: superseded(session, tables), deadline)
    return replace(make, present=present, superseded=ended)


def askable(ids: Iterable[str]) -> list[str]:
    """Return, once each, the ids that a database can be asked for, with the usual spelling of a UUID beside them."""
    from uuid import UUID

    asked: dict[str, None] = {}
    for spelt in ids:
        if "\x00" in spelt or any("\ud800" <= char <= "\udfff" for char in spelt):
            continue
        asked[spelt] = None
        try:
            asked[str(UUID(spelt))] = None
        except ValueError:
            continue
    return list(asked)
