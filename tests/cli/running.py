"""Running the program as a person or cron would: another process, a home of its own, and every byte kept."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

from sagadoctor.__main__ import run

ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE: Final = 60.0
LOG: Final = logging.getLogger("sagadoctor")


@dataclass(frozen=True, slots=True)
class Done:
    """What one run left behind."""

    code: int
    out: bytes
    err: bytes = b""

    @property
    def text(self) -> str:
        """What was written to stdout."""
        return self.out.decode("utf-8")

    @property
    def said(self) -> str:
        """What was written to stderr."""
        return self.err.decode("utf-8")

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout."""
        assert self.out, self.said
        made = json.loads(self.out)
        assert isinstance(made, dict)
        return made

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The JSON documents on stdout, one a line."""
        return [json.loads(line) for line in self.text.splitlines()]


@dataclass(frozen=True, slots=True)
class Home:
    """A home folder of nobody else, and a configuration to name on each command line."""

    folder: Path
    config: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        """Where the ledger lies unless the configuration says otherwise."""
        return self.folder / "state" / "sagadoctor" / "ledger.db"

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of a run: nothing of the machine's own but where programs are."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            **self.extra,
        }

    def words(self, *words: str) -> list[str]:
        """The command line of a run."""
        named = ["--config", str(self.config)] if self.config is not None else []
        return [sys.executable, "-m", "sagadoctor", *named, *words]

    def run(self, *words: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Done:
        """Run one command to its end."""
        done = subprocess.run(
            self.words(*words),
            input=stdin,
            capture_output=True,
            env={**self.environ, **(environ or {})},
            cwd=self.folder,
            timeout=PATIENCE,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def call(self, *words: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Done:
        """Run one command to its end within this process, which is quicker."""
        out, err = _stream(), _stream()
        given = {**self.environ, "PYTHONUTF8": "1", **(environ or {})}
        with (
            mock.patch.dict(os.environ, given, clear=True),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8")),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run(self.words(*words)[3:])
        for handler in tuple(LOG.handlers):  # a process of its own would have ended with its log
            LOG.removeHandler(handler)
            handler.close()
        return Done(code, _bytes(out), _bytes(err))

    def begin(self, *words: str, **pipes: Any) -> subprocess.Popen[bytes]:
        """Start a command and return at once."""
        channels = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **pipes,
        }
        return subprocess.Popen(self.words(*words), env=self.environ, cwd=self.folder, **channels)

    def on_terminal(self, *words: str, environ: Mapping[str, str] | None = None, width: int = 100) -> Done:
        """Run one command with a terminal for all three streams; the line ends of the terminal are undone."""
        leader, follower = pty.openpty()
        given = {**self.environ, "COLUMNS": str(width), **(environ or {})}
        streams = {"stdin": follower, "stdout": follower, "stderr": follower}
        process = subprocess.Popen(self.words(*words), env=given, cwd=self.folder, start_new_session=True, **streams)
        os.close(follower)
        seen = _drained(leader)
        os.close(leader)
        return Done(process.wait(timeout=PATIENCE), seen.replace(b"\r\n", b"\n"))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n")


def _bytes(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def _drained(leader: int) -> bytes:
    seen = b""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not select.select([leader], [], [], 1.0)[0]:
            continue
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other side was closed
            break
        if not part:
            break
        seen += part
    return seen


def stopped(process: subprocess.Popen[bytes], number: signal.Signals) -> Done:
    """Send a signal to a running command and wait for its end."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return Done(process.returncode, out, err)
