"""The findings that each reader has seen: new to it, ongoing since when, and resolved.

A finding is told to a reader once a scan that saw it is finished. What an abandoned or crashed scan saw is
remembered, so that a saga can be found by its finding, but stays new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from sagadoctor.errors import LedgerError
from sagadoctor.model.finding import FindingStatus, Severity
from sagadoctor.model.seen import ScanTicket, SeenFinding, Standing

from .database import Database, Row, Sort, Table, Value
from .text import is_safe, key, maybe_moment, maybe_safe, maybe_ticks, maybe_unsafe, moment, safe, ticks, unsafe

_SEEN = Table(
    "sagadoctor_seen",
    2,
    (
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
        ("first_seen", Sort.WHOLE),
        ("told", Sort.WHOLE),
        ("scan", Sort.WHOLE),
        ("seen_at", Sort.WHOLE),
    ),
)
_FACTS = "id, long_id, cause, store, rule, severity, saga_type, saga_id, since, ended"
_PAGE = 2000


def compare(
    database: Database,
    ticket: ScanTicket,
    findings: Sequence[SeenFinding],
    acknowledged: Mapping[str, datetime],
    now: datetime,
) -> dict[str, Standing]:
    """Record what a page of the running scan found, and say how each finding stands with the reader."""
    reader, at, number = key(ticket.reader), ticks(now), ticket.number
    facts = {found[0]: (finding.id, found) for finding in findings for found in (_facts(finding),)}
    known: dict[str, Row] = {
        row[0]: row
        for row in database.rows(
            f"SELECT {_FACTS}, first_seen, told, scan FROM sagadoctor_seen WHERE reader = ? AND id IN ?",  # noqa: S608
            reader,
            sorted(facts),
        )
    }
    standings: dict[str, Standing] = {}
    changed: list[Sequence[Value]] = []
    unchanged: list[str] = []
    for name, (finding_id, found) in facts.items():
        kept = known.get(name)
        first, told = at, 0
        if kept is not None and (kept[-2] or kept[-1] == number):
            first, told = min(kept[-3], at), kept[-2]
        if kept is not None and kept[:-1] == (*found, first, told):
            unchanged.append(name)
        else:
            changed.append((reader, *found, first, told, number, at))
        standings[finding_id] = Standing(
            FindingStatus.ONGOING if told else FindingStatus.NEW,
            now if first == at else moment(first),
            acknowledged.get(finding_id),
        )
    database.put(_SEEN, changed)
    if unchanged:
        database.run(
            "UPDATE sagadoctor_seen SET scan = ?, seen_at = ? WHERE reader = ? AND id IN ?",
            number,
            at,
            reader,
            sorted(unchanged),
        )
    return standings


def resolve(
    database: Database, ticket: ScanTicket, complete: Sequence[str], in_scope: Callable[[SeenFinding], bool]
) -> tuple[str, ...]:
    """Tell what the scan saw; forget what it should have seen and didn't, and return those ids that had been told."""
    reader, number, sources = key(ticket.reader), ticket.number, frozenset(complete)
    resolved: list[str] = []
    for page in _not_seen(database, reader, number):
        gone = [
            (row[0], finding.id, row[-1])
            for row in page
            for finding in (_finding(row),)
            if finding.store in sources and in_scope(finding)
        ]
        if gone:
            database.run(
                "DELETE FROM sagadoctor_seen WHERE reader = ? AND id IN ?", reader, [name for name, _, _ in gone]
            )
        resolved.extend(finding_id for _, finding_id, told in gone if told)
    database.run("UPDATE sagadoctor_seen SET told = 1 WHERE reader = ? AND scan = ? AND told = 0", reader, number)
    return tuple(resolved)


def _not_seen(database: Database, reader: str, number: int) -> Iterator[list[Row]]:
    last = ""
    while True:
        page = database.rows(
            f"SELECT {_FACTS}, told FROM sagadoctor_seen "  # noqa: S608 - our own names only
            "WHERE reader = ? AND id > ? AND scan <> ? ORDER BY id LIMIT ?",
            reader,
            last,
            number,
            _PAGE,
        )
        if not page:
            return
        last = page[-1][0]
        yield page


def known(database: Database, finding_ids: Sequence[str]) -> dict[str, SeenFinding]:
    """Return what any reader saw of these findings, the last look where several did."""
    asked = {key(finding_id): finding_id for finding_id in finding_ids}
    rows = database.rows(
        f"SELECT {_FACTS} FROM sagadoctor_seen "  # noqa: S608 - our own names only
        "WHERE reader IN (SELECT reader FROM sagadoctor_readers) AND id IN ? ORDER BY seen_at",
        list(asked),
    )
    return {asked[row[0]]: _finding(row) for row in rows}


def prune(database: Database, before: datetime) -> None:
    """Forget what nobody saw for long."""
    database.run("DELETE FROM sagadoctor_seen WHERE seen_at < ?", ticks(before))


def _facts(finding: SeenFinding) -> tuple[str, str | None, str, str, str, str, str | None, str | None, int | None, int]:
    name, since = key(finding.id), maybe_ticks(finding.since)
    texts = (finding.group, finding.store, finding.rule)
    if name is finding.id and is_safe(f"{finding.saga_type}{finding.saga_id}{''.join(texts)}"):
        # As nearly all of them are; 2,000 on a page, so that it matters.
        severity = finding.severity._value_
        return name, None, *texts, severity, finding.saga_type, finding.saga_id, since, int(finding.ended)
    whole = safe(finding.id)
    return (
        name,
        None if name == whole else whole,
        safe(finding.group),
        safe(finding.store),
        safe(finding.rule),
        finding.severity.value,
        maybe_safe(finding.saga_type),
        maybe_safe(finding.saga_id),
        since,
        int(finding.ended),
    )


def _finding(row: Row) -> SeenFinding:
    name, whole, cause, store, rule, severity, saga_type, saga_id, since, ended = row[:10]
    try:
        word = Severity(severity)
    except ValueError as error:
        raise LedgerError(f"the ledger holds a severity {severity!r}: it was changed by something else") from error
    return SeenFinding(
        id=unsafe(name if whole is None else whole),
        group=unsafe(cause),
        store=unsafe(store),
        rule=unsafe(rule),
        severity=word,
        saga_type=maybe_unsafe(saga_type),
        saga_id=maybe_unsafe(saga_id),
        since=maybe_moment(since),
        ended=bool(ended),
    )
