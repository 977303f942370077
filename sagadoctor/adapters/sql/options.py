"""The settings of one SQL store: `[stores.NAME]` with `plugin = "sql"`.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ConfigDict, Field, StrictStr, ValidationInfo, field_validator

from sagadoctor.api.v1 import Duration, LateModel, Options, SagaState, Secret
from sagadoctor.api.v1.sql import parse_address

from .mapping.around import OutboxWords
from .mapping.columns import Later, Words, Zone
from .mapping.saga import SagaWords
from .mapping.shapes.none import NoSteps
from .mapping.steps import Steps
from .words import FailedMeans, plain

_SAME: Final = {"t": "true", "1": "true", "f": "false", "0": "false"}
_CONVERSATION: Final = f"{__package__}.mapping.conversation"


def _url(text: str) -> str:
    parse_address(text)
    return text


def _spoken(word: str) -> str:
    """Return what two spellings of one word have in common; a sign before a number, or alone, is the word itself."""
    usual = plain(word)
    signed = word.strip().startswith(("-", "+")) and (not usual or usual[0].isdigit())
    return word if signed or not usual else _SAME.get(usual, usual)


def _values(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield every `values` of a mapping with its place."""
    if isinstance(node, Words):
        for name, value in node:
            if name == "values" and value:
                yield (*path, name), value
            elif isinstance(value, Words | tuple):
                yield from _values(value, (*path, name))
    elif isinstance(node, tuple):
        for at, value in enumerate(node):
            yield from _values(value, (*path, at))
    elif isinstance(node, Options):
        for name in ("saga", "steps", "outbox", "received", "replies"):
            yield from _values(getattr(node, name), (name,))


class SqlOptions(Options):
    """Where the database is, and what its tables mean."""

    model_config = ConfigDict(defer_build=True)

    url: Annotated[StrictStr, AfterValidator(_url)]
    password: Secret | None = None
    statement_timeout: Duration = timedelta(seconds=5)
    lock_timeout: Duration = timedelta(seconds=1)
    tz: Zone | None = None
    preset: StrictStr | None = None
    saga: SagaWords
    steps: Steps = Field(default_factory=lambda: NoSteps(shape="none"))
    outbox: OutboxWords | None = None
    received: Annotated[Any, LateModel(_CONVERSATION, "ReceivedWords")] = None
    replies: Annotated[Any, LateModel(_CONVERSATION, "ReplyWords")] = None
    locks: Annotated[Any, LateModel(_CONVERSATION, "LockWords")] = None
    writer: Later = None

    @field_validator("outbox")
    @classmethod
    def _is_tied_by_the_whole_id(cls, outbox: OutboxWords | None, known: ValidationInfo) -> OutboxWords | None:
        saga: SagaWords | None = known.data.get("saga")
        if outbox is None or saga is None or outbox.saga_id is None:
            return outbox
        if len(outbox.saga_id) != len(saga.id.columns):
            wanted = ", ".join(saga.id.columns)
            raise ValueError(f"saga_id holds a saga's id, so it has as many columns as that ({wanted})")
        return outbox

    @field_validator("steps")
    @classmethod
    def _steps_are_tied_by_the_whole_id(cls, steps: Any, known: ValidationInfo) -> Any:
        saga: SagaWords | None = known.data.get("saga")
        key = getattr(steps, "foreign_key", None)
        if saga is not None and key is not None and len(key) != len(saga.id.columns):
            wanted = ", ".join(saga.id.columns)
            raise ValueError(f"foreign_key holds a saga's id, so it has as many columns as that ({wanted})")
        return steps

    @field_validator("received", "replies")
    @classmethod
    def _about_commands(cls, words: Any, known: ValidationInfo) -> Any:
        if words is not None and "outbox" in known.data and known.data["outbox"] is None:
            raise ValueError("say outbox too: its entries are the messages that were received and answered")
        return words

    @field_validator("replies")
    @classmethod
    def _has_an_id(cls, words: Any, known: ValidationInfo) -> Any:
        outbox: OutboxWords | None = known.data.get("outbox")
        if words is None or outbox is None:
            return words
        if words.id is None and words.table != outbox.table:
            raise ValueError("say id = the column that holds a reply's own id")
        received = known.data.get("received")
        if words.taken_by is not None and "received" in known.data and (received is None or received.consumer is None):
            raise ValueError("taken_by names a consumer of received: say received with its consumer")
        return words

    @field_validator("locks")
    @classmethod
    def _as_wide_as_the_id(cls, words: Any, known: ValidationInfo) -> Any:
        saga: SagaWords | None = known.data.get("saga")
        if words is None or saga is None:
            return words
        for key, columns in (("holder", words.holder), ("waiters.saga", words.waiters.saga)):
            if len(columns) != len(saga.id.columns):
                wanted = ", ".join(saga.id.columns)
                raise ValueError(f"{key} holds a saga's id, so it has as many columns as that ({wanted})")
        return words

    def doubts(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        """Return where a word is mapped in two ways, and `failed_means` said although `values` leave nothing to ask."""
        return (*self._twice(), *self._failed_means())

    def _twice(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield the `values` in which one word stands in two spellings with two meanings."""
        for path, values in _values(self):
            meant: dict[str, str] = {}
            for key, value in values.items() if len(values) > 1 else ():
                first = meant.setdefault(_spoken(key), key)
                if values[first] != value:
                    why = (
                        f"{first!r} means {values[first]}, and {key!r} means {value}: to most people, and to many "
                        "databases, they are one word; say it once, as the store writes it"
                    )
                    yield ((*path, key), why)

    def _failed_means(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        state = self.saga.state
        mapped = [word for word, meant in state.values.items() if meant == SagaState.FAILED]
        if not mapped or state.failed_means in (None, FailedMeans.FAILED):
            return ()
        why = (
            f'not asked of {", ".join(mapped)}: on the right of values "failed" means an undo failed or is missing; '
            'leave usual words out of values, or write "compensated", for what the steps show counts all the same'
        )
        return ((("saga", "state", "failed_means"), why),)
