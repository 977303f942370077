"""A store of a plugin that isn't our own, as services see it: `sagadoctor.api.ports.Store`, kept at arm's length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import CheckLine, Look, Page, Store
from sagadoctor.errors import BackendError, DeadlineExceeded
from sagadoctor.model.capability import Capability
from sagadoctor.model.saga import Saga
from sagadoctor.model.survey import Survey

from ..guard import GRACE
from .border import Border, Tally
from .household import Household, HouseholdTimeoutError

T = TypeVar("T")
_CLOSE_SECONDS: Final = 1.0
_HALF: Final = GRACE / 2
"""Seconds beyond its deadline after which a plugin is left behind, so that whoever waits for us still waits."""
_MORE: Final = 1_000
_LONGEST: Final = 500
_END: Final = object()
_METHODS: Final = ("now", "read", "ended_ids", "fetch", "find", "children", "survey", "check", "close")


class ForeignStore:
    """Asks the plugin's own store in the plugin's own thread; whatever goes wrong there is a BackendError here."""

    def __init__(self, store: Store, name: str, household: Household) -> None:
        """Keep the plugin's store and the name that the configuration gives it."""
        self._store, self._name, self._household = store, name, household
        self._border = Border(name, household.plugin)
        self._capabilities: frozenset[Capability] = frozenset()

    @property
    def name(self) -> str:
        """Return the configured name, whatever the plugin calls itself."""
        return self._name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what the plugin said last that it can do."""
        return self._capabilities

    async def _ask(self, work: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        """Return what the plugin answers; raises BackendError."""

        async def there() -> tuple[T, frozenset[Capability]]:
            answer = await work()
            return answer, self._border.capabilities(self._store.capabilities)

        try:
            answer, self._capabilities = await self._household.ask(there, seconds)
        except HouseholdTimeoutError:
            raise DeadlineExceeded(
                f"plugin {self._household.plugin} did not end within its time and was left behind",
                hint="raise --timeout, or tell the plugin's author",
            ) from None
        except BackendError as error:
            raise self._told(error) from None
        except Exception as error:
            raise BackendError(failure(self._household.plugin, error)) from error
        return answer

    def _told(self, error: BackendError) -> BackendError:
        """Return an error of the plugin's with texts that are texts, of a length that can be shown."""
        if not isinstance(error.reason, str) or not error.reason or not isinstance(error.hint, str):
            return self._border.wrong(f"{type(error).__name__} without a reason in words")
        error.reason, error.hint, error.source = error.reason[:_LONGEST], error.hint[:_LONGEST], str(error.source)
        return error

    async def now(self, deadline: Deadline) -> datetime:
        """Return the store's own present."""

        async def there() -> datetime:
            return self._border.moment(await self._store.now(deadline))

        return await self._ask(there, _left(deadline))

    async def read(self, look: Look) -> AsyncIterator[Page]:
        """Yield the pages, as many as `look` allows; what was no saga, or came twice, is told after the last."""
        counted = Tally()

        def checked(page: object) -> Page:
            return self._border.page(page, counted)

        async for page in self._each(lambda: self._store.read(look), checked, look):
            yield page
            if counted.live > look.live_cap:
                raise self._border.wrong(f"more than the {look.live_cap:,} live sagas were told that were asked for")
        if counted.wrongs:
            raise self._border.wrong(counted.wrongs)

    async def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of ended rows."""
        async for ids in self._each(lambda: self._store.ended_ids(look), self._border.ids, look):
            yield ids

    async def _each(
        self, begin: Callable[[], AsyncIterator[Any]], checked: Callable[[Any], T], look: Look
    ) -> AsyncIterator[T]:
        """Yield what an iterator of the plugin's yields, each looked at in the plugin's thread."""
        opened: list[AsyncIterator[Any]] = []

        async def there() -> Any:
            if not opened:
                opened.append(begin())
            try:
                told = await anext(opened[0])
            except StopAsyncIteration:
                return _END
            return checked(told)

        clock, given = asyncio.get_running_loop().time, _left(look.deadline)
        ends = None if given is None else clock() + given
        try:
            while (told := await self._ask(there, None if ends is None else ends - clock())) is not _END:
                yield told
        finally:
            await self._let_go(opened)

    async def _let_go(self, opened: list[AsyncIterator[Any]]) -> None:
        async def there() -> None:
            for each in opened:
                close = getattr(each, "aclose", None)
                if close is not None:
                    await close()

        with suppress(BackendError):
            await self._ask(there, _HALF)

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return the rows with these ids."""
        asked = tuple(ids)
        return await self._rows(lambda: self._store.fetch(asked, deadline, detail=detail), 2 * len(asked), deadline)

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        """Return the rows with this business key."""
        return await self._rows(lambda: self._store.find(business_key, deadline), 0, deadline)

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        """Return the live and failed children."""
        asked = tuple(parents)
        return await self._rows(lambda: self._store.children(asked, deadline), 10 * len(asked), deadline)

    async def _rows(self, ask: Callable[[], Awaitable[Any]], expected: int, deadline: Deadline) -> tuple[Saga, ...]:
        async def there() -> tuple[Saga, ...]:
            counted = Tally()
            sagas = tuple(self._border.sagas(await ask(), expected + _MORE, counted))
            if counted.wrongs:
                raise self._border.wrong(counted.wrongs)
            return sagas

        return await self._ask(there, _left(deadline))

    async def survey(self, look: Look) -> Survey:
        """Return the aggregates."""

        async def there() -> Survey:
            return self._border.survey(await self._store.survey(look))

        return await self._ask(there, _left(look.deadline))

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Return what the plugin says of itself."""

        async def there() -> tuple[CheckLine, ...]:
            return self._border.lines(await self._store.check(deadline))

        return await self._ask(there, _left(deadline))

    async def close(self) -> None:
        """Let the plugin let go, within a second."""

        async def there() -> None:
            await self._store.close()

        await self._ask(there, _CLOSE_SECONDS)


def lacking(store: object) -> str:
    """Say what an opened store lacks to be one; empty where it lacks nothing."""
    missing = [name for name in _METHODS if not callable(getattr(type(store), name, None))]
    if not missing:
        return ""
    return f"opened a {type(store).__name__}, which has no {', '.join(missing)}"


def _left(deadline: Deadline) -> float | None:
    remaining = deadline.remaining()
    return None if remaining is None else remaining + _HALF


def failure(plugin: str, error: BaseException) -> str:
    """Say what a plugin raised, however odd that is."""
    try:
        said = str(error)[:_LONGEST]
    except Exception:  # noqa: BLE001 - an error may not even know its own text
        said = ""
    return f"plugin {plugin} failed: {type(error).__name__}" + (f": {said}" if said else "")
