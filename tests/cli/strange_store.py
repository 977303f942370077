"""A store plugin of a stranger, to be installed beside the program: slow, hanging or failing as it is told."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.options import Options
from sagadoctor.api.ports import CheckLine, Look, Page, StoreContext, StorePlugin
from sagadoctor.model.capability import Capability
from sagadoctor.model.saga import Saga, SagaState, Step, StepStatus
from sagadoctor.model.survey import Survey


class StrangeOptions(Options):
    """How many sagas it has, and what it does after each one."""

    sagas: int = 3
    then: Literal["end", "hang", "fail", "noise", "no start"] = "end"
    error: str = ""
    marker: str = ""
    """A file that is made when it begins to hang."""


class StrangeStore:
    """Yields one stuck saga a page, and then does what it was told."""

    def __init__(self, options: StrangeOptions, context: StoreContext) -> None:
        self._options = options
        self._context = context
        self.name = context.name
        self.capabilities = frozenset((Capability.STEPS, Capability.TIMES))

    async def now(self, deadline: Deadline) -> datetime:
        return self._context.clock.now()

    async def read(self, look: Look) -> AsyncIterator[Page]:
        for number in range(self._options.sagas):
            yield Page([self._saga(f"s-{number}")])
        if self._options.then == "hang":
            if self._options.marker:
                await asyncio.to_thread(Path(self._options.marker).touch)
            await asyncio.Event().wait()
        if self._options.then == "fail":
            raise KeyError(self._options.error)
        if self._options.then == "noise":
            logging.getLogger("far.away").error("noise \x1b[31m %s", self._options.error)
            warnings.warn(f"noise \x1b[31m {self._options.error}", stacklevel=1)

    def _saga(self, saga_id: str) -> Saga:
        then = datetime.now(UTC) - timedelta(hours=1)
        return Saga(
            store=self.name,
            saga_id=saga_id,
            state=SagaState.COMPENSATING,
            saga_type="Order",
            source=f"{self.name}.sagas",
            steps=(Step("pay", 0, StepStatus.COMPENSATING, compensation="Refund", executed_at=then),),
            created_at=then,
            updated_at=then,
            error=self._options.error or None,
        )

    async def ended_ids(self, look: Look) -> AsyncIterator[Sequence[str]]:
        for nothing in ():
            yield nothing

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        return tuple(map(self._saga, ids))

    async def find(self, business_key: str, deadline: Deadline) -> tuple[Saga, ...]:
        return ()

    async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
        return ()

    async def survey(self, look: Look) -> Survey:
        return Survey(self.name, f"{self.name}.sagas")

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        if self._options.then == "hang":
            await asyncio.Event().wait()
        return ()

    async def close(self) -> None:
        return None


def _open(options: Any, context: StoreContext) -> StrangeStore:
    if options.then == "no start":
        raise ValueError(options.error)
    return StrangeStore(options, context)


plugin = StorePlugin(options=StrangeOptions, open=_open)


def install(folder: Path) -> Path:
    """Put the plugin's metadata where Python finds it; return the folder for the path."""
    made = folder / "installed" / "strange-1.0.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text("[sagadoctor.v1.stores]\nstrange = tests.cli.strange_store:plugin\n")
    return made.parent
