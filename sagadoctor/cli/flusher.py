"""Writing out what was printed whenever a burst of findings is over: at once for its reader, and not line by line."""

from __future__ import annotations

import asyncio
from typing import TextIO


class Flusher:
    """Flushes a stream as soon as the running loop has nothing more to print for the moment."""

    def __init__(self, stream: TextIO) -> None:
        """Keep which stream."""
        self._stream = stream
        self._waiting = False
        self._failed: OSError | None = None

    def soon(self) -> None:
        """Flush when the running task next waits; raises what an earlier flush met (a reader that has left)."""
        if self._failed is not None:
            raise self._failed
        if not self._waiting:
            self._waiting = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._waiting = False
        try:
            self._stream.flush()
        except OSError as error:
            self._failed = error
