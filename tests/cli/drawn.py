"""Drawing a report that was made by hand, in any format and on any terminal."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from sagadoctor.cli.render import RENDERERS, Shape
from sagadoctor.cli.terminal import Terminal
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd
from tests.export.made import NOW, an_end

COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
FORMATS: Final = tuple(RENDERERS)
POWERFUL: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def terminal(**changes: Any) -> Terminal:
    """Return a terminal without colours that draws everything, 80 wide."""
    given = {"colour": False, "ascii": False, "width": 80, **changes}
    return Terminal(out=io.StringIO(), talk=io.StringIO(), **given)


def drawn(
    output: str,
    findings: Sequence[Finding],
    end: ReportEnd | None = None,
    *,
    on: Terminal | None = None,
    **shape: Any,
) -> str:
    """Return what a format writes of these findings."""
    chosen = on or terminal()
    renderer = RENDERERS[output](chosen, Shape(**{"as_of": NOW, **shape}))
    renderer.start()
    for finding in findings:
        renderer.finding(finding)
    renderer.end(end or an_end())
    assert isinstance(chosen.out, io.StringIO)
    return chosen.out.getvalue()


def talk(on: Terminal) -> str:
    """Return what was said on stderr."""
    assert isinstance(on.talk, io.StringIO)
    return on.talk.getvalue()


def powerful(text: str, *, coloured: bool = False) -> list[str]:
    """Return the characters that could move a cursor, turn text around or hide in it; colours of ours aside."""
    plain = COLOUR.sub("", text) if coloured else text
    return [f"{ord(char):#x}" for char in plain if char != "\n" and unicodedata.category(char) in POWERFUL]
