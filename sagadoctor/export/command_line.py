"""Command lines to paste: POSIX-quoted, `--` before ids, and only of verbs that exist."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

from sagadoctor.model.finding import Finding, Subject
from sagadoctor.model.remedy import Remedy, RemedyKind
from sagadoctor.untrusted import is_inert

PROGRAM: Final = "sagadoctor"

_LONGEST: Final = 500
"""A longer id makes a line that nobody wants to paste; the finding's id says the same."""

VERBS: Final[Mapping[RemedyKind, str]] = {}
"""The verb that carries out each kind of remedy; a kind that isn't here can't be carried out by this version."""


def quoted(*words: str) -> str:
    """Return one shell line of these words."""
    return " ".join(shlex.quote(word) for word in words)


def address(finding: Finding, *, plain: bool = False) -> str:
    """Return what names the finding's saga on a command line: its id, or the finding's where the id can't be pasted.

    An id can't be pasted when it holds control characters; with `plain`, where nothing but ASCII is printed, also when
    it holds anything else.
    """
    saga_id = finding.saga_id or ""
    pasted = bool(saga_id.strip()) and is_inert(saga_id) and len(saga_id) <= _LONGEST
    if finding.subject is Subject.SAGA and pasted and (saga_id.isascii() or not plain):
        return saga_id
    return finding.id


def show_command(finding: Finding, *options: str, plain: bool = False) -> str:
    """Return the line that shows the finding's saga; the store is named, for an id may be in two."""
    target = address(finding, plain=plain)
    store = ("--store", finding.store) if target == finding.saga_id else ()
    return quoted(PROGRAM, *options, "show", *store, "--", target)


def scan_group_command(group: str, *options: str) -> str:
    """Return the line that shows all findings of one cause."""
    return quoted(PROGRAM, *options, "scan", "--group", group)


def remedy_command(finding: Finding, remedy: Remedy, *options: str) -> str | None:
    """Return the line that carries out the remedy; None while no verb does."""
    verb = VERBS.get(remedy.kind)
    if verb is None:
        return None
    step = ("--step", remedy.step) if remedy.step and is_inert(remedy.step) else ()
    return quoted(PROGRAM, *options, verb, "--store", finding.store, *step, "--", address(finding))


def acknowledge_command(finding: Finding, lasting: str = "2h", *options: str) -> str:
    """Return the line that keeps cron quiet about the finding for a while."""
    return quoted(PROGRAM, *options, "ack", "--until", lasting, "--", finding.id)
