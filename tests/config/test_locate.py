"""The locator against generated TOML: where the writer put a key is where the locator finds it."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagadoctor.config.keys import Path, follow
from sagadoctor.config.locate import TooDeep, locate

ODD = ["", "a b", "a.b", "ключ", 'quo"te', "it's", "[x]", "# no", "=", "a\\b", "new\nline", "'''", '"""', "1", "true"]
NAMES = st.one_of(st.sampled_from(["a", "b", "c", "name", "steps", "x-1", "y_2"]), st.sampled_from(ODD))
TRICKY = [
    "",
    "x = 1",
    "[table]",
    "[[a]]\nb = 2",
    "# no comment",
    '"""',
    "'''",
    "}",
    "]",
    "a\\",
    '"',
    "'",
    "\t",
    "\r",
    "é",
]
TEXTS = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.dates(date(1970, 1, 1)),
    st.datetimes(datetime(1970, 1, 1)),
    st.times(),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(NAMES, inner, max_size=4),
        st.lists(st.dictionaries(NAMES, inner, min_size=1, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=12,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=5)
NOISE = st.sampled_from(["", "", "", "\n", '# [x] = "no\n', "  \n\t# '''\n"])


class Writer:
    """Writes a table as TOML in ways that it draws, and keeps the line of everything."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def put(self, text: str) -> None:
        self.text += text

    def chance(self) -> bool:
        return bool(self.draw(st.booleans()))

    def choice(self, *ways: str) -> str:
        return str(self.draw(st.sampled_from(ways)))

    def key(self, name: str) -> str:
        if name and all(char.isascii() and (char.isalnum() or char in "-_") for char in name) and self.chance():
            return name
        if "'" not in name and name.isprintable() and self.chance():
            return f"'{name}'"
        return basic(name)

    def keys(self, names: list[str]) -> str:
        dot = self.choice(".", " . ", ".\t")
        return dot.join(map(self.key, names))

    def table(self, table: dict[str, Any], path: Path, header: list[str]) -> None:
        """Write what stands directly in a table, then its sub-tables under headers of their own."""
        later: list[tuple[str, Any]] = []
        for name, value in table.items():
            if self.may_have_header(value) and self.chance():
                later.append((name, value))
            else:
                self.put(self.draw(NOISE) + self.choice("", "  "))
                self.pair([name], value, path)
                self.put(self.choice("", " ", " # x = [") + "\n")
        for name, value in later:
            self.headed(name, value, (*path, name), [*header, name])

    @staticmethod
    def may_have_header(value: Any) -> bool:
        listed = isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
        return isinstance(value, dict) or listed

    def headed(self, name: str, value: Any, path: Path, header: list[str]) -> None:
        many = isinstance(value, list)
        for place, one in enumerate(value if many else [value]):
            self.put(self.draw(NOISE))
            self.lines.setdefault(path, self.line)
            here = (*path, place) if many else path
            self.lines[here] = self.line
            space = self.choice("", " ")
            text = f"{space}{self.keys(header)}{space}"
            self.put(f"[[{text}]]\n" if many else f"[{text}]\n")
            self.table(one, here, header)

    def pair(self, names: list[str], value: Any, path: Path) -> None:
        """Write `a.b.c = value` on this line; a filled table may go on with dotted keys instead of braces."""
        full = (*path, *names)
        if isinstance(value, dict) and len(value) == 1 and self.chance():
            self.lines[full] = self.line
            (inner,) = value.items()
            self.pair([*names, inner[0]], inner[1], path)
            return
        self.lines[full] = self.line
        self.put(self.keys(names) + self.choice("=", " = ", "\t= "))
        self.value(value, full)

    def value(self, value: Any, path: Path) -> None:
        if isinstance(value, dict):
            self.put("{")
            for number, (name, inner) in enumerate(value.items()):
                self.put(", " if number else " ")
                self.pair([name], inner, path)
            self.put("}")
        elif isinstance(value, list):
            self.put("[")
            for place, inner in enumerate(value):
                self.put(self.choice("", " ", "\n", "\n# ], }\n  "))
                self.lines[(*path, place)] = self.line
                self.value(inner, (*path, place))
                self.put(self.choice(",", " ,", "\n,") if place < len(value) - 1 else self.choice("", ",", "\n"))
            self.put("]")
        elif isinstance(value, str):
            self.put(self.string(value))
        elif isinstance(value, bool):
            self.put("true" if value else "false")
        elif isinstance(value, datetime):
            self.put(value.isoformat(self.choice(" ", "T")))
        elif isinstance(value, date | time):
            self.put(value.isoformat())
        else:
            self.put(repr(value))

    def string(self, text: str) -> str:
        ways = ["basic", "long"]
        if all(char in "\t\n" or char.isprintable() for char in text) and "'''" not in text and text[-1:] != "'":
            ways.append("long literal")
            if "'" not in text and "\n" not in text:
                ways.append("literal")
        way = self.choice(*ways)
        if way == "basic":
            return basic(text)
        if way == "literal":
            return f"'{text}'"
        if way == "long literal":
            return f"'''\n{text}'''"
        return '"""\n' + basic(text)[1:-1].replace("\\n", "\n").replace('\\"\\', '"\\') + '"""'


def basic(text: str) -> str:
    def one(char: str) -> str:
        if char in '"\\':
            return "\\" + char
        if char == "\n":
            return "\\n"
        return char if char == "\t" or char.isprintable() else f"\\U{ord(char):08x}"

    return f'"{"".join(map(one, text))}"'


@st.composite
def documents(draw: Any) -> tuple[str, dict[Path, int]]:
    writer = Writer(draw)
    writer.table(draw(TABLES), (), [])
    return writer.text, writer.lines


@pytest.mark.slow
@settings(max_examples=400)
@given(documents(), st.booleans())
def test_every_key_is_found_where_it_was_written(document: tuple[str, dict[Path, int]], dos: bool) -> None:
    text, lines = document
    text = text.replace("\n", "\r\n") if dos else text
    table = tomllib.loads(text)
    found = locate(text)
    assert {path: found.lines.get(path) for path in lines} == lines
    assert all(follow(table, path)[0] for path in found.lines)
    assert found.duplicates == []
    assert found.broken is None


@settings(max_examples=500)
@given(st.text(st.sampled_from("ab.=[]{}\"'\\\n\r\t #,1é\x00"), max_size=60))
def test_any_text_ends_and_never_fails(text: str) -> None:
    found = locate(text)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    assert found.duplicates == []
    missing = [path for path in everything(table, ()) if path not in found.lines]
    assert missing == []


def everything(value: Any, path: Path) -> list[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for part, below in inner for found in [(*path, part), *everything(below, (*path, part))]]


def test_the_innermost_table_stands_in_for_a_key_that_is_not_there() -> None:
    found = locate("[a]\n\n[a.b]\nc = [\n 1,\n 2 ]\n")
    assert found.nearest(("a", "b", "c", 1, "x")) == 6
    assert found.nearest(("a", "b", "none")) == 3
    assert found.nearest(("a", "none", "c")) == 1
    assert found.nearest(("none",)) is None


def test_a_table_said_after_its_sub_table_stands_at_its_own_header() -> None:
    found = locate("[a.b]\n[a]\nc = 1\n")
    assert (found.line(("a",)), found.line(("a", "b")), found.line(("a", "c"))) == (2, 1, 3)


@pytest.mark.parametrize("text", ['a = """' + "x" * 500_000, "a = '''" + "'" * 100_000, 'a = "' + "\\" * 100_000])
def test_an_endless_string_takes_no_time(text: str) -> None:
    locate(text)


def test_depth_is_counted_over_headers_and_values() -> None:
    locate("[" + ".".join("a" * 16) + "]\n" + ".".join("b" * 16) + " = 1\n")
    with pytest.raises(TooDeep):
        locate("[" + ".".join("a" * 16) + "]\n" + ".".join("b" * 17) + " = 1\n")
