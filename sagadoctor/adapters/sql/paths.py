"""JSON paths of the mapping language: keys and places in lists, nothing that searches."""

from __future__ import annotations

import re
from typing import Any, Final

Path = tuple[str | int, ...]

_PART: Final = re.compile(
    r"""\.(?P<plain>[^.\[\]"'\s]+) | \[(?P<index>\d+)\] | \['(?P<single>[^']+)'\] | \["(?P<double>[^"]+)"\]
      | \."(?P<quoted>[^"]+)" """,
    re.VERBOSE,
)


def parse_path(text: str) -> Path:
    """Read `$.a.b[0]['odd key']`; raises ValueError."""
    if not text.startswith("$"):
        raise ValueError(f'a path starts with "$", such as "$.order_id"; got {text!r}')
    parts: list[str | int] = []
    at = 1
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise ValueError(f"not a path at {text[at:]!r}: write keys as .key or ['odd key'], places in a list as [0]")
        index = found["index"]
        parts.append(int(index) if index is not None else _key(found))
        at = found.end()
    return tuple(parts)


def _key(found: re.Match[str]) -> str:
    return str(found["plain"] or found["single"] or found["double"] or found["quoted"])


def follow(value: Any, path: Path) -> Any:
    """Return what lies at the path in a decoded JSON value, None where nothing does."""
    for part in path:
        if isinstance(part, str) and isinstance(value, dict):
            value = value.get(part)
        elif isinstance(part, int) and isinstance(value, list) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def sql_path(path: Path) -> str:
    """Write the path as MariaDB and SQLite read it: every key quoted."""
    parts = (f"[{part}]" if isinstance(part, int) else '."' + part.replace('"', '\\"') + '"' for part in path)
    return "$" + "".join(parts)
