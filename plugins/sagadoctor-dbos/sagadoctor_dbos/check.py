"""What `sagadoctor check` says of a store of DBOS."""

from __future__ import annotations

from typing import Final

from sagadoctor.api.v1 import CheckLevel, CheckLine
from sagadoctor.api.v1.sql import Session, statement

from .reading import Reader
from .tables import Tables

_TRIED: Final = 125
"""The version of the tables that DBOS 3.4.0 makes, with which this plugin is tested."""


def looked_over(session: Session, tables: Tables, reader: Reader, took: float) -> tuple[CheckLine, ...]:
    """Return one line for each thing that matters."""
    where = tables.version if tables.version.startswith(tables.product) else f"{tables.product} {tables.version}"
    return (
        CheckLine("reached", CheckLevel.OK, f"{where}, {tables.workflows.place}", seconds=took),
        _version(session, tables),
        _index(tables),
        _owners(reader),
    )


def _version(session: Session, tables: Tables) -> CheckLine:
    text = tables.migration_select()
    told = session.rows(statement(text))[0][0] if text is not None else None
    if told == _TRIED:
        return CheckLine("tables", CheckLevel.OK, f"version {told}, as DBOS 3.4 makes them")
    what = f"version {told} of the tables" if told is not None else "tables that don't tell their version"
    return CheckLine(
        "tables",
        CheckLevel.WARNING,
        f"{what}; tried with {_TRIED}",
        "what is missing in them is not told; compare a workflow that you know: sagadoctor show ID",
    )


def _index(tables: Tables) -> CheckLine:
    if tables.leads("status", "PENDING"):
        return CheckLine("index", CheckLevel.OK, "what runs is found by an index")
    return CheckLine(
        "index",
        CheckLevel.WARNING,
        f"{tables.workflows.place} has no index that finds what runs",
        "let DBOS run its migrations",
    )


def _owners(reader: Reader) -> CheckLine:
    options = reader.options
    if options.executors or options.drain is not None:
        return CheckLine("executors", CheckLevel.OK, "the configuration says which are gone")
    return CheckLine(
        "executors",
        CheckLevel.OK,
        "DBOS keeps no heartbeats: a workflow whose executor died looks like one that works, until it is late "
        '(executors = [...] or drain = "1h" tell more)',
    )
