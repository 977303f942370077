"""What a person said is known: silent until it expires, by finding or by group of one cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sagadoctor.model.seen import Acknowledgement, SeenFinding

from .database import Database, Sort, Table
from .text import key, moment, safe, ticks

_ACKNOWLEDGEMENTS = Table(
    "sagadoctor_acknowledgements",
    1,
    (
        ("target", Sort.KEY),
        ("until", Sort.WHOLE),
        ("person", Sort.TEXT),
        ("reason", Sort.TEXT),
        ("made_at", Sort.WHOLE),
    ),
)


def acknowledge(database: Database, acknowledgements: Sequence[Acknowledgement]) -> None:
    """Record them; of two for one target the one that comes later counts, whatever the clocks say."""
    latest = {key(said.target): said for said in acknowledgements}
    database.put(
        _ACKNOWLEDGEMENTS,
        [
            (target, ticks(said.until), safe(said.by), safe(said.reason), ticks(said.at))
            for target, said in latest.items()
        ],
    )


def acknowledged(database: Database, findings: Sequence[SeenFinding], now: datetime) -> dict[str, datetime]:
    """Return until when each finding is acknowledged, by itself or through its group, whichever lasts longer."""
    if not database.rows("SELECT 1 FROM sagadoctor_acknowledgements WHERE until > ? LIMIT 1", ticks(now)):
        return {}
    targets = {key(name) for finding in findings for name in (finding.id, finding.group)}
    lasting: dict[str, int] = dict(
        database.rows(
            "SELECT target, until FROM sagadoctor_acknowledgements WHERE until > ? AND target IN ?",
            ticks(now),
            sorted(targets),
        )
    )
    found = {
        finding_id: max(lasting.get(key(finding_id), 0), lasting.get(key(finding.group), 0))
        for finding_id, finding in {finding.id: finding for finding in findings}.items()
    }
    return {finding_id: moment(until) for finding_id, until in found.items() if until}


def prune(database: Database, now: datetime) -> None:
    """Forget those that expired."""
    database.run("DELETE FROM sagadoctor_acknowledgements WHERE until <= ?", ticks(now))
