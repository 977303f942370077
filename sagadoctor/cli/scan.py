"""`sagadoctor scan`: one pass over everything; prints the report."""

import logging
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from msgspec.structs import replace

from .asked import A_TIME, filters, point_in_time, span
from .context import Globals, with_backends
from .exits import of_nagios, of_scan

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor
    from sagadoctor.model.finding import Finding, Severity
    from sagadoctor.model.report import ReportEnd
    from sagadoctor.services.scan import ScanRequest

_FORMATS = ("table", "json", "ndjson", "csv", "markdown", "nagios")
_FAIL_ON = ("critical", "warning", "info", "never")


def scan(
    context: typer.Context,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help=", ".join(_FORMATS))] = "table",
    fail_on: Annotated[
        str, typer.Option(metavar="SEVERITY", help="Exit 1 at this severity or worse: " + ", ".join(_FAIL_ON))
    ] = "warning",
    since: Annotated[
        str, typer.Option(metavar="DURATION", help="How far back ended sagas are read, such as 7d.")
    ] = "24h",
    deep: Annotated[bool, typer.Option("--deep", help="Read all ended sagas.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help="Print at most that many; the rest is counted.")
    ] = None,
    new_only: Annotated[
        bool, typer.Option("--new-only", help="Only what this reader's last scan didn't have.")
    ] = False,
    by_group: Annotated[bool, typer.Option("--by-group", help="One line a cause.")] = False,
    reader: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Whose last scan new, ongoing and resolved compare with.")
    ] = None,
    allow_full_scan: Annotated[
        bool, typer.Option("--allow-full-scan", help="Read big tables without an index, gently.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help=f"Judge a restored dump as of then, such as {A_TIME}.")
    ] = None,
    store: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these stores.")] = None,
    saga_type: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only these saga types.")
    ] = None,
    step: Annotated[list[str] | None, typer.Option(metavar="STEP", help="Only findings at these steps.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="Only sagas in these states (our word or the store's).")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Only these rules.")] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these causes (g-...).")] = None,
    key: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Only these business keys.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only what has stood still at least that long, such as 15m.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Only the saga ids in this file; - is stdin.")
    ] = None,
) -> None:
    """Look at every store once and say which sagas are stuck, why, and since when."""
    given: Globals = context.obj
    if output not in _FORMATS:
        raise typer.BadParameter(f"one of {', '.join(_FORMATS)}", param_hint="-o")
    if fail_on not in _FAIL_ON:
        raise typer.BadParameter(f"one of {', '.join(_FAIL_ON)}", param_hint="--fail-on")
    if reader is not None and not reader.strip():
        raise typer.BadParameter("a name is not empty", param_hint="--as")
    from sagadoctor.services.scan import ScanRequest

    request = ScanRequest(
        reader=reader or reader_of(sys.stdin, sys.stdout, sys.stderr),
        since=span(since, "--since"),
        deep=deep,
        filters=filters(
            store=store,
            saga_type=saga_type,
            step=step,
            state=state,
            rule=rule,
            group=group,
            key=key,
            older_than=older_than,
            source=source,
        ),
        new_only=new_only,
        allow_full_scan=allow_full_scan,
        as_of=point_in_time(as_of, "--as-of"),
        timeout=given.timeout if given.timeout is not None else 60.0,
    )

    async def work(doctor: "Doctor") -> "ReportEnd":
        from sagadoctor.model.report import ReportEnd
        from sagadoctor.services.scan import scan as run

        from .flusher import Flusher
        from .render import RENDERERS, Shape

        doctor.known_stores(request.filters.stores)
        shape = Shape(
            as_of=request.as_of or doctor.backends.clock.now(),
            limit=limit,
            by_group=by_group,
            templates=doctor.configuration.links,
            options=given.repeated,
            nothing=_nothing(request),
        )
        renderer = RENDERERS[output](given.terminal, shape)
        renderer.start()
        flusher = Flusher(given.terminal.out)
        log = logging.getLogger("sagadoctor.scan")
        logged = log.isEnabledFor(logging.INFO)
        end: ReportEnd | None = None
        async with aclosing(run(doctor.backends, request)) as telling:
            async for told in telling:
                if logged:
                    _log(log, told)
                if isinstance(told, ReportEnd):
                    end = told
                else:
                    renderer.finding(told)
                    flusher.soon()
        assert end is not None
        renderer.end(end)
        given.terminal.out.flush()
        return end

    end = with_backends(given, work)
    if output != "table":
        _say_on_stderr(given, end)
    if output == "nagios":
        raise typer.Exit(of_nagios(end))
    raise typer.Exit(of_scan(end, _severity(fail_on)))


def reader_of(*streams: TextIO | None) -> str:
    """Return whose scan this is: a person's as long as one of the streams is a terminal, also behind a pipe."""
    return "terminal" if any(stream is not None and _at_terminal(stream) for stream in streams) else "cron"


def _at_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it was closed
        return False


def _log(log: logging.Logger, told: "Finding | ReportEnd") -> None:
    """Write to the log, where there is one, what was found and how it ended."""
    from sagadoctor.model.finding import Finding

    if isinstance(told, Finding):
        about = {"store": told.store, "saga_id": told.saga_id}
        log.info("%s %s %s: %s", told.id, told.severity.value, told.rule, told.summary, extra=about)
        return
    for spot in told.blind_spots:
        log.warning("not seen: %s", spot.reason, extra={"store": spot.source})
    log.info("%d sagas read, %s", told.sagas, "complete" if told.complete else "incomplete")


def _nothing(request: "ScanRequest") -> str:
    if request.new_only:
        return "nothing new"
    return "nothing that was asked for" if replace(request.filters, stores=None).narrows else "nothing wrong"


def _severity(word: str) -> "Severity | None":
    from sagadoctor.model.finding import Severity

    return None if word == "never" else Severity(word)


def _say_on_stderr(given: Globals, end: "ReportEnd") -> None:
    from sagadoctor.untrusted import shown

    for spot in end.blind_spots:
        hint = f" ({shown(spot.hint, 600)})" if spot.hint else ""
        given.terminal.complain(f"not seen: {shown(spot.source, 60)}: {shown(spot.reason, 600)}{hint}")
    for note in end.notes:
        given.terminal.say(f"note: {shown(note, 400)}")
