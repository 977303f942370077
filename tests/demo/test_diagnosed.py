"""The rules, shown the incident's rows, name first what was really done; a small translation stands in for a store."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Row, create_engine

from sagadoctor.demo.config_text import config_text
from sagadoctor.demo.incident import Truth, the_incident
from sagadoctor.demo.schema import OUTBOX, SAGAS
from sagadoctor.diagnosis.assemble import assemble
from sagadoctor.diagnosis.examine import examine
from sagadoctor.diagnosis.rules.duplicate_saga import RULE as DUPLICATE
from sagadoctor.model.policy import Policy, SagaPolicy, StepDefinition
from sagadoctor.model.saga import OutboxEntry, Saga, SagaState, Step, StepStatus
from sagadoctor.model.survey import SharedKey, Survey

from .conftest import Look

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
UNITS = {"s": "seconds", "m": "minutes", "d": "days"}


class Primary(NamedTuple):
    """A truth, with the rule and the step that the diagnosis puts first."""

    truth: Truth
    rule: str | None
    step: str | None


def policy() -> Policy:
    sagas = tomllib.loads(config_text("sqlite://"))["sagas"]
    return Policy(by_type={name: SagaPolicy(steps=tuple(map(defined, saga["steps"]))) for name, saga in sagas.items()})


def defined(step: dict[str, Any]) -> StepDefinition:
    known = dict(step)
    for key in {"timeout", "max_wait"} & set(known):
        known[key] = span(known[key])
    return StepDefinition(**known)


def span(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def moment(told: datetime | str | None) -> datetime | None:
    if told is None:
        return None
    return (datetime.fromisoformat(told) if isinstance(told, str) else told).replace(tzinfo=UTC)


def step(index: int, kept: dict[str, Any]) -> Step:
    return Step(
        name=kept["name"],
        index=index,
        status=StepStatus(kept["status"]),
        action=kept["action"],
        compensation=kept["compensation"],
        executed_at=moment(kept["executed_at"]),
        compensated_at=moment(kept["compensated_at"]),
        timeout_at=moment(kept["timeout_at"]),
        error=kept["error"],
        result=None if kept["result"] is None else json.dumps(kept["result"]).encode(),
    )


def saga(row: Row[Any], outbox: list[Row[Any]]) -> Saga:
    return Saga(
        store="demo",
        saga_id=row.saga_id,
        saga_type=row.saga_type,
        state=SagaState.COMPENSATED if row.state == "failed" else SagaState(row.state),
        raw_state=row.state,
        steps=tuple(step(index, kept) for index, kept in enumerate(row.steps)),
        business_key=row.data["reference"],
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        outbox=tuple(
            OutboxEntry(each.id, "demo.outbox", each.step, each.sent_at is not None, moment(each.created_at))
            for each in outbox
        ),
    )


def survey(sagas: list[Saga]) -> Survey:
    by_key: defaultdict[tuple[str | None, str], list[str]] = defaultdict(list)
    for each in sagas:
        if each.is_live and each.business_key is not None:
            by_key[each.saga_type, each.business_key].append(each.saga_id)
    shared = (SharedKey(kind, key, len(ids), tuple(ids)) for (kind, key), ids in by_key.items() if len(ids) > 1)
    return Survey("demo", "demo.sagas", tuple(shared))


@pytest.fixture(scope="module")
def primaries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Primary]]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('diagnosed')}/demo.db")
    incident = the_incident(engine, NOW)
    look, rules = Look(engine), policy()
    outbox: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in look.rows(OUTBOX):
        outbox[row.saga_id].append(row)
    sagas = {row.saga_id: saga(row, outbox[row.saga_id]) for row in look.rows(SAGAS)}
    told = {
        saga_id: [(DUPLICATE, found.sign)]
        for found in DUPLICATE.examine(survey(list(sagas.values())), rules, NOW)
        for saga_id in found.saga_ids
    }
    found = []
    for truth in incident.truths:
        of_type = rules.of(truth.saga_type)
        case = assemble(sagas[truth.saga_id], of_type, NOW)
        findings = examine(case, of_type, NOW, told.get(truth.saga_id, ()))
        found.append(Primary(truth, findings[0].rule, findings[0].step) if findings else Primary(truth, None, None))
    yield found
    incident.world.close()
    engine.dispose()


def test_the_first_finding_of_every_saga_is_what_was_done_to_it(
    primaries: list[Primary],
) -> None:
    wrong = [(truth, rule) for truth, rule, _ in primaries if rule != truth.rule]
    assert wrong == []


def test_the_finding_points_at_the_step(primaries: list[Primary]) -> None:
    # A finding about the whole saga (its clock, its double) names no step.
    wrong = [(truth, step) for truth, _, step in primaries if step is not None and step != truth.step]
    assert wrong == []
