"""`sagadoctor demo`: a small company with broken sagas, on this machine, nothing else needed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .context import Globals
from .exits import Exit

if TYPE_CHECKING:
    from sagadoctor.demo.company import Company


def demo(
    context: typer.Context,
    folder: Annotated[
        str | None,
        typer.Option("--folder", metavar="FOLDER", help="Where the company's database and configuration are put."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Another seed, another afternoon.")] = 1,
) -> None:
    """Run three hours of a small company whose sagas break, then find out what happened to them."""
    given: Globals = context.obj
    from sagadoctor.bootstrap import state_folder
    from sagadoctor.export.command_line import PROGRAM, quoted

    if folder is not None and not folder.strip():
        raise typer.BadParameter("an empty name is no folder", param_hint="--folder")
    home = (Path(folder) if folder is not None else state_folder() / "demo").absolute()
    company = _open(given, home, seed)
    config = company.config
    given.terminal.say(
        f"{company.sagas} sagas were started, {company.sick} of them are sick. What a scan makes of it:\n"
    )
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


def _open(given: Globals, home: Path, seed: int) -> "Company":
    from sagadoctor.clock import SystemClock
    from sagadoctor.demo.company import open_company
    from sagadoctor.errors import UsageError

    given.terminal.say("A small company opens: orders and bank transfers, three hours in a moment, and things break.")
    try:
        return open_company(home, SystemClock().now(), seed)
    except OSError as error:
        raise UsageError(f"{home}: {error.strerror or error}; say another place with --folder") from None


def _scan(given: Globals, config: Path) -> int:
    """Scan the company as a person at a terminal would."""
    from types import SimpleNamespace
    from typing import cast

    from msgspec.structs import replace

    from .scan import scan

    context = cast(typer.Context, SimpleNamespace(obj=replace(given, config=config, env=None)))
    try:
        scan(context, reader="terminal")
    except typer.Exit as left:
        return left.exit_code
    return Exit.OK
