"""Which process runs a scan, and whether it is still there: a crashed one need not be waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec

_GONE_STATES = ("Z", "X")


class Process(msgspec.Struct, frozen=True):
    """A process; `machine` tells boots and containers of one host name apart, `born` processes of one number."""

    host: str
    machine: str
    pid: int
    born: str

    def is_gone(self, here: Process) -> bool:
        """Say whether it surely ended; always False for a process of another host or container."""
        if (self.host, self.machine) != (here.host, here.machine):
            return False
        return not _is_alive(self.pid, self.born)


def this_process() -> Process:
    """Return the process that asks."""
    pid = os.getpid()
    stat = _stat(pid)
    return Process(host=socket.gethostname(), machine=_machine(), pid=pid, born=stat[1] if stat else "")


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""  # no Linux: the host name has to do


def _stat(pid: int) -> tuple[str, str] | None:
    """Return the state letter and the start time that Linux tells of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return fields[0].decode("ascii"), fields[19].decode("ascii")
    except (OSError, IndexError):
        return None


def _is_alive(pid: int, born: str) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's, so it is there
    stat = _stat(pid)
    return stat is None or (stat[0] not in _GONE_STATES and born in ("", stat[1]))
