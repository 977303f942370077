"""A new configuration on the disk: whole or not at all, closed to others, and never over one that is there unasked."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sagadoctor.errors import UsageError
from sagadoctor.untrusted import shown

from .find import USUAL_NAME, check_environment, folders

_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""What file systems without hard links say."""


def place_for_new(config: Path | None, env: str | None, environ: Mapping[str, str]) -> Path:
    """Return where a new configuration will be found by itself: as `find` looks for it, in the person's own folder.

    Raises UsageError or ConfigError where the options contradict each other or name no environment.
    """
    if config is not None and env is not None:
        raise UsageError("--config and --env both say which file is meant; give one of them")
    named, other = environ.get("SAGADOCTOR_CONFIG"), environ.get("SAGADOCTOR_ENV") or None
    if config is not None or (env is None and named):
        return config or Path(named or "")
    check_environment(env or other, "--env" if env is not None else "SAGADOCTOR_ENV")
    return folders(environ)[0] / f"{env or other or USUAL_NAME}.toml"


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise UsageError where a file is in the way, or something that is no file."""
    if path.is_dir():
        raise UsageError(f"{shown(path)} is a folder; name a file with --out")
    if not force and os.path.lexists(path):
        raise UsageError(f"{shown(path)} is there already; name another file with --out, or say --force to replace it")


def write_new(path: Path, text: str, *, force: bool, check: Callable[[Path], None]) -> None:
    """Write a file of mode 0600 that is there whole or not at all; `check` sees it first, under another name.

    Raises UsageError where it can't be written, or is there already and `force` doesn't say that it may be replaced.
    """
    refuse_existing(path, force=force)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{shown(path)} can't be written: {reason}; name another file with --out") from None
    made = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check(made)
        _put(made, path, force=force)
    except FileExistsError:
        raise UsageError(f"{shown(path)} is there already; name another file with --out, or say --force") from None
    except OSError as error:
        raise UsageError(f"{shown(path)} can't be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            made.unlink()


def _put(made: Path, path: Path, *, force: bool) -> None:
    """Give the file its name; a link fails where a file has come meanwhile, which renaming would replace."""
    if not force:
        try:
            os.link(made, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            return
    made.replace(path)
