"""The program: global options, and the verbs, each in a file of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from sagadoctor import __version__

from .context import Globals
from .terminal import open_terminal

app: Final = typer.Typer(
    name="sagadoctor",
    help="Find stuck and half-compensated sagas, say why with evidence, and what would be safe to do.",
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit codes: 0 nothing wrong, 1 findings, 2 usage or configuration, 3 incomplete, 130 interrupted. "
        "Start with: sagadoctor demo"
    ),
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"sagadoctor {__version__}")
        raise typer.Exit


def seconds(text: str) -> float:
    """Read `30`, `30s`, `5m` as seconds; raises BadParameter."""
    from sagadoctor.api.options import duration

    try:
        return duration(f"{text}s" if text.replace(".", "", 1).isdigit() else text).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration.", show_default=False)
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", metavar="NAME", help="NAME.toml in the configuration folder.")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Change nothing, whatever the configuration says.")
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help="For the whole command, such as 30s (default 60s for looking)."),
    ] = None,
    color: Annotated[
        str | None, typer.Option("--color", metavar="WHEN", help="auto (default), always or never.")
    ] = None,
    plain: Annotated[bool, typer.Option("--ascii", help="No characters beyond ASCII.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No notes on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Also what rests as it should.")] = False,
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar="FILE", help="Write a log of JSON lines here.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Read the global options; without a verb, say what there is."""
    del version
    if color not in (None, "auto", "always", "never"):
        raise typer.BadParameter("one of auto, always, never", param_hint="--color")
    limit = seconds(timeout) if timeout is not None else None
    if any(name.startswith("SAGADOCTOR_") for name in os.environ):
        from sagadoctor.config.variables import variables

        said = variables(os.environ)
        read_only, plain, color = read_only or said.read_only, plain or said.ascii is True, color or said.color
        limit = limit if limit is not None or said.timeout is None else said.timeout.total_seconds()
        log_file = log_file or (Path(said.log_file) if said.log_file else None)
    terminal = open_terminal(colour=color or "auto", plain=plain, quiet=quiet, verbose=verbose)
    context.obj = Globals(terminal, config, env, read_only, limit, log_file)
    if log_file is not None:
        from .log import write_log_to

        write_log_to(log_file)
    if context.invoked_subcommand is None:
        terminal.complain(context.get_help())
        terminal.complain("\nSay a verb; `sagadoctor scan` looks at everything once, `sagadoctor demo` needs nothing.")
        raise typer.Exit(2)


def _add_verbs() -> None:
    from . import ack, check, config, demo, plugins, scan, show

    app.command("scan", short_help="Look at every store once: which sagas are stuck, and why.")(scan.scan)
    app.command("show", short_help="Show one saga in full, with evidence for and against.")(show.show)
    app.command("check", short_help="Reach every store and say how it went.")(check.check)
    app.command("ack", short_help="Say that a finding is known, so that cron stays quiet.")(ack.ack)
    app.command("demo", short_help="A small company with broken sagas; nothing else needed.")(demo.demo)
    app.add_typer(config.app, name="config")
    app.add_typer(plugins.app, name="plugins")


_add_verbs()
