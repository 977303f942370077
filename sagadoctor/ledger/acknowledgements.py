"""What a person said is known: silent until it expires, by finding or by group of one cause.

What is said of the primary finding of a saga, or of its group, is said of all its findings: they are its symptoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sagadoctor.model.seen import Acknowledgement, SeenFinding

from .database import Database, Row, Sort, Table
from .shape import Moment, Shape
from .shelf import Shelf
from .text import key, moment, safe, ticks, unsafe

_TABLE = "sagadoctor_acknowledgements"
_ACKNOWLEDGEMENTS = Table(
    _TABLE,
    2,
    (
        ("environment", Sort.KEY),
        ("target", Sort.KEY),
        ("until", Sort.WHOLE),
        ("person", Sort.TEXT),
        ("reason", Sort.TEXT),
        ("made_at", Sort.WHOLE),
    ),
)
_UNTIL = Shape(_TABLE, target=str, until=Moment)
_WORDS = Shape(_TABLE, target=str, until=Moment, person=str, reason=str, made_at=Moment)
_LASTING = "WHERE environment = ? AND until > ? AND target IN ?"


def acknowledge(database: Database, shelf: Shelf, acknowledgements: Sequence[Acknowledgement]) -> None:
    """Record them; of two for one target the one that comes later counts, whatever the clocks say."""
    latest = {key(said.target): said for said in acknowledgements}
    database.put(
        _ACKNOWLEDGEMENTS,
        [
            (shelf.name, target, ticks(said.until), safe(said.by), safe(said.reason), ticks(said.at))
            for target, said in latest.items()
        ],
    )


def acknowledged(
    database: Database, shelf: Shelf, findings: Sequence[SeenFinding], now: datetime
) -> dict[str, datetime]:
    """Return until when each finding is acknowledged, by whichever word about it lasts longest."""
    found = _longest(database, shelf, findings, now, _UNTIL)
    return {finding_id: moment(row[1]) for finding_id, row in found.items()}


def words(
    database: Database, shelf: Shelf, findings: Sequence[SeenFinding], now: datetime
) -> dict[str, Acknowledgement]:
    """Return the word by which each finding is acknowledged: about what, who said it, why, and until when."""
    names = {key(target): target for finding in findings for target in finding.targets}
    return {
        finding_id: Acknowledgement(names[target], moment(until), unsafe(person), unsafe(reason), moment(made_at))
        for finding_id, (target, until, person, reason, made_at) in _longest(
            database, shelf, findings, now, _WORDS
        ).items()
    }


def _longest(
    database: Database, shelf: Shelf, findings: Sequence[SeenFinding], now: datetime, shape: Shape
) -> Mapping[str, Row]:
    """Return, by finding id, the row of the acknowledgement that lasts longest."""
    if not database.rows(f"SELECT 1 FROM {_TABLE} WHERE environment = ? AND until > ? LIMIT 1", shelf.name, ticks(now)):  # noqa: S608
        return {}
    about = {finding.id: finding for finding in findings}
    targets = {key(target) for finding in about.values() for target in finding.targets}
    rows = shape.read(database, _LASTING, shelf.name, ticks(now), sorted(targets))
    lasting = {row[0]: row for row in rows}
    found: dict[str, Row] = {}
    for finding_id, finding in about.items():
        said = [lasting[name] for target in finding.targets if (name := key(target)) in lasting]
        if said:
            found[finding_id] = max(said, key=lambda row: int(row[1]))
    return found


def prune(database: Database, now: datetime) -> None:
    """Forget those that expired, whoever's they are."""
    database.run(f"DELETE FROM {_TABLE} WHERE until <= ?", ticks(now))  # noqa: S608 - our own names only
