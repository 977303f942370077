"""Every question of the port, asked as a service would."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from sagadoctor.api.v1 import BackendError, Capability, Deadline, Look, Store

_NOT_NEEDED: Final = frozenset(("now", "ended_ids", "check"))
_NEEDS: Final = {
    "find": Capability.BUSINESS_KEYS,
    "survey": Capability.BUSINESS_KEYS,
    "children": Capability.LINKS,
}


async def _now(store: Store, deadline: Deadline, saga_id: str) -> None:
    await store.now(deadline)


async def _read(store: Store, deadline: Deadline, saga_id: str) -> None:
    async for _ in store.read(Look(deadline, all_ended=True)):
        pass


async def _ended_ids(store: Store, deadline: Deadline, saga_id: str) -> None:
    async for _ in store.ended_ids(Look(deadline, all_ended=True)):
        pass


async def _fetch(store: Store, deadline: Deadline, saga_id: str) -> None:
    await store.fetch([saga_id], deadline)


async def _find(store: Store, deadline: Deadline, saga_id: str) -> None:
    await store.find("no such key", deadline)


async def _children(store: Store, deadline: Deadline, saga_id: str) -> None:
    await store.children([saga_id], deadline)


async def _survey(store: Store, deadline: Deadline, saga_id: str) -> None:
    await store.survey(Look(deadline))


async def _check(store: Store, deadline: Deadline, saga_id: str) -> None:
    await store.check(deadline)


QUESTIONS: Final[dict[str, Callable[[Store, Deadline, str], Coroutine[Any, Any, None]]]] = {
    "now": _now,
    "read": _read,
    "ended_ids": _ended_ids,
    "fetch": _fetch,
    "find": _find,
    "children": _children,
    "survey": _survey,
    "check": _check,
}


async def refusal(store: Store, name: str, deadline: Deadline, saga_id: str) -> BackendError | None:
    """Ask, for this saga where one is asked for; return the error with which the store refused, None for an answer."""
    try:
        await QUESTIONS[name](store, deadline, saga_id)
    except BackendError as error:
        assert error.reason, f"{name}() failed and gave no reason"  # noqa: PT017 - any store error is right here
        return error
    except Exception as error:
        raise AssertionError(f"{name}() raised {type(error).__name__}, not a BackendError: {error}") from error
    return None


def may_answer(store: Store, name: str) -> bool:
    """Say whether a store may answer without its backend: about that backend, or where there is nothing to ask."""
    return name in _NOT_NEEDED or (name in _NEEDS and _NEEDS[name] not in store.capabilities)
