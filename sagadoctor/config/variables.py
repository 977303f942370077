"""Global options from the environment: `SAGADOCTOR_*`; an option that is given wins over its variable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from sagadoctor.api.options import duration
from sagadoctor.errors import ConfigError, Problem
from sagadoctor.untrusted import shown

PREFIX: Final = "SAGADOCTOR_"
_YES: Final = frozenset(("1", "true", "yes", "on"))
_NO: Final = frozenset(("0", "false", "no", "off", ""))
_COLOURS: Final = ("auto", "always", "never")


class Variables(msgspec.Struct, frozen=True):
    """What the environment says; None where it says nothing. `SAGADOCTOR_CONFIG` and `_ENV` are read by `find`."""

    read_only: bool = False
    timeout: timedelta | None = None
    color: str | None = None
    ascii: bool | None = None
    log_file: str | None = None


def variables(environ: Mapping[str, str]) -> Variables:
    """Read the variables of the global options; ConfigError with every one that makes no sense."""
    problems: list[Problem] = []
    read_only = _flag("READ_ONLY", environ, problems)
    found = Variables(
        read_only=read_only is True,
        timeout=_timeout(environ, problems),
        color=_colour(environ, problems),
        ascii=_flag("ASCII", environ, problems),
        log_file=environ.get(f"{PREFIX}LOG_FILE") or None,
    )
    if problems:
        raise ConfigError(problems)
    return found


def _flag(name: str, environ: Mapping[str, str], problems: list[Problem]) -> bool | None:
    value = environ.get(PREFIX + name)
    if value is None:
        return None
    word = value.strip().lower()
    if word not in _YES | _NO:
        problems.append(Problem(f'true or false is wanted, not "{shown(value, 40)}"', key=PREFIX + name))
    return word in _YES if word else None


def _timeout(environ: Mapping[str, str], problems: list[Problem]) -> timedelta | None:
    value = environ.get(f"{PREFIX}TIMEOUT")
    if not value:
        return None
    try:
        return duration(value)
    except ValueError as error:
        problems.append(Problem(str(shown(error, 200)), key=f"{PREFIX}TIMEOUT"))
        return None


def _colour(environ: Mapping[str, str], problems: list[Problem]) -> str | None:
    value = environ.get(f"{PREFIX}COLOR")
    if not value:
        return None
    if value not in _COLOURS:
        wanted = ", ".join(_COLOURS)
        problems.append(Problem(f'one of {wanted} is wanted, not "{shown(value, 40)}"', key=f"{PREFIX}COLOR"))
    return value
