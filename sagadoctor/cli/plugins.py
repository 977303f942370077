"""`sagadoctor plugins list`: what is installed, and by whom."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from .asked import as_json
from .context import Globals

app: Final = typer.Typer(help="The backends that are installed.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _plugins() -> None:
    """Look at the installed plugins."""


@app.command("list")
def list_plugins(
    context: typer.Context,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="table or json")] = "table",
) -> None:
    """List the installed plugins; their code is not loaded for this."""
    from sagadoctor.export.wire import encode
    from sagadoctor.registry import STORES, installed
    from sagadoctor.untrusted import shown

    given: Globals = context.obj
    json = as_json(output)
    entries = list(installed(STORES))
    if json:
        rows = [
            {
                "group": entry.group,
                "name": entry.name,
                "distribution": entry.distribution,
                "version": entry.version,
                "problem": entry.problem,
            }
            for entry in entries
        ]
        given.terminal.line(encode({"schema": "sagadoctor.plugins/1", "plugins": rows}))
        return
    for entry in entries:
        refused = f"  REFUSED: {shown(entry.problem)}" if entry.problem else ""
        source = f"{shown(entry.distribution)} {shown(entry.version)}"
        given.terminal.line(f"{shown(entry.group):<24} {shown(entry.name):<16} {source}{refused}")
