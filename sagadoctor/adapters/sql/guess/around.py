"""What lies around a saga's row: an outbox of commands, told by its columns."""

from __future__ import annotations

from typing import Any, Final

from sagadoctor.api.v1.proposing import Section, Setting
from sagadoctor.api.v1.sql import Kind

from .drafting import table_words
from .names import plain, ranked, tokens
from .seen import NUMBERS, Seen, SeenColumn
from .step_fields import has_unit, time_words
from .steps_in_rows import Tie

_OUTBOX: Final = frozenset(["outbox", "outboxes", "message", "messages", "command", "commands", "dispatch"])
_TARGET: Final = [
    "topic",
    "destination",
    "routingkey",
    "queue",
    "channel",
    "exchange",
    "target",
    "eventtype",
    "commandtype",
    "messagetype",
    "type",
]
_BODY: Final = ["payload", "body", "message", "content", "data"]
_SENT: Final = ["published", "sent", "processed", "dispatched", "delivered", "ispublished", "issent", "isprocessed"]
_SENT_AT: Final = [
    "publishedat",
    "sentat",
    "processedat",
    "dispatchedat",
    "deliveredat",
    "publishtime",
    "senttime",
    "processedtime",
    "publishedon",
]
_STEP: Final = ["stepname", "step", "commandtype", "command", "eventtype", "messagetype", "type"]
_CREATED: Final = [
    "createdat",
    "creationtime",
    "createtime",
    "enqueuedat",
    "insertedat",
    "occurredat",
    "timestamp",
    "created",
]


def outbox_of(table: Seen, tie: Tie, saga_id: str) -> tuple[Section, float] | None:
    """Return the section of an outbox and how much speaks for it; None where a table is none.

    Its rows must name a saga by its id, say whether they were sent, and hold something to be sent.
    """
    key = _key(table)
    if tie.parent != saga_id or key is None:
        return None
    target, body = _find(table, _TARGET), _find(table, _BODY)
    sent, sent_at = _find(table, _SENT), _find(table, _SENT_AT)
    named = bool(_OUTBOX & set(tokens(table.name)))
    if (sent is None and sent_at is None) or body is None or not (named or target is not None):
        return None
    settings = [Setting("table", table_words(table.listed.parts)), Setting("id", key), Setting("saga_id", tie.own)]
    step = _find(table, _STEP)
    if step is not None:
        settings.append(Setting("step", step.name))
    created = _find(table, _CREATED)
    if created is not None and created.is_time() and has_unit(created):
        settings.append(Setting("created_at", time_words(created)))
    if sent is not None and (sent.kind is Kind.BOOL or sent.kind in NUMBERS):
        settings.append(Setting("sent", _flag(sent)))
    elif sent_at is not None and sent_at.is_time() and has_unit(sent_at):
        settings.append(Setting("sent_at", time_words(sent_at)))
    else:
        return None
    why = (f"{table.place}: rows with a saga's id, something to send, and whether it was sent",)
    return Section(("outbox",), tuple(settings), why), 1.0 + named + tie.by_key


def _key(table: Seen) -> str | None:
    """Return the column that a message is known by: a unique one called so, else the primary key."""
    for wanted in ("id", "messageid", "eventid", "uuid"):
        for column in table.columns:
            if plain(column.name) == wanted and table.listed.table.is_unique([column.name]):
                return column.name
    key = table.listed.table.primary_key
    return key[0] if len(key) == 1 and table.get(key[0]) is not None else None


def _flag(column: SeenColumn) -> Any:
    if column.kind is Kind.BOOL:
        return {"column": column.name, "values": {"true": "yes", "false": "no"}}
    return {"column": column.name, "values": {"0": "no", "1": "yes"}}


def _find(table: Seen, names: list[str]) -> SeenColumn | None:
    found = [(rank, column.name) for column in table.columns if (rank := ranked(column.name, names)) is not None]
    return table.by_name[min(found)[1]] if found else None
