"""Comparing what a store tells with what was written: types, each row once, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from sagadoctor.api.typed import mistyped
from sagadoctor.api.v1 import Capability, Page, Saga, Store

MOST_IN_A_PAGE: Final = 10_000
_UNCOMPARED: Final = frozenset(("source", "derived"))
AROUND: Final = ("outbox", "received", "replies", "waits_on")
"""What lies around a saga: lists of facts with a source of their own."""
_JSON: Final = frozenset(("payload", "result"))


def checked_page(page: object, store: str) -> None:
    """Refuse what isn't a page of sagas of this store."""
    assert isinstance(page, Page), f"read() yielded a {type(page).__name__}, not a Page"
    assert type(page.truncated) is bool, f"Page.truncated is a {type(page.truncated).__name__}"
    assert type(page.notes) is tuple, f"Page.notes is a {type(page.notes).__name__}"
    assert len(page.sagas) <= MOST_IN_A_PAGE, f"a page holds {len(page.sagas)} rows: memory can't stay flat"
    checked(page.sagas, store)


def checked(sagas: Iterable[object], store: str) -> None:
    """Refuse what isn't a saga of this store, or holds anything that the types don't allow."""
    for saga in sagas:
        wrong = next(mistyped(saga, Saga, "saga"), None)
        assert wrong is None, wrong
        assert isinstance(saga, Saga)
        assert saga.store == store, f"the saga's store is {saga.store!r}, the configured name is {store!r}"
        assert saga.source, "a saga says its source, the place to name in evidence"


def kept(sagas: Iterable[Saga], store: Store) -> list[Saga]:
    """Return the sagas that a store can tell of: one without the capability for ended ones tells live ones."""
    return [saga for saga in sagas if saga.is_live or Capability.ENDED in store.capabilities]


def ids_of(sagas: Iterable[Saga]) -> list[str]:
    """Return the sagas' ids in their order."""
    return [saga.saga_id for saga in sagas]


def assert_each_once(told: Sequence[Saga], written: Iterable[Saga]) -> None:
    """Refuse rows that are missing, that nobody asked for, or that come twice."""
    got, wanted = ids_of(told), set(ids_of(written))
    missing, surplus = sorted(wanted - set(got))[:5], sorted(set(got) - wanted)[:5]
    assert not missing, f"{len(wanted - set(got))} of {len(wanted)} rows were not read, such as {missing}"
    assert not surplus, f"{len(set(got) - wanted)} rows were read that nobody asked for, such as {surplus}"
    assert len(got) == len(set(got)), f"{len(got) - len(set(got))} rows were read twice"


def differences(expected: Saga, told: Saga, *, detail: bool = False) -> list[str]:
    """Return where two sagas differ, in words; JSON is compared by its meaning."""
    if not detail:
        expected = msgspec.structs.replace(expected, payload=None)
    listed = ("steps", *AROUND)
    said = [each for each in _fields(expected, told, "") if each.partition(":")[0] not in listed]
    for name in listed:
        said += _lists(getattr(expected, name), getattr(told, name), name)
    return said


def _lists(expected: Sequence[msgspec.Struct] | None, told: Sequence[msgspec.Struct] | None, name: str) -> list[str]:
    if expected is None or told is None or len(expected) != len(told):
        return [] if expected == told else [f"{name}: written {expected!r}, told {told!r}"]
    pairs = enumerate(zip(expected, told, strict=True))
    return [said for number, (one, other) in pairs for said in _fields(one, other, f"{name}[{number}].")]


def _fields(expected: msgspec.Struct, told: msgspec.Struct, before: str) -> list[str]:
    said: list[str] = []
    for name in expected.__struct_fields__:
        one, other = getattr(expected, name), getattr(told, name)
        if name in _JSON:
            one, other = _meaning(one), _meaning(other)
        if name not in _UNCOMPARED and one != other:
            said.append(f"{before}{name}: written {one!r}, told {other!r}")
    return said


def _meaning(document: bytes | None) -> object:
    try:
        return None if document is None else json.loads(document)
    except ValueError:
        return document
