"""Opening a plugin's store as the configuration would, for tests: settings in, store out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pydantic import SecretStr

from sagadoctor.api.v1 import Clock, Options, Policy, Secret, Store, StoreContext, StorePlugin, SystemClock


def open_store(
    plugin: StorePlugin,
    *,
    name: str = "mine",
    clock: Clock | None = None,
    policy: Policy | None = None,
    tz: str = "UTC",
    big_table: int = 100_000,
    folder: str | None = None,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> Store:
    """Return the store that `[stores.NAME]` with these settings would give, not yet connected.

    Settings may be given by their names, or all together as `settings`; `folder` is where the configuration would lie.
    A password within `url`, or a text as `password`, is handed over as the secret that a configuration would have
    resolved. Raises what the settings' model and the plugin's `open` raise.
    """
    given, password = _split({**(settings or {}), **more})
    if password is not None:
        given["password"] = {"env": "SAGADOCTOR_TEST_PASSWORD"}
    options = plugin.options.model_validate(plugin.expand(given))
    if password is not None:
        options = _resolved(options, password)
    context = StoreContext(
        name=name,
        environment="test",
        clock=clock or SystemClock(),
        tz=tz,
        policy=policy or Policy(),
        big_table=big_table,
        folder=folder,
    )
    return plugin.open(options, context)


def _split(settings: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the settings as a file may hold them, and the password that was among them."""
    told = settings.get("password")
    if isinstance(told, str):
        return {key: value for key, value in settings.items() if key != "password"}, told
    url = settings.get("url")
    if not isinstance(url, str):
        return dict(settings), None
    plain, held = without_password(url)
    return {**settings, "url": plain}, held


def without_password(url: str) -> tuple[str, str | None]:
    """Return a URL as a configuration takes it, and the password that it held."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    user = f"{quote(unquote(parts.username), safe='')}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2])), unquote(parts.password)


def _resolved(options: Options, password: str) -> Options:
    secret = getattr(options, "password", None)
    if not isinstance(secret, Secret):
        raise TypeError("the settings hold a password, and the plugin's options take no Secret under that name")
    return options.model_copy(update={"password": secret.model_copy(update={"value": SecretStr(password)})})
