"""What a validator found, in words for the person who wrote the file, at the key that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from pydantic import BaseModel

from sagadoctor.redaction import mask_url
from sagadoctor.untrusted import is_inert, shown

from .keys import Path, did_you_mean, follow
from .models import is_secret, key_names

_WANTED: Final = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list in brackets",
    "tuple_type": "a list in brackets",
    "set_type": "a list in brackets",
    "frozen_set_type": "a list in brackets",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dataclass_type": "a table",
    "none_required": "nothing",
}
_SECRET_KEY: Final = re.compile(r"(?i)(?:.*[_-])?(?:password|passwd|pwd|secret|token|api[_-]?key|authorization)\Z")
Told = tuple[Path, str]
"""A message, and the key that it is about."""
Detail = tuple[Path, Mapping[str, Any]]


def names_a_secret(key: object) -> bool:
    """Say whether a key of this name would hold a secret."""
    return isinstance(key, str) and _SECRET_KEY.match(key) is not None


def explain(details: Sequence[Mapping[str, Any]], given: object, model: type[BaseModel]) -> list[Told]:
    """Return (path below `given`, message) for every mistake that a person made, from a validator's errors.

    A value that fits no member of a union yields an error for each member; only what fits best is told.
    """
    by_place: dict[Path, list[Detail]] = {}
    for detail in details:
        place, union = place_of(detail["loc"], given, detail["type"])
        by_place.setdefault(union, []).append((place, detail))
    told: dict[Path, str] = {}
    for union, several in by_place.items():
        for place, message in _best(union, several, given, model):
            told.setdefault(place, message)
    return sorted(told.items(), key=lambda entry: [str(part) for part in entry[0]])


def place_of(loc: Iterable[str | int], given: object, kind: str) -> tuple[Path, Path]:
    """Return the path in the file that `loc` means, and the path where a union began, else the first again.

    A location also names members of unions and validators; those aren't keys of the file and are left out.
    """
    path: Path = ()
    union: Path | None = None
    parts = list(loc)
    for number, part in enumerate(parts):
        there, _ = follow(given, (*path, part))
        if there or (number == len(parts) - 1 and kind in ("missing", "extra_forbidden")):
            path = (*path, part)
        elif part == "[key]":
            break
        elif union is None:
            union = path
    return path, path if union is None else union


def _best(union: Path, details: list[Detail], given: object, model: type[BaseModel]) -> list[Told]:
    types_wanted = [d for d in details if d[0] == union and d[1]["type"] in _WANTED]
    others = [d for d in details if d not in types_wanted]
    if types_wanted and not others:
        wanted = list(dict.fromkeys(_WANTED[detail["type"]] for _, detail in types_wanted))
        return [(union, _wrong_type(" or ".join(wanted), follow(given, union)[1], union, model))]
    branches: dict[str, list[Detail]] = {}
    for place, detail in others:
        branches.setdefault(_branch(detail["loc"], union), []).append((place, detail))
    chosen = min(branches.values(), key=len)
    return [(place, _message(place, detail, given, model)) for place, detail in chosen]


def _branch(loc: tuple[str | int, ...], union: Path) -> str:
    """Return the member of the union that an error belongs to; one name for all where there is no union."""
    rest = list(loc)
    for part in union:
        if part in rest:
            rest.remove(part)
    return str(rest[0]) if rest else ""


def _message(path: Path, detail: Mapping[str, Any], given: object, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx") or {}
    if kind in _WANTED:
        return _wrong_type(_WANTED[kind], follow(given, path)[1], path, model)
    if kind == "extra_forbidden":
        return f"unknown key{did_you_mean(str(path[-1]), key_names(model, path[:-1], given))}"
    if kind == "missing":
        return "is missing"
    if kind in ("value_error", "assertion_error"):
        said = mask_url(str(context.get("error", detail["msg"])))
        return said if is_inert(said) else str(shown(said))
    value = follow(given, path)[1]
    got = "" if any(map(names_a_secret, path)) else f", not {_said(value)}"
    if kind in ("literal_error", "enum"):
        words = re.findall(r"'((?:[^'\\]|\\.)*)'", str(context.get("expected", "")))
        near = did_you_mean(value, words) if isinstance(value, str) and words else ""
        hint = near if near.startswith("; did") else ""
        return f"one of {', '.join(words) or context.get('expected')} is wanted{got}{hint}"
    limits = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    limits |= {"greater_than": ("gt", "more than"), "less_than": ("lt", "less than")}
    if kind in limits:
        name, words_for = limits[kind]
        return f"out of range: {words_for} {context.get(name)} is wanted{got}"
    if kind == "string_too_long":
        return f"too long: at most {context.get('max_length')} characters"
    if kind in ("string_too_short", "too_short"):
        return "must not be empty"
    if kind == "too_long":
        return f"too many: at most {context.get('max_length')}"
    if kind == "string_pattern_mismatch":
        return f"must look like {context.get('pattern')}{got}"
    text = str(detail["msg"])
    return text[:1].lower() + text[1:]


def _wrong_type(wanted: str, value: object, path: Path, model: type[BaseModel]) -> str:
    if is_secret(model, path):
        return 'a secret is a table that says where it is kept, such as { env = "NAME" }'
    if any(map(names_a_secret, path)):
        return f"{wanted} is wanted"
    hint = ""
    if isinstance(value, str) and value.strip():
        if "number" in wanted and is_number(value):
            hint = f"; write {value.strip()} without quotes"
        elif wanted == "true or false" and value.strip().lower() in ("true", "false"):
            hint = f"; write {value.strip().lower()} without quotes"
    return f"{wanted} is wanted, not {_said(value)}{hint}"


def is_number(text: str) -> bool:
    """Say whether the text spells a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _said(value: object) -> str:
    """Say what stands in the file, in a few words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{shown(mask_url(value), 60)}"'
    if isinstance(value, int | float):
        return f"the number {shown(value, 40)}"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, datetime | date | time):
        return "a date or time"
    return "what is there"
