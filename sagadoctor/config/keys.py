"""Keys of the configuration as paths: how they are written for a person, and how a path is followed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from sagadoctor.untrusted import shown

Path = tuple[str | int, ...]
"""A key path: texts are keys of tables, numbers are places in lists, counted from 0."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
LONGEST_PART: Final = 60


def dotted(path: Path) -> str:
    """Write a path as `sagas.Order.steps[2].timeout`; keys that TOML would quote are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        word = part if _BARE.match(part) and len(part) <= LONGEST_PART else _quoted(str(shown(part, LONGEST_PART)))
        text += f".{word}" if text else word
    return text


def _quoted(word: str) -> str:
    if '"' not in word:
        return f'"{word}"'
    return f"'{word}'" if "'" not in word else '"' + word.replace('"', '\\"') + '"'


def follow(root: object, path: Path) -> tuple[bool, object]:
    """Return whether something stands at `path` below `root`, and what."""
    here = root
    for part in path:
        in_table = isinstance(here, Mapping) and part in here
        in_list = isinstance(here, list | tuple) and isinstance(part, int) and 0 <= part < len(here)
        if not (in_table or in_list):
            return False, None
        here = here[part]  # type: ignore[index]
    return True, here


def says(own: object, full: object, path: Path) -> bool:
    """Say whether the value at `path` of `full` is what `own` says, and not what was laid below it.

    `own` may say shortly (`"name"`) what `full` says at length (`{ column = "name", … }`).
    """
    if follow(own, path)[0]:
        return True
    _, value = follow(full, path)
    for length in range(len(path) - 1, 0, -1):
        there, short = follow(own, path[:length])
        if there:
            return not isinstance(short, Mapping | list) and short == value
    return False


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that a person most likely meant: one, or those that share a part with it."""
    choices = sorted(set(known))
    lowered = {choice.lower(): choice for choice in reversed(choices)}
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.65)
    if found:
        return [lowered[found[0]]]
    # `tiemout` is near to a part of `lock_timeout` and of `statement_timeout`
    return [one for one in choices if difflib.get_close_matches(word.lower(), one.lower().split("_"), cutoff=0.8)]


def did_you_mean(word: str, known: Iterable[str], *, listed: str = "known here") -> str:
    """Return `; did you mean …?`, or the short list of what is known, or nothing."""
    choices = sorted(set(known))
    near = nearest(word, choices)
    if 0 < len(near) <= 3:
        return f"; did you mean {' or '.join(f'`{shown(one, LONGEST_PART)}`' for one in near)}?"
    if not choices:
        return ""
    words = ", ".join(str(shown(choice, LONGEST_PART)) for choice in choices[:20])
    return f"; {listed}: {words}" + (f" and {len(choices) - 20} more" if len(choices) > 20 else "")
