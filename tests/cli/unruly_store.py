"""A store plugin that does what no plugin may: each misdeed by its name, at the place that the configuration names.

`install` puts it where Python finds it, with the metadata that a real distribution has, and modules that misbehave as
soon as they are imported beside it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from sagadoctor.api.v1 import (
    BackendError,
    Capability,
    Options,
    Page,
    Saga,
    SagaState,
    Step,
    StepStatus,
    StorePlugin,
    Survey,
)

IMPORTS: Final = {
    "raises": "raise RuntimeError('no driver')",
    "exits": "import sys; sys.exit(0)",
    "interrupts": "raise KeyboardInterrupt",
    "hangs": "import time; time.sleep(3600)",
    "prints": "print('{\"hello\": 1}'); import sys; sys.stderr.write('noise \\x1b[31m'); raise ImportError('gone')",
    "wrong": "plugin = {'open': None}",
}
"""What a module does when it is imported, by the plugin's name."""


class UnrulyOptions(Options):
    """Where it misbehaves, and how."""

    at: str = "nowhere"
    how: str = "raises"


class OddError(Exception):
    """An error that doesn't even know its own text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def saga(store: str, number: int = 0, **fields: Any) -> Saga:
    then = datetime.now(UTC) - timedelta(hours=1)
    steps = (Step("pay", 0, StepStatus.COMPENSATING, compensation="Refund", started_at=then),)
    known: dict[str, Any] = {"saga_type": "Order", "source": f"{store}.sagas", "steps": steps}
    known |= {"created_at": then, "updated_at": then, "saga_id": f"u-{number}", **fields}
    return Saga(store=store, state=known.pop("state", SagaState.COMPENSATING), **known)


def _raise(error: BaseException) -> Any:
    raise error


def _forever() -> Any:
    while True:
        pass


def _hold_the_interpreter() -> Any:
    ctypes.PyDLL(None).sleep(3600)


def _print() -> None:
    print('{"findings": []}')
    sys.stderr.write("\x1b[31mnoise\n")
    sys.__stdout__.write("more noise")  # type: ignore[union-attr]


def _thread_that_stays() -> None:
    threading.Thread(target=lambda: time.sleep(3600), daemon=False).start()


def _task_that_exits() -> None:
    async def leave() -> None:
        sys.exit(0)

    asyncio.get_running_loop().create_task(leave())


def _recurse() -> Any:
    return _recurse()


DEEDS: Final[dict[str, Callable[[], Any]]] = {
    "raises": lambda: _raise(KeyError("password=hunter22")),
    "raises oddly": lambda: _raise(OddError()),
    "raises a reason of no text": lambda: _raise(BackendError(3)),  # type: ignore[arg-type]
    "raises everything": lambda: _raise(BaseException("everything")),
    "exits": lambda: sys.exit(0),
    "interrupts": lambda: _raise(KeyboardInterrupt()),
    "gives up": lambda: _raise(asyncio.CancelledError()),
    "stops": lambda: _raise(StopIteration()),
    "blocks": lambda: time.sleep(3600),
    "is busy": _forever,
    "holds the interpreter": _hold_the_interpreter,
    "ends the process": lambda: os._exit(0),
    "crashes": os.abort,
    "prints": _print,
    "leaves a thread": _thread_that_stays,
    "leaves a task": _task_that_exits,
    "recurses": _recurse,
}


def _endless(store: str) -> Iterator[Saga]:
    number = 0
    while True:
        yield saga(store, number)
        number += 1


def answers(store: str) -> dict[str, Callable[[], Any]]:
    """Return what is told instead of a page, by name."""
    good = saga(store)
    return {
        "a dict": lambda: {"sagas": [good]},
        "nothing": lambda: None,
        "a naive time": lambda: Page([saga(store, updated_at=datetime(2026, 1, 1))]),
        "a naive time of a step": lambda: Page(
            [saga(store, steps=(Step("s", 0, StepStatus.FAILED, executed_at=datetime(2026, 1, 1)),))]
        ),
        "an unknown word": lambda: Page([saga(store, state="exploded")]),
        "an id that is a number": lambda: Page([saga(store, saga_id=7)]),
        "a huge id": lambda: Page([saga(store, saga_id="x" * 10_000_000)]),
        "a huge saga": lambda: Page([saga(store, error="x" * 10_000_000)]),
        "steps without end": lambda: Page([saga(store, steps=_endless(store))]),
        "sagas without end": lambda: Page(_endless(store)),  # type: ignore[arg-type]
        "a gigantic page": lambda: Page([saga(store, number) for number in range(20_001)]),
        "duplicates": lambda: Page([good, good]),
        "another store's": lambda: Page([saga("elsewhere")]),
        "rows": lambda: Page([{"saga_id": "u-1"}]),  # type: ignore[list-item]
        "a text": lambda: Page("sagas"),  # type: ignore[arg-type]
    }


class UnrulyStore:
    """Behaves, but for one place."""

    def __init__(self, options: UnrulyOptions, store: str) -> None:
        self.options, self.store = options, store
        self._misbehave("constructor")

    def _misbehave(self, place: str) -> None:
        if self.options.at == place and self.options.how in DEEDS:
            DEEDS[self.options.how]()

    @property
    def name(self) -> str:
        self._misbehave("name")
        return self.store

    @property
    def capabilities(self) -> Any:
        self._misbehave("capabilities")
        if (self.options.at, self.options.how) == ("capabilities", "a dict"):
            return {"steps": True}
        return frozenset((Capability.STEPS, Capability.TIMES, Capability.ENDED))

    async def now(self, deadline: Any) -> Any:
        self._misbehave("now")
        await self._wait("now")
        if self.options.at == "now":
            return {"nothing": None, "a naive time": datetime(2026, 1, 1)}.get(self.options.how, datetime.now(UTC))
        return datetime.now(UTC)

    async def _wait(self, place: str) -> None:
        if (self.options.at, self.options.how) == (place, "never answers"):
            await asyncio.Event().wait()
        while (self.options.at, self.options.how) == (place, "never gives up"):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    def read(self, look: Any) -> Any:
        if (self.options.at, self.options.how) == ("read", "a list"):
            return [Page([saga(self.store)])]
        return self._pages()

    async def _pages(self) -> Any:
        yield Page([saga(self.store)])
        self._misbehave("read")
        await self._wait("read")
        if self.options.at == "read" and self.options.how in (told := answers(self.store)):
            yield told[self.options.how]()
        number = 1
        while (self.options.at, self.options.how) == ("read", "pages without end"):
            yield Page([saga(self.store, number)])
            number += 1
        while (self.options.at, self.options.how) == ("read", "empty pages without end"):
            yield Page(())

    async def ended_ids(self, look: Any) -> Any:
        for nothing in ():
            yield nothing

    async def fetch(self, ids: Any, deadline: Any, *, detail: bool = False) -> Any:
        self._misbehave("fetch")
        await self._wait("fetch")
        if self.options.at == "fetch":
            odd = {"nothing": None, "a page": Page([saga(self.store)]), "rows": [{"saga_id": "u-0"}]}
            return odd.get(self.options.how, ())
        return (saga(self.store),) if "u-0" in ids else ()

    async def find(self, business_key: str, deadline: Any) -> Any:
        self._misbehave("find")
        return None if self.options.at == "find" else ()

    async def children(self, parents: Any, deadline: Any) -> Any:
        self._misbehave("children")
        return ()

    async def survey(self, look: Any) -> Any:
        self._misbehave("survey")
        await self._wait("survey")
        told = Survey(self.store, f"{self.store}.sagas")
        if self.options.at == "survey":
            return {"nothing": None, "a dict": {}, "a wrong part": replace(told, has_times="yes")}.get(
                self.options.how, told
            )
        return told

    async def check(self, deadline: Any) -> Any:
        self._misbehave("check")
        await self._wait("check")
        return {"a text": "fine", "nothing": None}.get(self.options.how, ()) if self.options.at == "check" else ()

    async def close(self) -> None:
        self._misbehave("close")
        await self._wait("close")


def _open(options: Any, context: Any) -> Any:
    if options.at == "open":
        if options.how == "nothing":
            return None
        DEEDS[options.how]()
    return UnrulyStore(options, context.name)


plugin = StorePlugin(options=UnrulyOptions, open=_open)


def install(folder: Path) -> Path:
    """Install the distribution; return the folder for the path."""
    made = folder / "unruly"
    info = made / "unruly-1.0.dist-info"
    info.mkdir(parents=True)
    lines = ["[sagadoctor.v1.stores]", "unruly = tests.cli.unruly_store:plugin"]
    for name, code in IMPORTS.items():
        (made / f"import_that_{name}.py").write_text(f"{code}\n")
        lines.append(f"import-{name} = import_that_{name}:plugin")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(lines))
    return made
