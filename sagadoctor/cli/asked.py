"""Options that several verbs share, read into what the services understand."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import typer

if TYPE_CHECKING:
    from sagadoctor.services.filters import Filters

A_TIME: Final = "2026-11-20T03:00:00Z"
"""How a moment is written, for helps and refusals."""
_MOST_IDS = 1_000_000
_MOST_LINES = 10_000_000
_LONGEST_ID = 65_536


def span(text: str, option: str) -> timedelta:
    """Read a duration; raises BadParameter naming the option."""
    from sagadoctor.api.options import duration

    try:
        return duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def point_in_time(text: str | None, option: str) -> datetime | None:
    """Read an ISO 8601 moment; without an offset it is UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        hint = f"an ISO 8601 time such as {A_TIME}"
        raise typer.BadParameter(f"{text!r} is not {hint}", param_hint=option) from None


def as_json(output: str) -> bool:
    """Read the format of the verbs that have two."""
    if output not in ("table", "json"):
        raise typer.BadParameter("table or json", param_hint="-o")
    return output == "json"


def _set(values: list[str] | None) -> frozenset[str] | None:
    return frozenset(values) if values else None


def _ids(source: str | None) -> frozenset[str] | None:
    """Read ids, one a line; `-` is stdin. Never more is read than can be ids."""
    if source is None:
        return None
    if not source.strip():
        raise _refused("an empty name is no file; name one with a saga id a line, or - for stdin")
    try:
        if source == "-":
            if sys.stdin is None:
                raise _refused("stdin is closed")
            if isinstance(sys.stdin, io.TextIOWrapper):
                sys.stdin.reconfigure(encoding="utf-8-sig", errors="surrogateescape")
            return _ids_in(sys.stdin, "stdin")
        with Path(source).open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            return _ids_in(lines, source)
    except IsADirectoryError:
        raise _refused(f"{source}: this is a folder; a file with a saga id a line is wanted") from None
    except FileNotFoundError:
        raise _refused(f"{source}: no such file; a file with a saga id a line is wanted, or - for stdin") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not the name of a file"
        raise _refused(f"{source}: can't be read: {reason}") from None


def _ids_in(lines: TextIO, name: str) -> frozenset[str]:
    ids: set[str] = set()
    for number, line in enumerate(iter(lambda: lines.readline(_LONGEST_ID + 1), ""), 1):
        if len(line) > _LONGEST_ID:
            raise _refused(f"{name}:{number}: longer than any id; a saga id a line is wanted")
        if not line.isascii() and any("\udc80" <= char <= "\udcff" for char in line):
            raise _refused(f"{name}:{number}: not UTF-8 text; a saga id a line is wanted, saved as UTF-8")
        if line.strip():
            ids.add(line.strip())
        if len(ids) > _MOST_IDS or number > _MOST_LINES:
            raise _refused(f"{name}:{number}: more than {_MOST_IDS} ids")
    return frozenset(ids)


def _refused(why: str) -> typer.BadParameter:
    return typer.BadParameter(why, param_hint="--from")


def _rules(names: list[str] | None) -> frozenset[str] | None:
    """Read rule names: they are a closed list, and a typo must not look like a clean scan."""
    if not names:
        return None
    from difflib import get_close_matches

    from sagadoctor.diagnosis.rules import RULES, SURVEY_RULES

    names_of = (*(rule.name for rule in RULES), *(rule.name for rule in SURVEY_RULES))
    known = list(dict.fromkeys(names_of))
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise typer.BadParameter(f"no rule {name!r}; {hint}", param_hint="--rule")
    return frozenset(names)


def filters(
    *,
    store: list[str] | None,
    saga_type: list[str] | None,
    step: list[str] | None,
    state: list[str] | None,
    rule: list[str] | None,
    group: list[str] | None,
    key: list[str] | None,
    older_than: str | None,
    source: str | None,
) -> Filters:
    """Return the filters of one command line."""
    from sagadoctor.services.filters import Filters

    return Filters(
        stores=_set(store),
        saga_types=_set(saga_type),
        steps=_set(step),
        states=_set(state),
        rules=_rules(rule),
        groups=_set(group),
        keys=_set(key),
        saga_ids=_ids(source),
        older_than=span(older_than, "--older-than") if older_than is not None else None,
    )
