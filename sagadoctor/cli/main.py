"""The program: global options, and the verbs, each in a file of its own.

Annotations here and in the verbs are no texts, as they are elsewhere: typer would work them out at every start, which
takes 1 ms.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from sagadoctor import __version__

from .context import Globals
from .sparing import sparing
from .terminal import open_terminal

_VERBS: Final = {
    "scan": "Look at every store once: which sagas are stuck, and why.",
    "show": "Show one saga in full, with evidence for and against.",
    "check": "Reach every store and say how it went.",
    "ack": "Say that a finding is known, so that cron stays quiet.",
    "init": "Look at a database, recognise its saga tables, write a configuration.",
    "demo": "A small company with broken sagas; nothing else needed.",
    "config": "",
    "plugins": "",
}
_FAMILIES: Final = frozenset(("config", "plugins"))
"""Verbs with verbs of their own, which say themselves what they are for."""


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
        raise typer.BadParameter(str(error), param_hint="--timeout") from None


def start(
    context: typer.Context,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="The configuration.", show_default=False)
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", metavar="NAME", help="NAME.toml in the configuration folder.")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Change nothing, whatever the configuration says.")
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout", metavar="DURATION", help="For the whole command, such as 30s (default 60s for looking)."
        ),
    ] = None,
    color: Annotated[
        str | None, typer.Option("--color", metavar="WHEN", help="auto (default), always or never.")
    ] = None,
    plain: Annotated[bool, typer.Option("--ascii", help="No characters beyond ASCII.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No notes on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Also what rests as it should.")] = False,
    log_file: Annotated[
        str | None, typer.Option("--log-file", metavar="FILE", help="Write a log of JSON lines here.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Read the global options; without a verb, say what there is."""
    del version
    if color not in (None, "auto", "always", "never"):
        raise typer.BadParameter("one of auto, always, never", param_hint="--color")
    for option, value in (("--config", config), ("--log-file", log_file)):
        if value is not None and not value.strip():
            raise typer.BadParameter("an empty name is no file", param_hint=option)
    limit = seconds(timeout) if timeout is not None else None
    if any(name.startswith("SAGADOCTOR_") for name in os.environ):
        from sagadoctor.config.variables import variables

        said = variables(os.environ)
        read_only, plain, color = read_only or said.read_only, plain or said.ascii is True, color or said.color
        limit = limit if limit is not None or said.timeout is None else said.timeout.total_seconds()
        log_file = log_file or said.log_file
    terminal = open_terminal(colour=color or "auto", plain=plain, quiet=quiet, verbose=verbose)
    named, log = (Path(name) if name else None for name in (config, log_file))
    context.obj = Globals(terminal, named, env, read_only, limit, log, failed=context.obj)
    if log is not None:
        from .log import write_log_to

        write_log_to(log)
    if context.invoked_subcommand is None:
        terminal.complain(context.get_help())
        terminal.complain("\nSay a verb; `sagadoctor scan` looks at everything once, `sagadoctor demo` needs nothing.")
        raise typer.Exit(2)


def program(front: Sequence[str] = (), rest: Sequence[str] = ()) -> typer.Typer:
    """Return the program; of one command line only what it may use: its verb, and the options that it names.

    `front` are its global options, `rest` begins with the verb. Making everything takes as long as parsing does.
    """
    alone = rest[0] if rest and rest[0] in _VERBS else None
    made = typer.Typer(
        name="sagadoctor",
        help="Find stuck and half-compensated sagas, say why with evidence, and what would be safe to do.",
        no_args_is_help=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=alone is None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog=(
            "Exit codes: 0 nothing wrong, 1 findings, 2 usage or configuration, 3 incomplete, 130 interrupted. "
            "Start with: sagadoctor demo"
        ),
    )
    made.callback(invoke_without_command=True)(start if alone is None else sparing(start, front))
    for name in _VERBS if alone is None else [alone]:
        _add(made, name, None if alone is None else rest[1:])
    return made


def _add(program: typer.Typer, verb: str, words: Sequence[str] | None) -> None:
    from importlib import import_module

    module = import_module(f".{verb}", __package__)
    if verb in _FAMILIES:
        program.add_typer(module.app, name=verb)
        return
    function = getattr(module, verb)
    program.command(verb, short_help=_VERBS[verb])(function if words is None else sparing(function, words))
