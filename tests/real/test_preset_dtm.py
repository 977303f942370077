"""The preset `dtm` on rows that a real server left behind: what was stuck is named, and nobody healthy is accused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Policy, Saga, SagaPolicy, SagaState, StepDefinition, StepStatus, StillClock, Thresholds
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.report import ReportEnd
from sagadoctor.services.backends import Backends
from sagadoctor.services.scan import ScanRequest, scan
from tests.adapters.sheet import Sheet, doubts, read

DUMP: Final = (Path(__file__).parent / "dtm" / "dump.sql").read_text().splitlines()[1:]
TRUTH: Final = json.loads((Path(__file__).parent / "dtm" / "truth.json").read_text())
AS_OF: Final = datetime.fromisoformat(TRUTH["as_of"])
NO_SAGAS: Final = {"order-7020", "order-7021"}
"""A message and a TCC: no sagas, so the preset leaves them out."""
SICK: Final = {
    each["gid"]: each
    for each in TRUTH["transactions"]
    if each["verdict"] in ("stuck", "failed_dirty") and each["gid"] not in NO_SAGAS
}
LIVE: Final = {gid for gid, each in SICK.items() if each["verdict"] == "stuck"} | {"order-7023"}
MINUTE: Final = timedelta(minutes=1)
SHORT: Final = Policy(
    by_type={
        "saga": SagaPolicy(
            steps=tuple(StepDefinition(name, timeout=MINUTE) for name in ("01", "02", "03")),
            thresholds=Thresholds(no_progress=MINUTE, compensation=MINUTE, attempts=3),
        )
    }
)
"""What is late after two minutes, which is how long the server ran."""
_TIMES: Final = ("create_time", "update_time", "finish_time", "rollback_time")
_TABLES: Final = {
    "trans_global": (
        "id bigint primary key, gid varchar(128) not null, trans_type varchar(45) not null, "
        "status varchar(12) not null, query_prepared varchar(1024) not null, protocol varchar(45) not null, "
        "{create_time}, {update_time}, {finish_time}, {rollback_time}, options varchar(1024), "
        "custom_data varchar(1024), next_cron_interval integer, {next_cron_time}, owner varchar(128) not null, "
        "ext_data text, result varchar(1024), rollback_reason varchar(1024), unique (gid)"
    ),
    "trans_branch_op": (
        "id bigint primary key, gid varchar(128) not null, url varchar(1024) not null, data text, bin_data blob, "
        "branch_id varchar(128) not null, op varchar(45) not null, status varchar(45) not null, {finish_time}, "
        "{rollback_time}, {create_time}, {update_time}, unique (gid, branch_id, op)"
    ),
}
"""As on MariaDB and SQLite, without zones; on PostgreSQL the dump says it."""


@pytest.fixture
def dtm(store_url: str) -> Sheet:
    """A database with the rows of the dump."""
    sheet = Sheet(store_url, columns={})
    if sheet.kind == "postgresql":
        sheet.run(*DUMP)
        return sheet
    moments = {name: f"{name} datetime null" for name in (*_TIMES, "next_cron_time")}
    sheet.run(*(f"create table {name} ({columns.format(**moments)})" for name, columns in _TABLES.items()))
    sheet.run("create index status_next_cron_time on trans_global (status, next_cron_time)")
    rows = (line.replace("public.", "", 1).replace("+00'", "'") for line in DUMP if line.startswith("INSERT"))
    sheet.run(*rows)
    return sheet


def opened(sheet: Sheet, policy: Policy, at: datetime = AS_OF) -> SqlStore:
    return sheet.open({"preset": "dtm"}, policy=policy, clock=StillClock(at))


def findings(sheet: Sheet, policy: Policy, at: datetime = AS_OF) -> list[Finding]:
    backends = Backends((opened(sheet, policy, at),), policy, StillClock(at))

    async def work() -> list[Finding]:
        told = [each async for each in scan(backends, ScanRequest("test", as_of=at))]
        await backends.close()
        *found, end = told
        assert isinstance(end, ReportEnd)
        assert end.complete, (end.blind_spots, end.notes)
        return [each for each in found if isinstance(each, Finding)]

    return asyncio.run(work())


def primary(found: list[Finding]) -> Mapping[str, Finding]:
    sick = (each for each in found if each.primary and each.severity is not Severity.INFO)
    return {each.saga_id: each for each in sick if each.saga_id is not None}


def facts(finding: Finding, *, supports: bool = False) -> list[str]:
    """Return the evidence for a finding, or against it."""
    return [each.fact for each in finding.evidence if each.supports is supports]


def sagas(sheet: Sheet, **asked: Any) -> dict[str, Saga]:
    return {saga.saga_id: saga for saga in read(opened(sheet, Policy()), **asked)}


def test_what_was_stuck_is_found_at_its_branch_and_nobody_else_is_accused(dtm: Sheet) -> None:
    told = primary(findings(dtm, SHORT))
    assert set(told) == set(SICK)
    rules = {gid: each.rule for gid, each in told.items()}
    assert rules.pop("order-7013") == "step-timed-out"  # polled for ever without an error
    assert rules.pop("order-7015") == "half-compensated"
    assert set(rules.values()) == {"retry-loop"}
    assert {gid: each.step for gid, each in told.items()} == {gid: each["stuck_branch"] for gid, each in SICK.items()}


def test_by_the_usual_policy_two_minutes_are_no_time(dtm: Sheet) -> None:
    told = primary(findings(dtm, Policy()))
    assert {gid: each.rule for gid, each in told.items()} == {
        "order-7008": "retry-loop",
        "order-7015": "half-compensated",
    }


def test_of_a_dead_server_every_saga_is_woken_by_nobody(dtm: Sheet) -> None:
    found = findings(dtm, Policy(), AS_OF + 10 * MINUTE)
    assert set(primary(found)) == LIVE | {"order-7015"}
    far = "order-7008"  # the next try of this one is hours away
    assert {each.saga_id for each in found if each.rule == "wake-up-missed"} == LIVE - {far}
    assert primary(found)[far].rule == "retry-loop"
    one = primary(found)["order-7004"]
    assert one.summary.endswith("the timer or the retry worker stands still")
    assert "no live saga of this store was written for 10m: nobody wakes any" in facts(one, supports=True)


def test_of_a_starved_cron_those_are_named_that_it_did_not_reach(dtm: Sheet) -> None:
    dtm.run("update trans_global set next_cron_time = '2026-11-20 11:33:00' where gid in ('order-7004', 'order-7007')")
    dtm.run("update trans_branch_op set finish_time = '2026-11-20 11:32:00' where finish_time is not null")
    dtm.run("update trans_global set create_time = '2026-11-20 11:31:00'")
    told = primary(findings(dtm, Policy()))
    assert {gid for gid, each in told.items() if each.rule == "wake-up-missed"} == {"order-7004", "order-7007"}
    assert "whoever wakes them is held up" in told["order-7004"].summary
    assert any("another live saga of this store was written" in each for each in facts(told["order-7004"]))


def test_the_undo_that_hangs_may_be_that_of_the_branch_that_refused(dtm: Sheet) -> None:
    dtm.run(
        "update trans_branch_op set status = 'prepared' "
        "where gid = 'order-7003' and branch_id = '03' and op = 'compensate'"
    )
    [third, second] = list(reversed(sagas(dtm)["order-7003"].steps or ()))[:2]
    assert (third.name, third.status, third.derived) == ("03", StepStatus.COMPENSATING, True)
    assert (second.name, second.status) == ("02", StepStatus.COMPLETED)
    assert primary(findings(dtm, SHORT))["order-7003"].step == "03"


def test_what_a_saga_tells(dtm: Sheet) -> None:
    told = sagas(dtm, all_ended=True)
    assert NO_SAGAS.isdisjoint(told)
    done, undone = StepStatus.COMPLETED, StepStatus.COMPENSATED
    undoing = told["order-7003"]
    assert undoing.state is SagaState.COMPENSATING
    assert [step.status for step in undoing.steps or ()] == [done, StepStatus.COMPENSATING, undone]
    assert [step.name for step in undoing.steps or ()] == ["01", "02", "03"]
    assert undoing.steps is not None
    assert (undoing.steps[1].action or "").endswith("/payment/charge")
    assert (undoing.steps[1].compensation or "").endswith("/payment/refund")
    assert (undoing.attempts, undoing.derived) == (3, ("updated_at",))
    assert undoing.updated_at == datetime.fromisoformat("2026-11-20T11:38:04+00:00")
    assert undoing.next_attempt_at == datetime.fromisoformat("2026-11-20T11:40:39+00:00")
    late = told["order-7011"]  # a charge that may have run was undone as well
    assert (late.state, [step.status for step in late.steps or ()]) == (
        SagaState.COMPENSATED,
        [undone, undone, StepStatus.PENDING],
    )
    assert told["order-7015"].state is SagaState.FAILED
    well = told["order-7001"]
    assert (well.state, well.ended_at) == (SagaState.COMPLETED, datetime.fromisoformat("2026-11-20T11:38:04+00:00"))
    assert all(not saga.doubts for saga in told.values())


def test_what_was_stopped_by_hand_is_found_by_when_it_was_stopped(dtm: Sheet) -> None:
    told = sagas(dtm, ended_since=datetime.fromisoformat("2026-11-20T11:38:30+00:00"))
    assert {gid for gid, saga in told.items() if not saga.is_live} == {"order-7015"}
    assert {gid for gid, saga in told.items() if saga.is_live} == LIVE


@pytest.mark.parametrize(
    ("options", "attempts", "doubtful"),
    [
        ('{"retry_interval":1,"concurrent":false}', 6, False),
        ('{"concurrent":false}', 3, False),
        ("", 3, False),
        ("{", None, True),
    ],
)
def test_tries_are_counted_from_where_the_interval_began(
    dtm: Sheet, options: str, attempts: int | None, *, doubtful: bool
) -> None:
    dtm.run(f"update trans_global set options = '{options}' where gid = 'order-7004'")
    saga = sagas(dtm)["order-7004"]
    assert saga.attempts == attempts
    assert ("attempts" in doubts(saga)) is doubtful
