"""Row 17: one database in two environments."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.config import load

from .samples import fake, written

PROD = 'config_version = 1\n[environment]\nname = "prod"\nproduction = true\n'
STAGING = 'config_version = 1\n[environment]\nname = "staging"\n'


def store(name: str, url: str) -> str:
    return f'[stores.{name}]\nplugin = "fake"\nurl = "{url}"\n'


def warnings(tmp_path: Path, prod: str, staging: str) -> list[str]:
    path, other = written(tmp_path, prod, "prod.toml"), written(tmp_path, staging, "staging.toml")
    configuration = load(path, plugin_of=lambda _: fake, siblings=[path, other])
    return [str(one).replace(f"{tmp_path}/", "") for one in configuration.warnings]


@pytest.mark.parametrize(
    "url",
    ["postgresql+psycopg://other@DB:5432/orders?sslmode=require", "postgresql://db/orders"],
)
def test_row_17_one_database_in_two_environments_is_warned_of(tmp_path: Path, url: str) -> None:
    mine = PROD + store("orders", "postgresql://ro@db/orders")
    assert warnings(tmp_path, mine, STAGING + store("copy", url)) == [
        "prod.toml:7: stores.orders.url: the same database as stores.copy of staging.toml (staging)"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ro@db/other",
        "postgresql://ro@db2/orders",
        "postgresql://ro@db:6432/orders",
        "mysql://ro@db/orders",
        "postgresql://[::1/orders",
        "postgresql://",
    ],
)
def test_row_17_other_databases_are_not(tmp_path: Path, url: str) -> None:
    mine = PROD + store("orders", "postgresql://ro@db/orders")
    assert warnings(tmp_path, mine, STAGING + store("orders", url)) == []


@pytest.mark.parametrize(
    "other",
    [
        "not toml [",
        store("orders", "postgresql://ro@db/orders"),
        PROD + store("orders", "postgresql://ro@db/orders"),
        STAGING + "stores = 3",
        STAGING + "[stores]\norders = 3",
        "",
    ],
)
def test_row_17_files_of_others_and_of_this_environment_do_not_count(tmp_path: Path, other: str) -> None:
    assert warnings(tmp_path, PROD + store("orders", "postgresql://ro@db/orders"), other) == []


def test_row_17_a_service_is_a_database_too(tmp_path: Path) -> None:
    url = "postgresql:///?service=orders"
    assert len(warnings(tmp_path, PROD + store("a", url), STAGING + store("b", url))) == 1
    assert warnings(tmp_path, PROD + store("a", url), STAGING + store("b", f"{url}2")) == []


def test_row_17_a_link_to_the_same_file_is_the_same_file(tmp_path: Path) -> None:
    path = written(tmp_path, PROD + store("a", "postgresql://db/a"), "prod.toml")
    link = tmp_path / "config.toml"
    link.symlink_to(path)
    assert load(link, plugin_of=lambda _: fake, siblings=[path]).warnings == ()
