"""JSON, NDJSON and CSV: complete, or saying that they are not."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from sagadoctor.cli.terminal import Terminal
from sagadoctor.export.wire import SCHEMA, encode, end_wire, finding_wire, group_wire, moment
from sagadoctor.model.finding import Finding
from sagadoctor.model.report import ReportEnd
from sagadoctor.untrusted import csv_cell

from .shape import Shape


class _Limited:
    """Counts what was printed, so that a limit is said and never silent."""

    def __init__(self, terminal: Terminal, shape: Shape) -> None:
        self._out = terminal.out
        self._terminal = terminal
        self._shape = shape
        self._printed = 0
        self._cut = 0

    def _room(self) -> bool:
        if self._shape.by_group:
            return False
        if self._shape.limit is not None and self._printed >= self._shape.limit:
            self._cut += 1
            return False
        self._printed += 1
        return True


class JsonRenderer(_Limited):
    """One document; findings are written as they come, the summary last."""

    def start(self) -> None:
        """Open the document."""
        head = encode({"schema": SCHEMA, "as_of": moment(self._shape.as_of)})
        self._out.write(f'{head[:-1]},"findings":[')

    def finding(self, finding: Finding) -> None:
        """Write one finding."""
        if self._room():
            comma = "," if self._printed > 1 else ""
            self._out.write(f"{comma}\n{encode(finding_wire(finding, self._shape.templates, self._shape.options))}")

    def end(self, end: ReportEnd) -> None:
        """Close the document."""
        rest = encode(end_wire(end, cut=self._cut > 0))
        self._out.write(f"\n],{rest[1:]}\n")


class NdjsonRenderer(_Limited):
    """One finding a line (or, by group, one group a line), then one summary line."""

    def start(self) -> None:
        """Write nothing: each line stands for itself."""

    def finding(self, finding: Finding) -> None:
        """Write one line."""
        if self._room():
            self._out.write(encode(finding_wire(finding, self._shape.templates, self._shape.options)) + "\n")

    def end(self, end: ReportEnd) -> None:
        """Write the summary line."""
        if self._shape.by_group:
            for group in end.groups[: self._shape.limit]:
                self._out.write(encode(group_wire(group)) + "\n")
        head = {"schema": SCHEMA, "as_of": moment(self._shape.as_of)}
        cut = self._cut > 0 or _groups_cut(self._shape, end)
        self._out.write(encode(head | end_wire(end, cut=cut)) + "\n")


def _groups_cut(shape: Shape, end: ReportEnd) -> bool:
    return shape.by_group and shape.limit is not None and len(end.groups) > shape.limit


_COLUMNS = [
    "id",
    "status",
    "primary",
    "subject",
    "rule",
    "severity",
    "store",
    "saga_id",
    "saga_type",
    "state",
    "raw_state",
    "business_key",
    "step",
    "since",
    "age_seconds",
    "late_seconds",
    "half_compensated",
    "summary",
    "group",
    "acknowledged_until",
]
_GROUP_COLUMNS = ["id", "title", "rule", "severity", "sagas", "oldest", "newest", "example"]


class CsvRenderer(_Limited):
    """One finding (or group) a line under a header; what can't be said in a row goes to stderr."""

    def start(self) -> None:
        """Write the header."""
        self._row(_GROUP_COLUMNS if self._shape.by_group else _COLUMNS)

    def finding(self, finding: Finding) -> None:
        """Write one line."""
        if self._room():
            wire = finding_wire(finding, {})
            self._row([_cell(wire[column]) for column in _COLUMNS])

    def end(self, end: ReportEnd) -> None:
        """Say on stderr whether this was all."""
        if self._shape.by_group:
            for group in end.groups[: self._shape.limit]:
                wire = group_wire(group)
                self._row([_cell(wire[column]) for column in _GROUP_COLUMNS])
        if not end.complete or end.truncated or self._cut or _groups_cut(self._shape, end):
            self._terminal.complain(
                "this is not all: " + ("rows were left out" if end.complete else "the scan is incomplete")
            )

    def _row(self, cells: list[str]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        text = line.getvalue()
        self._out.write(text if text.isascii() else text.encode("ascii", "backslashreplace").decode("ascii"))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value) or ""
    return csv_cell(value) if isinstance(value, str) else str(value)
