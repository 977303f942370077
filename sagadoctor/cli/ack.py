"""`sagadoctor ack`: say that a finding is known, so that cron stays quiet about it for a while."""

import getpass
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from sagadoctor.errors import UsageError

from .asked import A_TIME, point_in_time, span
from .context import Globals, with_backends
from .exits import Exit

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor


def ack(
    context: typer.Context,
    finding_ids: Annotated[
        list[str] | None, typer.Argument(metavar="FINDING_ID", help="Finding ids (f-...).", show_default=False)
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar="ID", help="All findings of this cause (g-...).")
    ] = None,
    until: Annotated[
        str,
        typer.Option("--until", metavar="WHEN", help=f"For how long, such as 2h, or until when, such as {A_TIME}."),
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; others will read it.")] = "",
) -> None:
    """Acknowledge findings, or all findings of one cause; writes only the ledger."""
    given: Globals = context.obj
    targets = [*(finding_ids or ()), *(group or ())]
    if not targets:
        raise typer.BadParameter("say which: finding ids, or --group ID", param_hint="FINDING_ID")
    if not until:
        raise typer.BadParameter("say for how long, such as --until 2h", param_hint="--until")
    lasting_from = _until(until)
    for target in finding_ids or ():
        _check(target, "f", 16, "FINDING_ID")
    for target in group or ():
        _check(target, "g", 12, "--group")

    async def work(doctor: "Doctor") -> Exit:
        from sagadoctor.services.acknowledge import acknowledge
        from sagadoctor.untrusted import shown

        done = await acknowledge(
            doctor.backends,
            targets,
            lasting_from(doctor.backends.clock.now()),
            _person(),
            reason,
            given.timeout or 60.0,
        )
        for each in done.made:
            given.terminal.line(f"acknowledged {shown(each.target)} until {each.until:%Y-%m-%d %H:%M:%S} UTC")
        for target in done.unseen:
            what = "has a finding of this cause" if target.startswith("g-") else "has found it"
            unseen = f"no scan that this ledger remembers {what}; it counts if one does"
            given.terminal.complain(f"warning: {shown(target)}: {unseen}")
        return Exit.OK

    raise typer.Exit(with_backends(given, work))


def _until(text: str) -> Callable[[datetime], timedelta]:
    """Read a duration or a moment; return what says how long that is from now on."""
    if re.match(r"\d{4}-", text) is None:
        try:
            lasting = span(text, "--until")
        except typer.BadParameter as error:
            hint = f"or say until when, such as {A_TIME}"
            raise typer.BadParameter(f"{error.message}, {hint}", param_hint="--until") from None
        return lambda now: lasting
    moment = point_in_time(text, "--until")
    assert moment is not None

    def left(now: datetime) -> timedelta:
        if moment <= now:
            raise UsageError(f"--until: {text} has passed; it is {now:%Y-%m-%dT%H:%M:%SZ} now")
        return moment - now

    return left


def _check(target: str, letter: str, digits: int, option: str) -> None:
    if not re.fullmatch(rf"{letter}-[0-9a-f]{{{digits}}}", target):
        shape = f"{letter}- and {digits} hex digits"
        raise typer.BadParameter(f"{target!r} is none: they are {shape}, as a scan prints them", param_hint=option)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
