"""In which line of a TOML file each key stands; the standard parser does not tell.

The scanner follows the grammar only as far as positions need it and never fails on what it doesn't understand:
whether a file is valid TOML is the parser's word alone.
"""

from __future__ import annotations

import bisect
import re
from typing import Final

import msgspec

from .keys import Path

DEEPEST: Final = 32
"""Tables and lists inside each other; a configuration by hand needs less than ten."""

_SPACE: Final = re.compile(r"[ \t]*")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BASIC: Final = re.compile(r'"((?:[^"\\\n]|\\[^\n])*)"')
_LITERAL: Final = re.compile(r"'([^'\n]*)'")
# Nothing possessive around a look ahead: Python before 3.11.5 matches it wrongly.
_LONG_BASIC: Final = re.compile(r'"""[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*"{3,5}')
_LONG_LITERAL: Final = re.compile(r"'''[^']*(?:'(?!'')[^']*)*'{3,5}")
_ATOM: Final = re.compile(r"[^,\]}#\n]*")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))")
_PLAIN: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}
_AGAIN: Final = "\0again"


class TooDeep(Exception):
    """Tables and lists are inside each other more often than `DEEPEST` allows."""

    def __init__(self, line: int) -> None:
        """Keep the line where it went too far."""
        super().__init__(line)
        self.line = line


class Duplicate(msgspec.Struct, frozen=True):
    """A key or table that is said a second time: where first, where again, and where that value ends."""

    path: Path
    first: int
    again: int
    end: int


class Locator(msgspec.Struct):
    """Where every key, table and list item of a file stands."""

    lines: dict[Path, int] = msgspec.field(default_factory=dict)
    duplicates: list[Duplicate] = msgspec.field(default_factory=list)
    broken: int | None = None
    """The first line that made no sense; what is said about later lines may be wrong."""

    def line(self, path: Path) -> int | None:
        """Return the line of exactly this key."""
        return self.lines.get(path)

    def nearest(self, path: Path) -> int | None:
        """Return the line of this key, else of the innermost table around it that the file has."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return line
        return None


def locate(text: str) -> Locator:
    """Return where everything in `text` stands; raises TooDeep and nothing else."""
    return _Scanner(text.replace("\r\n", "\n")).run()


class _Scanner:
    """One pass over one text; `kinds` remembers how each path came to be, to tell a repeat from an addition."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.breaks = [found.start() for found in re.finditer("\n", text)]
        self.kinds: dict[Path, str] = {}
        self.counts: dict[Path, int] = {}
        self.out = Locator()

    def run(self) -> Locator:
        prefix: Path = ()
        while True:
            self.skip(_BLANK)
            if self.pos >= len(self.text):
                return self.out
            if self.text[self.pos] == "[":
                prefix = self.header()
            elif not self.pair(prefix, 0):
                self.give_up_line()
            self.end_of_line()

    def header(self) -> Path:
        line, many = self.line(), self.text.startswith("[[", self.pos)
        self.pos += 2 if many else 1
        key = self.key()
        closing = "]]" if many else "]"
        if key is None or not self.text.startswith(closing, self.pos):
            self.give_up_line()
            return (_AGAIN, self.pos)
        self.pos += len(closing)
        path: Path = ()
        for place, part in enumerate(key):
            path = (*path, part)
            last = place == len(key) - 1
            if last:
                path = self.open_list_table(path, line) if many else self.open_table(path, line)
            else:
                if self.kinds.get(path) == "value":
                    self.repeat(path, line)
                self.note(path, line, "implicit")
                if path in self.counts:
                    path = (*path, self.counts[path] - 1)
        return path

    def open_table(self, path: Path, line: int) -> Path:
        if self.kinds.get(path, "implicit") != "implicit":
            self.repeat(path, line)
            return self.apart(path)
        self.kinds[path] = "header"
        self.put(path, line)
        return path

    def open_list_table(self, path: Path, line: int) -> Path:
        if self.kinds.get(path, "list") != "list":
            self.repeat(path, line)
            return self.apart(path)
        self.note(path, line, "list")
        place = self.counts.get(path, 0)
        self.counts[path] = place + 1
        item = (*path, place)
        self.kinds[item] = "header"
        self.put(item, line)
        return item

    def pair(self, prefix: Path, depth: int) -> bool:
        line, key = self.line(), self.key()
        if key is None or not self.text.startswith("=", self.pos):
            return False
        self.pos += 1
        path: Path = prefix
        seen: list[Path] = []
        for part in key[:-1]:
            path = (*path, part)
            if self.kinds.get(path, "dotted") not in ("dotted", "implicit"):
                seen.append(path)
            self.note(path, line, "dotted")
        path = (*path, key[-1])
        if path in self.kinds:
            seen.append(path)
        else:
            self.kinds[path] = "value"
            self.put(path, line)
        self.skip(_SPACE)
        done = self.value(path, depth, record=not seen)
        for twice in seen:
            self.repeat(twice, line)
        return done

    def value(self, path: Path, depth: int, *, record: bool = True) -> bool:
        text, start = self.text, self.pos
        if depth > DEEPEST:
            raise TooDeep(self.line())
        if text.startswith('"""', start) or text.startswith("'''", start):
            return self.skip(_LONG_BASIC if text[start] == '"' else _LONG_LITERAL)
        first = text[start : start + 1]
        if first in ('"', "'"):
            return self.skip(_BASIC if first == '"' else _LITERAL)
        inside = path if record else self.apart(path)
        if first == "[":
            return self.list_members(inside, depth)
        if first == "{":
            return self.inline_table(inside, depth)
        self.skip(_ATOM)
        return self.pos > start

    def list_members(self, path: Path, depth: int) -> bool:
        self.pos += 1
        place = 0
        while True:
            self.skip(_BLANK)
            if self.text.startswith("]", self.pos):
                self.pos += 1
                return True
            item = (*path, place)
            self.put(item, self.line())
            if not self.value(item, depth + 1):
                return False
            place += 1
            self.skip(_BLANK)
            if self.text.startswith(",", self.pos):
                self.pos += 1
            elif not self.text.startswith("]", self.pos):
                return False

    def inline_table(self, path: Path, depth: int) -> bool:
        self.pos += 1
        while True:
            self.skip(_BLANK)
            if self.text.startswith("}", self.pos):
                self.pos += 1
                return True
            if not self.pair(path, depth + 1):
                return False
            self.skip(_BLANK)
            if self.text.startswith(",", self.pos):
                self.pos += 1
            elif not self.text.startswith("}", self.pos):
                return False

    def key(self) -> tuple[str, ...] | None:
        parts: list[str] = []
        while True:
            self.skip(_SPACE)
            found = _BARE_KEY.match(self.text, self.pos)
            if found is not None:
                parts.append(found.group())
            else:
                found = _BASIC.match(self.text, self.pos) or _LITERAL.match(self.text, self.pos)
                if found is None:
                    return None
                parts.append(_unescaped(found.group(1)) if found.group().startswith('"') else found.group(1))
            self.pos = found.end()
            self.skip(_SPACE)
            if not self.text.startswith(".", self.pos):
                return tuple(parts)
            self.pos += 1

    def skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.pos)
        if found is None:
            return False
        self.pos = found.end()
        return True

    def end_of_line(self) -> None:
        self.skip(_SPACE)
        if self.pos < len(self.text) and self.text[self.pos] not in "#\n":
            self.give_up_line()

    def give_up_line(self) -> None:
        if self.out.broken is None:
            self.out.broken = self.line()
        end = self.text.find("\n", self.pos)
        self.pos = len(self.text) if end < 0 else end

    def line(self) -> int:
        return bisect.bisect_left(self.breaks, self.pos) + 1

    def note(self, path: Path, line: int, kind: str) -> None:
        if path not in self.kinds:
            self.kinds[path] = kind
            self.put(path, line)

    def put(self, path: Path, line: int) -> None:
        if len(path) > DEEPEST:
            raise TooDeep(line)
        self.out.lines[path] = line

    def apart(self, path: Path) -> Path:
        """Return a path for what stands inside a repeated table, or all of it would look repeated too."""
        return (*path, _AGAIN, self.pos)

    def repeat(self, path: Path, line: int) -> None:
        said = tuple(part for at, part in enumerate(path) if part != _AGAIN and path[at - 1 : at] != (_AGAIN,))
        self.out.duplicates.append(Duplicate(said, self.out.lines[path], line, self.line()))


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text

    def plain(found: re.Match[str]) -> str:
        number = found[1] or found[2] or found[3]
        if number is None:
            return _PLAIN.get(found[4], found[4])
        code = int(number, 16)
        return chr(code) if code <= 0x10FFFF else "�"

    return _ESCAPE.sub(plain, text)
