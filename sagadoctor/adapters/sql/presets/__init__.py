"""Presets are files in the mapping language; what the user says beside one wins, key by key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sagadoctor.api.v1 import ConfigError, Problem

_FOLDER: Final = Path(__file__).parent
_WAYS: Final = ("column", "const", "when", "from")
"""Keys that say where a value comes from: one of them replaces another."""


def names() -> tuple[str, ...]:
    """Return the presets that there are."""
    return tuple(sorted(file.stem for file in _FOLDER.iterdir() if file.suffix == ".toml"))


def load(name: str) -> dict[str, Any]:
    """Return a preset's table; raises ConfigError for a name that isn't one."""
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise ConfigError([Problem(f"no preset {name!r}; {hint}", key="preset")])
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8"))


def expand(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a store's table with its preset under it; raises ConfigError."""
    name = table.get("preset")
    if not isinstance(name, str):
        return table
    preset = load(name)
    said = table.get("steps")
    if isinstance(said, Mapping) and said.get("shape", preset["steps"]["shape"]) != preset["steps"]["shape"]:
        del preset["steps"]
    return merged(preset, table)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both tables as one: tables merge key by key, all else is replaced by what stands above."""
    out = dict(below)
    for key, value in above.items():
        out[key] = _one(out.get(key), value) if key in out else value
    return out


def _one(below: Any, above: Any) -> Any:
    if isinstance(above, str) and isinstance(below, Mapping) and "column" in below and not above.startswith("$"):
        return {**below, "column": above}
    if isinstance(above, Mapping) and isinstance(below, str) and not any(way in above for way in _WAYS):
        return {"column": below, **above}
    if isinstance(above, Mapping) and isinstance(below, Mapping):
        if any(way in above for way in _WAYS if way not in below):
            return above
        return merged(below, above)
    return above
