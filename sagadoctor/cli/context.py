"""The global options of one run, and how every verb runs its work."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .terminal import Terminal

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Globals:
    """What was said before (or after) the verb; `timeout` in seconds for the whole command, None for the default."""

    terminal: Terminal
    config: Path | None = None
    env: str | None = None
    read_only: bool = False
    timeout: float | None = None
    log_file: Path | None = None

    @property
    def repeated(self) -> tuple[str, ...]:
        """Return the options that a printed command has to repeat to mean the same."""
        options: list[str] = []
        if self.config is not None:
            options += ["--config", os.path.abspath(self.config)]
        if self.env is not None:
            options += ["--env", self.env]
        return tuple(options)


def with_backends(given: Globals, work: Callable[[Doctor], Awaitable[T]]) -> T:
    """Load the configuration, open the backends, run `work`, and close whatever happens.

    Raises ConfigError before anything is contacted; KeyboardInterrupt when SIGINT or SIGTERM came.
    """
    from sagadoctor.bootstrap import open_doctor

    doctor = open_doctor(given.config, given.env, read_only=given.read_only)
    for warning in doctor.configuration.warnings:
        given.terminal.say(f"warning: {warning}")

    async def run() -> T:
        try:
            return await work(doctor)
        finally:
            await doctor.backends.close()

    return run_until_told(run)


def run_until_told(main: Callable[[], Awaitable[T]]) -> T:
    """Run an async function to its end, or cancel it at SIGINT or SIGTERM and raise KeyboardInterrupt."""
    import asyncio

    told = False

    async def guarded() -> T:
        nonlocal told
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()

        def stop() -> None:
            nonlocal told
            told = True
            if task is not None:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        return await main()

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if told:
            raise KeyboardInterrupt from None
        raise
