"""Where a mapping says a name: the keys that hold it, and the lines of the file; asked only when something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pydantic import BaseModel

from .mapping.columns import AnyTable

Path = tuple[str | int, ...]
_MOST: Final = 3
"""Places that are named where a name stands in several."""
_SHORT: Final = ("column", "parts")
"""Keys that a person leaves out."""


def told(origin: Callable[[Path], str] | None, path: Path) -> str:
    """Return a key with its line, such as `c.toml:9: saga.state`; empty where nobody knows the file."""
    if origin is None:
        return ""
    key = path[:-1] if path[-1] in _SHORT else path
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")
    for length in range(len(path), 0, -1):
        place = origin(path[:length])
        if place and place != "default":
            return f"{place}: {shown}"
    return shown


def places(options: BaseModel, origin: Callable[[Path], str] | None, name: str, near: Sequence[Path]) -> str:
    """Return where a column is named, those places first that lie below one of `near`; empty where nobody knows."""
    if origin is None:
        return ""
    found = list(dict.fromkeys(_paths(options, name)))
    wanted = [path for path in found if any(path[: len(each)] == each for each in near)] or found
    return ", ".join(dict.fromkeys(told(origin, path) for path in wanted[:_MOST]))


def _paths(node: object, name: str, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of a text; tables aren't columns."""
    if isinstance(node, AnyTable):
        key = getattr(node, "key", ())
        yield from ((*path, "key") for each in key if each == name)
    elif isinstance(node, BaseModel):
        for field, about in type(node).model_fields.items():
            yield from _paths(getattr(node, field), name, (*path, about.alias or field))
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from [(*path, key)] if key == name and path[-1:] in (("where",), ("if",), ("match",)) else ()
            yield from _paths(value, name, (*path, key)) if isinstance(value, BaseModel) else ()
    elif isinstance(node, tuple | list):
        for at, each in enumerate(node):
            yield from _paths(each, name, path if isinstance(each, str) else (*path, at))
    elif node == name:
        yield path
