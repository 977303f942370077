"""The findings that each reader has seen: new to it, ongoing since when, and resolved.

A finding is told to a reader once a scan that saw it is finished. What an abandoned or crashed scan saw is
remembered, so that a saga can be found by its finding, but stays new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sagadoctor.model.finding import FindingStatus, Severity
from sagadoctor.model.seen import ScanTicket, SeenFinding, Standing

from .database import Database, Row, Sort, Table, Value
from .shape import Moment, Shape
from .shelf import Shelf
from .text import is_safe, key, maybe_moment, maybe_safe, maybe_ticks, maybe_unsafe, moment, safe, ticks, unsafe

_SEEN = Table(
    "sagadoctor_seen",
    3,
    (
        ("environment", Sort.KEY),
        ("reader", Sort.KEY),
        ("id", Sort.KEY),
        ("long_id", Sort.TEXT),
        ("cause", Sort.TEXT),
        ("store", Sort.TEXT),
        ("rule", Sort.TEXT),
        ("severity", Sort.TEXT),
        ("saga_type", Sort.TEXT),
        ("saga_id", Sort.TEXT),
        ("since", Sort.WHOLE),
        ("ended", Sort.WHOLE),
        ("slot", Sort.TEXT),
        ("first_seen", Sort.WHOLE),
        ("told", Sort.WHOLE),
        ("scan", Sort.WHOLE),
        ("seen_at", Sort.WHOLE),
    ),
)
_FACTS: dict[str, Any] = {
    "id": str,
    "long_id": str | None,
    "cause": str,
    "store": str,
    "rule": str,
    "severity": Literal["critical", "warning", "info"],
    "saga_type": str | None,
    "saga_id": str | None,
    "since": Moment | None,
    "ended": int,
    "slot": str,
}
_FOUND = Shape(_SEEN.name, **_FACTS)
_KEPT = Shape(_SEEN.name, **_FACTS, first_seen=Moment, told=int, scan=int)
_GONE = Shape(_SEEN.name, **_FACTS, told=int)
_STORE, _SLOT = _FOUND.names.index("store"), _FOUND.names.index("slot")
_OF_READER = "WHERE environment = ? AND reader = ? AND id IN ?"
_PAGE = 2000
InScope = Callable[[SeenFinding], bool]


def compare(
    database: Database,
    shelf: Shelf,
    ticket: ScanTicket,
    findings: Sequence[SeenFinding],
    acknowledged: Mapping[str, datetime],
    now: datetime,
) -> dict[str, Standing]:
    """Record what a page of the running scan found, and say how each finding stands with the reader."""
    reader, at, number = (shelf.name, key(ticket.reader)), ticks(now), ticket.number
    slots = {store: shelf.slot(store) for store in {finding.store for finding in findings}}
    ids: dict[str, str] = {}
    facts: dict[str, Row] = {}
    for finding in findings:
        found = _facts(finding, slots[finding.store])
        name = found[0]
        ids[name], facts[name] = finding.id, found
    known: dict[str, Row] = {row[0]: row for row in _KEPT.read(database, _OF_READER, *reader, sorted(facts))}
    standings: dict[str, Standing] = {}
    changed: list[Sequence[Value]] = []
    unchanged: list[str] = []
    for name, found in facts.items():
        kept = known.get(name)
        first, told = at, 0
        if kept is not None and (kept[_SLOT] == found[_SLOT] or kept[_STORE] != found[_STORE]):
            first_seen, was_told, scan = kept[-3:]
            if was_told or scan == number:
                first, told = first_seen if first_seen < at else at, was_told
            same = first == first_seen and told == was_told and kept[:-3] == found
        else:
            same = False
        if same:
            unchanged.append(name)
        else:
            changed.append((*reader, *found, first, told, number, at))
        standings[ids[name]] = Standing(
            FindingStatus.ONGOING if told else FindingStatus.NEW,
            now if first == at else moment(first),
            acknowledged.get(ids[name]) if acknowledged else None,
        )
    database.put(_SEEN, changed)
    if unchanged:
        database.run(
            f"UPDATE sagadoctor_seen SET scan = ?, seen_at = ? {_OF_READER}",  # noqa: S608 - our own names only
            number,
            at,
            *reader,
            sorted(unchanged),
        )
    return standings


def resolve(
    database: Database, shelf: Shelf, ticket: ScanTicket, complete: Sequence[str], in_scope: InScope
) -> tuple[str, ...]:
    """Tell what the scan saw; forget what it should have seen and didn't, and return those ids that had been told."""
    reader, number = (shelf.name, key(ticket.reader)), ticket.number
    sources = {source: shelf.slot(source) for source in complete}
    resolved: list[str] = []
    for page in _not_seen(database, reader, number):
        gone = [
            (row[0], finding.id, row[-1])
            for row in page
            for finding in (_finding(row),)
            if sources.get(finding.store) == row[_SLOT] and in_scope(finding)
        ]
        if gone:
            database.run(f"DELETE FROM sagadoctor_seen {_OF_READER}", *reader, [name for name, _, _ in gone])  # noqa: S608
        resolved.extend(finding_id for _, finding_id, told in gone if told)
    told = "UPDATE sagadoctor_seen SET told = 1 WHERE environment = ? AND reader = ? AND scan = ? AND told = 0"
    database.run(told, *reader, number)
    return tuple(resolved)


def _not_seen(database: Database, reader: tuple[str, str], number: int) -> Iterator[list[Row]]:
    last = ""
    while True:
        page = _GONE.read(
            database,
            "WHERE environment = ? AND reader = ? AND id > ? AND scan <> ? ORDER BY id LIMIT ?",
            *reader,
            last,
            number,
            _PAGE,
        )
        if not page:
            return
        last = page[-1][0]
        yield page


def known(database: Database, shelf: Shelf, finding_ids: Sequence[str]) -> dict[str, SeenFinding]:
    """Return what any reader saw of these findings, the last look where several did."""
    asked = {key(finding_id): finding_id for finding_id in finding_ids}
    rows = _FOUND.read(
        database,
        "WHERE environment = ? AND reader IN (SELECT reader FROM sagadoctor_readers WHERE environment = ?) "
        "AND id IN ? ORDER BY seen_at",
        shelf.name,
        shelf.name,
        list(asked),
    )
    return {asked[row[0]]: _finding(row) for row in rows}


def known_groups(database: Database, shelf: Shelf, groups: Sequence[str]) -> frozenset[str]:
    """Return those of the groups of which any reader saw a finding."""
    rows = database.rows(
        "SELECT DISTINCT cause FROM sagadoctor_seen WHERE environment = ? AND cause IN ?",
        shelf.name,
        [safe(group) for group in groups],
    )
    told = {safe(group): group for group in groups}
    return frozenset(told[row[0]] for row in rows if row[0] in told)


def prune(database: Database, before: datetime) -> None:
    """Forget what nobody saw for long."""
    database.run("DELETE FROM sagadoctor_seen WHERE seen_at < ?", ticks(before))


def _facts(finding: SeenFinding, slot: str) -> Row:
    name, since = key(finding.id), maybe_ticks(finding.since)
    group, store, rule = finding.group, finding.store, finding.rule
    saga_type, saga_id, ended = finding.saga_type, finding.saga_id, 1 if finding.ended else 0
    if name is finding.id and is_safe(f"{saga_type}{saga_id}{group}{store}{rule}"):
        # As nearly all of them are; 2,000 on a page, so that it matters.
        return name, None, group, store, rule, finding.severity._value_, saga_type, saga_id, since, ended, slot
    whole = safe(finding.id)
    return (
        name,
        None if name == whole else whole,
        safe(group),
        safe(store),
        safe(rule),
        finding.severity.value,
        maybe_safe(saga_type),
        maybe_safe(saga_id),
        since,
        ended,
        slot,
    )


def _finding(row: Row) -> SeenFinding:
    name, whole, cause, store, rule, severity, saga_type, saga_id, since, ended = row[:10]
    return SeenFinding(
        id=unsafe(name if whole is None else whole),
        group=unsafe(cause),
        store=unsafe(store),
        rule=unsafe(rule),
        severity=Severity(severity),
        saga_type=maybe_unsafe(saga_type),
        saga_id=maybe_unsafe(saga_id),
        since=maybe_moment(since),
        ended=bool(ended),
    )
