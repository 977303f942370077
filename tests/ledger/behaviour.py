"""What every ledger does, whichever database is behind it; test files give the fixture `open_here`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerError, LedgerLocked, LedgerTooNew
from sagadoctor.ledger import SqlLedger, chores, observations, schema, tries
from sagadoctor.ledger.database import Database, Value
from sagadoctor.ledger.text import ticks
from sagadoctor.model.finding import FindingStatus, Severity
from sagadoctor.model.observation import Observation, Trial, Tries
from sagadoctor.model.seen import Acknowledgement, ScanTicket

from .build import DAY, LEASE, NOW, after, connected, finding, ledger_of, of, old_ledger, scan, using

Open = Callable[[], SqlLedger]
ODD = (
    "",
    "\x00",
    "a\x00b",
    "\\",
    "\\u0000",
    "\\#",
    "\ud800",
    "\udfff\ud800",
    "\ud83d\ude00",
    "\U0001f600",
    "Żółw",
    "'; DROP TABLE sagadoctor_seen; --",
    "%s %(x)s ? IN ?",
    "\x1b[31m[@click=app.quit]",
    "x" * 10_000,
    "x" * 9_999 + "y",
    "é" * 10_000,
    "\n",
    " a",
    "a",
    "A",
    "a ",
)


class Comparison:
    """New, ongoing and resolved."""

    def test_a_reader_that_never_scanned_has_only_new(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            assert (await scan(ledger, "f-1 f-2", 0))[0] == {"f-1": "new", "f-2": "new"}
            assert (await scan(ledger, "f-1 f-2", 60, reader="tui"))[0] == {"f-1": "new", "f-2": "new"}

        using(open_here, use)

    def test_what_stays_is_ongoing_since_it_was_first_seen(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            await scan(ledger, "f-1", 60)
            ticket = await ledger.begin("cron", after(120), LEASE)
            standings = await ledger.compare(ticket, [finding("f-1"), finding("f-2")], after(120))
            assert standings["f-1"].status is FindingStatus.ONGOING
            assert standings["f-1"].first_seen == NOW
            assert standings["f-2"].status is FindingStatus.NEW
            assert standings["f-2"].first_seen == after(120)

        using(open_here, use)

    def test_what_is_gone_is_resolved_once_and_forgotten(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1 f-2", 0)
            assert (await scan(ledger, "f-2", 60))[1] == ("f-1",)
            assert await ledger.known(["f-1", "f-2"]) == {"f-2": finding("f-2")}
            assert await scan(ledger, "f-1 f-2", 120) == ({"f-1": "new", "f-2": "ongoing"}, ())

        using(open_here, use)

    def test_a_source_that_did_not_answer_resolves_nothing(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, [finding("f-1"), finding("f-2", store="payments")], 0)
            assert (await scan(ledger, "", 60, complete=("payments",)))[1] == ("f-2",)
            assert await scan(ledger, "f-1", 120) == ({"f-1": "ongoing"}, ())

        using(open_here, use)

    def test_what_is_out_of_scope_stays_known(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1 f-2", 0)
            assert (await scan(ledger, "", 60, in_scope=lambda found: found.id == "f-2"))[1] == ("f-2",)
            assert await scan(ledger, "f-1 f-2", 120) == ({"f-1": "ongoing", "f-2": "new"}, ())

        using(open_here, use)

    def test_an_abandoned_scan_concludes_nothing(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            ticket = await ledger.begin("cron", after(60), LEASE)
            await ledger.compare(ticket, [finding("f-2")], after(60))
            await ledger.abandon(ticket)
            await ledger.abandon(ticket)
            assert await ledger.known(["f-2"]) == {"f-2": finding("f-2")}
            ticket = await ledger.begin("cron", after(120), LEASE)
            assert ticket.before == {"orders": NOW}
            standings = await ledger.compare(ticket, [finding("f-2")], after(120))
            assert standings["f-2"].status is FindingStatus.NEW
            assert standings["f-2"].first_seen == after(120)
            assert await ledger.finish(ticket, after(120), ["orders"], lambda found: True) == ("f-1",)

        using(open_here, use)

    def test_what_only_an_abandoned_scan_saw_is_not_resolved_later(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            ticket = await ledger.begin("cron", NOW, LEASE)
            await ledger.compare(ticket, [finding("f-1")], NOW)
            await ledger.abandon(ticket)
            assert (await scan(ledger, "", 60))[1] == ()
            assert await ledger.known(["f-1"]) == {}

        using(open_here, use)

    def test_what_only_an_abandoned_scan_saw_is_new_when_a_finished_one_sees_it(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            ticket = await ledger.begin("cron", NOW, LEASE)
            await ledger.compare(ticket, [finding("f-1")], NOW)
            await ledger.abandon(ticket)
            await scan(ledger, "f-2", 60, complete=())
            assert (await scan(ledger, "f-1 f-2", 120))[0] == {"f-1": "new", "f-2": "ongoing"}

        using(open_here, use)

    def test_the_same_finding_twice_in_one_scan_is_new_both_times(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            ticket = await ledger.begin("cron", NOW, LEASE)
            twice = [finding("f-1"), finding("f-1", severity=Severity.INFO)]
            assert (await ledger.compare(ticket, twice, NOW))["f-1"].status is FindingStatus.NEW
            again = (await ledger.compare(ticket, [finding("f-1")], after(5)))["f-1"]
            assert (again.status, again.first_seen) == (FindingStatus.NEW, NOW)
            assert await ledger.finish(ticket, after(6), ["orders"], lambda found: True) == ()

        using(open_here, use)

    def test_what_is_told_of_a_finding_is_what_was_seen_last(self, open_here: Open) -> None:
        last = finding("f-1", severity=Severity.INFO, group="g-2", ended=True, since=None, saga_type=None, saga_id=None)

        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            await scan(ledger, [last], 60, reader="tui")
            asked: list[object] = []
            assert await ledger.known(["f-1", "f-none"]) == {"f-1": last}
            assert await ledger.known_groups(["g-1", "g-2", "g-none"]) == {finding("f-1").group, "g-2"}
            await scan(ledger, "", 90, reader="tui", in_scope=lambda found: bool(asked.append(found)))
            assert asked == [last]

        using(open_here, use)

    def test_before_tells_when_the_last_complete_scan_of_each_source_began(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            first = await ledger.begin("cron", NOW, LEASE)
            assert first.before == {}
            await ledger.finish(first, after(300), ["orders", "payments", "o\x00dd"], lambda found: True)
            await scan(ledger, "", 600, complete=("orders",))
            ticket = await ledger.begin("cron", after(900), LEASE)
            assert ticket.before == {"orders": after(600), "payments": NOW, "o\x00dd": NOW}
            assert (await ledger.begin("tui", after(900), LEASE)).before == {}

        using(open_here, use)

    def test_a_scan_of_a_part_is_not_the_last_complete_one(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1 f-2", 0)
            await ledger.observe("orders", [("s-1", "x")], NOW)
            ticket = await ledger.begin("cron", after(40 * DAY), LEASE)
            await ledger.compare(ticket, [finding("f-2")], after(40 * DAY))
            gone = await ledger.finish(ticket, after(40 * DAY), ["orders"], lambda found: True, remember=False)
            assert gone == ("f-1",)
            assert (await ledger.begin("cron", after(41 * DAY), LEASE)).before == {"orders": NOW}
            assert await ledger.has_observed("orders")

        using(open_here, use)

    def test_a_thousand_pages_would_fit(self, open_here: Open) -> None:
        many = [finding(f"f-{number:05}") for number in range(4500)]

        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, many, 0)
            assert set((await scan(ledger, many[:100], 60))[1]) == {found.id for found in many[100:]}

        using(open_here, use)


class Forgetting:
    """What keeps the ledger bounded."""

    def test_what_nobody_saw_for_thirty_days_is_forgotten(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            await scan(ledger, "f-2", 20 * DAY, complete=())
            assert set(await ledger.known(["f-1", "f-2"])) == {"f-1", "f-2"}
            await scan(ledger, "", 31 * DAY, complete=())
            assert set(await ledger.known(["f-1", "f-2"])) == {"f-2"}

        using(open_here, use)

    def test_rows_that_left_a_store_are_forgotten_those_of_a_store_out_of_reach_are_not(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            for store in ("orders", "payments"):
                await ledger.observe(store, [("s-1", "x"), ("s-2", "x"), ("", "x")], NOW)
            await ledger.observe("orders", [("s-2", "x")], after(20 * DAY))
            await scan(ledger, "", 31 * DAY)
            looks = {
                (store, name): one.first_look
                for store in ("orders", "payments")
                for name, one in (
                    await ledger.observe(store, [("s-1", "x"), ("s-2", "x"), ("", "x")], after(31 * DAY))
                ).items()
            }
            assert {where for where, first in looks.items() if first} == {("orders", "s-1"), ("orders", "")}

        using(open_here, use)

    def test_a_judged_saga_that_is_still_asked_about_is_kept(self, open_here: Open, clock: StillClock) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.judged("orders", ["s-1", "s-2"])
            for day in range(5, 60, 5):
                clock.at = after(day * DAY)
                assert await ledger.unjudged("orders", ["s-1"]) == []
                await scan(ledger, "", day * DAY)
            assert await ledger.unjudged("orders", ["s-1", "s-2"]) == ["s-2"]

        using(open_here, use)

    def test_attempts_of_a_saga_that_left_the_store_are_forgotten(self, open_here: Open) -> None:
        tried = [Trial("s-1", "m", 2), Trial("s-2", "m", 2)]

        async def use(ledger: SqlLedger) -> None:
            await ledger.observe_tries("orders", tried, NOW)
            await ledger.observe_tries("payments", tried, NOW)
            await ledger.observe_tries("orders", tried[1:], after(20 * DAY))
            await scan(ledger, "", 31 * DAY)
            database = connected(open_here)
            left = database.rows("SELECT store, saga_id FROM sagadoctor_tries ORDER BY store, saga_id")
            assert left == [("orders", "s-2"), ("payments", "s-1"), ("payments", "s-2")]
            await scan(ledger, "", 396 * DAY)
            assert database.rows("SELECT store, saga_id FROM sagadoctor_tries") == []
            database.close()

        using(open_here, use)

    def test_a_store_that_nobody_scans_any_more_is_forgotten_after_a_year(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            for store in ("former", "payments"):
                await ledger.observe(store, [("s-1", "x")], NOW)
            await ledger.judged("former", ["s-1"])
            await scan(ledger, "", 300 * DAY)
            assert await ledger.has_observed("former")
            await scan(ledger, "", 366 * DAY)
            assert not await ledger.has_observed("former")
            assert not await ledger.has_observed("payments")
            assert await ledger.unjudged("former", ["s-1"]) == ["s-1"]

        using(open_here, use)

    def test_a_large_store_is_gone_through_in_windows(self, open_here: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chores, "_WINDOW", 7)

        async def use(ledger: SqlLedger) -> None:
            await ledger.observe("orders", [(f"s-{number:02}", "x") for number in range(40)], NOW)
            await ledger.observe("orders", [("s-20", "y")], after(31 * DAY))
            await scan(ledger, "", 32 * DAY)
            assert connected(open_here).rows("SELECT saga_id FROM sagadoctor_observations") == [("s-20",)]

        using(open_here, use)

    def test_forgetting_that_fails_does_not_take_the_answer_away(
        self, open_here: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise LedgerError("no")

        monkeypatch.setattr(chores, "due", refuse)

        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            assert (await scan(ledger, "", 60))[1] == ("f-1",)

        using(open_here, use)


class Leases:
    """One scan of a reader at a time."""

    def test_row_75_a_second_scan_of_one_reader_is_told_since_when_the_other_runs(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.begin("cron", NOW, LEASE)
            with pytest.raises(LedgerLocked) as caught:
                await ledger.begin("cron", after(90), LEASE)
            text = str(caught.value)
            assert "another scan of 'cron' runs since 2026-11-20 03:00:00 UTC (90 s ago)" in text
            assert f"process {os.getpid()} on {os.uname().nodename}" in text
            await ledger.begin("tui", after(90), LEASE)

        using(open_here, use)

    def test_row_75_two_connections_to_one_ledger_see_each_other(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            other = open_here()
            ticket = await ledger.begin("cron", NOW, LEASE)
            with pytest.raises(LedgerLocked):
                await other.begin("cron", after(1), LEASE)
            await ledger.finish(ticket, after(2), ["orders"], lambda found: True)
            assert (await other.begin("cron", after(3), LEASE)).number == ticket.number + 1
            await other.close()

        using(open_here, use)

    def test_row_75_of_many_that_begin_at_once_one_wins(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            others = [open_here() for _ in range(6)]
            await asyncio.gather(*(one.has_observed("connects all") for one in others))
            for _ in range(5):
                begun = await asyncio.gather(*(one.begin("cron", NOW, LEASE) for one in others), return_exceptions=True)
                [ticket] = [one for one in begun if not isinstance(one, LedgerLocked)]
                assert isinstance(ticket, ScanTicket)
                await ledger.abandon(ticket)
            await asyncio.gather(*(one.close() for one in others))

        using(open_here, use)

    def test_row_75_a_lease_ends(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            late = await ledger.begin("cron", NOW, LEASE)
            with pytest.raises(LedgerLocked):
                await ledger.begin("cron", after(LEASE - 1), LEASE)
            ticket = await ledger.begin("cron", after(LEASE), LEASE)
            for refused in (
                lambda: ledger.compare(late, [finding("f-1")], after(LEASE)),
                lambda: ledger.finish(late, after(LEASE), ["orders"], lambda found: True),
            ):
                with pytest.raises(LedgerLocked, match="took too long and was taken over"):
                    await refused()
            await ledger.abandon(late)
            await ledger.compare(ticket, [finding("f-1")], after(LEASE))
            assert await ledger.finish(ticket, after(LEASE), ["orders"], lambda found: True) == ()
            with pytest.raises(LedgerLocked, match="was ended before"):
                await ledger.finish(ticket, after(LEASE), ["orders"], lambda found: True)

        using(open_here, use)

    def test_row_75_a_scan_that_goes_on_keeps_its_lease(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            ticket = await ledger.begin("cron", NOW, LEASE)
            await ledger.compare(ticket, [], after(LEASE - 1))
            with pytest.raises(LedgerLocked):
                await ledger.begin("cron", after(LEASE + 1), LEASE)

        using(open_here, use)

    def test_row_75_a_scan_that_tells_its_beginning_only_keeps_its_lease_too(
        self, open_here: Open, clock: StillClock
    ) -> None:
        async def use(ledger: SqlLedger) -> None:
            ticket = await ledger.begin("cron", NOW, LEASE)
            clock.at = after(LEASE - 1)
            await ledger.compare(ticket, [], NOW)
            with pytest.raises(LedgerLocked):
                await ledger.begin("cron", after(LEASE + 1), LEASE)

        using(open_here, use)

    def test_row_75_a_scan_left_by_a_closed_ledger_is_not_waited_for(self, open_here: Open) -> None:
        async def begin(ledger: SqlLedger) -> int:
            return (await ledger.begin("cron", NOW, LEASE)).number

        assert using(open_here, begin) == 1
        assert using(open_here, begin) == 2

    def test_row_76_a_clock_that_stepped_back_does_not_prolong_a_lease(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.begin("cron", NOW, LEASE)
            with pytest.raises(LedgerLocked):
                await ledger.begin("cron", after(-60), LEASE)
            assert (await ledger.begin("cron", after(-7200), LEASE)).number == 2

        using(open_here, use)

    def test_row_76_after_a_step_back_nothing_was_first_seen_in_the_future(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            await ledger.observe("orders", [("s-1", "x")], NOW)
            earlier = after(-7200)
            ticket = await ledger.begin("cron", earlier, LEASE)
            assert ticket.before == {"orders": earlier}
            standing = (await ledger.compare(ticket, [finding("f-1")], earlier))["f-1"]
            assert (standing.status, standing.first_seen) == (FindingStatus.ONGOING, earlier)
            assert await ledger.finish(ticket, earlier, ["orders"], lambda found: True) == ()
            assert await ledger.observe("orders", [("s-1", "x")], earlier) == {
                "s-1": Observation("x", earlier, earlier)
            }
            assert (await ledger.observe("orders", [("s-1", "x")], NOW))["s-1"].since == earlier

        using(open_here, use)


class Observing:
    """Fingerprints and judged sagas."""

    def test_a_row_has_its_fingerprint_since_it_was_first_seen_so(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            assert not await ledger.has_observed("orders")
            assert await ledger.observe("orders", [("s-1", "x")], NOW) == {
                "s-1": Observation("x", NOW, NOW, first_look=True)
            }
            assert await ledger.has_observed("orders")
            assert not await ledger.has_observed("payments")
            assert await ledger.observe("orders", [("s-1", "x"), ("s-2", "x")], after(60)) == {
                "s-1": Observation("x", NOW, after(60)),
                "s-2": Observation("x", after(60), after(60), first_look=True),
            }
            assert await ledger.observe("orders", [("s-1", "y")], after(120)) == {
                "s-1": Observation("y", after(120), after(120))
            }
            assert await ledger.observe("payments", [("s-1", "y")], after(180)) == {
                "s-1": Observation("y", after(180), after(180), first_look=True)
            }
            assert await ledger.observe("orders", [], after(200)) == {}

        using(open_here, use)

    def test_of_two_who_saw_the_same_change_the_earlier_moment_counts(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.observe("orders", [("s-1", "x")], NOW)
            database = connected(open_here)
            with database.transaction():  # as somebody writes who had looked before
                observations.record(database, [("default", "orders", "s-1", "x", ticks(after(60)), ticks(after(60)))])
            database.close()
            assert (await ledger.observe("orders", [("s-1", "x")], after(90)))["s-1"].since == NOW

        using(open_here, use)

    def test_judged_sagas_are_not_judged_again(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            assert await ledger.unjudged("orders", ["s-3", "s-1", "s-2"]) == ["s-3", "s-1", "s-2"]
            await ledger.judged("orders", ["s-1", "s-1"])
            await ledger.judged("orders", ["s-1"])
            await ledger.judged("orders", [])
            assert await ledger.unjudged("orders", ["s-3", "s-1", "s-2"]) == ["s-3", "s-2"]
            assert await ledger.unjudged("payments", ["s-1"]) == ["s-1"]
            assert await ledger.unjudged("orders", []) == []

        using(open_here, use)

    def test_several_who_observe_at_once_lose_nothing(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.has_observed("made first")
            others = [open_here() for _ in range(4)]
            ids = [f"s-{number}" for number in range(300)]

            async def work(one: SqlLedger, number: int) -> None:
                for turn in range(5):
                    rows = [(name, f"{turn}") for name in (ids if number % 2 else reversed(ids))]
                    await one.observe("orders", rows, after(turn))
                    await one.judged("orders", [f"{number}-{turn}"])
                    await scan(one, f"f-{number}", turn, reader=f"reader {number}")

            await asyncio.gather(*(work(one, number) for number, one in enumerate(others)))
            seen = await ledger.observe("orders", [(name, "4") for name in ids], after(10))
            assert {one.since for one in seen.values()} == {after(4)}
            assert not await ledger.unjudged("orders", [f"{n}-{turn}" for n in range(4) for turn in range(5)])
            assert len(await ledger.known([f"f-{number}" for number in range(4)])) == 4
            await asyncio.gather(*(one.close() for one in others))

        using(open_here, use)


def tried(count: int, mark: str = "m", saga_id: str = "s-1") -> Trial:
    """Return a trial of one saga."""
    return Trial(saga_id, mark, count)


class Trying:
    """How often a saga was tried, and since when it fails as it does."""

    def test_the_first_count_is_kept_while_the_same_fails_for_the_same_reason(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            assert await ledger.observe_tries("orders", [tried(2)], NOW) == {"s-1": Tries("m", NOW, 2, 2, NOW)}
            seen = await ledger.observe_tries("orders", [tried(2)], after(60))
            assert seen == {"s-1": Tries("m", NOW, 2, 2, after(60))}
            seen = await ledger.observe_tries("orders", [tried(5), tried(1, saga_id="s-2")], after(120))
            assert seen == {
                "s-1": Tries("m", NOW, 2, 5, after(120)),
                "s-2": Tries("m", after(120), 1, 1, after(120)),
            }
            assert await ledger.observe_tries("orders", [], after(130)) == {}

        using(open_here, use)

    def test_it_begins_anew_with_another_mark_and_when_the_count_falls(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.observe_tries("orders", [tried(2)], NOW)
            seen = await ledger.observe_tries("orders", [tried(5, "n")], after(60))
            assert seen["s-1"] == Tries("n", after(60), 5, 5, after(60))
            seen = await ledger.observe_tries("orders", [tried(6)], after(90))
            assert seen["s-1"] == Tries("m", after(90), 6, 6, after(90))
            seen = await ledger.observe_tries("orders", [tried(3)], after(120))
            assert seen["s-1"] == Tries("m", after(120), 3, 3, after(120))
            seen = await ledger.observe_tries("orders", [tried(4)], after(150))
            assert seen["s-1"] == Tries("m", after(120), 3, 4, after(150))

        using(open_here, use)

    def test_after_a_step_back_of_the_clock_nothing_was_seen_in_the_future(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.observe_tries("orders", [tried(2)], NOW)
            earlier = after(-7200)
            assert (await ledger.observe_tries("orders", [tried(3)], earlier))["s-1"].since == earlier
            assert (await ledger.observe_tries("orders", [tried(3)], NOW))["s-1"].since == earlier

        using(open_here, use)

    def test_stores_are_kept_apart(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.observe_tries("orders", [tried(2)], NOW)
            assert (await ledger.observe_tries("payments", [tried(4)], after(60)))["s-1"].first == 4
            assert not await ledger.has_observed("orders")

        using(open_here, use)


class TryingInDatabases:
    """What only a ledger that others write to as well can get wrong."""

    def test_nothing_is_written_where_nothing_changed(self, open_here: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        written: list[int] = []
        original = tries.record

        def record(database: Database, rows: Sequence[Sequence[Value]]) -> None:
            written.append(len(rows))
            original(database, rows)

        monkeypatch.setattr(tries, "record", record)

        async def use(ledger: SqlLedger) -> None:
            for at, count in ((0, 2), (60, 2), (120, 3), (180, 3), (2 * DAY, 3), (2 * DAY + 60, 3)):
                await ledger.observe_tries("orders", [tried(count)], after(at))

        using(open_here, use)
        assert written == [1, 0, 1, 0, 1, 0]

    @pytest.mark.parametrize(
        ("theirs", "since", "first"),
        [(("m", 60, 3, 3), 0, 2), (("m", -60, 1, 3), -60, 1), (("m", 60, 1, 1), 60, 1), (("n", 60, 9, 9), 60, 9)],
    )
    def test_of_two_who_saw_the_same_trial_the_earlier_count_stays(
        self, open_here: Open, theirs: tuple[str, int, int, int], since: int, first: int
    ) -> None:
        mark, at, begun, latest = theirs

        async def use(ledger: SqlLedger) -> None:
            await ledger.observe_tries("orders", [tried(2)], NOW)
            database = connected(open_here)
            with database.transaction():  # as somebody writes who had looked before
                row = ("default", "orders", "s-1", mark, ticks(after(at)), begun, latest, ticks(after(60)))
                tries.record(database, [row])
            database.close()
            seen = (await ledger.observe_tries("orders", [tried(10, mark)], after(90)))["s-1"]
            assert (seen.since, seen.first, seen.latest) == (after(since), first, 10)

        using(open_here, use)

    def test_several_who_look_at_once_lose_nothing(self, open_here: Open) -> None:
        ids = [f"s-{number}" for number in range(200)]

        async def use(ledger: SqlLedger) -> None:
            await ledger.observe_tries("orders", [tried(1, saga_id=name) for name in ids], NOW)
            others = [open_here() for _ in range(4)]

            async def work(one: SqlLedger, number: int) -> None:
                for turn in range(2, 6):
                    page = [tried(turn, saga_id=name) for name in (ids if number % 2 else reversed(ids))]
                    await one.observe_tries("orders", page, after(turn))

            await asyncio.gather(*(work(one, number) for number, one in enumerate(others)))
            seen = await ledger.observe_tries("orders", [tried(9, saga_id=name) for name in ids], after(60))
            assert {one.latest for one in seen.values()} == {9}
            assert all(one.since <= after(5) for one in seen.values())
            await asyncio.gather(*(one.close() for one in others))

        using(open_here, use)

    def test_what_is_known_of_one_environment_or_database_is_unheard_of_in_another(self, open_here: Open) -> None:
        ledgers = (
            of(open_here, "prod", orders="sqlite /a.db"),
            of(open_here, "prod", orders="sqlite /b.db"),
            of(open_here, "stg"),
        )
        for count, one in enumerate(ledgers, 1):
            seen = using(one, lambda ledger, number=count: ledger.observe_tries("orders", [tried(number)], NOW))  # type: ignore[misc]
            assert seen["s-1"].first == count
        for count, one in enumerate(ledgers, 1):
            seen = using(one, lambda ledger: ledger.observe_tries("orders", [tried(9)], after(60)))
            assert seen["s-1"].first == count

    def test_odd_names_are_kept_apart_and_given_back(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            for at in (0, 60):
                asked = [tried(at + 1 + place, saga_id=name, mark=name) for place, name in enumerate(ODD)]
                seen = await ledger.observe_tries("o\x00", asked, after(at))
                assert {name: (one.mark, one.first) for name, one in seen.items()} == {
                    name: (name, place + 1) for place, name in enumerate(ODD)
                }

        using(open_here, use)


class Acknowledging:
    """A person's word."""

    def test_a_finding_is_silent_by_itself_or_through_its_group_until_it_expires(self, open_here: Open) -> None:
        one, two, three = finding("f-1"), finding("f-2", group="g-2"), finding("f-3", group="g-3")

        async def use(ledger: SqlLedger) -> None:
            await ledger.acknowledge(
                [
                    Acknowledgement("f-1", after(60), "ann", "known", NOW),
                    Acknowledgement("g-2", after(30), "ann", "known", NOW),
                    Acknowledgement("f-2", after(90), "ann", "known", NOW),
                ]
            )
            assert await ledger.acknowledged([one, two, three], NOW) == {"f-1": after(60), "f-2": after(90)}
            assert await ledger.acknowledged([one, two, three], after(60)) == {"f-2": after(90)}
            ticket = await ledger.begin("cron", after(1), LEASE)
            standings = await ledger.compare(ticket, [one, two, three], after(1))
            assert {name: standing.acknowledged_until for name, standing in standings.items()} == {
                "f-1": after(60),
                "f-2": after(90),
                "f-3": None,
            }
            assert await ledger.acknowledged([], NOW) == {}

        using(open_here, use)

    def test_a_later_word_replaces_an_earlier_one_whatever_the_clock_says(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.acknowledge([Acknowledgement("f-1", after(60), "ann", "known", NOW)])
            await ledger.acknowledge([Acknowledgement("f-1", after(30), "bob", "less", after(-100))])
            assert await ledger.acknowledged([finding("f-1")], NOW) == {"f-1": after(30)}

        using(open_here, use)

    def test_what_is_said_of_the_primary_finding_is_said_of_those_under_it(self, open_here: Open) -> None:
        lead, under = finding("f-1"), finding("f-2", group="g-2", under=("f-1", "g-1"))

        async def use(ledger: SqlLedger) -> None:
            await ledger.acknowledge([Acknowledgement("f-1", after(60), "ann", "known", NOW)])
            assert await ledger.acknowledged([lead, under], NOW) == {"f-1": after(60), "f-2": after(60)}
            await ledger.acknowledge([Acknowledgement("g-1", after(90), "bob", "all", NOW)])
            assert await ledger.acknowledged([under], NOW) == {"f-2": after(90)}
            ticket = await ledger.begin("cron", after(1), LEASE)
            told = await ledger.compare(ticket, [lead, under, finding("f-3", group="g-2")], after(1))
            assert [one.acknowledged_until for one in told.values()] == [after(90), after(90), None]
            assert (await ledger.known(["f-2"]))["f-2"].under == ()

        using(open_here, use)

    def test_whose_word_it_is_and_why_is_told(self, open_here: Open) -> None:
        ann = Acknowledgement("f-\x00", after(60), "a\ud800", "the refund team knows \\", NOW)
        bob = Acknowledgement("g-1", after(90), "bob", "", after(-5))
        odd = finding("f-\x00", group="g-2")

        async def use(ledger: SqlLedger) -> None:
            await ledger.acknowledge([ann, bob])
            told = await ledger.words([odd, finding("f-2"), finding("f-3", group="g-3")], NOW)
            assert told == {"f-\x00": ann, "f-2": bob}
            assert await ledger.words([odd], after(60)) == {}

        using(open_here, use)

    def test_an_expired_word_is_forgotten(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.acknowledge([Acknowledgement("f-1", after(60), "ann", "known", NOW)])
            await scan(ledger, "", 61)
            assert await ledger.acknowledged([finding("f-1")], NOW) == {}

        using(open_here, use)


class OddInput:
    """Outside text of any kind, and extreme times."""

    def test_ids_of_any_bytes_are_kept_apart_and_given_back(self, open_here: Open) -> None:
        odd = [finding(name, group=name, saga_id=name, saga_type=name, rule=name) for name in ODD]

        async def use(ledger: SqlLedger) -> None:
            ticket = await ledger.begin("a\x00\ud800", NOW, LEASE)
            assert set(await ledger.compare(ticket, odd, NOW)) == set(ODD)
            assert await ledger.known(ODD) == {found.id: found for found in odd}
            await ledger.finish(ticket, NOW, ["orders"], lambda found: True)
            assert {one.since for one in (await ledger.observe("o\x00", [(x, x) for x in ODD], NOW)).values()} == {NOW}
            again = await ledger.observe("o\x00", [(x, x) for x in ODD], after(60))
            assert {(name, one.fingerprint, one.since) for name, one in again.items()} == {(x, x, NOW) for x in ODD}
            await ledger.judged("o\x00", ODD[::2])
            assert await ledger.unjudged("o\x00", ODD) == list(ODD[1::2])
            await ledger.acknowledge([Acknowledgement(name, after(60), name, name, NOW) for name in ODD[:3]])
            assert await ledger.acknowledged(odd, NOW) == {name: after(60) for name in ODD[:3]}
            resolved = (await scan(ledger, "", 60, reader="a\x00\ud800"))[1]
            assert sorted(resolved) == sorted(ODD)

        using(open_here, use)

    def test_a_locked_ledger_tells_odd_names_without_their_power(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.begin("a\x1b[2J\x00", NOW, LEASE)
            with pytest.raises(LedgerLocked) as caught:
                await ledger.begin("a\x1b[2J\x00", NOW, LEASE)
            assert "'a\\e[2J\\0'" in str(caught.value)

        using(open_here, use)

    def test_extreme_times_are_given_back(self, open_here: Open) -> None:
        moments = (
            datetime.min.replace(tzinfo=UTC),
            datetime.max.replace(tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
            NOW + timedelta(microseconds=1),
        )
        odd = [finding(f"f-{number}", since=at) for number, at in enumerate(moments)]

        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, odd, 0)
            assert await ledger.known([one.id for one in odd]) == {one.id: one for one in odd}

        using(open_here, use)

    def test_what_a_caller_raises_ends_in_nothing(self, open_here: Open) -> None:
        def refuse(_: object) -> bool:
            raise ZeroDivisionError

        async def use(ledger: SqlLedger) -> None:
            await scan(ledger, "f-1", 0)
            ticket = await ledger.begin("cron", after(60), LEASE)
            with pytest.raises(ZeroDivisionError):
                await ledger.finish(ticket, after(60), ["orders"], refuse)
            assert await ledger.finish(ticket, after(60), ["orders"], lambda found: True) == ("f-1",)

        using(open_here, use)

    def test_a_closed_ledger_says_so(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            await ledger.has_observed("orders")
            await ledger.close()
            with pytest.raises(LedgerError, match="was closed"):
                await ledger.has_observed("orders")

        using(open_here, use)


class Environments:
    """One ledger of many environments: none hears of another's."""

    def test_what_one_has_seen_is_neither_known_nor_resolved_in_another(self, open_here: Open) -> None:
        prod, stg = of(open_here, "prod"), of(open_here, "stg")
        many = "f-1 f-2 f-3 f-4 f-5"
        using(prod, lambda ledger: scan(ledger, many, 0))
        assert using(stg, lambda ledger: scan(ledger, "", 60)) == ({}, ())
        assert using(stg, lambda ledger: scan(ledger, "f-1", 90)) == ({"f-1": "new"}, ())
        assert using(stg, lambda ledger: ledger.known(["f-1", "f-2"])) == {"f-1": finding("f-1")}
        assert using(prod, lambda ledger: scan(ledger, many, 120)) == (dict.fromkeys(many.split(), "ongoing"), ())

    def test_what_is_acknowledged_in_one_is_loud_in_another(self, open_here: Open) -> None:
        prod, stg = of(open_here, "prod"), of(open_here, "stg")
        said = [Acknowledgement(target, after(600), "ann", "known", NOW) for target in ("f-1", "g-1")]
        using(stg, lambda ledger: ledger.acknowledge(said))
        assert using(stg, lambda ledger: ledger.acknowledged([finding("f-1")], NOW)) == {"f-1": after(600)}
        assert using(prod, lambda ledger: ledger.acknowledged([finding("f-1")], NOW)) == {}
        assert using(prod, lambda ledger: ledger.words([finding("f-1")], NOW)) == {}

    def test_observed_and_judged_in_one_is_unheard_of_in_another(self, open_here: Open) -> None:
        prod, stg = of(open_here, "prod"), of(open_here, "stg")

        async def look(ledger: SqlLedger, fingerprint: str, at: float) -> Observation:
            await ledger.judged("orders", [fingerprint])
            return (await ledger.observe("orders", [("s-1", fingerprint)], after(at)))["s-1"]

        for turn in range(3):
            for ledger, fingerprint in ((prod, "x"), (stg, "y")):
                seen = using(ledger, lambda one, word=fingerprint, at=turn * 60.0: look(one, word, at))  # type: ignore[misc]
                assert seen == Observation(fingerprint, NOW, after(turn * 60), first_look=turn == 0)
        assert using(prod, lambda ledger: ledger.unjudged("orders", ["x", "y"])) == ["y"]
        assert not using(of(open_here, "dev"), lambda ledger: ledger.has_observed("orders"))

    def test_they_scan_at_the_same_time(self, open_here: Open) -> None:
        async def use(ledger: SqlLedger) -> None:
            other = of(open_here, "stg")()
            assert (await ledger.begin("cron", NOW, LEASE)).number == 1
            assert (await other.begin("cron", NOW, LEASE)).number == 1
            with pytest.raises(LedgerLocked):
                await other.begin("cron", NOW, LEASE)
            await other.close()

        using(of(open_here, "prod"), use)

    def test_a_former_environment_is_forgotten_after_a_year(self, open_here: Open) -> None:
        former, prod = of(open_here, "former"), of(open_here, "prod")
        using(former, lambda ledger: ledger.observe("orders", [("s-1", "x")], NOW))
        using(former, lambda ledger: scan(ledger, "f-1", 0))
        using(prod, lambda ledger: scan(ledger, "", 300 * DAY))
        assert using(former, lambda ledger: ledger.has_observed("orders"))
        using(prod, lambda ledger: scan(ledger, "", 367 * DAY))
        assert not using(former, lambda ledger: ledger.has_observed("orders"))
        assert using(former, lambda ledger: ledger.known(["f-1"])) == {}


class OtherDatabases:
    """A store that leads to another database than before is another store."""

    def test_nothing_is_resolved_and_the_reader_is_told_once(self, open_here: Open) -> None:
        old, new = of(open_here, "prod", orders="sqlite /a.db"), of(open_here, "prod", orders="sqlite /b.db")

        async def look(ledger: SqlLedger, names: str, at: float) -> tuple[object, ...]:
            ticket = await ledger.begin("cron", after(at), LEASE)
            seen = await ledger.compare(ticket, [finding(name) for name in names.split()], after(at))
            resolved = await ledger.finish(ticket, after(at), ["orders"], lambda found: True)
            return [one.status.value for one in seen.values()], resolved, ticket.before, len(ticket.notes)

        assert using(old, lambda one: look(one, "f-1 f-2", 0)) == (["new", "new"], (), {}, 0)
        assert using(new, lambda one: look(one, "f-3", 60)) == (["new"], (), {}, 1)
        assert using(new, lambda one: look(one, "f-3", 90)) == (["ongoing"], (), {"orders": after(60)}, 0)
        assert using(old, lambda one: look(one, "f-1", 120)) == (["ongoing"], ("f-2",), {"orders": NOW}, 0)
        assert using(new, lambda one: look(one, "", 150)) == ([], ("f-3",), {"orders": after(90)}, 0)

    def test_a_copy_of_a_finding_is_new(self, open_here: Open) -> None:
        old, new = of(open_here, "prod", orders="sqlite /a.db"), of(open_here, "prod", orders="sqlite /b.db")
        using(old, lambda ledger: scan(ledger, "f-1", 0))
        assert using(new, lambda ledger: scan(ledger, "f-1", 60)) == ({"f-1": "new"}, ())

    def test_what_rows_looked_like_is_kept_apart(self, open_here: Open) -> None:
        old, new = of(open_here, "prod", orders="sqlite /a.db"), of(open_here, "prod", orders="sqlite /b.db")
        using(old, lambda ledger: ledger.observe("orders", [("s-1", "x")], NOW))
        using(old, lambda ledger: ledger.judged("orders", ["s-2"]))
        assert not using(new, lambda ledger: ledger.has_observed("orders"))
        seen = using(new, lambda ledger: ledger.observe("orders", [("s-1", "x")], after(60)))
        assert seen["s-1"].first_look
        assert using(new, lambda ledger: ledger.unjudged("orders", ["s-2"])) == ["s-2"]
        assert using(old, lambda ledger: ledger.observe("orders", [("s-1", "x")], after(90)))["s-1"].since == NOW


class Upgrades:
    """Old ledgers open after an upgrade, a newer one is refused."""

    def test_promise_21_an_old_ledger_is_migrated_and_keeps_what_it_knew(
        self, open_here: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        using(open_here, lambda ledger: scan(ledger, "f-1", 0))
        added = (
            "CREATE TABLE sagadoctor_later (id {key} PRIMARY KEY, at {whole}, word {text}, part {real}){clustered}",
        )
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, added))
        assert using(open_here, lambda ledger: scan(ledger, "f-1", 60))[0] == {"f-1": "ongoing"}
        database = connected(open_here)
        assert database.rows("SELECT * FROM sagadoctor_later") == []
        assert schema.version(database) == len(schema.MIGRATIONS)
        database.close()

    def test_promise_21_a_ledger_without_environments_is_that_of_whoever_opens_it_first(self, open_here: Open) -> None:
        database = old_ledger(open_here)
        database.close()
        prod = of(open_here, "prod", orders="sqlite /a.db")
        using(prod, lambda ledger: ledger.has_observed("x"))  # whoever opens it first, whatever for

        async def use(ledger: SqlLedger) -> None:
            assert (await ledger.observe("orders", [("s-1", "x")], after(60)))["s-1"].since == NOW
            assert await ledger.unjudged("orders", ["s-2"]) == []
            assert await ledger.acknowledged([finding("f-1")], NOW) == {"f-1": after(600)}
            assert await ledger.known(["f-1"]) == {"f-1": finding("f-1")}
            ticket = await ledger.begin("cron", after(60), LEASE)
            assert (ticket.number, ticket.before, ticket.notes) == (8, {"orders": NOW}, ())
            assert (await ledger.compare(ticket, [finding("f-1")], after(60)))["f-1"].status is FindingStatus.ONGOING
            assert await ledger.finish(ticket, after(60), ["orders"], lambda found: True) == ("f-2",)

        using(prod, use)
        assert using(of(open_here, "stg"), lambda ledger: scan(ledger, "f-1", 60)) == ({"f-1": "new"}, ())

    def test_promise_21_a_ledger_that_counted_no_attempts_goes_on_and_counts_them(self, open_here: Open) -> None:
        database = ledger_of(open_here, 2)
        with database.transaction():
            at = ticks(NOW)
            observations.record(database, [("default", "orders", "s-1", "x", at, at)])
        database.close()

        async def use(ledger: SqlLedger) -> None:
            assert (await ledger.observe("orders", [("s-1", "x")], after(60)))["s-1"].since == NOW
            assert (await ledger.observe_tries("orders", [tried(2)], after(60)))["s-1"].since == after(60)

        using(open_here, use)

    def test_promise_21_a_newer_ledger_is_refused_and_not_touched(self, open_here: Open) -> None:
        database = connected(open_here)
        with database.transaction():
            database.run("UPDATE sagadoctor_schema SET version = 99")
        with pytest.raises(LedgerTooNew) as caught:
            using(open_here, lambda ledger: ledger.has_observed("orders"))
        text = str(caught.value)
        assert "was written by a newer sagadoctor (version 99, this program knows 3): upgrade sagadoctor" in text
        assert open_here().place in text
        assert schema.version(database) == 99
        database.close()

    def test_a_migration_that_fails_leaves_the_old_ledger(
        self, open_here: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = schema.MIGRATIONS
        using(open_here, lambda ledger: scan(ledger, "f-1", 0))
        monkeypatch.setattr(schema, "MIGRATIONS", (*known, ("CREATE TABLE sagadoctor_later (id {key})", "NO SQL")))
        with pytest.raises(LedgerError, match="does not work"):
            using(open_here, lambda ledger: ledger.has_observed("orders"))
        monkeypatch.setattr(schema, "MIGRATIONS", known)
        assert using(open_here, lambda ledger: scan(ledger, "f-1", 60))[0] == {"f-1": "ongoing"}

    def test_many_may_open_a_new_ledger_at_once(self, open_here: Open) -> None:
        async def run() -> None:
            ledgers = [open_here() for _ in range(6)]
            assert await asyncio.gather(*(one.has_observed("orders") for one in ledgers)) == [False] * 6
            await asyncio.gather(*(one.close() for one in ledgers))

        asyncio.run(run())


class LedgerBehaviour(
    Comparison,
    Forgetting,
    Leases,
    Observing,
    Trying,
    TryingInDatabases,
    Acknowledging,
    OddInput,
    Environments,
    OtherDatabases,
    Upgrades,
):
    """All of it."""

    @pytest.fixture
    def clock(self) -> StillClock:
        """Give the clock of the ledgers that a test opens."""
        return StillClock(NOW)
