"""The global options of one run, and how every verb runs its work."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from .terminal import Terminal

if TYPE_CHECKING:
    from sagadoctor.bootstrap import Doctor

T = TypeVar("T")


class Globals(msgspec.Struct, frozen=True):
    """What was said before (or after) the verb; `timeout` in seconds for the whole command, None for the default."""

    terminal: Terminal
    config: Path | None = None
    env: str | None = None
    read_only: bool = False
    timeout: float | None = None
    log_file: Path | None = None
    failed: Callable[[str], int] | None = None
    """Where the process is there for this run alone: says why there is no result, and gives the code for that."""

    @property
    def repeated(self) -> tuple[str, ...]:
        """Return the options that a printed command has to repeat to mean the same."""
        options: list[str] = []
        if self.config is not None:
            options += ["--config", os.path.abspath(self.config)]
        if self.env is not None:
            options += ["--env", self.env]
        return tuple(options)


LOOKING_SECONDS: Final = 60.0
"""What a command that looks takes at most unless `--timeout` says otherwise."""


def with_backends(given: Globals, work: Callable[[Doctor], Awaitable[T]], *, looks: bool = True) -> T:
    """Load the configuration, open the backends, run `work`, and close whatever happens.

    A command that only `looks` has an end even where nobody said one; one that acts has the end that was said.
    Raises ConfigError before anything is contacted; KeyboardInterrupt when SIGINT or SIGTERM came.
    """
    from sagadoctor.bootstrap import open_doctor

    with ExitStack() as until_end:

        def before_foreign() -> None:
            from sagadoctor.services.foreign.hush import hushed

            from .watchdog import divide

            if given.failed is not None:
                divide(LOOKING_SECONDS if looks and given.timeout is None else given.timeout, given.failed)
            until_end.enter_context(hushed())

        doctor = open_doctor(given.config, given.env, read_only=given.read_only, before_foreign=before_foreign)
        for warning in doctor.configuration.warnings:
            given.terminal.say(f"warning: {warning}")

        async def run() -> T:
            try:
                return await work(doctor)
            finally:
                await doctor.backends.close()

        return run_until_told(run)


def run_until_told(main: Callable[[], Awaitable[T]]) -> T:
    """Run an async function to its end, or cancel it at SIGINT or SIGTERM and raise KeyboardInterrupt.

    The signals are taken past the loop, which would leave them to the interpreter's own ways when it closes.
    """
    import asyncio

    told = False
    stop: Callable[[], object] | None = None

    def hear(*_: object) -> None:
        nonlocal told
        told = True
        if stop is not None:
            with suppress(RuntimeError):  # the loop has closed: nothing is left to be cancelled
                stop()

    async def guarded() -> T:
        nonlocal stop
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        stop = partial(loop.call_soon_threadsafe, task.cancel)
        if told:
            raise asyncio.CancelledError
        return await main()

    before = [(number, signal.signal(number, hear)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if told:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in before:
            signal.signal(number, handler)
