"""From what was concluded to a draft: keys with values, and above them the evidence and what a person has to add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sagadoctor.api.v1 import SagaState
from sagadoctor.api.v1.proposing import Choice, Draft, Question, Section, Setting
from sagadoctor.api.v1.sql import Kind

from .meanings import Meanings, likely_state
from .names import TIMES, is_mappable, plain, singular, tokens
from .sagas import SagaTable
from .seen import NUMBERS, SeenColumn
from .step_fields import has_unit, time_words
from .steps import Steps

STATES: Final = "pending, waiting, backing_off, compensating, paused, completed, compensated, failed, cancelled"
_FAILED_MEANS: Final = "What does the store's word {words} stand for?"
_CHOICES: Final = (
    Choice("compensated", "everything was undone; such a saga is done with"),
    Choice("failed", "an undo failed or is missing; somebody has to look"),
    Choice("by_steps", "sometimes this, sometimes that: its steps tell"),
    Choice("unknown", "not known yet; such sagas are told as unreadable"),
)
_ORDER: Final = (
    "type", "state", "current_step", "payload", "business_key", "created_at", "updated_at", "ended_at", "deadline",
    "version", "attempts", "next_attempt_at", "error", "owner", "lease_until", "waiting_for", "parent",
    "correlation_id", "trace_id",
)  # fmt: skip
_KEYS: Final = (
    "businesskey", "bizkey", "bizid", "orderid", "ordernumber", "orderno", "reference", "bookingid", "paymentid",
    "transferid", "cartid", "requestid",
)  # fmt: skip


def table_words(parts: Sequence[str]) -> Any:
    """Return a table as a mapping names it."""
    return ".".join(parts) if all("." not in part for part in parts) else list(parts)


def draft(saga: SagaTable, steps: Steps | None, around: Sequence[Section] = ()) -> Draft:
    """Return the draft of a saga table with its steps."""
    assert saga.id is not None
    assert saga.state is not None
    seen = saga.seen
    todo: list[str] = []
    asked: list[Question] = []
    settings = [
        Setting("table", table_words(seen.listed.parts), (f"{seen.counted}; " + "; ".join(saga.signs),)),
        Setting("id", _id(seen.by_name[saga.id])),
    ]
    for role in _ORDER:
        if role == "state":
            settings += _state(saga, saga.state, todo, asked)
        elif role == "type":
            settings.append(_type(saga))
        elif role == "current_step":
            settings += _cursor(saga)
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
    beside = _sagas(saga, steps, todo)
    sections = (Section(("saga",), tuple(settings)), Section(("steps",), step_settings, why), *around)
    return Draft(store_name(seen.name), seen.place, sections + beside, None, saga.signs, tuple(todo), tuple(asked))


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


def _type(saga: SagaTable) -> Setting:
    column = saga.roles.get("type")
    if column is not None:
        return Setting("type", column.name)
    named = "_".join(singular(word) for word in tokens(saga.seen.name)) or "saga"
    return Setting("type", {"const": named}, ("no column names the kind of saga; call it as you like",))


def _state(saga: SagaTable, state: Meanings, todo: list[str], asked: list[Question]) -> list[Setting]:
    if state.column is None:
        return [_by_flags(state, todo)]
    seen, column = saga.seen, state.column
    said: dict[str, Any] = {"column": column.name}
    why = [
        f"{column.name}: {state.words} words in {seen.counted}, {len(state.known) + len(state.failed)} of them known"
    ]
    if state.words == 0:
        why = [f"{column.name}: by its name; the table is empty, so its words were not seen"]
    if state.separator:
        said["pattern"] = f"[{state.separator}]([^{state.separator}]*)$"
        why.append(f"a step, {state.separator!r}, and a state: {next(iter(column.counted), '')}")
    guessed = {word: meant for word in state.unknown if (meant := likely_state(word)) is not None}
    unknown = [word for word in state.unknown if word not in guessed]
    if guessed:
        said["values"] = {word: meant.value for word, meant in guessed.items()}
        why.append(f"guessed from the words themselves, please look: {', '.join(guessed)}")
    settings: list[Setting] = []
    if state.failed:
        said["failed_means"] = "unknown"
        words = ", ".join(dict.fromkeys(state.failed))
        asked.append(
            Question(("saga",), ("state", "failed_means"), _FAILED_MEANS.format(words=words), _CHOICES, "unknown")
        )
    elif state.words and not column.all_words:
        why.append("other words may come; one that is not known is told as unreadable")
    settings.append(Setting("state", said, tuple(why)))
    if unknown:
        wanted = {**said, "values": {**said.get("values", {}), **dict.fromkeys(unknown[:20], "…")}}
        lines = (
            f"TODO: what do these words mean? Until it is said, their rows are told as unreadable. One of {STATES}:",
        )
        settings.append(Setting("state", wanted, lines, said=False))
        todo.append(f"say what these states mean: {', '.join(unknown[:20])}")
    return settings


def _by_flags(state: Meanings, todo: list[str]) -> Setting:
    named = {meant: column.name for column, meant in state.flags}
    rules: list[dict[str, Any]] = []
    ended = named[SagaState.COMPLETED]
    for meant in (SagaState.FAILED, SagaState.CANCELLED, SagaState.COMPENSATED):
        if meant in named:
            rules.append({"if": {named[meant]: True}, "is": meant.value})
    if SagaState.COMPENSATING in named:
        rules.append({"if": {ended: True, named[SagaState.COMPENSATING]: True}, "is": "compensated"})
    rules.append({"if": {ended: True}, "is": "completed"})
    if SagaState.COMPENSATING in named:
        rules.append({"if": {named[SagaState.COMPENSATING]: True}, "is": "compensating"})
    rules.append({"if": {ended: False}, "is": "pending"})
    if SagaState.FAILED in named:
        todo.append(
            f'{named[SagaState.FAILED]} is read as "an undo failed or is missing"; say "compensated" if all is undone then'
        )
    return Setting(
        "state", {"when": rules}, (f"flags say it together: {', '.join(column.name for column, _ in state.flags)}",)
    )


def _cursor(saga: SagaTable) -> list[Setting]:
    column = saga.roles.get("current_step")
    state = saga.state
    if column is None:
        if state is not None and state.separator and state.column is not None:
            mark = state.separator
            said = {"column": state.column.name, "pattern": f"^(.*)[{mark}]", "by": "name"}
            return [Setting("current_step", said)]
        return []
    numbers = column.numbers if column.counted else ()
    if column.kind in NUMBERS or (numbers and len(numbers) == len(column.counted)):
        base = 1 if numbers and min(numbers) >= 1 and column.filled >= 5 else 0
        why = "numbers; which one the first step has is a guess" if base == 0 else "numbers from 1 on"
        return [Setting("current_step", {"column": column.name, "by": "index", "base": base}, (why,))]
    return [Setting("current_step", column.name)]


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
    if role not in TIMES:
        return [Setting(role, column.name)]
    if has_unit(column):
        return [Setting(role, time_words(column))]
    todo.append(f"say the unit of {column.name} ({role}): its numbers don't tell it")
    lines = ("TODO: epoch_s, epoch_ms, epoch_us or dotnet_ticks?",)
    return [Setting(role, {"column": column.name, "format": "…"}, lines, said=False)]


def _steps(steps: Steps | None) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    if steps is None:
        why = ("TODO: no steps were found: no JSON with them, no table whose rows name a saga and a step",)
        return (Setting("shape", "none"),), why
    return steps.settings, steps.why


def _sagas(saga: SagaTable, steps: Steps | None, todo: list[str]) -> tuple[Section, ...]:
    """Return commented sections for what no table holds: names, undos and timeouts of steps."""
    if steps is None:
        return ()
    kind = saga.roles.get("type")
    types = [word for word in kind.counted if word and word.isprintable()][:5] if kind is not None else []
    if kind is None:
        types = [_type(saga).value["const"]]
    if not types:
        types = ["TYPE"]
    names = steps.names if steps.names and not steps.needs_names else ()
    if steps.needs_names:
        todo.append(f"name the steps of {', '.join(types)} in [sagas.…], with what undoes each: the tables don't")
        listed = [{"name": "…", "compensation": "…"}]
        why = "TODO: the names of the steps in their order, and what undoes each; no table holds them."
    elif steps.compensable:
        return ()
    else:
        todo.append(
            f"say in [sagas.…] which steps of {', '.join(types)} have an undo: a step without one counts as not compensable"
        )
        listed = [{"name": name, "compensation": "…"} for name in names] or [{"name": "…", "compensation": "…"}]
        why = "TODO: what undoes each of these steps? One without a compensation counts as not compensable."
    if len(types) > 1 and names:
        why += " Of these names each type has its own."
    return tuple(
        Section(("sagas", name), (Setting("steps", listed),), (why,) if number == 0 else (), said=False, outside=True)
        for number, name in enumerate(types)
    )
