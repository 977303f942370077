"""Opening a SQL store as the configuration would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sagadoctor.adapters.sql import plugin
from sagadoctor.adapters.sql.store import SqlStore
from sagadoctor.api.v1 import Clock, Policy, StoreContext, SystemClock


def without_password(url: str) -> tuple[str, dict[str, Any]]:
    """A URL as the configuration takes it, and the password beside it."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, {}
    host = f"{parts.username}@{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    plain = urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))
    return plain, {"password": {"env": "SAGADOCTOR_TEST_PASSWORD"}}


def open_store(url: str, said: Mapping[str, Any], *, clock: Clock | None = None, **context: Any) -> SqlStore:
    """A store as the configuration would open it; the password of the URL is resolved as a secret."""
    plain, password = without_password(url)
    options = plugin.options.model_validate(plugin.expand({"url": plain, **password, **said}))
    secret = urlsplit(url).password
    if secret is not None:
        options = options.model_copy(
            update={"password": options.password.model_copy(update={"value": _secret(secret)})}
        )
    known = {"name": "orders", "environment": "test", "clock": clock or SystemClock(), "policy": Policy(), **context}
    store = plugin.open(options, StoreContext(**known))
    assert isinstance(store, SqlStore)
    return store


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)
