"""JSON decoded whatever is odd about it."""

from __future__ import annotations

import json
from typing import Any, Final

from ..values import blob_type
from .reading import Odd

_DEEP: Final = "nested too deeply to be read"


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    names = {dict: "object", list: "list", str: "string", bool: "boolean", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def decoded(data: bytes, field: str, odd: Odd) -> Any:
    """Decode JSON whatever is odd about it; None (and a doubt) where it can't be."""
    guess = blob_type(data)
    if guess is not None:
        odd.say(field, data, f"not JSON: looks like {guess}; it is never loaded")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        odd.say(field, data, "not UTF-8; what can't be read was replaced")
    strange: set[str] = set()

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            names = [name for name, _ in found]
            twice = sorted({name for name in names if names.count(name) > 1})
            strange.add(f"the same key twice ({', '.join(twice)[:100]}); the last one was taken")
        return made

    def constant(name: str) -> float:
        strange.add(f"{name} is no JSON")
        return float(name.replace("Infinity", "inf"))

    def number(digits: str) -> int | str:
        return int(digits) if len(digits) < 400 else digits

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=number)
    except RecursionError:
        odd.say(field, text, _DEEP)
        return None
    except ValueError as error:
        odd.say(field, data if b"\x00" in data else text, f"not JSON: {error}")
        return None
    for reason in sorted(strange):
        odd.say(field, text, reason)
    if value is None:
        odd.say(field, "null", "JSON null where steps were expected")
    return value
