"""What types can't say: how keys of the file fit each other, and what must not stand in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from sagadoctor.model.policy import SagaPolicy, StepDefinition

from .explain import Told, names_a_secret
from .keys import Path, did_you_mean
from .sections import LATER, SagaSection

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PASSWORD_IN_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]*:[^\s/?#]*@")
_ADDRESSES: Final = (("stores", "*", "url"), ("ledger", "url"))
_ELSEWHERE: Final = 'password = { env = "NAME" }'


def walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield every key of a table with its value, at any depth, tables and lists before what is in them."""
    entries: Iterator[tuple[str | int, object]]
    if isinstance(value, Mapping):
        entries = iter(value.items())
    elif isinstance(value, list):
        entries = iter(enumerate(value))
    else:
        return
    for part, inner in entries:
        yield (*path, part), inner
        yield from walk(inner, (*path, part))


def later(table: Mapping[str, Any]) -> list[Path]:
    """Return the keys that are there and that only a later version knows."""
    return [path for path, _ in walk(table) if any(_fits(path, pattern) for pattern in LATER)]


def _fits(path: Path, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(want in ("*", part) for part, want in zip(path, pattern, strict=True))


def without(table: Any, paths: list[Path], here: Path = ()) -> Any:
    """Return a copy of a table without these keys."""
    if isinstance(table, Mapping):
        return {key: without(inner, paths, (*here, key)) for key, inner in table.items() if (*here, key) not in paths}
    if isinstance(table, list):
        return [without(inner, paths, (*here, place)) for place, inner in enumerate(table)]
    return table


def addresses(table: Mapping[str, Any]) -> list[Told]:
    """Return what is wrong with addresses anywhere in the file: a password inside, or no scheme."""
    told: list[Told] = []
    for path, value in walk(table):
        if not isinstance(value, str) or path[0] == "links":
            continue
        if has_password(value):
            told.append((path, f"a password in a URL: take it out and say {_ELSEWHERE}"))
        elif any(_fits(path, pattern) for pattern in _ADDRESSES) and not _SCHEME.match(value):
            told.append((path, 'a URL starts with a scheme, such as "postgresql+psycopg://" or "sqlite:///"'))
    return told


def has_password(value: str) -> bool:
    """Say whether a URL holds a password, before its host or behind it."""
    if "://" not in value:
        return False
    if _PASSWORD_IN_URL.match(value):
        return True
    try:
        query = urlsplit(value).query
    except ValueError:
        return False
    return any(names_a_secret(name) and inner for name, inner in parse_qsl(query))


def literal_secrets(table: Mapping[str, Any]) -> list[Told]:
    """Return the keys beside a URL that are named like a secret and hold a text instead of a place.

    Elsewhere such a name is the name of a column, and the text beside it another.
    """
    return [
        ((*path, key), "a secret is never written into the file")
        for path, inner in walk(table)
        if isinstance(inner, Mapping) and ("url" in inner or _fits(path, ("stores", "*")))
        for key, value in inner.items()
        if names_a_secret(key) and isinstance(value, str)
    ]


def steps(saga_type: str, saga: SagaSection) -> tuple[list[Told], list[Told]]:
    """Return what is wrong and what is doubtful with the steps of one saga type."""
    wrong: list[Told] = []
    doubtful: list[Told] = []
    first: dict[str, int] = {}
    names = [step.name for step in saga.steps]
    pivots = [step.name for step in saga.steps if step.pivot and step.alternative_of is None]
    final = _irreversible(saga)
    for place, step in enumerate(saga.steps):
        at = _at(saga_type, place)
        if step.name in first:
            wrong.append((at("name"), f"`{step.name}` is also the name of steps[{first[step.name]}]; names are unique"))
        first.setdefault(step.name, place)
        if step.alternative_of is not None:
            other = next((one for one in saga.steps if one.name == step.alternative_of), None)
            if step.alternative_of == step.name:
                wrong.append((at("alternative_of"), "a step can't be an alternative of itself"))
            elif other is None:
                hint = did_you_mean(step.alternative_of, set(names) - {step.name}, listed="the steps are")
                wrong.append((at("alternative_of"), f"no step `{step.alternative_of}`{hint}"))
            elif other.alternative_of is not None:
                text = f"`{other.name}` is itself an alternative; name `{other.alternative_of}`, the first of them"
                wrong.append((at("alternative_of"), text))
        if step.pivot and step.alternative_of is None and step.name != pivots[0]:
            wrong.append((at("pivot"), f"`{pivots[0]}` is the pivot already; there is one step of no return"))
        if step.pivot and step.compensable:
            wrong.append((at("compensable"), "the pivot is the step of no return: it can't be compensable"))
        elif step.compensable is False and step.compensation is not None:
            doubtful.append((at("compensation"), "not used: the step is not compensable"))
        elif step.pivot and step.compensation is not None:
            doubtful.append((at("compensation"), "not used: the pivot is the step of no return, and is never undone"))
        elif step.name in final and (step.compensable or step.compensation is not None):
            key = "compensation" if step.compensation is not None else "compensable"
            first_pivot = pivots[0] if pivots else next(one.name for one in saga.steps if one.pivot)
            doubtful.append((at(key), f"not used: after the pivot `{first_pivot}` a saga only goes forward"))
        if step.waits_for is not None and step.timeout is not None:
            doubtful.append((at("timeout"), "not used: a step that waits has a `max_wait` instead"))
    return wrong, doubtful


def _irreversible(saga: SagaSection) -> frozenset[str]:
    """Return the steps that are never undone, as the diagnosis will see it."""
    defined = tuple(StepDefinition(one.name, pivot=one.pivot, alternative_of=one.alternative_of) for one in saga.steps)
    return SagaPolicy(steps=defined, parallel=saga.parallel).irreversible


def _at(saga_type: str, place: int) -> Callable[[str], Path]:
    return lambda key: ("sagas", saga_type, "steps", place, key)
