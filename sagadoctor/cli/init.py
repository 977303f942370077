"""`sagadoctor init URL`: look at a database, recognise or guess its saga tables, write a configuration, scan once."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .context import Globals, run_until_told
from .exits import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sagadoctor.api.proposal import Draft, Proposal

    from .questions import Password

_MEANINGS: Final = ("compensated", "failed", "by_steps", "unknown")


def init(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The database, without a password.")],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Where to write; - is stdout. Default: where a scan looks for it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call the store.")] = None,
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="Only tables of this schema (or database).")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="NAME", help="This table, whatever it looks like.")
    ] = None,
    failed_means: Annotated[
        str | None,
        typer.Option("--failed-means", metavar="WORD", help="The answer to that question: " + ", ".join(_MEANINGS)),
    ] = None,
    password_env: Annotated[
        str | None, typer.Option("--password-env", metavar="NAME", help="The environment variable with the password.")
    ] = None,
    password_file: Annotated[
        str | None, typer.Option("--password-file", metavar="FILE", help="The file with the password.")
    ] = None,
    no_questions: Annotated[
        bool, typer.Option("--no-questions", help="Ask nothing; write the questions down.")
    ] = False,
    no_scan: Annotated[bool, typer.Option("--no-scan", help="Write the configuration, and don't scan yet.")] = False,
) -> None:
    """Look at a database, recognise or guess its saga tables, write a configuration, and show the first diagnosis."""
    given: Globals = context.obj
    if failed_means is not None and failed_means not in _MEANINGS:
        raise typer.BadParameter(f"one of {', '.join(_MEANINGS)}", param_hint="--failed-means")
    from sagadoctor.config.stores import is_store_name
    from sagadoctor.config.write import place_for_new, refuse_existing, write_new
    from sagadoctor.services.propose import refuse_password

    from .questions import Password

    refuse_password(url)
    if name is not None and not is_store_name(name):
        raise typer.BadParameter("letters, digits, `_`, `-` and `.`, at most 64", param_hint="--name")
    if out is not None and not out.strip():
        raise typer.BadParameter("an empty name is no file", param_hint="--out")
    path = None if out == "-" else (Path(out) if out else place_for_new(given.config, given.env, os.environ)).absolute()
    if path is not None:
        refuse_existing(path, force=force)
    password = Password.said(password_env, password_file, may_ask=not no_questions)
    proposal = _proposal(given, url, password, schema, tuple(table or ()))
    for note in proposal.notes:
        given.terminal.say(f"note: {_shown(note)}")
    if not proposal.drafts:
        _say_nothing_found(given, proposal)
        raise typer.Exit(Exit.FINDINGS)
    drafts = _settled(given, proposal, name, failed_means, ask=not no_questions)
    text = _text(given, proposal, drafts, password)
    if path is None:
        _check_text(text)
        given.terminal.out.write(text)
        _tell(given, drafts, "stdout")
        return
    write_new(path, text, force=force, check=_load)
    _tell(given, drafts, str(path))
    code = Exit.OK if no_scan else _scan(given, path, password)
    _say_next(given, path, password, is_found=out is None and given.config is None)
    raise typer.Exit(code)


def _proposal(
    given: Globals, url: str, password: "Password", schema: str | None, tables: tuple[str, ...]
) -> "Proposal":
    """Ask the database, and a person for the password where it wants one."""
    from sagadoctor.api.deadline import Deadline
    from sagadoctor.api.ports import StoreContext
    from sagadoctor.api.proposal import Inquiry
    from sagadoctor.clock import SystemClock
    from sagadoctor.errors import AccessDenied
    from sagadoctor.redaction import Redactor
    from sagadoctor.registry import store_plugin
    from sagadoctor.services.propose import WAYS, propose

    clock, plugin, redactor = SystemClock(), store_plugin("sql"), Redactor()
    context = StoreContext("init", "init", clock, folder=str(Path.cwd()))

    def ask() -> "Proposal":
        if password.value is not None:
            redactor.learn(password.value)
        seconds = given.timeout if given.timeout is not None else 60.0
        inquiry = Inquiry(url, context, Deadline.after(clock, seconds), password.value, schema, tables)
        return run_until_told(lambda: propose(plugin, inquiry, redactor))

    try:
        return ask()
    except AccessDenied as error:
        if password.value is not None or url.startswith("sqlite"):
            raise
        if not password.ask(given.terminal, f"the database wants a password ({_shown(error.reason)})"):
            error.hint = f"{error.hint}; {WAYS}" if error.hint else WAYS
            raise
    return ask()


def _settled(
    given: Globals, proposal: "Proposal", name: str | None, failed_means: str | None, *, ask: bool
) -> "tuple[Draft, ...]":
    """Return the drafts with every question answered, or written down."""
    from sagadoctor.services.propose import answered, one_name_each

    from .questions import choose

    settled = []
    for draft in one_name_each(proposal.drafts, name):
        known = draft
        for question in draft.questions:
            choice = failed_means if question.key[-1] == "failed_means" else None
            if choice is None and ask:
                choice = choose(given.terminal, question, _shown(draft.place))
            known = answered(known, question, choice)
        settled.append(known)
    return tuple(settled)


def _text(given: Globals, proposal: "Proposal", drafts: "Sequence[Draft]", password: "Password") -> str:
    from sagadoctor.export.drafts import Written, configuration_text

    shared = Written(
        proposal.url, environment=given.env, password=password.place(drafts[0].name), product=proposal.product
    )
    return configuration_text(drafts, shared)


def _load(path: Path) -> None:
    """Make sure that what was written is a configuration; raises ConfigError."""
    from sagadoctor.bootstrap import load_configuration

    load_configuration(path, None, secrets=False)


def _check_text(text: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        _load(path)


def _tell(given: Globals, drafts: "Sequence[Draft]", place: str) -> None:
    """Say what was found and written, and what a person has to add."""
    say = given.terminal.say
    for draft in drafts:
        how = f"preset {draft.preset}" if draft.preset else "a guess, from names, types and some rows"
        say(f"[stores.{draft.name}] table {_shown(draft.place)}: {how}")
        for sign in draft.why:
            say(f"  because {_shown(sign)}")
        for todo in draft.todo:
            say(f"  TODO: {_shown(todo)}")
    say(f"written to {_shown(place)}; every guess is explained there")


def _say_nothing_found(given: Globals, proposal: "Proposal") -> None:
    complain = given.terminal.complain
    count = "1 table" if proposal.tables == 1 else f"{proposal.tables:,} tables"
    complain(f"no sagas were found in {count} ({_shown(proposal.product)}). Looked for:")
    for text in proposal.looked_for:
        complain(f"  - {_shown(text)}")
    if proposal.nearest:
        complain("What came nearest, and what it lacks:")
    for miss in proposal.nearest:
        complain(f"  {_shown(miss.place)}: {'; '.join(map(_shown, miss.lacks))}")
    complain(
        "If one of your tables holds sagas all the same, name it: --table NAME. Where they have no row of their own,"
    )
    complain("only events, a query can make one: docs/map-your-store.md. Nothing was written.")


def _scan(given: Globals, path: Path, password: "Password") -> Exit:
    """Show the first diagnosis: a scan as a person would ask for it; what it finds is no failure of this verb."""
    from types import SimpleNamespace
    from typing import cast

    from msgspec.structs import replace

    from .scan import scan

    given.terminal.say("The first diagnosis:\n")
    context = cast(typer.Context, SimpleNamespace(obj=replace(given, config=path, env=None)))
    with password.known():
        try:
            scan(context)
        except typer.Exit as left:
            return Exit.OK if left.exit_code == Exit.FINDINGS else Exit(left.exit_code)
    return Exit.OK


def _say_next(given: Globals, path: Path, password: "Password", *, is_found: bool) -> None:
    from sagadoctor.export.command_line import PROGRAM, quoted

    options = [] if is_found else ["--config", str(path)]
    if is_found and given.env is not None:
        options = ["--env", given.env]
    say = given.terminal.say
    if password.typed_as is not None:
        name = password.typed_as
        say(f"\nThe password was not kept. Before the next scan: read -rs {name}; export {name}")
    say("\nTry next:")
    for words in (("check",), ("scan", "--by-group"), ("scan", "--deep")):
        say(f"  {quoted(PROGRAM, *options, *words)}")


def _shown(text: str) -> str:
    from sagadoctor.untrusted import sentence

    return str(sentence(text, 800))
