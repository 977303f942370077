"""The examples of docs/map-your-store.md: tables, mapping, and the report that a scan of them gives.

`python -m tests.docs.mapped` writes every report anew into the page; read what it changed before you keep it.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cli.running import ROOT, Done, Home

PAGE: Final = ROOT / "docs" / "map-your-store.md"
AS_OF: Final = "2026-11-20T03:00:00Z"
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One section's tables, its mapping, and the report beneath them."""

    title: str
    tables: str
    mapping: str
    report: str
    place: slice
    """Where the report stands in the page."""


def head(page: str) -> str:
    """Return the lines that every example begins with: the page's first block of TOML."""
    return next(block[2] for block in _BLOCK.finditer(page) if block[1] == "toml")


def examples(page: str) -> Iterator[Example]:
    """Yield the examples in their order; raises ValueError for a table without a mapping and a report behind it."""
    waiting: dict[str, str] = {}
    for block in _BLOCK.finditer(page):
        kind, text = block[1], block[2]
        if kind == "sql":
            if waiting:
                raise ValueError(f"{_title(page, block.start())}: tables without a report")
            waiting = {"sql": text, "title": _title(page, block.start())}
        elif kind == "toml" and waiting:
            waiting["toml"] = text
        elif kind == "text" and waiting:
            if "toml" not in waiting:
                raise ValueError(f"{waiting['title']}: a report without a mapping")
            yield Example(waiting["title"], waiting["sql"], waiting["toml"], text, slice(block.start(2), block.end(2)))
            waiting = {}
    if waiting:
        raise ValueError(f"{waiting['title']}: tables without a report")


def _title(page: str, place: int) -> str:
    return [found[1] for found in _HEADING.finditer(page, 0, place)][-1]


def scanned(page: str, example: Example, folder: Path) -> Done:
    """Make the tables, and scan them with the mapping where a person's configuration would lie."""
    config = folder / "config" / "sagadoctor"
    config.mkdir(parents=True)
    database = sqlite3.connect(config / "app.db")
    database.executescript(example.tables)
    database.close()
    (config / "config.toml").write_text(head(page) + example.mapping, "utf-8")
    return Home(folder).call("scan", "--as-of", AS_OF)


def rewritten(page: str) -> str:
    """Return the page with the reports as they come out now."""
    for example in reversed(list(examples(page))):
        with tempfile.TemporaryDirectory() as folder:
            done = scanned(page, example, Path(folder))
        told = done.text.rstrip("\n") + "\n" if done.out else done.said
        page = page[: example.place.start] + told + page[example.place.stop :]
    return page


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("utf-8")), "utf-8")
