"""What lies beside a SQLite file: how to read a database in WAL mode and leave nothing behind.

A reader of such a database makes `-wal` and `-shm` beside it where they are missing, and leaves them there. So while
there is no log with anything in it, the file alone is the whole truth: it is opened as one that nobody changes, and
whether that was so is looked up afterwards.
"""

from __future__ import annotations

import os
import threading
from typing import Final

import msgspec

_WAL: Final = 2
Key = tuple[int, int]
"""Device and inode: what a file is, whatever it is called."""


class Lying(msgspec.Struct, frozen=True):
    """The files of a database as they lay at one moment."""

    key: Key
    main: tuple[int, ...]
    """Size and times of the file itself."""
    is_wal: bool
    log: int = 0
    """The size of the write-ahead log, 0 without one."""
    has_index: bool = False
    """The shared memory of all who read and write the log is there."""

    @property
    def is_at_rest(self) -> bool:
        """Say whether the file alone holds everything."""
        return self.is_wal and self.log == 0

    @property
    def is_stranded(self) -> bool:
        """Say whether the log holds something, and nobody has the database open."""
        return self.is_wal and self.log > 0 and not self.has_index

    def is_still_so(self, path: str) -> bool:
        """Say whether nobody has written the database since."""
        real = os.path.realpath(path)
        try:
            return (self.key, self.main) == _status(real) and self.log == _size(real + "-wal")
        except OSError:
            return False


_lock = threading.Lock()
_held: dict[Key, list[bool]] = {}
"""For every connection of ours to a file, whether the file was in WAL mode."""


def hold(path: str) -> Lying:
    """Look at a database's files, to connect to it now; raises OSError. Every answer is given back by `let_go`.

    To open and close a file gives up every lock that SQLite, in this process, holds on it: only who comes first looks
    into it.
    """
    real = os.path.realpath(path)
    with _lock:
        key, main = _status(real)
        known = _held.setdefault(key, [])
        try:
            is_wal = known[0] if known else _is_wal(real)
            lies = Lying(key, main, is_wal, _size(real + "-wal"), os.path.exists(real + "-shm"))
            known.append(is_wal)
        finally:
            if not known:
                del _held[key]
    return lies


def let_go(lies: Lying) -> None:
    """Forget one connection."""
    with _lock:
        known = _held.get(lies.key, [])
        if known:
            known.pop()
        if not known:
            _held.pop(lies.key, None)


def _status(path: str) -> tuple[Key, tuple[int, ...]]:
    status = os.stat(path)
    return (status.st_dev, status.st_ino), (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _is_wal(path: str) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return _WAL in os.pread(descriptor, 2, 18)
    finally:
        os.close(descriptor)
