"""From a page of rows to findings: the gate, the links, the observations, the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import Told, examine, store_finding, survey_signs
from sagadoctor.diagnosis.fingerprint import fingerprint
from sagadoctor.diagnosis.gate import Gate
from sagadoctor.errors import BackendError
from sagadoctor.model.capability import Capability
from sagadoctor.model.case import LinkedSaga
from sagadoctor.model.finding import Finding
from sagadoctor.model.observation import Observation
from sagadoctor.model.policy import Policy
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import Survey
from sagadoctor.redaction import Redactor

from .link import linked_sagas
from .recall import Recall
from .veil import veiled


@dataclass(slots=True)
class Judge:
    """Judges the rows of one store at one moment of that store's own clock.

    `silent` names the other stores that could not be asked, `missed` says what of this one could not be judged.
    """

    store: Store
    others: Sequence[Store]
    policy: Policy
    now: datetime
    redactor: Redactor
    recall: Recall
    told: dict[str, list[Told]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    _unobserved: bool = False
    _odd_rows: int = 0
    _odd_row: str = ""
    _gates: dict[str | None, Gate] = field(default_factory=dict)

    @property
    def missed(self) -> tuple[str, ...]:
        """Say what could not be judged, in words for a blind spot."""
        missed: list[str] = []
        if self._odd_rows:
            missed.append(f"{self._odd_rows} of its rows could not be judged, such as {self._odd_row}")
        if self._unobserved:
            missed.append("it tells no times, and the ledger could not say since when its rows look as they do")
        return tuple(missed)

    def hear(self, survey: Survey) -> tuple[Finding, ...]:
        """Take in the store's aggregates; return the findings about the store itself."""
        about_store: list[Finding] = []
        for rule, spoken in survey_signs(survey, self.policy, self.now):
            if not spoken.saga_ids:
                about_store.append(store_finding(survey, rule, spoken.sign, self.now))
            for saga_id in spoken.saga_ids:
                self.told.setdefault(saga_id, []).append((rule, spoken.sign))
        return tuple(about_store)

    async def judge(self, sagas: Sequence[Saga], deadline: Deadline) -> list[Finding]:
        """Return the findings of one page of rows, those of one saga side by side, the primary one first.

        A row that no code is prepared for is left out alone, and counted.
        """
        try:
            return await self._judge(sagas, deadline)
        except BackendError:
            raise
        except Exception as error:  # noqa: BLE001 - a plugin's mistake in one row must not hide the others
            if len(sagas) == 1:
                self._odd_rows += 1
                named = getattr(sagas[0], "saga_id", f"a {type(sagas[0]).__name__}")
                self._odd_row = f"{named} ({type(error).__name__}: {self.redactor.text(str(error))})"
                return []
        middle = len(sagas) // 2
        return [*await self.judge(sagas[:middle], deadline), *await self.judge(sagas[middle:], deadline)]

    async def _judge(self, sagas: Sequence[Saga], deadline: Deadline) -> list[Finding]:
        observed = await self._observe(sagas)
        suspects = [saga for saga in sagas if not self._plainly_well(saga, observed)]
        if not suspects:
            return []
        suspects = [veiled(saga, self.redactor) for saga in suspects]
        links = await linked_sagas(suspects, self.store, self.others, deadline, self.silent)
        findings: list[Finding] = []
        for saga in suspects:
            findings += self.examine(saga, observed.get(saga.saga_id), links.get(saga.saga_id, ()))
        return findings

    def examine(self, saga: Saga, observed: Observation | None, linked: tuple[LinkedSaga, ...]) -> tuple[Finding, ...]:
        """Return the findings of one row."""
        policy = self.policy.of(saga.saga_type)
        case = assemble(saga, policy, self.now, observed=observed, linked=linked)
        return examine(case, policy, self.now, self.told.get(saga.saga_id, ()))

    async def unjudged(self, saga_ids: Sequence[str]) -> Sequence[str] | None:
        """Return those of the ended sagas that nobody has judged yet; None where the ledger can't tell."""
        return await self.recall.ask(lambda ledger: ledger.unjudged(self.store.name, saga_ids))

    async def settle(self, sagas: Sequence[Saga], findings: Sequence[Finding]) -> None:
        """Remember the ended sagas that nothing is wrong with: they need not be judged again."""
        if self._odd_rows or self.silent:
            return
        sick = {finding.saga_id for finding in findings}
        well = [saga.saga_id for saga in sagas if saga.saga_id not in sick]
        await self.recall.ask(lambda ledger: ledger.judged(self.store.name, well))

    def _plainly_well(self, saga: Saga, observed: Mapping[str, Observation]) -> bool:
        if saga.saga_id in self.told or saga.saga_id in observed:
            return False
        gate = self._gates.get(saga.saga_type)
        if gate is None:
            gate = self._gates[saga.saga_type] = Gate(self.policy.of(saga.saga_type), self.now)
        return gate.passes(saga)

    async def _observe(self, sagas: Sequence[Saga]) -> Mapping[str, Observation]:
        """Remember what the rows look like, only where the store doesn't tell when they changed."""
        if self.recall.ledger is None or Capability.TIMES in self.store.capabilities:
            return {}
        live = [(saga.saga_id, fingerprint(saga)) for saga in sagas if saga.is_live]
        if not live:
            return {}
        observed = await self.recall.ask(lambda ledger: ledger.observe(self.store.name, live, self.now))
        self._unobserved |= observed is None
        return observed or {}
