"""Opening a plugin's store in a test as a configuration would."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sagadoctor.api.v1 import Options, Secret, StoreContext, StorePlugin
from sagadoctor.testing.opening import open_store, without_password


class Settings(Options):
    url: str
    password: Secret | None = None
    folder: str = "."


class Bare(Options):
    url: str


def opened(options: Any, context: StoreContext) -> Any:
    return options, context


PLUGIN = StorePlugin(options=Settings, open=opened, expand=lambda table: {"folder": "preset", **table})


def test_a_password_is_handed_over_as_a_resolved_secret() -> None:
    for said in (
        {"url": "postgresql://me:s%40cret@host:1/db?x=1"},
        {"url": "postgresql://me@host:1/db?x=1", "password": "s@cret"},
    ):
        options, context = open_store(PLUGIN, name="orders", **said)  # type: ignore[misc]
        assert options.url == "postgresql://me@host:1/db?x=1"
        assert options.password.reveal() == "s@cret"
        assert (options.folder, context.name) == ("preset", "orders")
    options, _ = open_store(PLUGIN, url="sqlite:////tmp/x.db")  # type: ignore[misc]
    assert options.password is None


def test_settings_may_be_called_like_what_surrounds_them() -> None:
    options, context = open_store(PLUGIN, folder="/etc", settings={"url": "x", "folder": "sagas"})  # type: ignore[misc]
    assert (options.folder, context.folder) == ("sagas", "/etc")


def test_what_the_model_refuses_is_refused() -> None:
    with pytest.raises(ValidationError, match="no_such_key"):
        open_store(PLUGIN, url="x", no_such_key=1)
    with pytest.raises(ValidationError, match="password"):
        open_store(StorePlugin(options=Bare, open=opened), url="postgresql://me:pw@host/db")


def test_a_url_is_parted_from_its_password() -> None:
    assert without_password("mariadb://us%40er:p%2Fw@h:3/d") == ("mariadb://us%40er@h:3/d", "p/w")
    assert without_password("sqlite:////srv/x.db") == ("sqlite:////srv/x.db", None)
