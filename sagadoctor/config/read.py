"""From a path to a table: bytes, text, TOML, and the place of everything in it."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sagadoctor.errors import ConfigError, Problem
from sagadoctor.late import LatePattern
from sagadoctor.untrusted import is_inert, shown

from . import keys
from .bounded import read_bounded
from .keys import dotted
from .locate import DEEPEST, Locator, TooDeep, locate

LARGEST: Final = 1_000_000
_SECONDS: Final = 5.0
_PLACE: Final = LatePattern(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_SECRET_LINE: Final = LatePattern(
    r"(?i)((?:password|passwd|pwd|secret|token|api[_-]?key|authorization)[\w-]*[\"']?\s*=\s*).*"
)
_USER_IN_URL: Final = LatePattern(r"(://).*@")
_WORDS_FOR_BOOLEANS: Final = frozenset(("yes", "no", "on", "off", "y", "n"))
_MASK: Final = "«redacted»"


class Source(msgspec.Struct, frozen=True):
    """A file that was read: its name as shown to people, its table, where everything stands, and its mode."""

    path: Path
    table: dict[str, Any]
    where: Locator = msgspec.field(default_factory=Locator)
    mode: int = 0o600

    @property
    def file(self) -> str:
        """Return the path fit to be printed."""
        return str(shown(self.path))

    def problem(self, path: keys.Path, message: str) -> Problem:
        """Return a problem at this key, with the line of the key or of the table around it."""
        return Problem(message, file=self.file, line=self.where.nearest(path), key=dotted(path) or None)


def read(path: Path) -> Source:
    """Read a configuration file; ConfigError with the place when it can't be read or isn't TOML."""
    raw, mode = _bytes(path)
    file = str(shown(path))
    text = _text(raw, file)
    try:
        where = locate(text)
    except TooDeep as error:
        message = f"more than {DEEPEST} tables or lists inside each other"
        raise ConfigError((Problem(message, file=file, line=error.line),)) from None
    return Source(path, _parse(text, where, file), where, mode)


def plugins_named(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the stores by the plugin that each names, whatever else is wrong with the file; ConfigError as `read`."""
    stores = read(path).table.get("stores")
    named: dict[str, tuple[str, ...]] = {}
    for store, said in stores.items() if isinstance(stores, dict) else ():
        plugin = said.get("plugin") if isinstance(said, dict) else None
        if isinstance(plugin, str):
            named[plugin] = (*named.get(plugin, ()), store)
    return named


def _bytes(path: Path) -> tuple[bytes, int]:
    file = str(shown(path))
    try:
        raw, mode = read_bounded(path, LARGEST, _SECONDS)
    except IsADirectoryError:
        raise ConfigError((Problem("this is a folder, not a file", file=file),)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError((Problem(f"can't be read: {shown(reason)}", file=file),)) from None
    if len(raw) > LARGEST:
        size = f"more than the limit of {LARGEST // 1_000_000} MB; this is not a configuration"
        raise ConfigError((Problem(size, file=file),))
    return raw, stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0o600


def _text(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # the offset counts from the start of the file, also behind a byte order mark
        at = error.start + (len(raw) - len(error.object))
        line = raw.count(b"\n", 0, at) + 1
        message = f"not UTF-8: byte 0x{raw[at]:02x} at offset {at}; save the file as UTF-8"
        raise ConfigError((Problem(message, file=file, line=line),)) from None


def _parse(text: str, where: Locator, file: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError((Problem("tables or lists too deep inside each other", file=file),)) from None
    except ValueError as error:
        raise ConfigError(_syntax(text, where, file, str(error))) from None


def _syntax(text: str, where: Locator, file: str, said: str) -> tuple[Problem, ...]:
    lines = text.replace("\r\n", "\n").split("\n")
    found = _PLACE.search(said)
    what = said[: found.start()] if found else said
    line = int(found[1]) if found and found[1] else len(lines)
    column = int(found[2]) if found and found[2] else len(lines[-1]) + 1
    repeats = [twice for twice in where.duplicates if where.broken is None or twice.again < where.broken]
    if any(twice.again <= line <= twice.end for twice in repeats):
        return tuple(
            Problem(
                f"said twice, first in line {twice.first}, again in line {twice.again}",
                file=file,
                line=twice.again,
                key=dotted(twice.path),
            )
            for twice in repeats
        )
    if found is None:
        return (_unplaced(lines, file, what),)
    source = lines[line - 1] if line <= len(lines) else ""
    what = _plain(what) + _hint(source, column)
    return (Problem(f"column {column}: not valid TOML: {what}\n{_caret(source, column)}", file=file, line=line),)


def _unplaced(lines: Sequence[str], file: str, what: str) -> Problem:
    """Say what the parser names no place for: a number of thousands of digits."""
    longest = sys.get_int_max_str_digits()
    for number, line in enumerate(lines, 1):
        if any(sum(map(str.isdigit, run)) > longest for run in re.findall(r"[\d_]+", line)):
            return Problem(f"a number of more than {longest} digits; is a quote missing?", file=file, line=number)
    return Problem(f"not valid TOML: {shown(what, 200)}", file=file)


def _plain(what: str) -> str:
    """Return what the parser says in words; the odd character that it names is spelt out by it already."""
    if what == r"Illegal character '\n'":
        return "a text ends with its line: the closing quote is missing"
    if what in ("Unterminated string", """Expected "'\""""):
        return "a text has no end: the closing quote is missing"
    return what if is_inert(what) and len(what) <= 200 else str(shown(what, 200))


def _hint(source: str, column: int) -> str:
    """Say what a bare word was probably meant to be."""
    found = re.match(r"[A-Za-z]+", source[column - 1 :])
    if found is None:
        return ""
    word = found.group()
    if word.lower() in _WORDS_FOR_BOOLEANS or word.lower() in ("true", "false"):
        return f"; `{word}` is not TOML: write true or false, or quotes around a text"
    return "; a text needs quotes around it" if source[: column - 1].rstrip().endswith("=") else ""


def _caret(source: str, column: int) -> str:
    """Return the line and a caret below the column; what may be a secret is not shown."""
    source = source.replace("\t", " ")
    safe = _SECRET_LINE.sub(rf"\g<1>{_MASK}", _USER_IN_URL.sub(rf"\1{_MASK}@", source))
    same = next((place for place, pair in enumerate(zip(source, safe, strict=False)) if pair[0] != pair[1]), 0)
    at = column - 1 if safe == source else min(column - 1, same)
    start = max(0, at - 100)
    return f"    {shown(safe[start:at])}{shown(safe[at : at + 60])}\n    {' ' * len(shown(safe[start:at]))}^"
