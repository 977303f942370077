"""The shapes a report is printed in; each writes findings as they come and the end last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from sagadoctor.cli.terminal import Terminal
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd

from .shape import Shape


class Renderer(Protocol):
    """Writes one report; `start` is called once, then `finding` for each, then `end` once."""

    def start(self) -> None:
        """Write what comes before the findings."""
        ...

    def finding(self, finding: Finding) -> None:
        """Write, or keep, one finding."""
        ...

    def end(self, end: ReportEnd) -> None:
        """Write what comes after the findings."""
        ...


def _table(terminal: Terminal, shape: Shape) -> Renderer:
    from .table import TableRenderer

    return TableRenderer(terminal, shape)


def _json(terminal: Terminal, shape: Shape) -> Renderer:
    from .machine import JsonRenderer

    return JsonRenderer(terminal, shape)


def _ndjson(terminal: Terminal, shape: Shape) -> Renderer:
    from .machine import NdjsonRenderer

    return NdjsonRenderer(terminal, shape)


def _csv(terminal: Terminal, shape: Shape) -> Renderer:
    from .machine import CsvRenderer

    return CsvRenderer(terminal, shape)


def _markdown(terminal: Terminal, shape: Shape) -> Renderer:
    from .text import MarkdownRenderer

    return MarkdownRenderer(terminal, shape)


def _nagios(terminal: Terminal, shape: Shape) -> Renderer:
    from .text import NagiosRenderer

    return NagiosRenderer(terminal, shape)


RENDERERS: Final[Mapping[str, Callable[[Terminal, Shape], Renderer]]] = {
    "table": _table,
    "json": _json,
    "ndjson": _ndjson,
    "csv": _csv,
    "markdown": _markdown,
    "nagios": _nagios,
}

__all__ = ["RENDERERS", "Renderer", "Shape"]
