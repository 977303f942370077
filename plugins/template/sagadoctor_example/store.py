"""The five questions that a store answers; the others have answers already (see `PlainStore`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from sagadoctor.api.v1 import (
    Capability,
    CheckLevel,
    CheckLine,
    Deadline,
    DeadlineExceeded,
    Look,
    Page,
    PlainStore,
    Saga,
    StoreContext,
    Unreachable,
    Worker,
)

from .saga_file import saga_of

T = TypeVar("T")
_PAGE: Final = 500
"""Sagas that are in memory at one time."""


class ExampleStore(PlainStore):
    """Sagas in the files of one folder."""

    capabilities = frozenset((Capability.STEPS, Capability.TIMES, Capability.ENDED))

    def __init__(self, folder: str, context: StoreContext) -> None:
        """Keep where to look; nothing is read before the first question."""
        super().__init__(context, source="files")
        self._folder = Path(context.folder or ".", folder)
        self._worker = Worker(f"example-{context.name}")

    async def now(self, deadline: Deadline) -> datetime:
        """Return the clock by which the files' times were written: ours, for want of another."""
        deadline.check(self.name)
        return self.context.clock.now()

    async def read(self, look: Look) -> AsyncIterator[Page]:
        """Yield the live sagas, the oldest progress first, and the ended ones that were asked for."""
        wanted, truncated = await self._in_thread(lambda: self._wanted(look), look.deadline)
        for start in range(0, len(wanted), _PAGE):
            paths = wanted[start : start + _PAGE]
            sagas = await self._in_thread(lambda paths=paths: self._sagas(paths), look.deadline)  # type: ignore[misc]
            yield Page(sagas, truncated)

    async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
        """Return the sagas with these ids."""
        paths = [path for each in dict.fromkeys(ids) if (path := self._path(each)) is not None]
        return tuple(await self._in_thread(lambda: self._sagas(paths), deadline))

    async def check(self, deadline: Deadline) -> tuple[CheckLine, ...]:
        """Count the files, so that a person sees that it is the right folder."""
        paths = await self._in_thread(self._files, deadline)
        return (CheckLine("reached", CheckLevel.OK, f"{self._folder}: {len(paths):,} files"),)

    async def close(self) -> None:
        """Let the thread go."""
        self._worker.stop()

    async def _in_thread(self, work: Callable[[], T], deadline: Deadline) -> T:
        """Do something that blocks; a thread that hangs (a share that is away) is left behind for another one."""
        deadline.check(self.name)
        try:
            return await self._worker.call(work, timeout=deadline.remaining())
        except (TimeoutError, asyncio.CancelledError) as error:
            self._worker.stop()
            self._worker = Worker(f"example-{self.name}")
            if isinstance(error, asyncio.CancelledError):
                raise
            raise DeadlineExceeded("the folder did not answer in time", source=self.name) from None
        except OSError as error:
            raise Unreachable(f"{self._folder} can't be read: {error.strerror}", source=self.name) from None

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.suffix == ".json")

    def _path(self, saga_id: str) -> Path | None:
        """Return the file of an id; None for what can be no file's name."""
        try:
            name = quote(saga_id, safe="")
        except UnicodeEncodeError:
            return None
        return self._folder / f"{name}.json" if 0 < len(name) <= 250 else None

    def _sagas(self, paths: Sequence[Path]) -> list[Saga]:
        self._folder.stat()  # a folder that is gone is no folder without sagas
        found = (saga_of(path, self.name, self.source) for path in paths)
        return [saga for saga in found if saga is not None]

    def _wanted(self, look: Look) -> tuple[list[Path], bool]:
        """Return the files that a look is about, and whether live ones were left out."""
        live: list[tuple[float, Path]] = []
        ended: list[Path] = []
        for path in self._files():
            saga = saga_of(path, self.name, self.source)
            if saga is None or (look.saga_types is not None and saga.saga_type not in look.saga_types):
                continue
            moved = saga.updated_at or saga.created_at
            if saga.is_live:
                live.append((moved.timestamp() if moved is not None else 0.0, path))
            elif look.all_ended or (look.ended_since is not None and (moved is None or moved >= look.ended_since)):
                ended.append(path)
        truncated = len(live) > look.live_cap
        live = sorted(live)[: look.live_cap]
        return [*(path for _, path in live), *ended], truncated
