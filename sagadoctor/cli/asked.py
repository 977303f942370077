"""Options that several verbs share, read into what the services understand."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sagadoctor.services.filters import Filters

_MOST_IDS = 1_000_000


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
        hint = "an ISO 8601 time such as 2026-11-20T03:00:00Z"
        raise typer.BadParameter(f"{text!r} is not {hint}", param_hint=option) from None


def as_json(output: str) -> bool:
    """Read the format of the verbs that have two."""
    if output not in ("table", "json"):
        raise typer.BadParameter("table or json", param_hint="-o")
    return output == "json"


def _set(values: list[str] | None) -> frozenset[str] | None:
    return frozenset(values) if values else None


def _ids(source: Path | None) -> frozenset[str] | None:
    """Read ids, one a line; `-` is stdin."""
    if source is None:
        return None
    try:
        text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{source}: {error}", param_hint="--from") from None
    ids = frozenset(line.strip() for line in text.split("\n") if line.strip())
    if len(ids) > _MOST_IDS:
        raise typer.BadParameter(f"more than {_MOST_IDS} ids", param_hint="--from")
    return ids


def _rules(names: list[str] | None) -> frozenset[str] | None:
    """Read rule names: they are a closed list, and a typo must not look like a clean scan."""
    if not names:
        return None
    from difflib import get_close_matches

    from sagadoctor.diagnosis.rules import RULES, SURVEY_RULES

    known = [*(rule.name for rule in RULES), *(rule.name for rule in SURVEY_RULES)]
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
    source: Path | None,
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
