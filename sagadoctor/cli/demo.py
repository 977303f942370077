"""`sagadoctor demo`: a small company with broken sagas, on this machine, nothing else needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .context import Globals
from .exits import Exit


def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where the company's database and configuration are put.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another afternoon.")] = 1,
) -> None:
    """Run three hours of a small company whose sagas break, then find out what happened to them."""
    given: Globals = context.obj
    from sagadoctor.bootstrap import state_folder
    from sagadoctor.export.command_line import PROGRAM, quoted

    home = (folder or state_folder() / "demo").absolute()
    config, sick, started = _open_the_company(given, home, seed)
    given.terminal.say(f"{started} sagas were started, {sick} of them are sick. What `{PROGRAM} scan` makes of it:\n")
    code = _scan(given, config)
    lines = [
        quoted(PROGRAM, "--config", str(config), "scan", "--by-group"),
        quoted(PROGRAM, "--config", str(config), "scan", "-o", "json"),
        quoted(PROGRAM, "--config", str(config), "check"),
    ]
    given.terminal.say("\nTry next:")
    for line in lines:
        given.terminal.say(f"  {line}")
    if code not in (Exit.OK, Exit.FINDINGS):
        raise typer.Exit(code)


def _open_the_company(given: Globals, home: Path, seed: int) -> tuple[Path, int, int]:
    """Run the company's afternoon on a fresh database; return its configuration, and how many are sick of how many."""
    from sqlalchemy import URL, create_engine

    from sagadoctor.clock import SystemClock
    from sagadoctor.demo.config_text import config_text
    from sagadoctor.demo.incident import the_incident
    from sagadoctor.errors import UsageError

    database, config, ledger = home / "company.db", home / "demo.toml", home / "ledger.db"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for stale in (database, ledger):
            for suffix in ("", "-wal", "-shm", "-journal"):
                stale.with_name(stale.name + suffix).unlink(missing_ok=True)
        url = URL.create("sqlite", database=str(database)).render_as_string()
        memory = URL.create("sqlite", database=str(ledger)).render_as_string()
        config.write_text(config_text(url) + f'\n[ledger]\nurl = "{memory}"\n', encoding="utf-8")
        given.terminal.say(
            "A small company opens: orders and bank transfers, three hours in a moment, and things break."
        )
        engine = create_engine(url)
        try:
            incident = the_incident(engine, SystemClock().now(), seed)
            incident.world.close()
        finally:
            engine.dispose()
    except OSError as error:
        raise UsageError(f"{home}: {error.strerror or error}; say another place with --folder") from None
    return config, len(incident.sick), len(incident.truths)


def _scan(given: Globals, config: Path) -> int:
    """Scan the company as a person at a terminal would."""
    from dataclasses import replace
    from types import SimpleNamespace
    from typing import cast

    from .scan import scan

    context = cast(typer.Context, SimpleNamespace(obj=replace(given, config=config, env=None)))
    try:
        scan(context, reader="terminal")
    except typer.Exit as left:
        return left.exit_code
    return Exit.OK
