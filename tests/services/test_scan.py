"""One pass over every store: what streams, what stays in bounds, and what a bad store can't do to the others."""

from __future__ import annotations

import asyncio
import re
import time
import tracemalloc
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sagadoctor.api.v1 import Capability, Look, Lost, Page, Policy, Saga, StillClock, Survey, Unreachable
from sagadoctor.model.finding import Finding, Severity
from sagadoctor.model.report import ReportEnd
from sagadoctor.services.scan import ScanRequest, scan
from sagadoctor.testing.builders import NOW, ago, policy
from sagadoctor.testing.memory import Answers, Fault, Hangs, MemoryLedger, MemoryStore, Raises, Slow

from .clinic import Clinic, completed, half_undone, healthy, stuck

SICK = [stuck(f"stuck-{number}") for number in range(3)]


class TestReport:
    """What a scan of stores that answer says."""

    def test_every_saga_with_anything_wrong_is_told_and_no_other(self) -> None:
        store = MemoryStore("orders", [healthy("a"), stuck("b"), half_undone("c"), completed("d"), stuck("e")])
        report = Clinic(store).scan()
        assert report.rules == {"b": ["step-timed-out"], "c": ["half-compensated"], "e": ["step-timed-out"]}
        assert report.end.sagas == 5
        assert report.end.complete
        assert not report.end.truncated
        assert (report.end.summary.critical, report.end.summary.sagas) == (3, 3)
        assert report.end.worst_unacknowledged is Severity.CRITICAL
        assert report.end.as_of == NOW

    def test_a_healthy_store_has_no_findings(self) -> None:
        report = Clinic(MemoryStore("orders", [healthy("a"), completed("b")])).scan()
        assert report.findings == ()
        assert report.end.complete
        assert report.end.worst_unacknowledged is None

    def test_exactly_one_finding_of_a_saga_is_primary_and_comes_first(self) -> None:
        late = stuck("late", created_at=NOW + timedelta(hours=1), error="x")
        store = MemoryStore("orders", [late, half_undone("half", created_at=NOW + timedelta(hours=1)), *SICK])
        report = Clinic(store).scan()
        assert len(report.rules["late"]) > 1
        for saga_id in report.rules:
            primaries = [finding.primary for finding in report.findings if finding.saga_id == saga_id]
            assert primaries == [True] + [False] * (len(primaries) - 1)
        order = [finding.saga_id for finding in report.findings]
        assert order == sorted(order, key=list(report.rules).index), "findings of one saga come side by side"

    def test_findings_of_one_cause_are_one_group(self) -> None:
        rows = [stuck(f"s-{number}", error=f"order {number} timed out at 10.0.0.{number}") for number in range(5)]
        [group] = Clinic(MemoryStore("orders", rows)).scan().end.groups
        assert (group.sagas, group.rule) == (5, "step-timed-out")

    def test_the_stores_own_clock_says_what_is_late(self) -> None:
        fast = MemoryStore("fast", [healthy("a")])
        clinic = Clinic(MemoryStore("orders", [healthy("a")]), fast)
        fast.clock = StillClock(NOW + timedelta(hours=3))
        report = clinic.scan()
        assert {(finding.store, finding.saga_id) for finding in report.findings} == {("fast", "a")}

    def test_a_store_that_leaves_rows_out_is_truncated_and_not_complete(self) -> None:
        report = Clinic(MemoryStore("orders", SICK), live_cap=2).scan()
        assert len(report.rules) == 2
        assert report.end.truncated
        assert not report.end.complete

    def test_notes_of_a_store_are_said_once(self) -> None:
        store = MemoryStore("orders", SICK, page_size=1, notes=("read without an index",))
        assert Clinic(store, ledger=MemoryLedger()).scan().end.notes == ("read without an index",)

    def test_all_stores_are_read_and_told_by_name(self) -> None:
        stores = [MemoryStore(name, [stuck(f"{name}-1")]) for name in ("orders", "trips", "bookings")]
        report = Clinic(*stores).scan()
        assert {(finding.store, finding.saga_id) for finding in report.findings} == {
            (name, f"{name}-1") for name in ("orders", "trips", "bookings")
        }

    def test_as_of_judges_by_that_moment(self) -> None:
        clinic = Clinic(MemoryStore("orders", [stuck("a", updated_at=ago(days=2))]), ledger=MemoryLedger())
        report = clinic.scan(as_of=ago(days=2) + timedelta(hours=1))
        assert report.of("a").age_seconds == 3600
        assert report.end.as_of == ago(days=2) + timedelta(hours=1)

    def test_as_of_leaves_out_what_moved_after_it_and_says_so(self) -> None:
        then = ago(days=1)
        rows = [
            stuck("before", created_at=ago(days=3), updated_at=ago(days=2)),
            stuck("after", created_at=ago(days=3), updated_at=ago(hours=2)),
            stuck("later", created_at=ago(hours=5), updated_at=ago(days=2)),
            stuck("ahead", created_at=ago(days=3), updated_at=NOW + timedelta(hours=5)),
        ]
        report = Clinic(MemoryStore("orders", rows)).scan(as_of=then)
        assert set(report.rules) == {"before", "ahead"}
        assert report.rules["ahead"][0] == "clock-skew", "a clock that is ahead of the present too is wrong"
        (note,) = [note for note in report.end.notes if "newer" in note]
        assert note == "orders: 2 rows are newer than --as-of, and left out: what they were like then is not known"
        assert report.end.sagas == 2
        asked = Clinic(MemoryStore("orders", rows)).narrow(saga_ids=frozenset(("before", "after")))
        assert set(asked.rules) == {"before", "after"}, "as of now nothing is left out"


class TestStream:
    """Findings are told as they are found, and nothing piles up."""

    def test_a_finding_is_told_before_the_store_was_read_to_its_end(self) -> None:
        store = MemoryStore("orders", SICK, page_size=1, faults={"read": Hangs(page=1)})
        clinic = Clinic(store, ledger=MemoryLedger())

        async def first() -> Finding | ReportEnd:
            async with aclosing(scan(clinic.backends, ScanRequest("cron"))) as told:
                return await anext(told)

        told = asyncio.run(first())
        assert isinstance(told, Finding)
        assert told.saga_id == "stuck-0"

    def test_one_stores_findings_dont_wait_for_another_store(self) -> None:
        slow = MemoryStore("slow", [stuck("slow-1", saga_type="A")], faults={"survey": Slow(0.05)})
        quick = MemoryStore("quick", [stuck("quick-1", saga_type="B")])
        report = Clinic(slow, quick).scan()
        assert [finding.saga_id for finding in report.findings] == ["quick-1", "slow-1"]

    def test_memory_stays_flat_over_a_hundred_thousand_healthy_sagas(self) -> None:
        row = healthy("x", steps=None, created_at=None)

        def rows() -> Iterator[Saga]:
            return (msgspec.structs.replace(row, saga_id=str(number)) for number in range(100_000))

        clinic = Clinic(MemoryStore("orders", rows, page_size=4_000, capabilities=frozenset((Capability.TIMES,))))
        tracemalloc.start()
        try:
            report = clinic.scan()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert report.end.sagas == 100_000
        assert report.findings == ()
        assert peak < 20 * 1024 * 1024

    def test_a_reader_waits_for_whoever_prints(self) -> None:
        store = MemoryStore("orders", [stuck(f"s-{number}") for number in range(100)], page_size=1)
        clinic = Clinic(store)
        pages: list[int] = []

        async def first() -> None:
            original = store.read

            async def counted(look: Look) -> Any:
                async for page in original(look):
                    pages.append(1)
                    yield page

            store.read = counted  # type: ignore[method-assign]
            async with aclosing(scan(clinic.backends, ScanRequest("cron"))) as told:
                await anext(told)
                for _ in range(200):
                    await asyncio.sleep(0)
                assert len(pages) < 10, "pages were read far ahead of whoever takes the findings"

        asyncio.run(first())


class TestBadStores:
    """A store that fails is a blind spot with its name; the others are read."""

    def test_a_store_that_fails_is_a_blind_spot_and_the_others_are_read(self) -> None:
        error = Unreachable("connection refused", hint="is the server up?")
        clinic = Clinic(MemoryStore("orders", SICK), MemoryStore("down", SICK, faults={"now": Raises(error)}))
        report = clinic.scan()
        assert set(report.rules) == {saga.saga_id for saga in SICK}
        [spot] = report.end.blind_spots
        assert (spot.source, spot.reason, spot.hint) == ("down", "connection refused", "is the server up?")
        assert not report.end.complete

    def test_a_store_that_breaks_in_the_middle_keeps_what_it_told(self) -> None:
        store = MemoryStore("orders", SICK, page_size=1, faults={"read": Raises(Lost("connection reset"), page=2)})
        report = Clinic(store).scan()
        assert list(report.rules) == ["stuck-0", "stuck-1"]
        assert report.blind == ["orders"]
        assert not report.end.complete

    def test_nothing_is_never_all_is_well_where_no_store_answered(self) -> None:
        stores = [MemoryStore(name, faults={"read": Raises(Unreachable("no route"))}) for name in ("a", "b")]
        report = Clinic(*stores).scan()
        assert report.findings == ()
        assert sorted(report.blind) == ["a", "b"]
        assert not report.end.complete

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("heeds", [True, False], ids=["heeds", "ignores"])
    @pytest.mark.parametrize("method", ["now", "survey", "read", "fetch"])
    def test_a_store_that_hangs_is_left_and_the_others_are_read(self, method: str, heeds: bool) -> None:
        repaired = half_undone("half", repaired_by="other")
        hanging = MemoryStore("hanging", [repaired], faults={method: Hangs(heeds_deadline=heeds)})
        clinic = Clinic(MemoryStore("orders", SICK, page_size=1), hanging)
        began = time.monotonic()
        report = clinic.scan(timeout=0.3)
        assert time.monotonic() - began < 5.0
        assert {saga.saga_id for saga in SICK} <= set(report.rules)
        assert report.blind == ["hanging"]
        assert not report.end.complete

    @pytest.mark.parametrize("method", ["now", "survey", "read", "fetch"])
    @pytest.mark.parametrize(
        "error",
        [
            ValueError("bad cell"),
            KeyError("state"),
            TimeoutError("the plugin's own"),
            asyncio.CancelledError(),
            RecursionError(),
            ExceptionGroup("several", [OSError("a"), ValueError("b")]),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_a_plugin_that_raises_anything_is_a_blind_spot(self, method: str, error: BaseException) -> None:
        bad = MemoryStore("bad", [half_undone("half", repaired_by="other")], faults={method: Raises(error)})
        report = Clinic(MemoryStore("orders", SICK), bad).scan(timeout=5)
        assert {saga.saga_id for saga in SICK} <= set(report.rules)
        [spot] = report.end.blind_spots
        assert spot.source == "bad"
        assert type(error).__name__ in spot.reason

    @pytest.mark.parametrize(
        ("method", "value"),
        [
            ("now", None),
            ("now", "2026-11-20"),
            ("now", datetime(2026, 11, 20, 3, 0)),
            ("survey", None),
            ("survey", {"shared_keys": []}),
            ("read", None),
            ("read", [stuck("bad-1")]),
            ("read", Page(None)),  # type: ignore[arg-type]
            ("read", Page([{"saga_id": "x"}])),  # type: ignore[list-item]
            ("read", Page(["x"])),  # type: ignore[list-item]
            ("read", Page([None])),  # type: ignore[list-item]
            ("read", Page([stuck("bad-1")], notes=None)),  # type: ignore[arg-type]
            ("read", Page([stuck("bad-1", updated_at=datetime(2026, 1, 1))])),
            ("read", Page([msgspec.structs.replace(stuck("bad-1"), state="pending")])),
            ("read", Page([stuck(7)])),
            ("read", Page([msgspec.structs.replace(stuck("bad-1"), steps=[None])])),
            ("fetch", None),
            ("fetch", ["x"]),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_a_plugin_that_answers_anything_is_a_blind_spot(self, method: str, value: object) -> None:
        faults: dict[str, Fault] = {method: Answers(value)}
        bad = MemoryStore("bad", [half_undone("half", repaired_by="other")], faults=faults)
        report = Clinic(MemoryStore("orders", SICK), bad, ledger=MemoryLedger()).scan(timeout=5)
        assert {saga.saga_id for saga in SICK} <= set(report.rules)
        assert report.blind == ["bad"]
        assert re.search("plugin failed|rows could not be judged", report.end.blind_spots[0].reason)

    def test_one_bad_row_doesnt_hide_the_others(self) -> None:
        bad = stuck("bad", updated_at=datetime(2026, 1, 1))
        store = MemoryStore("orders", faults={"read": Answers(Page([*SICK[:1], bad, *SICK[1:]]))})
        report = Clinic(store).scan()
        assert set(report.rules) == {saga.saga_id for saga in SICK}
        assert report.blind == ["orders"]

    def test_what_a_plugin_said_is_told_without_secrets(self) -> None:
        said = "could not connect to postgresql://ops:hunter2@db/orders"
        for error in (ValueError(said), Unreachable(said, hint=said)):
            report = Clinic(MemoryStore("bad", faults={"read": Raises(error)})).scan()
            assert "db/orders" in report.end.blind_spots[0].reason
            assert "hunter2" not in msgspec.json.encode(report.end).decode()

    def test_error_texts_are_told_without_secrets(self) -> None:
        row = stuck("a", error="login failed: password=hunter2")
        report = Clinic(MemoryStore("orders", [row])).scan()
        assert "login failed" in str(report.findings)
        assert "hunter2" not in str(report.findings) + str(report.end)


class TestSurvey:
    """What the store computed about many sagas becomes findings of each."""

    def test_a_shared_key_is_a_finding_of_each_saga_ranked_among_its_own(self) -> None:
        rows = [healthy("a", business_key="A-1"), stuck("b", business_key="A-1"), stuck("c", business_key="A-2")]
        report = Clinic(MemoryStore("orders", rows)).scan()
        assert report.rules == {
            "a": ["duplicate-saga"],
            "b": ["step-timed-out", "duplicate-saga"],
            "c": ["step-timed-out"],
        }
        assert report.of("a").severity is Severity.WARNING

    def test_the_duplicates_share_a_group(self) -> None:
        rows = [healthy(f"s-{number}", business_key="A-1") for number in range(3)]
        [group] = Clinic(MemoryStore("orders", rows)).scan().end.groups
        assert group.sagas == 3

    def test_a_survey_that_fails_doesnt_hide_the_rows(self) -> None:
        store = MemoryStore("orders", SICK, faults={"survey": Raises(Unreachable("statement timeout"))})
        report = Clinic(store).scan()
        assert set(report.rules) == {saga.saga_id for saga in SICK}
        assert report.blind == ["orders"]
        assert "statement timeout" in report.end.blind_spots[0].reason
        assert not report.end.complete

    def test_a_survey_is_told_of_the_types_asked_for(self) -> None:
        looks: list[Look] = []

        class Looking(MemoryStore):
            async def survey(self, look: Look) -> Survey:
                looks.append(look)
                return await super().survey(look)

        Clinic(Looking("orders", SICK)).narrow(saga_types="Other")
        assert looks[0].saga_types == {"Other"}


class TestWindow:
    """Which ended sagas are read."""

    def looks(self, store: MemoryStore) -> list[Look]:
        asked: list[Look] = []
        original = store.read

        def read(look: Look) -> Any:
            asked.append(look)
            return original(look)

        store.read = read  # type: ignore[method-assign]
        return asked

    def test_ended_sagas_of_the_last_day_are_read(self) -> None:
        old = half_undone("old", updated_at=ago(hours=25))
        report = Clinic(MemoryStore("orders", [half_undone("new"), old])).scan()
        assert set(report.rules) == {"new"}

    def test_deep_reads_them_all(self) -> None:
        old = half_undone("old", updated_at=ago(days=300))
        assert set(Clinic(MemoryStore("orders", [old])).scan(deep=True).rules) == {"old"}

    def test_the_window_overlaps_the_last_complete_scan(self) -> None:
        store = MemoryStore("orders")
        clinic = Clinic(store, ledger=MemoryLedger())
        clinic.scan()
        clinic.wait(days=3)
        late = half_undone("late", created_at=ago(days=1), updated_at=NOW - timedelta(seconds=30))
        store.sagas = [late]
        asked = self.looks(store)
        assert set(clinic.scan().rules) == {"late"}, "it ended while the last scan ran"
        assert asked[0].ended_since is not None
        assert asked[0].ended_since <= NOW - timedelta(minutes=5)

    def test_a_scan_that_was_not_complete_widens_the_next_window(self) -> None:
        store = MemoryStore("orders")
        clinic = Clinic(store, ledger=MemoryLedger())
        clinic.scan()
        clinic.wait(days=2)
        store.faults = {"read": Raises(Unreachable("down"))}
        clinic.scan()
        store.faults = {}
        clinic.wait(days=2)
        asked = self.looks(store)
        clinic.scan()
        assert asked[0].ended_since == NOW - timedelta(minutes=5)

    def test_a_short_window_is_never_shorter_than_the_gap(self) -> None:
        store = MemoryStore("orders")
        clinic = Clinic(store, ledger=MemoryLedger())
        clinic.scan()
        clinic.wait(hours=6)
        asked = self.looks(store)
        clinic.scan(since=timedelta(hours=1))
        assert asked[0].ended_since == NOW - timedelta(minutes=5)

    def test_another_reader_has_its_own_window(self) -> None:
        store = MemoryStore("orders")
        clinic = Clinic(store, ledger=MemoryLedger())
        clinic.scan("tui")
        clinic.wait(days=3)
        clinic.scan("cron")
        asked = self.looks(store)
        clinic.scan("tui")
        clinic.scan("cron")
        assert asked[0].ended_since == NOW - timedelta(minutes=5)
        assert asked[1].ended_since == clinic.clock.now() - timedelta(hours=24)

    @pytest.mark.parametrize("skew", [timedelta(hours=-7), timedelta(hours=7)], ids=["behind", "ahead"])
    def test_the_window_is_in_the_stores_own_time(self, skew: timedelta) -> None:
        store = MemoryStore("orders")
        clinic = Clinic(store, ledger=MemoryLedger())
        store.clock = StillClock(NOW + skew)
        clinic.scan()
        clinic.wait(days=3)
        store.clock = StillClock(NOW + skew + timedelta(days=3))
        asked = self.looks(store)
        clinic.scan()
        assert asked[0].ended_since == NOW + skew - timedelta(minutes=5)

    def test_what_left_the_stores_window_is_not_resolved_by_our_clock(self) -> None:
        store = MemoryStore("orders", [half_undone("half", updated_at=NOW)])
        clinic = Clinic(store, ledger=MemoryLedger())
        store.clock = StillClock(NOW + timedelta(hours=7))
        assert set(clinic.scan().rules) == {"half"}
        clinic.wait(hours=18)
        store.clock = StillClock(NOW + timedelta(hours=25))
        report = clinic.scan()
        assert (report.rules, report.end.resolved) == ({}, ())


class TestStop:
    """Stop means stop: readers are closed, the ticket is given back."""

    @pytest.mark.parametrize("how", ["aclose", "cancel", "raise"])
    def test_a_scan_that_is_stopped_closes_its_readers_and_concludes_nothing(self, how: str) -> None:
        rows = [stuck(f"s-{number}") for number in range(50)]
        stores = [MemoryStore(name, rows, page_size=1) for name in ("orders", "trips")]
        ledger = MemoryLedger()
        clinic = Clinic(*stores, ledger=ledger)

        async def take_one_and_stop() -> None:
            told = scan(clinic.backends, ScanRequest("cron"))
            if how == "aclose":
                async with aclosing(told):
                    await anext(told)
            elif how == "raise":
                with pytest.raises(BrokenPipeError):
                    await _print(told)
            else:
                first = asyncio.Event()

                async def take() -> None:
                    async with aclosing(told):
                        async for _ in told:
                            first.set()
                            await asyncio.get_running_loop().create_future()

                taking = asyncio.create_task(take())
                await first.wait()
                taking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await taking
            assert [store.reads for store in stores] == [0, 0], "a reader is still open"
            assert [store.connections for store in stores] == [0, 0]
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert not others, f"tasks outlive the scan: {others}"

        asyncio.run(take_one_and_stop())
        assert ledger.running == frozenset()
        assert "abandon" in ledger.calls
        assert "finish" not in ledger.calls
        report = clinic.scan()
        assert set(report.statuses.values()) == {"new"}
        assert report.end.resolved == ()

    def test_a_scan_that_is_stopped_while_a_store_hangs_ends(self) -> None:
        store, ledger = MemoryStore("orders", faults={"read": Hangs()}), MemoryLedger()
        clinic = Clinic(store, ledger=ledger)

        async def give_up() -> None:
            scanning = asyncio.create_task(clinic.scanning())
            while not store.reads:  # noqa: ASYNC110 - a store has no event for it
                await asyncio.sleep(0)
            scanning.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scanning

        began = time.monotonic()
        asyncio.run(give_up())
        assert time.monotonic() - began < 5.0
        assert ledger.running == frozenset()
        assert store.reads == 0

    @pytest.mark.usefixtures("impatient")
    def test_readers_that_timed_out_are_closed_when_the_scan_ends(self) -> None:
        store = MemoryStore("orders", SICK, page_size=1, faults={"read": Hangs(page=1)})
        clinic = Clinic(store)

        async def scan_to_the_end() -> None:
            report = await clinic.scanning(timeout=0.1)
            assert report.blind == ["orders"]
            assert store.reads == 0

        asyncio.run(scan_to_the_end())


async def _print(told: AsyncGenerator[Finding | ReportEnd, None]) -> None:
    async with aclosing(told):
        async for _ in told:
            raise BrokenPipeError


def test_only_what_was_asked_for_is_asked_of_a_store() -> None:
    store = MemoryStore("orders", [healthy("a")])
    Clinic(store, known=Policy()).scan()
    assert store.calls == ["now", "read", "survey"]


def test_among_several_stores_none_takes_both_of_its_connections_at_once() -> None:
    stores = [MemoryStore(name, [healthy("a")]) for name in ("orders", "bank")]
    Clinic(*stores, known=Policy()).scan()
    assert [store.calls for store in stores] == [["now", "survey", "read"]] * 2


@pytest.mark.parametrize("rows", [[], [stuck("a")]])
def test_what_a_survey_left_out_is_said_by_the_same_scan(rows: list[Saga]) -> None:
    class Partial(MemoryStore):
        async def survey(self, look: Look) -> Survey:
            for _ in range(20):  # the rows are long read by then
                await asyncio.sleep(0)
            told = await super().survey(look)
            return msgspec.structs.replace(told, notes=("orders: not looked for",), truncated=True)

    clinic = Clinic(Partial("orders", rows))
    for _ in range(2):
        end = clinic.scan().end
        assert end.truncated
        assert "orders: not looked for" in end.notes


def test_links_are_fetched_once_a_page() -> None:
    rows = [half_undone(f"s-{number}", repaired_by=f"r-{number}") for number in range(10)]
    store = MemoryStore("orders", rows, page_size=5)
    Clinic(store, known=policy()).scan()
    assert store.calls.count("fetch") == 2


def test_capabilities_that_show_only_after_the_first_read_are_heeded() -> None:
    class Late(MemoryStore):
        @property
        def capabilities(self) -> frozenset[Capability]:
            return super().capabilities if self.calls else frozenset()

    ledger = MemoryLedger()
    report = Clinic(Late("orders", SICK), ledger=ledger).scan()
    assert len(report.rules) == 3
    assert "observe" not in ledger.calls


def test_a_time_before_the_calendar_is_no_mistake_of_the_store() -> None:
    report = Clinic(MemoryStore("orders", [stuck("a")])).scan(as_of=datetime(1, 1, 1, tzinfo=UTC))
    assert report.blind == []
    assert report.rules == {}
