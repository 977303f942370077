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


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("sqlite:///a.db", "sqlite:///./a.db"),
        ("sqlite:///data/../a.db", "sqlite:///a.db?mode=ro"),
        ("sqlite:///data//a%20b.db", "sqlite+pysqlite:///data/a b.db"),
        ("sqlite:///a.db", "sqlite:///{folder}/a.db"),
    ],
)
def test_row_17_a_path_is_beside_its_configuration_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mine: str, theirs: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    other = theirs.format(folder=tmp_path)
    assert len(warnings(tmp_path, PROD + store("a", mine), STAGING + store("b", other))) == 1


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("sqlite:///a.db", "sqlite:///b.db"),
        ("sqlite:///a.db", "sqlite:///../a.db"),
        ("sqlite:///a.db", "sqlite:////a.db"),
        ("sqlite://", "sqlite://"),
    ],
)
def test_row_17_other_files_are_not_the_same(tmp_path: Path, mine: str, theirs: str) -> None:
    assert warnings(tmp_path, PROD + store("a", mine), STAGING + store("b", theirs)) == []


def test_row_17_the_same_relative_path_beside_another_configuration_is_another_file(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    path = written(tmp_path, PROD + store("a", "sqlite:///a.db"), "prod.toml")
    for url, many in (("sqlite:///a.db", 0), ("sqlite:///../a.db", 1)):
        other = written(there, STAGING + store("b", url), "staging.toml")
        assert len(load(path, plugin_of=lambda _: fake, siblings=[other]).warnings) == many
