"""TOML as a person would write it: keys, values, tables in one line, and comments that can be nothing else."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sagadoctor.untrusted import is_inert, sentence

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_HALF: Final = re.compile("[\ud800-\udfff]")
WIDTH: Final = 118


def key(name: str) -> str:
    """Return a key, quoted where TOML wants it."""
    return name if _BARE.match(name) else text(name)


def text(value: str) -> str:
    """Return a text in quotes; whatever has power or isn't seen is escaped, and half a character is written as none."""
    value = _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if '"' in value and "'" not in value and is_inert(value):
        return f"'{value}'"
    return '"' + "".join(map(_in_quotes, value)) + '"'


def _in_quotes(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if is_inert(char):
        return char
    code = ord(char)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def value(given: Any) -> str:
    """Return a value in one line; raises TypeError for what a configuration doesn't hold."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return text(given)
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, Mapping):
        inner = ", ".join(f"{key(str(name))} = {value(each)}" for name, each in given.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(given, Sequence):
        return f"[{', '.join(map(value, given))}]"
    raise TypeError(f"no value of a configuration: {type(given).__name__}")


def assignment(name: str, given: Any) -> list[str]:
    """Return `key = value`; a list of tables goes over several lines, one each."""
    if (
        isinstance(given, Sequence)
        and not isinstance(given, str)
        and given
        and all(isinstance(each, Mapping) for each in given)
    ):
        return [f"{key(name)} = [", *(f"  {value(each)}," for each in given), "]"]
    return [f"{key(name)} = {value(given)}"]


def header(path: Sequence[str]) -> str:
    """Return `[a.b]`."""
    return f"[{'.'.join(map(key, path))}]"


def comment(said: str) -> list[str]:
    """Return text as lines of comment, wrapped; no character of it can end the comment."""
    clean = str(sentence(said))
    return [
        f"# {line}" for line in textwrap.wrap(clean, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    ] or ["#"]


def commented(lines: Sequence[str]) -> list[str]:
    """Return lines of TOML as comments, to be made keys again by taking away what stands before them."""
    return [f"# {line}" for line in lines]
