"""Reading what others wrote within bounds: so many bytes, so many seconds, also from a pipe that nobody writes."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path


def read_bounded(path: Path, most: int, seconds: float) -> tuple[bytes, int]:
    """Return the first bytes of a file, a pipe or a device (one more than `most` where there are more), and its mode.

    Raises OSError, TimeoutError among them, and ValueError for what can't be a path.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        until = None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else time.monotonic() + seconds
        found = bytearray()
        while len(found) <= most:
            if until is not None and not has_more(descriptor, until - time.monotonic()):
                raise TimeoutError(errno.ETIMEDOUT, f"no end within {seconds:g} s (a pipe that nobody writes?)")
            try:
                some = os.read(descriptor, most + 1 - len(found))
            except BlockingIOError:  # somebody else read it first
                continue
            if not some:
                break
            found += some
        return bytes(found), mode
    finally:
        os.close(descriptor)


def has_more(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read, or its end; say whether there was in this time."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(max(0.0, seconds) * 1000))
