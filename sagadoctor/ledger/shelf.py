"""One environment's part of a ledger: whatever is remembered lies under its name, and nobody else's is touched.

A store that leads to another database than before is another store, whatever its name is: what was remembered of the
one says nothing about the other. Two ways to one database (a tunnel, a replica) are therefore two stores as well, which
costs a second "first seen" and loses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from sagadoctor.ids import digest

from .text import key

NO_PLACES: Mapping[str, str] = MappingProxyType({})
_ENGINES = {"postgres": "postgresql", "mysql": "mariadb"}
_PORTS = {"postgresql": 5432, "mariadb": 3306}
_ELSEWHERE = ("host", "port", "dbname", "service", "unix_socket")
"""Options of a URL that lead somewhere else than the rest of it says."""


class Shelf(msgspec.Struct, frozen=True):
    """The environment, and where the stores of these names are, as far as that is known."""

    environment: str = "default"
    places: Mapping[str, str] = NO_PLACES

    @property
    def name(self) -> str:
        """Return the environment as the tables write it."""
        return key(self.environment)

    def slot(self, store: str) -> str:
        r"""Return what stands for a store: its name, and `\@` and a hash of its place where that is known."""
        place = self.places.get(store)
        return key(store) if place is None else rf"{key(store)}\@{digest((place,), 12)}"


def place_of(url: str) -> str | None:
    """Return which database a URL leads to, whoever asks and through whichever driver; None if it doesn't tell.

    Nothing of it is a secret: no user, no password, and of the options only those that lead somewhere.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    engine = parts.scheme.lower().partition("+")[0]
    engine = str(_ENGINES.get(engine, engine))
    if not engine:
        return None
    if engine == "sqlite":
        path = url.partition("://")[2].partition("?")[0].removeprefix("/")
        return f"sqlite {os.path.abspath(unquote(path))}"
    options = parse_qs(parts.query)
    led = [f"{name}={value}" for name in _ELSEWHERE for value in options.get(name, ())]
    host = (parts.hostname or "").lower()
    return " ".join((engine, host, str(port or _PORTS.get(engine) or ""), unquote(parts.path.strip("/")), *led))
