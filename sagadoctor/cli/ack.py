"""`sagadoctor ack`: say that a finding is known, so that cron stays quiet about it for a while."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from .asked import span
from .context import Globals, with_backends
from .exits import Exit

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor


def ack(
    context: typer.Context,
    finding_ids: Annotated[list[str] | None, typer.Argument(help="Finding ids (f-…).", show_default=False)] = None,
    group: Annotated[list[str] | None, typer.Option("--group", help="All findings of this cause (g-…).")] = None,
    until: Annotated[str, typer.Option("--until", help="For how long, such as 2h; it expires by itself.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; others will read it.")] = "",
) -> None:
    """Acknowledge findings, or all findings of one cause; writes only the ledger."""
    given: Globals = context.obj
    targets = [*(finding_ids or ()), *(group or ())]
    if not targets:
        raise typer.BadParameter("say which: finding ids, or --group ID", param_hint="FINDING_ID")
    if not until:
        raise typer.BadParameter("say for how long, such as --until 2h", param_hint="--until")
    lasting = span(until, "--until")
    for target in finding_ids or ():
        if not target.startswith("f-"):
            raise typer.BadParameter(f"{target!r} is no finding id: they start with f-", param_hint="FINDING_ID")
    for target in group or ():
        if not target.startswith("g-"):
            raise typer.BadParameter(f"{target!r} is no group id: they start with g-", param_hint="--group")

    async def work(doctor: Doctor) -> Exit:
        from sagadoctor.services.acknowledge import acknowledge
        from sagadoctor.untrusted import shown

        made = await acknowledge(doctor.backends, targets, lasting, _person(), reason)
        for each in made:
            given.terminal.line(f"acknowledged {shown(each.target)} until {each.until:%Y-%m-%d %H:%M:%S} UTC")
        return Exit.OK

    raise typer.Exit(with_backends(given, work))


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
