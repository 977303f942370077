"""What a ledger is to the services; the ledger room fits this without importing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sagadoctor.model.observation import Observation, Trial, Tries
from sagadoctor.model.seen import Acknowledgement, ScanTicket, SeenFinding, Standing


class Ledger(Protocol):
    """Remembers what was seen and acknowledged in one environment; every method raises LedgerError and nothing else."""

    @property
    def place(self) -> str:
        """Say where the ledger is, without its password."""
        ...

    async def begin(self, reader: str, now: datetime, lease_seconds: float) -> ScanTicket:
        """Start this reader's scan; raises LedgerLocked while another one runs and its lease lasts."""
        ...

    async def compare(
        self, ticket: ScanTicket, findings: Sequence[SeenFinding], now: datetime
    ) -> Mapping[str, Standing]:
        """Record the findings of one page and say how each stands with this reader."""
        ...

    async def finish(
        self,
        ticket: ScanTicket,
        now: datetime,
        complete: Iterable[str],
        in_scope: Callable[[SeenFinding], bool],
        *,
        remember: bool = True,
    ) -> tuple[str, ...]:
        """End the scan; return (and forget) the ids of in-scope findings of `complete` sources not seen again.

        With `remember` this scan becomes the reader's last complete one of those sources; a scan that was asked for a
        part only must not.
        """
        ...

    async def abandon(self, ticket: ScanTicket) -> None:
        """End the scan without concluding anything from it."""
        ...

    async def observe(self, store: str, rows: Sequence[tuple[str, str]], now: datetime) -> Mapping[str, Observation]:
        """Record (saga id, fingerprint) pairs and say since when each row has had its fingerprint."""
        ...

    async def observe_tries(self, store: str, trials: Sequence[Trial], now: datetime) -> Mapping[str, Tries]:
        """Record how often sagas were tried; say, by saga id, since when and from which count each fails as it does."""
        ...

    async def has_observed(self, store: str) -> bool:
        """Say whether any row of this store was ever observed."""
        ...

    async def unjudged(self, store: str, saga_ids: Sequence[str]) -> Sequence[str]:
        """Return those of the ended sagas that were not judged yet, in the order given."""
        ...

    async def judged(self, store: str, saga_ids: Sequence[str]) -> None:
        """Remember that these ended sagas were judged."""
        ...

    async def known(self, finding_ids: Sequence[str]) -> Mapping[str, SeenFinding]:
        """Return what is remembered of these findings, of any reader; also used to find a saga by finding id."""
        ...

    async def known_groups(self, groups: Sequence[str]) -> frozenset[str]:
        """Return those of the groups of which any reader saw a finding that it has not seen resolved."""
        ...

    async def acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> None:
        """Record acknowledgements by finding id (`f-…`) or group id (`g-…`); a later one replaces an earlier."""
        ...

    async def acknowledged(self, findings: Sequence[SeenFinding], now: datetime) -> Mapping[str, datetime]:
        """Return, by finding id, until when each is acknowledged: by itself, its group, or its saga's primary one."""
        ...

    async def words(self, findings: Sequence[SeenFinding], now: datetime) -> Mapping[str, Acknowledgement]:
        """Return, by finding id, the word by which each is acknowledged: about what, who said it, why, until when."""
        ...

    async def close(self) -> None:
        """Let go of the database; never waits for a thread that hangs."""
        ...
