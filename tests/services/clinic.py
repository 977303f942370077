"""A few sagas in memory, a still clock, and a scan's answer in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sagadoctor.api.v1 import Clock, Policy, Saga, SagaState, StepStatus, StillClock, Store
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd
from sagadoctor.redaction import Redactor
from sagadoctor.services.backends import Backends
from sagadoctor.services.filters import Filters
from sagadoctor.services.ports import Ledger
from sagadoctor.services.scan import ScanRequest, scan
from sagadoctor.services.show import Shown, ShowRequest, show
from sagadoctor.testing.builders import NOW, ago, order_steps, policy, saga
from sagadoctor.testing.memory import MemoryStore

DONE = order_steps(*[StepStatus.COMPLETED] * 5)
HALF = order_steps(StepStatus.COMPLETED, StepStatus.COMPENSATED)
PAYING = order_steps(StepStatus.COMPLETED, StepStatus.EXECUTING)


def healthy(saga_id: str, **fields: Any) -> Saga:
    """Return an order whose payment was asked for a moment ago."""
    return saga(saga_id=saga_id, **fields)


def stuck(saga_id: str, **fields: Any) -> Saga:
    """Return an order whose payment never answered: `step-timed-out`."""
    return saga(saga_id=saga_id, **{"updated_at": ago(hours=2), **fields})


def half_undone(saga_id: str, **fields: Any) -> Saga:
    """Return an order that ended with an undo missing: `half-compensated`."""
    return saga(SagaState.FAILED, HALF, saga_id=saga_id, **{"updated_at": ago(hours=3), **fields})


def completed(saga_id: str, **fields: Any) -> Saga:
    """Return an order that ended well."""
    return saga(SagaState.COMPLETED, DONE, saga_id=saga_id, **fields)


@dataclass(frozen=True)
class Report:
    """What a scan said, in one piece."""

    findings: tuple[Finding, ...]
    end: ReportEnd

    @property
    def rules(self) -> dict[str, list[str]]:
        """Return the rules that hold, by saga id, in their order."""
        told: dict[str, list[str]] = {}
        for finding in self.findings:
            told.setdefault(finding.saga_id or finding.about or "", []).append(finding.rule)
        return told

    @property
    def statuses(self) -> dict[str, str]:
        """Return new or ongoing of each saga's primary finding."""
        return {finding.saga_id or "": finding.status.value for finding in self.findings if finding.primary}

    @property
    def blind(self) -> list[str]:
        """Return the sources that could not be seen."""
        return [spot.source for spot in self.end.blind_spots]

    def of(self, saga_id: str) -> Finding:
        """Return a saga's primary finding."""
        [found] = [finding for finding in self.findings if finding.saga_id == saga_id and finding.primary]
        return found


class Clinic:
    """Backends in which a test looks again and again, while time passes."""

    def __init__(
        self,
        *stores: Store,
        ledger: Ledger | None = None,
        clock: StillClock | None = None,
        known: Policy | None = None,
        live_cap: int = 200_000,
    ) -> None:
        self.clock = clock or StillClock(NOW)
        for store in stores:
            if isinstance(store, MemoryStore):
                store.clock = self.clock
        self.ledger = ledger
        self.backends = Backends(stores, known or policy(), self.clock, ledger, Redactor(), live_cap)

    def scan(self, reader: str = "cron", **asked: Any) -> Report:
        """Scan to the end."""
        return asyncio.run(self.scanning(reader, **asked))

    async def scanning(self, reader: str = "cron", **asked: Any) -> Report:
        """Scan to the end, in the loop of the test."""
        findings: list[Finding] = []
        end: ReportEnd | None = None
        async with aclosing(scan(self.backends, ScanRequest(reader, **asked))) as told:
            async for each in told:
                assert end is None, "something came after the report's end"
                if isinstance(each, ReportEnd):
                    end = each
                else:
                    findings.append(each)
        assert end is not None, "the report has no end"
        return Report(tuple(findings), end)

    def narrow(self, reader: str = "cron", **filters: Any) -> Report:
        """Scan with filters; strings stand for sets of one."""
        sets = {name: frozenset((value,)) if isinstance(value, str) else value for name, value in filters.items()}
        return self.scan(reader, filters=Filters(**sets))

    def show(self, saga_id: str | None = None, **asked: Any) -> Shown:
        """Show one saga."""
        return asyncio.run(show(self.backends, ShowRequest(saga_id, **asked)))

    def wait(self, **span: float) -> datetime:
        """Let time pass."""
        self.clock.advance(timedelta(**span))
        return self.clock.now()


def moved(row: Saga, at: datetime, **fields: Any) -> Saga:
    """Return the saga as it is after it moved at this moment."""
    import msgspec

    return msgspec.structs.replace(row, updated_at=at, **fields)


def by_id(sagas: Iterable[Saga]) -> Mapping[str, Saga]:
    """Return sagas by id."""
    return {each.saga_id: each for each in sagas}


__all__ = ["Clinic", "Clock", "Report", "completed", "half_undone", "healthy", "moved", "replace", "stuck"]
