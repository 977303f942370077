"""How a saga's state and its current step are written down, with what was seen of their words."""

from __future__ import annotations

from typing import Any, Final

from sagadoctor.api.v1 import SagaState
from sagadoctor.api.v1.proposing import Choice, Question, Setting

from .meanings import Meanings, likely_state
from .sagas import SagaTable
from .seen import NUMBERS

STATES: Final = "pending, waiting, backing_off, compensating, paused, completed, compensated, failed, cancelled"
_FAILED_MEANS: Final = "What does the store's word {words} stand for?"
_CHOICES: Final = (
    Choice("compensated", "everything was undone; such a saga is done with"),
    Choice("failed", "an undo failed or is missing; somebody has to look"),
    Choice("by_steps", "sometimes this, sometimes that: its steps tell"),
    Choice("unknown", "not known yet; such sagas are told as unreadable"),
)


def state_settings(saga: SagaTable, state: Meanings, todo: list[str], asked: list[Question]) -> list[Setting]:
    """Return how the state is said; what only a person knows is added to `todo` and `asked`."""
    if state.column is None:
        return [_by_flags(state, todo)]
    seen, column = saga.seen, state.column
    said: dict[str, Any] = {"column": column.name}
    why = [
        f"{column.name}: {state.words} words in {seen.counted}, {len(state.known) + len(state.failed)} of them known"
    ]
    if state.known:
        why.append("read as: " + ", ".join(f"{word} {meant.value}" for word, meant in state.known[:30]))
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


def cursor_settings(saga: SagaTable) -> list[Setting]:
    """Return how the current step is said, where a column tells it."""
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
