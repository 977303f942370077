"""A table against its model: with the model's own leniency, and once more without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from .explain import Told, explain, is_number, place_of
from .keys import follow
from .sections import SagaSection, StepSection

Kind = TypeVar("Kind", bound=BaseModel)


def validated(given: object, model: type[Kind]) -> tuple[Kind | None, list[Told]]:
    """Return the model's instance, or None, and every mistake; `"10"` is no number and 1 no boolean.

    A plugin's model may be lenient about that; the file is not, so that a typing mistake never passes for a value.
    """
    instance, told = None, []
    try:
        instance = model.model_validate(given)
    except ValidationError as error:
        told = explain(error.errors(include_url=False), given, model)
    places = {place for place, _ in told}
    try:
        model.model_validate(given, strict=True)
    except ValidationError as error:
        details = [detail for detail in error.errors(include_url=False) if _taken_for_another(detail, given)]
        told += [entry for entry in explain(details, given, model) if entry[0] not in places]
    return (None if told else instance), told


def _taken_for_another(detail: Mapping[str, Any], given: object) -> bool:
    """Say whether a strict error is about a text for a number, or anything else for a boolean."""
    _, value = follow(given, place_of(detail["loc"], given, "")[0])
    if detail["type"] in ("int_type", "float_type"):
        return isinstance(value, str) and is_number(value)
    return detail["type"] == "bool_type" and isinstance(value, str | int | float)


def salvaged(said: Mapping[str, Any]) -> tuple[SagaSection | None, bool]:
    """Return what can be read of a saga's section that has mistakes, and whether a step's name is not among it.

    Keys with a mistake are left out; a step keeps its place, and one without a readable name is called by it.
    """
    given = said.get("steps")
    if not isinstance(given, list):
        return None, False
    steps: list[dict[str, Any]] = []
    nameless = False
    for place, entry in enumerate(given):
        step = dict(entry) if isinstance(entry, Mapping) else {}
        _, told = validated(step, StepSection)
        for path, _ in told:
            step.pop(str(path[0]), None)
        nameless |= "name" not in step
        steps.append({"name": f"steps[{place}]", **step})
    section, _ = validated({"steps": steps}, SagaSection)
    return section, nameless
