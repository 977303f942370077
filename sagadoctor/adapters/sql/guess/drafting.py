"""From what was concluded to a draft: keys with values, and above them the evidence and what a person has to add."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import SagaState
from sagadoctor.api.v1.proposing import Choice, Draft, Question, Section, Setting
from sagadoctor.api.v1.sql import Kind

from .meanings import Meanings, likely_state
from .names import GONE_NAMES, TIMES, is_mappable, plain, ranked, singular, tokens
from .sagas import SagaTable
from .seen import NUMBERS, SeenColumn
from .step_fields import has_unit, time_words
from .steps import Occurrence, Steps

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
MOST_TYPES: Final = 8
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
        Setting("table", table_words(seen.listed.parts), (f"{seen.counted}; " + "; ".join(saga.signs),)),
        Setting("id", _id(seen.by_name[saga.id])),
    ]
    for role in _ORDER:
        if role == "type":
            settings += _gone(saga)
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
        flag = named[SagaState.FAILED]
        todo.append(f'{flag} is read as "an undo failed or is missing"; say "compensated" if all is undone then')
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
    """Return sections for what no table holds: names, undos and timeouts of steps; commented where nothing was seen."""
    if steps is None or steps.compensable:
        return ()
    by_type = _by_type(saga, steps)
    if steps.needs_names or not by_type:
        types = _types(saga) or ["TYPE"]
        todo.append(f"name the steps of {', '.join(types)} in [sagas.…], with what undoes each: the tables don't")
        why = "TODO: the names of the steps in their order, and what undoes each; no table holds them."
        listed = [{"name": "…", "compensation": "…"}]
        return tuple(_sagas_section(name, listed, (why,) if name == types[0] else (), said=False) for name in types)
    goes_back = saga.state is not None and saga.state.goes_back
    return tuple(_undos(name, met, todo, goes_back=goes_back) for name, met in by_type.items())


def _undos(name: str, met: Sequence[Occurrence], todo: list[str], *, goes_back: bool) -> Section:
    """Return the section of one type; where sagas go back, each step is taken to have an undo until denied."""
    names = list(dict.fromkeys(each.name for each in met))
    undone = [each for each in names if Occurrence(each, is_undone=True) in {replace(one, owner=None) for one in met}]
    rest = [each for each in names if each not in undone]
    if not undone and not goes_back:
        listed = [{"name": each, "compensation": "…"} for each in names]
        todo.append(f"say what undoes the steps of {name}: none was seen undone, so none counts as compensable")
        why = "TODO: what undoes each of these steps? One without a compensation counts as not compensable."
        return _sagas_section(name, listed, (why,), said=False)
    lines = [f"seen being undone: {', '.join(undone) or 'none'}; put the names of the real undos there"]
    if rest:
        lines.append(
            f"TODO: is there an undo of {', '.join(rest)}? None was seen, and one is taken for granted: for a step "
            "that has none, say compensable = false in its place."
        )
        todo.append(
            f"say which of {', '.join(rest)} ({name}) have no undo: each is taken to have one, and none was seen"
        )
    lines.append('A step may also say how long it may take, timeout = "2m"; what may be left out is optional = true.')
    listed = [{"name": each, "compensation": f"undo of {each}"} for each in names]
    return _sagas_section(name, listed, tuple(lines), said=True)


def _sagas_section(name: str, listed: list[dict[str, str]], why: tuple[str, ...], *, said: bool) -> Section:
    return Section(("sagas", name), (Setting("steps", listed),), why, said=said, outside=True)


def _types(saga: SagaTable) -> list[str]:
    """Return the types of sagas that were seen; where no column tells them, the one that the draft gives them all."""
    kind = saga.roles.get("type")
    if kind is not None:
        return [word for word in kind.counted if _is_type(word)][:MOST_TYPES]
    return [str(_type(saga).value["const"])]


def _by_type(saga: SagaTable, steps: Steps) -> dict[str, list[Occurrence]]:
    """Return the steps that were met by the type of their saga, where that can be told."""
    kind = saga.roles.get("type")
    met = [each for each in steps.met if is_mappable(each.name)]
    types = _types(saga)
    if len(types) == 1:
        return {types[0]: met[:200]} if met else {}
    owners = saga.seen.get(steps.parent)
    if kind is None or owners is None:
        return {}
    type_of = dict(zip(owners.cells, kind.cells, strict=False))
    found: dict[str, list[Occurrence]] = {}
    for each in met:
        name = type_of.get(each.owner)
        if name in types and name is not None:
            found.setdefault(name, []).append(each)
    return found


def _is_type(word: str) -> bool:
    return bool(word.strip()) and word.isprintable() and len(word) <= 100
