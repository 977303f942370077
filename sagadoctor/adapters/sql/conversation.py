"""The conversation around live sagas, read with their page: who received a command, and what was answered to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from sagadoctor.api.v1 import Doubt, Receipt, Reply, Saga
from sagadoctor.api.v1.sql import Session

from .asking import Lookup, Part
from .received import Received
from .replies import Answers, Replies

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from .source import Missing

ASKED: Final = 20
"""Commands of one saga that are asked about: the latest ones."""
MOST: Final = 20
"""Replies that are told of one command: those that were taken first."""


class Around(msgspec.Struct, frozen=True):
    """What the tables of a conversation are read with; `database` is what the server calls itself."""

    engine: str
    version: int
    database: str
    zone: ZoneInfo | None
    missing: Missing
    store: str


class Conversation:
    """Completes live sagas by who received their latest commands, and what was answered to them."""

    def __init__(self, received: Received | None, replies: Replies | None) -> None:
        """Keep what is mapped."""
        self._received, self._replies = received, replies

    @property
    def lookups(self) -> list[Lookup]:
        """Return what is asked of both tables."""
        received = self._received.lookups if self._received is not None else []
        if self._replies is None:
            return [each for each in received if each.part is not Part.TAKEN]
        return received + self._replies.lookups

    def told(
        self, session: Session, sagas: Sequence[Saga], named: Sequence[str | None], unasked: frozenset[str]
    ) -> list[Saga]:
        """Return the sagas with what was said about their commands.

        `named` is the command that each row itself names, `unasked` what is not to be looked up.
        """
        asked = [_latest(saga, name) if saga.is_live else [] for saga, name in zip(sagas, named, strict=True)]
        messages = list(dict.fromkeys(message for some in asked for message in some))
        if not messages:
            return list(sagas)
        receipts: dict[str, list[Receipt]] = {}
        if self._received is not None and Part.RECEIVED not in unasked:
            receipts = self._received.receipts(session, messages)
        answers: dict[str, Answers] = {}
        if self._replies is not None and Part.REPLIES not in unasked:
            answers = self._replies.replies(session, messages)
        replies = [self._addressed(saga, some, answers) for saga, some in zip(sagas, asked, strict=True)]
        taken = self._taken(session, replies) if Part.TAKEN not in unasked else None
        return [
            _completed(saga, some, receipts, told, answers, taken) if some else saga
            for saga, some, told in zip(sagas, asked, replies, strict=True)
        ]

    def _addressed(self, saga: Saga, messages: Sequence[str], answers: Mapping[str, Answers]) -> list[Reply]:
        found = [each for message in messages if message in answers for each in answers[message].kept]
        taker = self._replies.taker(saga.saga_type) if found and self._replies is not None else None
        return [replace(each, taken_by=taker) for each in found] if taker is not None else found

    def _taken(self, session: Session, replies: Sequence[Sequence[Reply]]) -> set[tuple[str, str]] | None:
        """Return who took which reply; None where nobody can tell."""
        if self._received is None:
            return None
        by: dict[str, dict[str, None]] = {}
        for each in (reply for some in replies for reply in some):
            if each.taken_by is not None and each.reply_id:
                by.setdefault(each.taken_by, {})[each.reply_id] = None
        return self._received.taken(session, {consumer: list(ids) for consumer, ids in by.items()})


def _completed(
    saga: Saga,
    messages: Sequence[str],
    receipts: Mapping[str, list[Receipt]],
    replies: Sequence[Reply],
    answers: Mapping[str, Answers],
    taken: set[tuple[str, str]] | None,
) -> Saga:
    """Return a saga with its receipts, and with a few replies to each of its commands.

    Where there are so many replies to one that not all were looked at, and none of those was taken, another one may be.
    """
    by_command: dict[str, list[Reply]] = {}
    for each in replies:
        by_command.setdefault(each.answers, []).append(_with_taking(each, taken))
    kept: list[Reply] = []
    doubts: list[Doubt] = []
    for command, some in by_command.items():
        told = answers[command]
        if told.count > len(told.kept) and not any(each.taken for each in some):
            reason = f"that many replies to command {command}: only {len(told.kept):,} were looked at"
            doubts.append(Doubt("replies", str(told.count), reason))
        else:
            kept += sorted(some, key=lambda each: each.taken is not True)[:MOST]
    return replace(
        saga,
        received=tuple(each for message in messages for each in receipts.get(message, ())),
        replies=tuple(kept),
        doubts=(*saga.doubts, *doubts) if doubts else saga.doubts,
    )


def _with_taking(reply: Reply, taken: set[tuple[str, str]] | None) -> Reply:
    if taken is None or reply.taken_by is None or not reply.reply_id:
        return reply
    return replace(reply, taken=(reply.taken_by, reply.reply_id) in taken)


def _latest(saga: Saga, named: str | None) -> list[str]:
    """Return the ids of the saga's latest commands, the latest one last."""
    entries = [entry.entry_id for entry in sorted(saga.outbox, key=_written)]
    if named is not None:
        entries.append(named)
    return list(dict.fromkeys(each for each in entries[-ASKED:] if each))


def _written(entry: Any) -> float:
    at = entry.created_at or entry.sent_at
    return at.timestamp() if at is not None else 0.0
