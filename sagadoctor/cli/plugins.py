"""`sagadoctor plugins list`: what is installed, by whom, and what is used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .asked import as_json
from .context import Globals

if TYPE_CHECKING:
    from sagadoctor.registry import PluginEntry

app: Final = typer.Typer(help="The backends that are installed.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _plugins() -> None:
    """Look at the installed plugins."""


@app.command("list")
def list_plugins(
    context: typer.Context,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="table or json")] = "table",
) -> None:
    """List the installed plugins and which stores use them; their code is not loaded for this."""
    from sagadoctor.export.wire import encode
    from sagadoctor.registry import STORES, installed
    from sagadoctor.untrusted import shown

    given: Globals = context.obj
    json = as_json(output)
    entries = installed(STORES)
    used = _used(given)
    for name in sorted(set(used or ()) - {entry.name for entry in entries}):
        stores = ", ".join(str(shown(store, 60)) for store in (used or {})[name])
        given.terminal.complain(f"not installed: plugin {shown(name, 60)}, named by {stores}")
    if json:
        rows = [_wire(entry, used) for entry in entries]
        given.terminal.line(encode({"schema": "sagadoctor.plugins/1", "plugins": rows}))
        return
    for entry in entries:
        source = f"{shown(entry.distribution)} {shown(entry.version)}"
        name = f"{shown(entry.group):<24} {shown(entry.name):<16} API {entry.api_version}"
        given.terminal.line(f"{name}  {source:<24}  {_use(entry, used)}")


def _used(given: Globals) -> dict[str, tuple[str, ...]] | None:
    """Return the configured stores by plugin; None where there is no configuration that could be read."""
    from sagadoctor.config import find, plugins_named
    from sagadoctor.errors import ConfigError

    path = None
    try:
        path = find(given.config, given.env, environ=os.environ).path
        return plugins_named(path)
    except ConfigError as error:
        asked = given.config or given.env or os.environ.get("SAGADOCTOR_CONFIG") or os.environ.get("SAGADOCTOR_ENV")
        if path is None and not asked:
            return None
        why = str(error.problems[0]).partition(";")[0]
        given.terminal.say(f"which are used is not known: {why}")
        return None


def _use(entry: PluginEntry, used: dict[str, tuple[str, ...]] | None) -> str:
    from sagadoctor.untrusted import shown

    if entry.problem:
        return f"REFUSED: {shown(entry.problem)}"
    if used is None:
        return "no configuration"
    stores = used.get(entry.name, ())
    return "used by " + (", ".join(str(shown(store, 60)) for store in stores) or "no store")


def _wire(entry: PluginEntry, used: dict[str, tuple[str, ...]] | None) -> dict[str, Any]:
    mine = None if used is None else [] if entry.problem else list(used.get(entry.name, ()))
    return {
        "group": entry.group,
        "name": entry.name,
        "api_version": entry.api_version,
        "distribution": entry.distribution,
        "version": entry.version,
        "used_by": mine,
        "problem": entry.problem,
    }
