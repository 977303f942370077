"""A table as a sample shows it: pure facts that the guessing works on."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import msgspec

from sagadoctor.api.v1.proposing import Listed
from sagadoctor.api.v1.sql import Column, Kind

NUMBERS: Final = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)
TEXTS: Final = (Kind.TEXT, Kind.ENUM, Kind.OTHER)
DOCUMENTS: Final = (Kind.JSON, Kind.JSONB, Kind.TEXT, Kind.OTHER)
_WHOLE: Final = re.compile(r"-?\d{1,20}\Z")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d)?")
MOST_WORDS: Final = 40
LONGEST_WORD: Final = 60
_DECLARED: Final = re.compile(r"(?i)date|time")


class SeenColumn(msgspec.Struct, frozen=True, dict=True):
    """One column: its sampled cells as texts, in the order of the rows; `more` are words learnt without reading rows.

    `documents` are longer cells, of other (fewer) rows. `all_words`: the words are all that the table holds.
    """

    column: Column
    cells: tuple[str | None, ...] = ()
    more: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    all_words: bool = False

    @property
    def name(self) -> str:
        """Return the column's real name."""
        return self.column.name

    @property
    def kind(self) -> Kind:
        """Return the family of its values."""
        return self.column.kind

    @cached_property
    def counted(self) -> Mapping[str, int]:
        """Return how often each value was seen, the most frequent first; 0 for words learnt otherwise."""
        counts = Counter(cell for cell in self.cells if cell is not None)
        found = dict(counts.most_common())
        return {**found, **{word: 0 for word in self.more if word not in found}}

    @property
    def filled(self) -> int:
        """Return how many of the sampled rows hold a value."""
        return sum(cell is not None for cell in self.cells)

    @cached_property
    def has_few_words(self) -> bool:
        """Say whether its values look like words of a vocabulary: few, short, and coming back."""
        words = self.counted
        if self.column.labels:
            return True
        if not words:
            return True  # an empty table tells nothing against it
        short = all(0 < len(word) <= LONGEST_WORD for word in words)
        comes_back = self.filled < 12 or len(words) <= max(6, self.filled // 3)
        return short and len(words) <= MOST_WORDS and comes_back

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Return its whole numbers, where all its values are some."""
        if not all(_WHOLE.match(word) for word in self.counted):
            return ()
        return tuple(int(word) for word in self.counted)

    @cached_property
    def moments(self) -> float | None:
        """Return the share of its values that are written like moments; None where there is no value."""
        words = list(self.counted)
        if not words:
            return None
        return sum(bool(_ISO.match(word) and _moment(word)) for word in words) / len(words)

    @cached_property
    def decoded(self) -> tuple[Any, ...]:
        """Return its documents that are JSON, decoded."""
        return tuple(value for text in self.documents if (value := _json(text)) is not None)

    def is_time(self) -> bool:
        """Say whether it may hold moments, by its type, else by its values."""
        if self.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ):
            return True
        if self.kind in (Kind.TEXT, Kind.OTHER):
            share = self.moments
            return share > 0.8 if share is not None else True
        if self.kind is Kind.DATE:
            return False
        return self.kind in NUMBERS and (self.kind is not Kind.DECIMAL)


def _moment(word: str) -> bool:
    try:
        datetime.fromisoformat(word.strip())
    except ValueError:
        return bool(re.match(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d", word)) or word.startswith("0000-00-00")
    return True


def _json(text: str) -> Any:
    """Return a decoded document; None for what is none."""
    if not text or text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        value = json.loads(text)
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


class Seen(msgspec.Struct, frozen=True, dict=True):
    """One table with its sample; `whole` when the sample is all there is, `trouble` why it could not be read."""

    listed: Listed
    columns: tuple[SeenColumn, ...]
    rows: int = 0
    whole: bool = False
    trouble: str = ""

    @property
    def name(self) -> str:
        """Return the table's own name."""
        return self.listed.table.name

    @property
    def place(self) -> str:
        """Return the name as a person writes it."""
        return ".".join(self.listed.parts)

    @cached_property
    def by_name(self) -> Mapping[str, SeenColumn]:
        """Return the columns by their real names."""
        return {column.name: column for column in self.columns}

    def get(self, name: str | None) -> SeenColumn | None:
        """Return the column of this real name."""
        return None if name is None else self.by_name.get(name)

    @property
    def counted(self) -> str:
        """Say how much was read: `all 12 rows`, `2,000 rows sampled`."""
        if self.rows == 0:
            return "no row"
        return f"all {self.rows:,} rows" if self.whole else f"{self.rows:,} rows sampled"
