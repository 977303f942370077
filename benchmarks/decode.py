"""Reading one store into facts, connection open and imports done: prints the seconds of each round."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import timedelta
from pathlib import Path

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.ports import Look
from sagadoctor.bootstrap import open_doctor
from sagadoctor.clock import SystemClock


async def main(config: Path, rounds: int) -> None:
    """Read all live rows `rounds` times; the first round is thrown away."""
    doctor = open_doctor(config, None)
    store = doctor.backends.stores[0]
    clock = SystemClock()
    try:
        for number in range(rounds + 1):
            deadline = Deadline.after(clock, 600)
            now = await store.now(deadline)
            started = time.perf_counter()
            rows = 0
            async for page in store.read(Look(deadline, ended_since=now - timedelta(hours=24))):
                rows += len(page.sagas)
            if number:
                sys.stdout.write(f"{time.perf_counter() - started} {rows}\n")
    finally:
        await doctor.backends.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
