"""`sagadoctor config`: validate, show, schema, path, example; nothing is contacted."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from .asked import as_json
from .context import Globals
from .exits import Exit

app: Final = typer.Typer(
    help="The configuration: check it, show it, find it.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("validate")
def validate(context: typer.Context) -> None:
    """Check the whole file and report every problem at once."""
    from sagadoctor.bootstrap import load_configuration

    given: Globals = context.obj
    configuration = load_configuration(given.config, given.env, read_only=given.read_only)
    for warning in configuration.warnings:
        given.terminal.complain(f"warning: {warning}")
    names = ", ".join(store.name for store in configuration.stores)
    given.terminal.line(f"{configuration.path} is good: environment {configuration.environment.name}, stores {names}")
    raise typer.Exit(Exit.OK)


@app.command("show", short_help="Show the effective values and where each is from.")
def show(
    context: typer.Context,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="table or json")] = "table",
) -> None:
    """Show the effective values with the place each comes from; secrets are masked."""
    from sagadoctor.bootstrap import load_configuration
    from sagadoctor.config.show import entries, lines, settings
    from sagadoctor.export.wire import encode

    given: Globals = context.obj
    json = as_json(output)
    effective = settings(load_configuration(given.config, given.env, read_only=given.read_only, secrets=False))
    if json:
        given.terminal.line(encode({"schema": "sagadoctor.config/1", "settings": entries(effective)}))
        return
    for line in lines(effective):
        given.terminal.line(line)


@app.command("schema", short_help="Print the JSON Schema, for editors.")
def schema(context: typer.Context) -> None:
    """Print the JSON Schema of the configuration with the installed plugins, for editors."""
    from sagadoctor.bootstrap import plugin
    from sagadoctor.config.schema import schema as made
    from sagadoctor.export.wire import encode
    from sagadoctor.registry import PluginFailedError, names

    given: Globals = context.obj
    plugins = {}
    for name in names():
        try:
            plugins[name] = plugin(name)
        except PluginFailedError as error:
            given.terminal.say(f"left out: {error.problems[0].message}")
    given.terminal.line(encode(made(plugins)))


@app.command("path")
def path(context: typer.Context) -> None:
    """Print which file would be read."""
    from sagadoctor.config import find

    given: Globals = context.obj
    found = find(given.config, given.env, environ=os.environ)
    given.terminal.say(f"chosen by {found.because}")
    given.terminal.line(str(found.path))


@app.command("example", short_help="Print a commented example, to begin with.")
def example(context: typer.Context) -> None:
    """Print a commented example, to be changed and kept where `path` looks."""
    from sagadoctor.config import example as made

    given: Globals = context.obj
    for line in made().splitlines():
        given.terminal.line(line)
