"""Where a SQLite file is that a URL names: a relative path is beside the configuration, wherever `cd` has led."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote


def sqlite_file(url: str, folder: Path) -> str | None:
    """Return the path of the SQLite file that a store's URL names, without `.` and `..`; None where it names none.

    The disk is not looked at: `folder` is that of the configuration, absolute, and links in a path stay as they are.
    """
    scheme, separator, rest = url.partition("://")
    path = unquote(rest.partition("?")[0].removeprefix("/"))
    if not separator or scheme.partition("+")[0].lower() != "sqlite" or path in ("", ":memory:"):
        return None
    return os.path.normpath(os.path.join(folder, path))
