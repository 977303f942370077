"""The ledger for the length of one look: a ledger that fails is left alone, and nothing is concluded from it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.errors import LedgerError
from sagadoctor.model.finding import Finding
from sagadoctor.model.saga import ENDED, SagaState
from sagadoctor.model.seen import ScanTicket, SeenFinding

from .ports import Ledger

T = TypeVar("T")
_FIRST_ANSWER = 3.0
"""Seconds that the ledger gets for its first answer: one that is held by another process is done without."""
_LAST_WORD = 1.0
"""Seconds for the ledger to be told how it ended, although the time for everything is over."""


class Recall(msgspec.Struct):
    """What is remembered, as far as it can be; `failed` is why the ledger isn't asked any more."""

    ledger: Ledger | None
    deadline: Deadline | None = None
    patience: float | None = None
    """Seconds to wait for one answer; None as long as the ledger itself does."""
    failed: LedgerError | None = None
    answered: bool = False
    """It has answered: what it is asked now may be much, and takes its time."""

    @classmethod
    def within(cls, ledger: Ledger | None, deadline: Deadline, seconds: float | None) -> Recall:
        """Return a recall for a look that lasts so many seconds: a ledger that is held must not use them all up.

        It gets a fifth of them for an answer, or two seconds if that is more, and never more than half; for its first
        answer three seconds at most.
        """
        return cls(ledger, deadline, None if seconds is None else max(seconds / 5, min(2.0, seconds / 2)))

    async def ask(self, question: Callable[[Ledger], Awaitable[T]]) -> T | None:
        """Return the ledger's answer; None where there is no ledger, or it failed now or before."""
        if self.ledger is None or self.failed is not None:
            return None
        seconds = self.seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                told = await question(self.ledger)
            self.answered = True
        except LedgerError as error:
            self.failed = error
        except TimeoutError:
            if not limit.expired():
                raise
            late = f"the ledger {self.ledger.place} did not answer within {seconds:.3g} s"
            self.failed = LedgerError(f"{late}: another process may hold it, or it is out of reach")
        else:
            return told
        return None

    async def abandon(self, ticket: ScanTicket) -> None:
        """Say that the scan ended without a conclusion, if the ledger can be told at once."""
        if self.ledger is not None:
            with suppress(LedgerError, TimeoutError):
                async with asyncio.timeout(_LAST_WORD):
                    await self.ledger.abandon(ticket)

    @property
    def seconds(self) -> float | None:
        """Return how many seconds the ledger gets for its next answer; None as many as it takes itself."""
        remaining = self.deadline.remaining() if self.deadline is not None else None
        first = None if self.answered or self.patience is None else _FIRST_ANSWER
        given = [each for each in (remaining, self.patience, first) if each is not None]
        return max(_LAST_WORD, min(given)) if given else None


def leads(findings: Iterable[Finding]) -> Mapping[str, Finding]:
    """Return, by the id of each other finding of a saga, its primary one; those of a saga come side by side."""
    led: dict[str, Finding] = {}
    primary: Finding | None = None
    for finding in findings:
        if finding.primary:
            primary = finding
        elif primary is not None and (finding.store, finding.saga_id) == (primary.store, primary.saga_id):
            led[finding.id] = primary
    return led


def seen_of(finding: Finding, primary: Finding | None = None) -> SeenFinding:
    """Return what the ledger keeps of a finding, and under which primary one it stands."""
    return SeenFinding(
        id=finding.id,
        group=finding.group,
        store=finding.store,
        rule=finding.rule,
        severity=finding.severity,
        saga_type=finding.saga_type,
        saga_id=finding.saga_id,
        since=finding.since,
        ended=finding.state is not None and SagaState(finding.state) in ENDED,
        under=() if primary is None else (primary.id, primary.group),
    )
