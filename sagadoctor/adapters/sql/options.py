"""The settings of one SQL store: `[stores.NAME]` with `plugin = "sql"`.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StrictStr, ValidationInfo, field_validator

from sagadoctor.api.v1 import Duration, Options, SagaState, Secret
from sagadoctor.api.v1.sql import parse_address

from .mapping.around import OutboxWords
from .mapping.columns import Later, Zone
from .mapping.saga import SagaWords
from .mapping.shapes.none import NoSteps
from .mapping.steps import Steps
from .words import FailedMeans


def _url(text: str) -> str:
    parse_address(text)
    return text


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
    received: Later = None
    replies: Later = None
    locks: Later = None
    writer: Later = None

    @field_validator("outbox")
    @classmethod
    def _one_column_ties_it(cls, outbox: OutboxWords | None, known: ValidationInfo) -> OutboxWords | None:
        saga: SagaWords | None = known.data.get("saga")
        if outbox is not None and saga is not None and outbox.saga_id is not None and len(saga.id.columns) > 1:
            raise ValueError(
                f"saga_id is one column, and this saga's id has {len(saga.id.columns)} ({', '.join(saga.id.columns)}): "
                "say saga = the saga's column that holds the entry's id"
            )
        return outbox

    def doubts(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        """Return where `failed_means` is said although `values` leave nothing to ask."""
        state = self.saga.state
        mapped = [word for word, meant in state.values.items() if meant == SagaState.FAILED]
        if not mapped or state.failed_means in (None, FailedMeans.FAILED):
            return ()
        why = (
            f'not asked of {", ".join(mapped)}: on the right of values "failed" means an undo failed or is missing; '
            'leave usual words out of values, or write "compensated", for what the steps show counts all the same'
        )
        return ((("saga", "state", "failed_means"), why),)
