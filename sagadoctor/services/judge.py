"""From a page of rows to findings: the gate, the links, the observations, the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Store
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.deadlines import after
from sagadoctor.diagnosis.examine import Told, examine, store_finding, survey_signs
from sagadoctor.diagnosis.fingerprint import fingerprint
from sagadoctor.diagnosis.gate import Gate
from sagadoctor.diagnosis.trial import trial
from sagadoctor.errors import BackendError
from sagadoctor.model.capability import Capability
from sagadoctor.model.case import LinkedSaga
from sagadoctor.model.finding import Finding
from sagadoctor.model.observation import Observation, Tries
from sagadoctor.model.policy import Policy
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import Survey
from sagadoctor.redaction import Redactor

from .link import Links, with_sick_children
from .recall import Recall
from .veil import veiled


class Judge:
    """Judges the rows of one store at one moment of that store's own clock; `links` knows who else could be asked."""

    def __init__(
        self,
        store: Store,
        others: Sequence[Store],
        policy: Policy,
        now: datetime,
        redactor: Redactor,
        recall: Recall,
    ) -> None:
        """Know whom to ask about the sagas that others are tied to."""
        self.store, self.policy, self.now = store, policy, now
        self.redactor, self.recall = redactor, recall
        self.links = Links(store, others)
        self._told: dict[str, list[Told]] = {}
        self._gates: dict[str | None, Gate] = {}
        self._unobserved = False
        self._stirred_at: datetime | None = None
        self.newer = 0
        """Rows that moved after the moment that is judged."""
        self._odd_rows = 0
        self._odd_row = ""

    @property
    def silent(self) -> frozenset[str]:
        """Name the other stores that could not be asked."""
        return frozenset(self.links.silent)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what was not looked for although nothing failed."""
        failed = (
            ("what its sagas wait for was not looked at", self.links.unfollowed),
            ("who holds the locks that its sagas wait for was not looked at", self.links.unheld),
            ("whether its sagas wait for each other in a circle was not looked at", self.links.unclimbed),
        )
        return tuple(
            self.redactor.text(f"{what}: {error.reason}" + (f" ({error.hint})" if error.hint else ""))
            for what, error in failed
            if error is not None
        )

    def as_of(self, sagas: Sequence[Saga], present: datetime | None) -> Sequence[Saga]:
        """Leave out, and count, what moved after the moment that is judged; `present` None: that moment is now.

        What lies ahead of the present as well was written by a clock that is wrong, and is judged.
        """
        if present is None:
            return sagas
        known = [saga for saga in sagas if not newer(saga, self.policy, self.now, present)]
        self.newer += len(sagas) - len(known)
        return known

    @property
    def missed(self) -> tuple[str, ...]:
        """Say what could not be judged, in words for a blind spot."""
        missed: list[str] = []
        if self._odd_rows:
            missed.append(f"{self._odd_rows} of its rows could not be judged, such as {self._odd_row}")
        if self._unobserved:
            missed.append("it tells no times, and no ledger could say since when its rows look as they do")
        return tuple(missed)

    def hear(self, survey: Survey) -> tuple[Finding, ...]:
        """Take in the store's aggregates; return the findings about the store itself."""
        about_store: list[Finding] = []
        self._stirred_at = survey.stirred_at
        for rule, spoken in survey_signs(survey, self.policy, self.now):
            if not spoken.saga_ids:
                about_store.append(store_finding(survey, rule, spoken.sign, self.now))
            for saga_id in spoken.saga_ids:
                self._told.setdefault(saga_id, []).append((rule, spoken.sign))
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
        suspects = [
            saga
            for saga in sagas
            if not self._plainly_well(saga, observed) or (self.links.others and self._may_be_disputed(saga))
        ]
        if not suspects:
            return []
        suspects = [veiled(saga, self.redactor) for saga in suspects]
        links = await self.links.of(suspects, deadline)
        tried = await tries_of(suspects, self.policy, self.now, self.store, self.recall)
        findings: list[Finding] = []
        for saga in suspects:
            name = saga.saga_id
            findings += self.examine(saga, observed.get(name), tried.get(name), links.get(name, ()))
        return findings

    def examine(
        self, saga: Saga, observed: Observation | None, tries: Tries | None, linked: tuple[LinkedSaga, ...]
    ) -> tuple[Finding, ...]:
        """Return the findings of one row."""
        policy = self.policy.of(saga.saga_type)
        linked = with_sick_children(linked, self.policy, self.now) if linked else linked
        gone = self.links.gone(saga)
        case = assemble(
            saga,
            policy,
            self.now,
            observed=observed,
            tries=tries,
            linked=linked,
            gone=gone,
            stirred_at=self._stirred_at,
        )
        return examine(case, policy, self.now, self._told.get(saga.saga_id, ()))

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
        if saga.saga_id in self._told or saga.saga_id in observed:
            return False
        gate = self._gates.get(saga.saga_type)
        if gate is None:
            gate = self._gates[saga.saga_type] = Gate(self.policy.of(saga.saga_type), self.now)
        return gate.passes(saga)

    def _may_be_disputed(self, saga: Saga) -> bool:
        """Say whether another store could tell a different course of a row that is well by itself: it stood still."""
        if not saga.is_live or saga.updated_at is None:
            return False
        return self.now - saga.updated_at > self.policy.of(saga.saga_type).thresholds.no_progress

    async def _observe(self, sagas: Sequence[Saga]) -> Mapping[str, Observation]:
        """Remember what the rows look like, only where the store doesn't tell when they changed."""
        if Capability.TIMES in self.store.capabilities:
            return {}
        live = [(saga.saga_id, fingerprint(saga)) for saga in sagas if saga.is_live]
        if not live:
            return {}
        if self.recall.ledger is None:
            self._unobserved = True
            return {}
        observed = await self.recall.ask(lambda ledger: ledger.observe(self.store.name, live, self.now))
        self._unobserved |= observed is None
        return observed or {}


async def tries_of(
    sagas: Sequence[Saga], policy: Policy, now: datetime, store: Store, recall: Recall
) -> Mapping[str, Tries]:
    """Remember how often veiled sagas were tried, of those that fail; nothing where the ledger can't tell."""
    if recall.ledger is None:
        return {}
    found = [each for saga in sagas if (each := trial(saga, policy.of(saga.saga_type), now)) is not None]
    often = Counter(each.saga_id for each in found)
    trials = [each for each in found if often[each.saga_id] == 1]  # of two rows with one id nobody knows which is meant
    if not trials:
        return {}
    tries = await recall.ask(lambda ledger: ledger.observe_tries(store.name, trials, now)) or {}
    marks = {each.saga_id: each.mark for each in trials}
    return {saga_id: each for saga_id, each in tries.items() if each.mark == marks.get(saga_id)}


def newer(saga: Saga, policy: Policy, as_of: datetime, present: datetime) -> bool:
    """Say whether a row moved after `as_of`, by more than clocks may differ, and not after the present."""
    skew = policy.of(saga.saga_type).thresholds.skew
    moments = [saga.created_at, saga.updated_at, saga.ended_at]
    for step in saga.steps or ():
        moments += [step.started_at, step.executed_at, step.compensated_at]
    horizon, ahead = after(as_of, skew), after(present, skew)
    return any(at is not None and horizon < at <= ahead for at in moments)
