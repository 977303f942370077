"""The settings of one SQL store: `[stores.NAME]` with `plugin = "sql"`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, SerializeAsAny, StrictStr

from sagadoctor.api.v1 import Duration, Options, Secret
from sagadoctor.api.v1.sql import parse_address

from .mapping.around import MaybeLocks, MaybeReceived, MaybeReplies, MaybeWriter, OutboxWords
from .mapping.columns import Zone
from .mapping.saga import SagaWords
from .mapping.steps import NoSteps, Steps


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
    steps: SerializeAsAny[Steps] = Field(default_factory=lambda: NoSteps(shape="none"))
    outbox: OutboxWords | None = None
    received: MaybeReceived = None
    replies: MaybeReplies = None
    locks: MaybeLocks = None
    writer: MaybeWriter = None
