"""The suite fails on broken stores: each breaks one promise, and the tests of that promise say so."""

from __future__ import annotations

import asyncio
import time
import unittest
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from sagadoctor.api.v1 import Capability, Deadline, Look, Page, Saga, SagaState, SharedKey, Survey
from sagadoctor.testing.memory import MemoryStore
from sagadoctor.testing.promises import manners
from sagadoctor.testing.store_suite import StoreSuite

from .test_memory_store import InMemory, sourced

BERLIN = timezone(timedelta(hours=1))
replace = msgspec.structs.replace


class Retelling(MemoryStore):
    """Tells each saga otherwise than it was written."""

    def otherwise(self, saga: Saga) -> Saga | None:
        return saga

    def _told(self, *, detail: bool = False) -> Any:
        return (told for saga in super()._told(detail=detail) if (told := self.otherwise(saga)) is not None)


class DropsAtBorders(MemoryStore):
    async def read(self, look: Look) -> AsyncGenerator[Page, None]:
        begin = 0
        async for page in super().read(look):
            yield Page(page.sagas[begin:], page.truncated, page.notes)
            begin = 1


class RepeatsAtBorders(MemoryStore):
    async def read(self, look: Look) -> AsyncGenerator[Page, None]:
        last: tuple[Saga, ...] = ()
        async for page in super().read(look):
            yield Page((*last, *page.sagas), page.truncated, page.notes)
            last = tuple(page.sagas[-1:])


class OnePage(MemoryStore):
    async def read(self, look: Look) -> AsyncGenerator[Page, None]:
        pages = [page async for page in super().read(look)]
        yield Page([saga for page in pages for saga in page.sagas], any(page.truncated for page in pages))


class NaiveTimes(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, updated_at=saga.updated_at and saga.updated_at.replace(tzinfo=None))


class ForeignTimes(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, created_at=saga.created_at and saga.created_at.astimezone(BERLIN))


class LocalPresent(MemoryStore):
    async def now(self, deadline: Deadline) -> datetime:
        return (await super().now(deadline)).astimezone(BERLIN)


class StepsInAList(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, steps=saga.steps and list(saga.steps))


class NumberAsId(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, version=saga.version and int(saga.version))


class OtherName(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, store="store")


class SwallowsUnknownWords(Retelling):
    def otherwise(self, saga: Saga) -> Saga | None:
        return None if saga.state is SagaState.UNKNOWN else saga


class GuessesUnknownWords(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, state=SagaState.FAILED) if saga.state is SagaState.UNKNOWN else saga


class ForgetsTheWord(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, raw_state=saga.state.value)


class CutsTexts(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, error=saga.error and saga.error.strip().splitlines()[0])


class LosesResults(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, steps=saga.steps and tuple(replace(step, result=None) for step in saga.steps))


class AlwaysWithPayload(MemoryStore):
    def _told(self, *, detail: bool = False) -> Any:
        return super()._told(detail=True)


class ClaimsPayload(MemoryStore):
    def _told(self, *, detail: bool = False) -> Any:
        return super()._told(detail=False)


class WritesAllowed(MemoryStore):
    async def write(self, saga: Saga) -> None:
        self.sagas = [*self.sagas, saga]  # type: ignore[misc]


class WritesLost(MemoryStore):
    async def write(self, saga: Saga) -> None:
        pass


class ThreeConnections(MemoryStore):
    allowed_connections = 3


class KeepsAConnection(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        try:
            return await super().fetch(ids, deadline, detail=detail)
        except asyncio.CancelledError:
            self.connections += 1
            raise


class IgnoresDeadline(MemoryStore):
    """Its backend never answers, and it goes on waiting."""

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        if self.faults:
            await asyncio.sleep(3)
        return await super().find(business_key, deadline)


class BlocksTheLoop(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        if self.faults:
            await asyncio.to_thread(time.sleep, 3)
        return await super().fetch(ids, deadline, detail=detail)


class RaisesAnything(MemoryStore):
    async def survey(self, look: Look) -> Survey:
        try:
            return await super().survey(look)
        except Exception as error:
            raise OSError("connection refused") from error


class OneSpelling(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        found = await super().fetch(ids, deadline, detail=detail)
        return tuple(saga for saga in found if saga.saga_id in ids)


class TellsTwice(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        return tuple([saga for each in ids for saga in await super(TellsTwice, self).fetch([each], deadline)])


class FoldsCase(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        folded = {each.casefold().strip() for each in ids}
        return tuple(saga for saga in self._told(detail=detail) if saga.saga_id.casefold().strip() in folded)


class ChokesOnNul(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        if any("\x00" in each for each in ids):
            raise ValueError("a text can't hold NUL")
        return await super().fetch(ids, deadline, detail=detail)


class FindsAll(MemoryStore):
    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        return tuple(saga for saga in self._told() if saga.business_key == business_key)


class TellsAllChildren(MemoryStore):
    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        return tuple(saga for saga in self._told() if saga.parent_id in parents)


class LosesFailedChildren(MemoryStore):
    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        return tuple(saga for saga in await super().children(parents, deadline) if saga.is_live)


class OneStatementOfChildren(MemoryStore):
    """Asks for as many parents as one statement takes, and forgets the rest."""

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        return await super().children(parents[:500], deadline)


class YoungestChildren(MemoryStore):
    def _kept_children(self, sagas: list[Saga]) -> list[Saga]:
        return sorted(sagas, key=lambda saga: str(saga.updated_at))[-10:]


class EveryonesChildren(MemoryStore):
    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        everyone = [saga.parent_id for saga in self._told() if saga.parent_id is not None]
        return await super().children(everyone if parents else [], deadline)


class CountsEnded(MemoryStore):
    def _shared(self, look: Look) -> tuple[SharedKey, ...]:
        kept, self.sagas = self.sagas, [replace(saga, state=SagaState.PENDING) for saga in self.sagas]  # type: ignore[union-attr]
        try:
            return super()._shared(look)
        finally:
            self.sagas = kept


class SilentlyCapped(MemoryStore):
    async def read(self, look: Look) -> AsyncGenerator[Page, None]:
        async for page in super().read(look):
            yield Page(page.sagas)


class NewestFirst(MemoryStore):
    def _chosen(self, look: Look) -> Any:
        rows, truncated = super()._chosen(Look(look.deadline, live_cap=10**6))
        newest = sorted(rows, key=lambda saga: str(saga.updated_at), reverse=True)
        return iter(newest[: look.live_cap]), truncated or len(newest) > look.live_cap


class WindowTooSmall(MemoryStore):
    async def read(self, look: Look) -> AsyncGenerator[Page, None]:
        since = look.ended_since + timedelta(microseconds=1) if look.ended_since is not None else None
        async for page in super().read(Look(look.deadline, since, look.all_ended, look.saga_types, look.live_cap)):
            yield page


class AnyType(MemoryStore):
    def _is_wanted(self, saga: Saga, look: Look) -> bool:
        return True


class ClosesOnce(MemoryStore):
    async def close(self) -> None:
        await super().close()
        if self.closed > 1:
            raise RuntimeError("closed already")


class ForgetsIds(MemoryStore):
    async def ended_ids(self, look: Look) -> AsyncGenerator[Sequence[str], None]:
        async for ids in super().ended_ids(look):
            yield ids[1:]


class ClaimsTimes(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        untimed = {"started_at": None, "executed_at": None, "compensated_at": None}
        steps = saga.steps and tuple(replace(step, **untimed) for step in saga.steps)
        return replace(saga, updated_at=None, ended_at=None, steps=steps)


class EveryonesReplies(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        every = [reply for each in self.sagas for reply in each.replies]  # type: ignore[union-attr]
        return replace(saga, replies=tuple(every) if saga.is_live else ())


class NeverTaken(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, replies=tuple(replace(reply, taken=False) for reply in saga.replies))


class LosesReceipts(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, received=saga.received if saga.replies else ())


class HolderAsItIsKept(Retelling):
    """Tells the holder's id in another form than that of the saga itself."""

    def otherwise(self, saga: Saga) -> Saga:
        waits = (replace(each, holder_id=each.holder_id and f"saga:{each.holder_id}") for each in saga.waits_on)
        return replace(saga, waits_on=tuple(waits))


class FreeLocksAreNoWaits(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, waits_on=tuple(each for each in saga.waits_on if each.holder_id))


class TellsOfEnded(MemoryStore):
    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        kept = {saga.saga_id: saga for saga in self.sagas}  # type: ignore[union-attr]
        found = await super().fetch(ids, deadline, detail=detail)
        return tuple(replace(saga, replies=kept[saga.saga_id].replies) for saga in found)


class ClaimsLocks(Retelling):
    def otherwise(self, saga: Saga) -> Saga:
        return replace(saga, waits_on=())


class ClaimsNoReplies(MemoryStore):
    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities - {Capability.REPLIES}


class ClaimsLate(MemoryStore):
    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities if not self.calls else frozenset((Capability.STEPS,))


class ClaimsAfterReading(MemoryStore):
    @property
    def capabilities(self) -> frozenset[Capability]:
        return super().capabilities if "read" in self.calls else frozenset((Capability.ENDED,))


CAUGHT: dict[type[MemoryStore], tuple[str, ...]] = {
    DropsAtBorders: (
        "test_more_rows_than_a_page_are_read_once_each",
        "test_rows_of_one_time_are_read_once_each",
        "test_rows_without_a_time_are_read_once_each",
        "test_live_and_ended_rows_come_once_each_over_many_pages",
    ),
    RepeatsAtBorders: ("test_more_rows_than_a_page_are_read_once_each",),
    OnePage: ("test_more_rows_than_a_page_are_read_once_each",),
    NaiveTimes: ("test_a_saga_comes_back_as_it_was_written",),
    ForeignTimes: ("test_a_saga_comes_back_as_it_was_written",),
    LocalPresent: ("test_the_store_knows_its_name_and_the_time",),
    StepsInAList: ("test_a_saga_comes_back_as_it_was_written",),
    NumberAsId: ("test_a_saga_comes_back_as_it_was_written",),
    OtherName: ("test_every_live_saga_is_read_exactly_once_whatever_its_age",),
    SwallowsUnknownWords: ("test_a_state_that_nobody_mapped_is_told_raw",),
    GuessesUnknownWords: ("test_a_state_that_nobody_mapped_is_told_raw",),
    ForgetsTheWord: ("test_a_saga_comes_back_as_it_was_written", "test_a_state_that_nobody_mapped_is_told_raw"),
    CutsTexts: ("test_odd_texts_come_back_as_they_were",),
    LosesResults: ("test_a_saga_comes_back_as_it_was_written",),
    AlwaysWithPayload: ("test_only_a_detail_view_has_the_payload",),
    ClaimsPayload: ("test_only_a_detail_view_has_the_payload", "test_a_capability_that_is_claimed_can_be_had"),
    WritesAllowed: ("test_nothing_can_be_written_over_the_stores_connection",),
    WritesLost: ("test_nothing_can_be_written_over_the_stores_connection",),
    ThreeConnections: ("test_never_more_than_two_connections", "test_whoever_gives_up_waiting_is_let_go_at_once"),
    KeepsAConnection: ("test_never_more_than_two_connections",),
    IgnoresDeadline: ("test_a_backend_that_hangs_is_left_by_the_deadline",),
    BlocksTheLoop: ("test_a_backend_that_hangs_is_left_by_the_deadline",),
    RaisesAnything: (
        "test_a_broken_backend_raises_nothing_but_backend_errors",
        "test_a_backend_that_hangs_is_left_by_the_deadline",
    ),
    OneSpelling: ("test_an_id_is_found_however_it_is_spelt",),
    TellsTwice: ("test_many_ids_are_fetched_at_once_each_row_once",),
    FoldsCase: ("test_a_hostile_id_is_one_rows_id_and_nothing_more",),
    ChokesOnNul: ("test_an_id_of_nobody_finds_nobody_and_hinders_nobody",),
    FindsAll: ("test_sagas_are_found_by_business_key",),
    TellsAllChildren: (
        "test_children_are_found_by_their_parents",
        "test_of_very_many_children_those_are_told_that_stood_still_longest",
    ),
    LosesFailedChildren: ("test_children_are_found_by_their_parents",),
    OneStatementOfChildren: ("test_children_are_found_by_their_parents",),
    YoungestChildren: ("test_of_very_many_children_those_are_told_that_stood_still_longest",),
    EveryonesChildren: ("test_children_are_found_by_their_parents",),
    CountsEnded: ("test_a_survey_tells_the_keys_that_live_sagas_of_a_type_share",),
    SilentlyCapped: ("test_above_the_cap_the_oldest_are_read_and_it_is_said",),
    NewestFirst: ("test_above_the_cap_the_oldest_are_read_and_it_is_said",),
    WindowTooSmall: ("test_ended_sagas_are_read_from_the_moment_asked_for",),
    AnyType: (
        "test_only_the_types_asked_for_are_read",
        "test_a_survey_tells_the_keys_that_live_sagas_of_a_type_share",
    ),
    ClosesOnce: ("test_closing_twice_or_unused_is_fine",),
    ForgetsIds: ("test_a_store_without_times_tells_the_ids_of_ended_sagas",),
    ClaimsTimes: ("test_a_capability_that_is_claimed_can_be_had",),
    EveryonesReplies: ("test_each_saga_has_the_replies_to_its_own_commands",),
    NeverTaken: ("test_each_saga_has_the_replies_to_its_own_commands",),
    LosesReceipts: ("test_each_saga_has_the_receipts_of_its_own_commands",),
    HolderAsItIsKept: ("test_locks_are_told_of_who_waits_with_the_saga_that_holds_them",),
    FreeLocksAreNoWaits: ("test_locks_are_told_of_who_waits_with_the_saga_that_holds_them",),
    TellsOfEnded: ("test_of_ended_sagas_nothing_around_them_is_told",),
    ClaimsLocks: ("test_a_capability_that_is_claimed_can_be_had",),
    ClaimsNoReplies: ("test_what_is_told_around_sagas_is_claimed",),
    ClaimsLate: ("test_a_capability_that_is_claimed_can_be_had",),
    ClaimsAfterReading: ("test_what_it_can_do_is_known_once_it_was_asked_for_the_time",),
}


def suite_of(store: type[MemoryStore]) -> StoreSuite:
    """Return the suite over broken stores; ids are UUIDs where their spelling is tested."""

    class Broken(InMemory):
        many = 120
        patience = 0.5 if store in (IgnoresDeadline, BlocksTheLoop) else 10.0

        def make(self, sagas: Sequence[Saga]) -> MemoryStore:
            hidden = {Capability.TIMES} if store is ForgetsIds else set()
            return store("memory", sourced(sagas), capabilities=self.capabilities - hidden, page_size=50)

        def saga_id(self, number: int) -> str:
            if store is OneSpelling:
                return f"0198a0c2-{number * 7919 % 10_007:04x}-7abc-8def-0123456789ab"
            return super().saga_id(number)

    return Broken()


def fails(suite: StoreSuite, test: str) -> bool:
    try:
        getattr(suite, test)()
    except unittest.SkipTest as skipped:
        pytest.fail(f"{test} was skipped: {skipped}")
    except Exception:  # noqa: BLE001 - a test fails however it fails
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("store", "test"),
    [(store, test) for store, tests in CAUGHT.items() for test in tests],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.removeprefix("test_")[:40],
)
def test_a_broken_store_fails(store: type[MemoryStore], test: str) -> None:
    assert fails(suite_of(store), test)


def test_the_same_suite_passes_on_a_store_that_keeps_its_promises() -> None:
    tests = {test for tests in CAUGHT.values() for test in tests} - {
        "test_a_store_without_times_tells_the_ids_of_ended_sagas"
    }
    assert [test for test in sorted(tests) if fails(suite_of(MemoryStore), test)] == []


def test_every_promise_has_a_broken_store_or_a_reason_for_none() -> None:
    unbroken = {
        "test_an_ended_saga_that_tells_only_when_it_began_is_read_by_that": "as for those that tell when they changed",
        "test_all_ended_sagas_are_read_when_all_are_asked_for": "as for each state that is read back",
        "test_every_status_of_a_step_comes_back": "as for each field that is read back",
        "test_what_isnt_known_stays_unknown": "as for each field that is read back",
        "test_exactly_as_many_rows_as_the_cap_are_all": "the other side of the cap",
        "test_an_empty_store_has_no_rows": "nothing to break",
        "test_a_reader_may_leave_after_the_first_page": "needs a connection that a reader can hold",
        "test_a_check_of_a_healthy_backend_finds_no_failure": "says itself what is wrong",
        "test_a_deadline_that_is_over_lets_nothing_begin": "as for a backend that hangs",
        "test_after_a_hang_the_store_can_be_asked_again": "needs a connection that can break",
    }
    promises = {name for name in dir(StoreSuite) if name.startswith("test_")}
    caught = {test for tests in CAUGHT.values() for test in tests}
    assert promises - caught == set(unbroken)


def test_the_number_of_connections_is_the_contracts() -> None:
    assert manners.MOST_CONNECTIONS == 2
