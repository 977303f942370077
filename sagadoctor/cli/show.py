"""`sagadoctor show`: one saga in full."""

from typing import TYPE_CHECKING, Annotated

import typer

from .asked import A_TIME, as_json, point_in_time
from .context import Globals, with_backends
from .exits import Exit

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor
    from sagadoctor.services.show import Shown, ShowRequest


def show(
    context: typer.Context,
    saga_id: Annotated[
        str | None,
        typer.Argument(metavar="SAGA_ID", help="The saga's id, or a finding's (f-...).", show_default=False),
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY", help="Find the saga by its business key.")] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="NAME", help="Only in this store.")] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="table or json")] = "table",
    payload: Annotated[bool, typer.Option("--payload", help="Also the saga's data, redacted.")] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help=f"Judge as of then, such as {A_TIME}.")
    ] = None,
) -> None:
    """Show one saga: its steps, what is wrong with evidence for and against, and what could be done."""
    given: Globals = context.obj
    if saga_id is None and key is None:
        raise typer.BadParameter("say which saga: its id, a finding's (f-...), or --key KEY", param_hint="SAGA_ID")
    if saga_id is not None and key is not None:
        raise typer.BadParameter("say either a saga id or --key, not both", param_hint="SAGA_ID")
    json = as_json(output)
    from sagadoctor.services.show import ShowRequest

    request = ShowRequest(
        saga_id=saga_id,
        key=key,
        store=store,
        as_of=point_in_time(as_of, "--as-of"),
        timeout=given.timeout if given.timeout is not None else 60.0,
    )

    async def work(doctor: "Doctor") -> Exit:
        from sagadoctor.services.show import show as run

        doctor.known_stores(frozenset((store,)) if store is not None else None)
        shown = await run(doctor.backends, request)
        return _print(given, doctor, shown, request, json=json, payload=payload)

    raise typer.Exit(with_backends(given, work))


def _print(
    given: Globals, doctor: "Doctor", shown: "Shown", request: "ShowRequest", *, json: bool, payload: bool
) -> Exit:
    from sagadoctor.untrusted import shown as inert

    for spot in shown.blind_spots:
        hint = f" ({inert(spot.hint, 600)})" if spot.hint else ""
        given.terminal.complain(f"not seen: {inert(spot.source, 60)}: {inert(spot.reason, 600)}{hint}")
    asked = request.saga_id if request.saga_id is not None else request.key or ""
    name = inert(asked, 120) or "''"
    stores = sorted({one.case.saga.store for one in shown.cases})
    if len(stores) > 1 and shown.by_id:
        names = ", ".join(str(inert(name, 60)) for name in stores)
        given.terminal.complain(f"{name} is in {len(stores)} stores ({names}); say which with --store")
        return Exit.USAGE
    if not shown.cases:
        where = ", ".join(str(inert(each.name, 60)) for each in doctor.backends.stores)
        if shown.gone is not None:
            at = doctor.backends.clock.now()
            about = f"{name} was about saga {inert(shown.gone, 120)}"
            given.terminal.complain(f"{about}, which is gone now (looked at {at:%H:%M:%S} UTC)")
        else:
            which = name if request.key is None else f"with key {name}"
            if shown.newer and request.as_of is not None:
                then = f"--as-of {request.as_of:%Y-%m-%dT%H:%M:%SZ}"
                given.terminal.complain(f"saga {which} is newer than {then}: it moved after that")
            else:
                where = where if not shown.blind_spots else "the stores that answered"
                given.terminal.complain(f"no saga {which} in {where}")
        return Exit.INCOMPLETE if shown.blind_spots else Exit.FINDINGS
    if shown.newer:
        rows = "1 more row is" if shown.newer == 1 else f"{shown.newer} more rows are"
        given.terminal.say(f"note: {rows} newer than --as-of, and left out")
    if json:
        from .render.case_wire import print_json

        print_json(given.terminal, doctor, shown, given.repeated, payload=payload)
    else:
        from .render.case import print_case

        for one in shown.cases:
            print_case(given.terminal, doctor, one, given.repeated, payload=payload)
    return Exit.OK
