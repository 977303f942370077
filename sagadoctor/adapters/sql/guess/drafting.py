"""From what was concluded to a draft: keys with values, and above them the evidence and what a person has to add."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sagadoctor.api.v1.proposing import Draft, Question, Section, Setting
from sagadoctor.api.v1.sql import Kind

from .names import GONE_NAMES, TIMES, is_mappable, plain, ranked, tokens
from .sagas import SagaTable
from .seen import SeenColumn
from .stating import cursor_settings, state_settings
from .step_fields import has_unit, time_words
from .step_names import step_sections, type_setting
from .steps import Steps

_ORDER: Final = (
    "type", "state", "current_step", "payload", "business_key", "created_at", "updated_at", "ended_at", "deadline",
    "version", "attempts", "next_attempt_at", "error", "owner", "lease_until", "waiting_for", "parent",
    "correlation_id", "trace_id",
)  # fmt: skip
_AHEAD: Final = timedelta(minutes=5)
_KEYS: Final = (
    "businesskey", "bizkey", "bizid", "orderid", "ordernumber", "orderno", "reference", "bookingid", "paymentid",
    "transferid", "cartid", "requestid",
)  # fmt: skip


def table_words(parts: Sequence[str]) -> Any:
    """Return a table as a mapping names it."""
    return ".".join(parts) if all("." not in part for part in parts) else list(parts)


def draft(saga: SagaTable, steps: Steps | None, now: datetime, around: Sequence[Section] = ()) -> Draft:
    """Return the draft of a saga table with its steps; `now` is the server's present."""
    assert saga.id is not None
    assert saga.state is not None
    seen = saga.seen
    todo: list[str] = list(_zone(saga, now))
    asked: list[Question] = []
    settings = [
        Setting(
            "table", table_words(seen.listed.parts), (f"taken for sagas ({seen.counted}): " + "; ".join(saga.signs),)
        ),
        Setting("id", _id(seen.by_name[saga.id])),
    ]
    for role in _ORDER:
        if role == "type":
            settings += _gone(saga)
        if role == "state":
            settings += state_settings(saga, saga.state, todo, asked)
        elif role == "type":
            settings.append(type_setting(saga))
        elif role == "current_step":
            settings += cursor_settings(saga)
        elif role == "business_key":
            settings += _business_key(saga)
        elif role in saga.roles:
            settings += _role(role, saga.roles[role], todo)
    if not any(role in saga.roles and has_unit(saga.roles[role]) for role in TIMES):
        todo.append(
            "no column with times was found: sagas are judged from the second scan on, by what has changed since"
        )
    step_settings, why = _steps(steps)
    todo += steps.todo if steps is not None else ()
    beside = step_sections(saga, steps, todo)
    sections = (Section(("saga",), tuple(settings)), Section(("steps",), step_settings, why), *around)
    return Draft(store_name(seen.name), seen.place, sections + beside, None, saga.signs, tuple(todo), tuple(asked))


def _zone(saga: SagaTable, now: datetime) -> Iterator[str]:
    """Yield what the newest times say of their zone: naive ones that lie ahead of now are not in UTC."""
    newest: list[tuple[datetime, str]] = []
    for role in ("created_at", "updated_at"):
        column = saga.roles.get(role)
        if column is None or column.kind is Kind.TIMESTAMPTZ:
            continue
        moments = [moment for cell in column.counted if (moment := _naive(cell)) is not None]
        if moments:
            newest.append((max(moments), column.name))
    if newest and max(newest)[0] > now + _AHEAD:
        moment, name = max(newest)
        yield (
            f"the newest {name} ({moment:%Y-%m-%d %H:%M}) lies ahead of the server's clock ({now:%Y-%m-%d %H:%M} UTC): "
            'naive times are read as UTC; say their zone, such as tz = "Europe/Berlin"'
        )


def _naive(cell: str) -> datetime | None:
    """Return a moment that is written without a zone, taken for UTC."""
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else None


def _is_naive(column: SeenColumn) -> bool:
    return column.kind is Kind.TIMESTAMP or any(_naive(cell) is not None for cell in column.counted)


def store_name(table: str) -> str:
    """Return a name for a store made of a table's."""
    kept = "-".join(part for part in tokens(table) if part.isascii())
    return kept[:40] or "sagas"


def _id(column: SeenColumn) -> Any:
    if column.kind is Kind.BYTES and (column.column.length == 16 or any(len(cell) == 32 for cell in column.counted)):
        return {"column": column.name, "format": "uuid_bytes_swapped" if _is_swapped(column) else "uuid_bytes"}
    return column.name


def _is_swapped(column: SeenColumn) -> bool:
    """Say whether the version of a UUID stands where it does when its time parts were swapped."""
    cells = [cell for cell in column.counted if len(cell) == 32]
    as_it_is = sum(cell[12] in "12345678" and cell[16] in "89ab" for cell in cells)
    swapped = sum(cell[0] in "1" and cell[16] in "89ab" and cell[12] not in "145678" for cell in cells)
    return bool(cells) and swapped > as_it_is


def _gone(saga: SagaTable) -> list[Setting]:
    """Return a commented condition for rows that somebody put aside: to leave them out is for a person to decide."""
    gone = [
        column.name for column in saga.seen.columns if ranked(column.name, GONE_NAMES, (saga.seen.name,)) is not None
    ]
    if not gone:
        return []
    why = ("TODO: are rows with these times put aside for good? Then leave them out:",)
    return [Setting("where", dict.fromkeys(gone, "null"), why, said=False)]


def _business_key(saga: SagaTable) -> list[Setting]:
    column = saga.roles.get("business_key")
    if column is not None and column.filled == len([word for word, count in column.counted.items() if count]):
        return [Setting("business_key", column.name)]
    payload = saga.roles.get("payload")
    if payload is None:
        return []
    documents = [document for document in payload.decoded if isinstance(document, dict)]
    for wanted in _KEYS:
        for key in documents[0] if documents else ():
            if plain(key) == wanted and is_mappable(key) and not set(key) & set(".[]\"' \t"):
                values = [document.get(key) for document in documents]
                told = [str(value) for value in values if isinstance(value, str | int)]
                if len(told) == len(set(told)) == len(documents):
                    return [
                        Setting("business_key", f"$.{key}", (f"differs in each of {len(told)} payloads looked at",))
                    ]
    return []


def _role(role: str, column: SeenColumn, todo: list[str]) -> list[Setting]:
    if role == "waiting_for":  # a saga that waits is left in peace: that is for a person to say
        lines = (
            "TODO: does a saga with a value here wait for somebody? Then it is left alone for as long as max_wait:",
        )
        return [Setting(role, column.name, lines, said=False)]
    if role not in TIMES:
        return [Setting(role, column.name)]
    if has_unit(column):
        naive = role == "created_at" and column.kind is not Kind.TIMESTAMPTZ and _is_naive(column)
        why = ('times without a zone are read as UTC; if they are not, say tz = "Europe/Berlin" for the store',)
        return [Setting(role, time_words(column), why if naive else ())]
    todo.append(f"say the unit of {column.name} ({role}): its numbers don't tell it")
    lines = ("TODO: epoch_s, epoch_ms, epoch_us or dotnet_ticks?",)
    return [Setting(role, {"column": column.name, "format": "…"}, lines, said=False)]


def _steps(steps: Steps | None) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    if steps is None:
        why = ("TODO: no steps were found: no JSON with them, no table whose rows name a saga and a step",)
        return (Setting("shape", "none"),), why
    return steps.settings, steps.why
