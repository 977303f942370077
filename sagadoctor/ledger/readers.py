"""Who reads, one scan at a time: the running scan with its lease, and when each source was last scanned in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from sagadoctor.errors import LedgerLocked
from sagadoctor.model.seen import ScanTicket
from sagadoctor.untrusted import shown

from .asker import Asker, Run
from .database import Database, Sort, Table
from .owner import Process
from .shape import Moment, Shape
from .shelf import Shelf
from .text import key, moment, safe, ticks, unsafe

_TABLE = "sagadoctor_readers"
_RUNNING = Shape(
    _TABLE,
    host=str | None,
    machine=str | None,
    pid=int | None,
    born=str | None,
    started=Moment | None,
    lease_seconds=float | None,
    lease_until=Moment | None,
    lease_monotonic=float | None,
    number=int,
)
_COMPLETED = Table(
    "sagadoctor_completed",
    3,
    (
        ("environment", Sort.KEY),
        ("reader", Sort.KEY),
        ("source_key", Sort.KEY),
        ("source", Sort.TEXT),
        ("began", Sort.WHOLE),
    ),
)
_ENDS = Shape(_COMPLETED.name, source_key=str, source=str, began=Moment)
_READER = "WHERE environment = ? AND reader = ?"
_SECOND = timedelta(seconds=1) // timedelta(microseconds=1)
_STEPPED_BACK = 600.0


def begin(database: Database, shelf: Shelf, run: Run, now: datetime, lease_seconds: float, asker: Asker) -> ScanTicket:
    """Take the lease of the run's reader, unless a scan that may still run holds it."""
    reader, name = run.reader, (shelf.name, key(run.reader))
    # The update that changes nothing locks the row, so that of two who begin at once the second sees the first.
    database.run(
        f"INSERT INTO {_TABLE} AS kept (environment, reader, number) VALUES (?, ?, 0) "  # noqa: S608
        "ON CONFLICT (environment, reader) DO UPDATE SET number = kept.number",
        *name,
    )
    running = _Running.read(database, name)
    if running.started is not None and not running.is_over(run, now, asker):
        raise LedgerLocked(running.tell(reader, now))
    run.number = number = running.number + 1
    monotonic = asker.monotonic()
    process = asker.process
    database.run(
        f"UPDATE {_TABLE} SET number = ?, started = ?, lease_seconds = ?, lease_until = ?, "  # noqa: S608
        f"lease_monotonic = ?, host = ?, machine = ?, pid = ?, born = ? {_READER}",
        number,
        ticks(now),
        lease_seconds,
        ticks(now + timedelta(seconds=lease_seconds)),
        None if monotonic is None else monotonic + lease_seconds,
        safe(process.host),
        safe(process.machine),
        process.pid,
        process.born,
        *name,
    )
    before, notes = _before(database, shelf, name, now)
    return ScanTicket(reader=reader, number=number, started=now, before=before, notes=notes)


def _before(
    database: Database, shelf: Shelf, name: tuple[str, str], now: datetime
) -> tuple[dict[str, datetime], tuple[str, ...]]:
    """Return when the last complete scans began, and what is to be said of stores that are another database now.

    A scan that a clock put into the future began now at the latest.
    """
    before: dict[str, datetime] = {}
    elsewhere: set[str] = set()
    for slot, written, began in _ENDS.read(database, _READER, *name):
        source = unsafe(written)
        if slot == shelf.slot(source):
            before[source] = min(moment(began), now)
        elif source in shelf.places:
            elsewhere.add(source)
    notes = (
        f"{shown(source, 60)}: this is another database than when this reader last scanned it, so its findings count "
        "as new, and none of those of the other one as resolved"
        for source in sorted(elsewhere - before.keys())
    )
    return before, tuple(notes)


def hold(database: Database, shelf: Shelf, ticket: ScanTicket, now: datetime, asker: Asker) -> None:
    """Prolong the lease of a scan that goes on; raise LedgerLocked when another run took it over."""
    name = shelf.name, key(ticket.reader)
    monotonic = asker.monotonic()
    held = database.run(
        f"UPDATE {_TABLE} SET lease_until = ? + CAST(lease_seconds * 1000000 AS bigint), "  # noqa: S608
        f"lease_monotonic = ? + lease_seconds {_READER} AND number = ? AND started IS NOT NULL",
        ticks(max(now, asker.clock.now())),  # a caller may say the same `now` for all of a long scan
        monotonic,
        *name,
        ticket.number,
    )
    if held:
        return
    running = _Running.read(database, name)
    if running.number == ticket.number:
        raise LedgerLocked(f"this scan of {_quoted(ticket.reader)} was ended before")
    raise LedgerLocked(f"this scan took too long and was taken over: {running.tell(ticket.reader, now)}")


def conclude(database: Database, shelf: Shelf, ticket: ScanTicket, complete: Sequence[str]) -> None:
    """End the scan and record when it began as the last complete look at each source of `complete`."""
    name, began = (shelf.name, key(ticket.reader)), ticks(ticket.started)
    database.put(_COMPLETED, [(*name, shelf.slot(source), safe(source), began) for source in complete])
    abandon(database, shelf, ticket)


def abandon(database: Database, shelf: Shelf, ticket: ScanTicket) -> None:
    """End the scan if it still runs."""
    database.run(
        f"UPDATE {_TABLE} SET started = NULL {_READER} AND number = ?",  # noqa: S608 - our own names only
        shelf.name,
        key(ticket.reader),
        ticket.number,
    )


class _Running(msgspec.Struct, frozen=True):
    """A reader's row; moments are microseconds, of which whatever was written there can be reckoned with."""

    process: Process
    started: int | None
    seconds: float
    until: int | None
    monotonic: float | None
    number: int

    @classmethod
    def read(cls, database: Database, name: tuple[str, str]) -> _Running:
        rows = _RUNNING.read(database, _READER, *name)
        if not rows:
            raise database.damaged(f"{_TABLE} lost the row of a reader")
        host, machine, pid, born, started, seconds, until, monotonic, number = rows[0]
        process = Process(unsafe(host or ""), unsafe(machine or ""), pid or 0, born or "")
        return cls(process, started, seconds or 0.0, until, monotonic, number)

    def is_over(self, run: Run, now: datetime, asker: Asker) -> bool:
        """Say whether nobody runs this scan any more, whatever the wall clock did meanwhile."""
        if self.process == asker.process:
            if not run.is_run_here(self.number):
                return True
        elif self.process.is_gone(asker.process):
            return True
        monotonic = asker.monotonic()
        if monotonic is not None and self.monotonic is not None and self.process.machine == asker.process.machine:
            left = self.monotonic - monotonic
            return not 0.0 < left <= self.seconds
        if self.started is None or self.until is None:
            return True
        at = ticks(now)
        if at < self.started - _STEPPED_BACK * _SECOND:
            return True
        return not 0.0 < (self.until - at) / _SECOND <= self.seconds + _STEPPED_BACK

    def tell(self, reader: str, now: datetime) -> str:
        """Say who scans, where and since when."""
        if self.started is None:
            return f"another scan of {_quoted(reader)} ran meanwhile"
        started = moment(self.started)
        seconds = max(0, round((now - started).total_seconds()))
        return (
            f"another scan of {_quoted(reader)} runs since {started:%Y-%m-%d %H:%M:%S} UTC ({seconds} s ago) "
            f"as process {self.process.pid} on {shown(self.process.host, 100)}; wait, or scan --as another reader"
        )


def _quoted(reader: str) -> str:
    return f"'{shown(reader, 100)}'"
