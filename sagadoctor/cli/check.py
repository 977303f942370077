"""`sagadoctor check`: reach every backend and say how it went."""

from typing import TYPE_CHECKING, Annotated

import typer

from .asked import as_json
from .context import Globals, with_backends
from .exits import Exit

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor


def check(
    context: typer.Context,
    store: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these stores.")] = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORMAT", help="table or json")] = "table",
) -> None:
    """Reach every backend: time taken, privileges, index use, clock skew, and what a mapping can't know."""
    given: Globals = context.obj
    json = as_json(output)
    names = frozenset(store) if store else None

    async def work(doctor: "Doctor") -> Exit:
        from sagadoctor.api.ports import CheckLevel
        from sagadoctor.services.check import check as run

        doctor.known_stores(names)
        checked = await run(doctor.backends, names, given.timeout if given.timeout is not None else 60.0)
        _print(given, checked, json=json)
        failed = any(each.worst is CheckLevel.FAILED for each in checked)
        return Exit.INCOMPLETE if failed else Exit.OK

    raise typer.Exit(with_backends(given, work))


def _print(given: Globals, checked: object, *, json: bool) -> None:
    from sagadoctor.export.wire import encode
    from sagadoctor.services.check import Checked
    from sagadoctor.untrusted import sentence, shown

    assert isinstance(checked, tuple)
    terminal = given.terminal
    if json:
        rows = [
            {
                "source": each.source,
                "level": each.worst.value,
                "capabilities": [capability.value for capability in each.capabilities],
                "lines": [
                    {
                        "about": line.about,
                        "level": line.level.value,
                        "text": line.text,
                        "todo": line.todo,
                        "seconds": line.seconds,
                    }
                    for line in each.lines
                ],
            }
            for each in checked
        ]
        terminal.line(encode({"schema": "sagadoctor.check/1", "checks": rows}))
        return
    colours = {"ok": "good", "warning": "warning", "failed": "critical"}
    glyphs = {"ok": ("✔", "+"), "warning": ("▲", "!"), "failed": ("✖", "x")}
    for each in checked:
        assert isinstance(each, Checked)
        terminal.line(terminal.paint(str(shown(each.source, 60)), "bold"))
        for line in each.lines:
            mark = f"{terminal.glyph(glyphs[line.level.value])} {line.level.value:<7}"
            took = f" ({line.seconds * 1000:.0f} ms)" if line.seconds is not None else ""
            text = f"{shown(line.about, 40)}: {sentence(line.text, 800)}{took}"
            terminal.wrapped(text, "  ", head=f"{mark} ", colour=colours[line.level.value], hang=10)
            if line.todo:
                terminal.wrapped(sentence(line.todo, 800), " " * 12)
