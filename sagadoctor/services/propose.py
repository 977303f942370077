"""What a database nobody has mapped may hold: ask the plugin, put the answers of a person into its drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sagadoctor.api.ports import StorePlugin
from sagadoctor.api.proposal import Draft, Inquiry, Proposal, Question, Setting
from sagadoctor.config.checks import has_password
from sagadoctor.errors import ConfigError, UsageError
from sagadoctor.redaction import Redactor

from .guard import GRACE, guarded

WAYS = (
    "say where it is kept: --password-env NAME, --password-file FILE; or nothing at all at a terminal, where it is "
    "asked for; or what libpq reads by itself (PGPASSWORD, ~/.pgpass, a service)"
)


def refuse_password(url: str) -> None:
    """Raise UsageError for a URL that holds a password; the text never shows it."""
    if has_password(url):
        raise UsageError(
            "a password in the URL stands in the shell's history and in the list of processes, and is not taken; "
            f"{WAYS}. Whoever saw this one may know it now"
        )


async def propose(plugin: StorePlugin, inquiry: Inquiry, redactor: Redactor) -> Proposal:
    """Return what the plugin makes of a database; raises BackendError (no secret in it), UsageError, ConfigError."""
    if plugin.propose is None:
        raise UsageError("this plugin can't propose a configuration; write one by hand: `sagadoctor config example`")
    seconds = inquiry.deadline.remaining()
    wrong: ConfigError | None = None
    async with guarded(redactor, None if seconds is None else seconds + GRACE):
        try:
            proposal = await plugin.propose(inquiry)
        except ConfigError as error:  # the address is the person's own doing, not the plugin's failure
            wrong = error
    if wrong is not None:
        raise wrong
    return replace(proposal, drafts=one_name_each(proposal.drafts))


def one_name_each(drafts: Sequence[Draft], name: str | None = None) -> tuple[Draft, ...]:
    """Return the drafts with a name each; `name` is that of the first, and the beginning of the others'."""
    taken: set[str] = set()
    found: list[Draft] = []
    for draft in drafts:
        wanted = draft.name if name is None else name if len(drafts) == 1 else f"{name}-{draft.name}"
        free, number = wanted, 2
        while free in taken:
            free, number = f"{wanted}-{number}", number + 1
        taken.add(free)
        found.append(replace(draft, name=free))
    return tuple(found)


def answered(draft: Draft, question: Question, choice: str | None) -> Draft:
    """Return the draft with an answer in its place; without one what is written meanwhile, and the question above."""
    lines: tuple[str, ...] = ()
    if choice is None:
        listed = "; ".join(f'"{each.value}": {each.meaning}' for each in question.choices)
        lines = (f"TODO: {question.text} {listed}.",)
    value = choice if choice is not None else question.unanswered
    sections = tuple(
        replace(section, settings=tuple(_put(setting, question.key, value, lines) for setting in section.settings))
        if section.path == question.section and not section.outside
        else section
        for section in draft.sections
    )
    todo = draft.todo if choice is not None else (*draft.todo, question.text)
    left = tuple(each for each in draft.questions if each is not question)
    return replace(draft, sections=sections, questions=left, todo=todo)


def _put(setting: Setting, key: Sequence[str], value: str, lines: tuple[str, ...]) -> Setting:
    """Return a setting with a value deep in it; a commented one of the same key keeps in step."""
    if setting.key != key[0]:
        return setting
    why = (*setting.why, *lines) if setting.said else setting.why
    return replace(setting, value=_within(setting.value, key[1:], value), why=why)


def _within(table: Any, path: Sequence[str], value: str) -> Any:
    if not path:
        return value
    below: Mapping[str, Any] = table if isinstance(table, Mapping) else {"column": table}
    return {**below, path[0]: _within(below.get(path[0], {}), path[1:], value)}
