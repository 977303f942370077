"""Who reads, one scan at a time: the running scan with its lease, and when each source was last scanned in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sagadoctor.errors import LedgerLocked
from sagadoctor.model.seen import ScanTicket
from sagadoctor.untrusted import shown

from .asker import Asker, Run
from .database import Database, Row, Sort, Table
from .owner import Process
from .text import key, maybe_moment, moment, safe, ticks, unsafe

_COMPLETED = Table(
    "sagadoctor_completed",
    2,
    (("reader", Sort.KEY), ("source_key", Sort.KEY), ("source", Sort.TEXT), ("began", Sort.WHOLE)),
)
_STEPPED_BACK = timedelta(minutes=10)
_RUNNING = "host, machine, pid, born, started, lease_until, lease_monotonic, number"


def begin(database: Database, run: Run, now: datetime, lease_seconds: float, asker: Asker) -> ScanTicket:
    """Take the lease of the run's reader, unless a scan that may still run holds it."""
    reader, name = run.reader, key(run.reader)
    # The update that changes nothing locks the row, so that of two who begin at once the second sees the first.
    database.run(
        "INSERT INTO sagadoctor_readers AS kept (reader, number) VALUES (?, 0) "
        "ON CONFLICT (reader) DO UPDATE SET number = kept.number",
        name,
    )
    running = _Running.read(database, name)
    if running.started is not None and not running.is_over(run, now, asker):
        raise LedgerLocked(running.tell(reader, now))
    run.number = number = running.number + 1
    monotonic = asker.monotonic()
    process = asker.process
    database.run(
        "UPDATE sagadoctor_readers SET number = ?, started = ?, lease_seconds = ?, lease_until = ?, "
        "lease_monotonic = ?, host = ?, machine = ?, pid = ?, born = ? WHERE reader = ?",
        number,
        ticks(now),
        lease_seconds,
        ticks(now + timedelta(seconds=lease_seconds)),
        None if monotonic is None else monotonic + lease_seconds,
        safe(process.host),
        safe(process.machine),
        process.pid,
        process.born,
        name,
    )
    return ScanTicket(reader=reader, number=number, started=now, before=_before(database, name, now))


def _before(database: Database, name: str, now: datetime) -> dict[str, datetime]:
    """Return when the last complete scans began; one that a clock put into the future began now at the latest."""
    rows = database.rows("SELECT source, began FROM sagadoctor_completed WHERE reader = ?", name)
    return {unsafe(source): min(moment(began), now) for source, began in rows}


def hold(database: Database, ticket: ScanTicket, now: datetime, asker: Asker) -> None:
    """Prolong the lease of a scan that goes on; raise LedgerLocked when another run took it over."""
    name = key(ticket.reader)
    monotonic = asker.monotonic()
    held = database.run(
        "UPDATE sagadoctor_readers SET lease_until = ? + CAST(lease_seconds * 1000000 AS bigint), "
        "lease_monotonic = ? + lease_seconds WHERE reader = ? AND number = ? AND started IS NOT NULL",
        ticks(max(now, asker.clock.now())),  # a caller may say the same `now` for all of a long scan
        monotonic,
        name,
        ticket.number,
    )
    if held:
        return
    running = _Running.read(database, name)
    if running.number == ticket.number:
        raise LedgerLocked(f"this scan of {_quoted(ticket.reader)} was ended before")
    raise LedgerLocked(f"this scan took too long and was taken over: {running.tell(ticket.reader, now)}")


def conclude(database: Database, ticket: ScanTicket, complete: Sequence[str]) -> None:
    """End the scan and record when it began as the last complete look at each source of `complete`."""
    name, began = key(ticket.reader), ticks(ticket.started)
    database.put(_COMPLETED, [(name, key(source), safe(source), began) for source in complete])
    abandon(database, ticket)


def abandon(database: Database, ticket: ScanTicket) -> None:
    """End the scan if it still runs."""
    database.run(
        "UPDATE sagadoctor_readers SET started = NULL WHERE reader = ? AND number = ?",
        key(ticket.reader),
        ticket.number,
    )


@dataclass(frozen=True, slots=True)
class _Running:
    process: Process
    started: datetime | None
    until: datetime | None
    monotonic: float | None
    number: int

    @classmethod
    def read(cls, database: Database, name: str) -> _Running:
        row: Row
        [row] = database.rows(f"SELECT {_RUNNING} FROM sagadoctor_readers WHERE reader = ?", name)  # noqa: S608
        host, machine, pid, born, started, until, monotonic, number = row
        process = Process(unsafe(host or ""), unsafe(machine or ""), pid or 0, born or "")
        return cls(process, maybe_moment(started), maybe_moment(until), monotonic, number)

    def is_over(self, run: Run, now: datetime, asker: Asker) -> bool:
        """Say whether nobody runs this scan any more, whatever the wall clock did meanwhile."""
        if self.process == asker.process:
            if not Run.goes_on(run.place, run.reader, self.number):
                return True
        elif self.process.is_gone(asker.process):
            return True
        monotonic = asker.monotonic()
        if monotonic is not None and self.monotonic is not None and self.process.machine == asker.process.machine:
            return monotonic >= self.monotonic
        if self.started is None or self.until is None:
            return True
        return now >= self.until or now < self.started - _STEPPED_BACK

    def tell(self, reader: str, now: datetime) -> str:
        """Say who scans, where and since when."""
        if self.started is None:
            return f"another scan of {_quoted(reader)} ran meanwhile"
        seconds = max(0, round((now - self.started).total_seconds()))
        return (
            f"another scan of {_quoted(reader)} runs since {self.started:%Y-%m-%d %H:%M:%S} UTC ({seconds} s ago) "
            f"as process {self.process.pid} on {shown(self.process.host, 100)}; wait, or scan --as another reader"
        )


def _quoted(reader: str) -> str:
    return f"'{shown(reader, 100)}'"
