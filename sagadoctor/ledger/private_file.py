"""A file that only its owner may read, and that nobody else could have put there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

from sagadoctor.errors import LedgerError
from sagadoctor.untrusted import shown

_BESIDE = ("", "-wal", "-shm", "-journal")
_NETWORK_KINDS = frozenset(
    ("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "fuse.sshfs")
)
_making = threading.Lock()


def make_private(path: Path) -> None:
    """Make sure that the database file `path` is there, is ours and is closed to others, with the files beside it.

    An existing file is never opened here: closing it would drop the locks that SQLite holds on it in this process.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _making:
            if not os.path.lexists(path):
                _make(path)
        for ending in _BESIDE:
            _check(path.with_name(path.name + ending))
    except OSError as error:
        raise LedgerError(
            f"the ledger {shown(path)} can't be used: {error.strerror or error}"
            f"{_hint(error)}; name another file as the ledger if this can't be mended"
        ) from error
    except ValueError as error:  # NUL in the path
        raise LedgerError(f"the ledger {shown(path)} can't be used: {error}") from error


def _make(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        return  # another process was faster


def _check(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise LedgerError(f"the ledger {shown(path)} is a symbolic link: name the file that it leads to")
    if not stat.S_ISREG(found.st_mode):
        raise LedgerError(f"the ledger {shown(path)} is not a file: name a file in a folder of yours")
    if found.st_uid != os.geteuid():
        raise LedgerError(
            f"the ledger {shown(path)} belongs to another user (number {found.st_uid}, you are {os.geteuid()}): "
            "run sagadoctor as that user, or name a ledger of your own"
        )
    if stat.S_IMODE(found.st_mode) & 0o177:
        path.chmod(0o600)


def _hint(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return " (you may not write there)"
    return ""


def is_on_network(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Say whether the folder of `path` is a network file system, where processes can't share memory."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False  # no Linux: SQLite itself has to notice
    folder = path.parent.resolve()
    longest, kind = -1, ""
    for fields in (line.split(" ") for line in lines):
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), fields[2]
    return kind in _NETWORK_KINDS
