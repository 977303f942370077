"""Reaching every backend once and saying how it went, with the time it took."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Final

import msgspec

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import CheckLevel, CheckLine, Look, Store
from sagadoctor.diagnosis.anatomy import compensable
from sagadoctor.errors import BackendError, FullScanRefused
from sagadoctor.model.capability import Capability
from sagadoctor.model.policy import Policy, SagaPolicy
from sagadoctor.model.saga import Saga, SagaState, Step

from .backends import Backends
from .guard import GRACE, closing, guarded
from .recall import Recall

_LIVE_ROWS: Final = 1_000
_ROWS: Final = 2_000
_PAST: Final = timedelta(hours=24)
_SAMPLE_SECONDS: Final = 10.0
_BACK: Final = frozenset((SagaState.COMPENSATING, SagaState.COMPENSATED, SagaState.FAILED))
_NAMED: Final = 10


class Checked(msgspec.Struct, frozen=True):
    """What was found out about one backend."""

    source: str
    lines: tuple[CheckLine, ...]
    capabilities: tuple[Capability, ...] = ()
    """What a store says that it can do, in the order in which powers are listed."""

    @property
    def worst(self) -> CheckLevel:
        """Return the worst level among the lines."""
        levels = {line.level for line in self.lines}
        for level in (CheckLevel.FAILED, CheckLevel.WARNING):
            if level in levels:
                return level
        return CheckLevel.OK


async def check(backends: Backends, stores: frozenset[str] | None, timeout: float | None) -> tuple[Checked, ...]:
    """Check all backends side by side; one that fails or hangs is a line, never an exception."""
    deadline = Deadline.after(backends.clock, timeout)
    asked = backends.named(stores)
    looks = await asyncio.gather(*(_check_store(store, backends, deadline) for store in asked))
    seen = _Sample()
    for _, sample in looks:
        if sample is not None:
            seen.add(sample)
    whole = len(asked) == len(backends.stores) and all(sample is not None for _, sample in looks)
    lines = _declared(backends.policy, seen, whole=whole)
    about_sagas = [Checked("configuration", lines)] if lines else []
    return (*(checked for checked, _ in looks), *about_sagas, await _check_ledger(backends, deadline, timeout))


async def _check_store(store: Store, backends: Backends, deadline: Deadline) -> tuple[Checked, _Sample | None]:
    """Check one store; also return what some of its rows are like, None where they could not be read."""
    remaining = deadline.remaining()
    try:
        async with guarded(backends.redactor, None if remaining is None else remaining + GRACE):
            lines = tuple(await store.check(deadline))
            if not all(isinstance(line, CheckLine) for line in lines):
                raise TypeError("check() gave something else than lines")
    except BackendError as error:
        lines = (CheckLine("reached", CheckLevel.FAILED, error.reason, error.hint),)
    checked = Checked(store.name, lines)
    if checked.worst is CheckLevel.FAILED:
        return checked, None
    try:
        sample = await _sampled(store, backends, deadline)
    except FullScanRefused:  # told above, with what to do
        return _able(store, lines), None
    except BackendError as error:
        line = CheckLine("sagas", CheckLevel.WARNING, f"they could not be looked at: {error.reason}", error.hint)
        return _able(store, (*lines, line)), None
    return _able(store, (*lines, *_without_undo(sample))), sample


def _able(store: Store, lines: tuple[CheckLine, ...]) -> Checked:
    """Return what was found out, with what the store says that it can do now that it was asked."""
    try:
        claimed = frozenset(store.capabilities)
    except Exception as error:  # noqa: BLE001 - a plugin's mistake is a line, never an end
        why = f"it can't say what it can do: {type(error).__name__}"
        return Checked(store.name, (*lines, CheckLine("capabilities", CheckLevel.FAILED, why)))
    told = tuple(each for each in Capability if each in claimed)
    names = ", ".join(each.value.replace("_", " ") for each in told) or "nothing but live sagas by their ids"
    return Checked(store.name, (*lines, CheckLine("capabilities", CheckLevel.OK, names)), told)


class _Kind(msgspec.Struct):
    """What the rows of one saga type are like."""

    steps: set[str] = msgspec.field(default_factory=set)
    back: int = 0
    undo: bool = False
    """An undo is known of one of its steps, or the configuration says that there is none."""


class _Sample(msgspec.Struct):
    """What some rows are like: those that have stood still longest, and of those that ended lately."""

    rows: int = 0
    kinds: dict[str | None, _Kind] = msgspec.field(default_factory=dict)

    def take(self, saga: Saga, policy: SagaPolicy) -> None:
        """Take one row into account."""
        self.rows += 1
        kind = self.kinds.setdefault(saga.saga_type, _Kind())
        if not saga.steps:
            return
        kind.steps.update(step.name for step in saga.steps)
        kind.back += saga.state in _BACK
        kind.undo |= any(_knows_undo(step, policy) for step in saga.steps)

    def add(self, other: _Sample) -> None:
        """Take another store's rows into account."""
        self.rows += other.rows
        for name, kind in other.kinds.items():
            self.kinds.setdefault(name, _Kind()).steps.update(kind.steps)

    @property
    def looked_at(self) -> str:
        return f"{self.rows:,} row that was" if self.rows == 1 else f"{self.rows:,} rows that were"


def _knows_undo(step: Step, policy: SagaPolicy) -> bool:
    defined = policy.step(step.name)
    told = step.name in policy.irreversible or (defined is not None and defined.compensable is not None)
    return told or compensable(step, policy)


async def _sampled(store: Store, backends: Backends, deadline: Deadline) -> _Sample:
    """Look at some rows, in little time."""
    remaining = deadline.remaining()
    seconds = _SAMPLE_SECONDS if remaining is None else min(remaining, _SAMPLE_SECONDS)
    soon = Deadline.after(backends.clock, seconds)
    sample = _Sample()
    async with guarded(backends.redactor, seconds + GRACE):
        now = await store.now(soon)
        look = Look(soon, ended_since=now - _PAST, live_cap=_LIVE_ROWS)
        async with closing(store.read(look)) as pages:
            async for page in pages:
                for saga in page.sagas[: _ROWS - sample.rows]:
                    sample.take(saga, backends.policy.of(saga.saga_type))
                if sample.rows >= _ROWS:
                    break
    return sample


def _without_undo(sample: _Sample) -> Iterable[CheckLine]:
    """Warn of types that go back although nobody knows an undo of theirs: two rules are blind there."""
    for name, kind in list(sample.kinds.items())[:_NAMED]:
        if kind.undo or not kind.back:
            continue
        which = f"type {name}" if name is not None else "its sagas"
        yield CheckLine(
            "sagas",
            CheckLevel.WARNING,
            f"no step of {which} has a known undo, and {kind.back:,} of the {sample.looked_at} looked at compensate or "
            "have failed: half-compensated and compensation-not-sent can't be found",
            f"name the compensations: map where the store does, or say them in [sagas.{name or 'TYPE'}]",
        )


def _declared(policy: Policy, seen: _Sample, *, whole: bool) -> tuple[CheckLine, ...]:
    """Warn of names under `[sagas]` that no row has: a typo there turns rules off without a word."""
    if not seen.rows or not policy.by_type:
        return ()
    lines: list[CheckLine] = []
    types = {name for name in seen.kinds if name is not None}
    if whole and not types:
        text = f"types are declared, and none of the {seen.looked_at} looked at tells its type"
        return (CheckLine("sagas", CheckLevel.WARNING, text, "map the column of the type: saga.type"),)
    if whole:
        told = _unseen("type", policy.by_type, types, seen)
        lines += [
            CheckLine("sagas", CheckLevel.WARNING, text, "what is declared for it holds for no saga") for text in told
        ]
    for name, kind in seen.kinds.items():
        declared = policy.by_type.get(name) if name is not None else None
        if declared is None or not kind.steps:
            continue
        steps = {step.name: step for step in declared.steps}
        told = _unseen(f"a step of {name}", steps, kind.steps, seen)
        lines += [
            CheckLine("sagas", CheckLevel.WARNING, text, "what is declared for it holds for no step") for text in told
        ]
    return tuple(lines)


def _unseen(what: str, declared: Mapping[str, object], there: set[str], seen: _Sample) -> list[str]:
    """Say which declared names were not seen, where there are names that may be meant; else they are only rare."""
    strangers = sorted(there - set(declared))
    told: list[str] = []
    for name in declared if strangers else ():
        if name in there:
            continue
        near = get_close_matches(name, strangers, 1)
        hint = f"nearest: {near[0]}" if near else f"not declared: {', '.join(strangers[:_NAMED])}"
        told.append(f"{what} declared but not seen in the {seen.looked_at} looked at: {name} ({hint})")
    return told[:_NAMED]


async def _check_ledger(backends: Backends, deadline: Deadline, timeout: float | None) -> Checked:
    if backends.ledger is None:
        return Checked("ledger", (CheckLine("ledger", CheckLevel.WARNING, "there is none"),))
    recall = Recall.within(backends.ledger, deadline, timeout)
    await recall.ask(lambda ledger: ledger.acknowledged((), backends.clock.now()))
    if recall.failed is not None:
        todo = "until this is mended every finding counts as new, and `ack` can't be used"
        return Checked("ledger", (CheckLine("ledger", CheckLevel.FAILED, str(recall.failed), todo),))
    return Checked("ledger", (CheckLine("ledger", CheckLevel.OK, f"usable at {backends.ledger.place}"),))
