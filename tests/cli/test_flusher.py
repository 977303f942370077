"""What was printed leaves the buffer as soon as nothing more is printed for the moment."""

from __future__ import annotations

import asyncio
import io

import pytest

from sagadoctor.cli.flusher import Flusher


class _Pipe(io.StringIO):
    def __init__(self, *, closed_by_reader: bool = False) -> None:
        super().__init__()
        self.flushed: list[str] = []
        self.closed_by_reader = closed_by_reader

    def flush(self) -> None:
        if self.closed_by_reader:
            raise BrokenPipeError(32, "Broken pipe")
        self.flushed.append(self.getvalue())


def test_a_burst_is_written_out_once_when_it_is_over() -> None:
    async def work() -> None:
        pipe = _Pipe()
        flusher = Flusher(pipe)
        for number in range(3):
            pipe.write(f"{number}\n")
            flusher.soon()
        assert pipe.flushed == []
        await asyncio.sleep(0)
        assert pipe.flushed == ["0\n1\n2\n"]
        pipe.write("3\n")
        flusher.soon()
        await asyncio.sleep(0)
        assert pipe.flushed == ["0\n1\n2\n", "0\n1\n2\n3\n"]

    asyncio.run(work())


def test_a_reader_that_has_left_is_told_with_the_next_finding() -> None:
    async def work() -> None:
        flusher = Flusher(_Pipe(closed_by_reader=True))
        flusher.soon()
        await asyncio.sleep(0)
        with pytest.raises(BrokenPipeError):
            flusher.soon()

    asyncio.run(work())
