"""What no table holds: the kinds of sagas, and the names, undos and timeouts of their steps, as sections of [sagas]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from sagadoctor.api.v1.proposing import Section, Setting

from .names import is_mappable, singular, tokens
from .sagas import SagaTable
from .steps import Occurrence, Steps

MOST_TYPES: Final = 8
MOST_STEPS: Final = 100


def type_setting(saga: SagaTable) -> Setting:
    """Return what tells the kind of a saga: a column, else one name for them all."""
    column = saga.roles.get("type")
    if column is not None:
        return Setting("type", column.name)
    named = "_".join(singular(word) for word in tokens(saga.seen.name)) or "saga"
    return Setting("type", {"const": named}, ("no column names the kind of saga; call it as you like",))


def step_sections(saga: SagaTable, steps: Steps | None, todo: list[str]) -> tuple[Section, ...]:
    """Return sections for what no table holds: names, undos and timeouts of steps; commented where nothing was seen."""
    if steps is None or steps.compensable:
        return ()
    by_type = _by_type(saga, steps)
    if steps.needs_names or not by_type:
        types = _types(saga) or ["TYPE"]
        todo.append(f"name the steps of {', '.join(types)} in [sagas.…], with what undoes each: the tables don't")
        why = "TODO: the names of the steps in their order, and what undoes each; no table holds them."
        listed = [{"name": "…", "compensation": "…"}]
        return tuple(_sagas_section(name, listed, (why,) if name == types[0] else (), said=False) for name in types)
    goes_back = saga.state is not None and saga.state.goes_back
    return tuple(_undos(name, met, todo, goes_back=goes_back) for name, met in by_type.items())


def _undos(name: str, met: Sequence[Occurrence], todo: list[str], *, goes_back: bool) -> Section:
    """Return the section of one type; where sagas go back, each step is taken to have an undo until denied."""
    names = list(dict.fromkeys(each.name for each in met))
    undone = [each for each in names if Occurrence(each, is_undone=True) in met]
    rest = [each for each in names if each not in undone]
    if not undone and not goes_back:
        listed = [{"name": each, "compensation": "…"} for each in names]
        todo.append(f"say what undoes the steps of {name}: none was seen undone, so none counts as compensable")
        why = "TODO: what undoes each of these steps? One without a compensation counts as not compensable."
        return _sagas_section(name, listed, (why,), said=False)
    lines = [f"seen being undone: {', '.join(undone) or 'none'}; put the names of the real undos there"]
    if rest:
        lines.append(
            f"TODO: is there an undo of {', '.join(rest)}? None was seen, and one is taken for granted: for a step "
            "that has none, say compensable = false in its place."
        )
        todo.append(
            f"say which of {', '.join(rest)} ({name}) have no undo: each is taken to have one, and none was seen"
        )
    lines.append('A step may also say how long it may take, timeout = "2m"; what may be left out is optional = true.')
    listed = [{"name": each, "compensation": f"undo of {each}"} for each in names]
    return _sagas_section(name, listed, tuple(lines), said=True)


def _sagas_section(name: str, listed: list[dict[str, str]], why: tuple[str, ...], *, said: bool) -> Section:
    return Section(("sagas", name), (Setting("steps", listed),), why, said=said, outside=True)


def _types(saga: SagaTable) -> list[str]:
    """Return the types of sagas that were seen; where no column tells them, the one that the draft gives them all."""
    kind = saga.roles.get("type")
    if kind is not None:
        return [word for word in kind.counted if _is_type(word)][:MOST_TYPES]
    return [str(type_setting(saga).value["const"])]


def _by_type(saga: SagaTable, steps: Steps) -> dict[str, list[Occurrence]]:
    """Return the steps that were met by the type of their saga, where that can be told."""
    kind = saga.roles.get("type")
    met = [each for each in steps.met if is_mappable(each.name)]
    types = _types(saga)
    if len(types) == 1:
        return {types[0]: list(dict.fromkeys(replace(each, owner=None) for each in met))[:MOST_STEPS]} if met else {}
    owners = saga.seen.get(steps.parent)
    if kind is None or owners is None:
        return {}
    type_of = dict(zip(owners.cells, kind.cells, strict=False))
    found: dict[str, list[Occurrence]] = {}
    for each in met:
        name = type_of.get(each.owner)
        if name in types and name is not None:
            found.setdefault(name, []).append(replace(each, owner=None))
    return {name: list(dict.fromkeys(met))[:MOST_STEPS] for name, met in found.items()}


def _is_type(word: str) -> bool:
    return bool(word.strip()) and word.isprintable() and len(word) <= 100
