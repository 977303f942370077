"""Drafts of stores as the text of a configuration, with what each line was concluded from above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sagadoctor.api.proposal import Draft, Section, Setting

from .toml_text import assignment, comment, commented, header


class Written(msgspec.Struct, frozen=True):
    """What every store of the file shares; `password` is where it is kept, never the password itself."""

    url: str
    plugin: str = "sql"
    environment: str | None = None
    password: dict[str, Any] | None = None
    product: str = ""


def configuration_text(drafts: Sequence[Draft], shared: Written) -> str:
    """Return the whole file."""
    lines = [
        *comment(f"Proposed by `sagadoctor init` from what it saw in {shared.product or 'the database'}."),
        *comment("Every guess says what it stands on; lines with TODO are for a person."),
        "config_version = 1",
    ]
    if shared.environment is not None:
        lines += ["", "[environment]", *assignment("name", shared.environment)]
    for draft in drafts:
        lines += _store(draft, shared)
    outside: dict[tuple[str, ...], Section] = {}
    for draft in drafts:
        for section in draft.sections:
            if section.outside:
                outside.setdefault(section.path, section)
    for section in outside.values():
        lines += ["", *_section(section, section.path)]
    return "\n".join(lines) + "\n"


def _store(draft: Draft, shared: Written) -> list[str]:
    path = ("stores", draft.name)
    lines = [""]
    for line in draft.todo:
        lines += comment(f"TODO: {line}")
    lines += [header(path), *assignment("plugin", shared.plugin), *assignment("url", shared.url)]
    if shared.password is not None:
        lines += assignment("password", shared.password)
    for section in draft.sections:
        if not section.path and not section.outside:
            for said in section.why:
                lines += comment(said)
            lines += _settings(section.settings)
    for section in draft.sections:
        if section.path and not section.outside:
            lines += ["", *_section(section, (*path, *section.path))]
    return lines


def _section(section: Section, path: Sequence[str]) -> list[str]:
    told = [line for said in section.why for line in comment(said)]
    made = [header(path), *_settings(section.settings)]
    return [*told, *(made if section.said else commented(made))]


def _settings(settings: Sequence[Setting]) -> list[str]:
    lines: list[str] = []
    for setting in settings:
        for said in setting.why:
            lines += comment(said)
        made = assignment(setting.key, setting.value)
        lines += made if setting.said else commented(made)
    return lines
