"""A new configuration is there whole or not at all, and closed to others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sagadoctor.config.write import place_for_new, write_new
from sagadoctor.errors import ConfigError, UsageError


def good(path: Path) -> None:
    assert path.read_text() == "text"


def refused(path: Path) -> None:
    raise ConfigError([])


@pytest.mark.parametrize(
    ("config", "env", "environ", "place"),
    [
        (None, None, {}, "/home/me/.config/sagadoctor/config.toml"),
        (None, "prod", {}, "/home/me/.config/sagadoctor/prod.toml"),
        (None, None, {"SAGADOCTOR_ENV": "prod"}, "/home/me/.config/sagadoctor/prod.toml"),
        (None, None, {"SAGADOCTOR_CONFIG": "/x/y.toml"}, "/x/y.toml"),
        (None, "prod", {"SAGADOCTOR_CONFIG": "/x/y.toml"}, "/home/me/.config/sagadoctor/prod.toml"),
        ("/a.toml", None, {"SAGADOCTOR_CONFIG": "/x/y.toml"}, "/a.toml"),
        (None, None, {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/sagadoctor/config.toml"),
    ],
)
def test_it_goes_where_it_will_be_looked_for(
    config: str | None, env: str | None, environ: dict[str, str], place: str
) -> None:
    assert place_for_new(Path(config) if config else None, env, {"HOME": "/home/me", **environ}) == Path(place)


def test_options_that_contradict_each_other_or_name_nothing() -> None:
    with pytest.raises(UsageError):
        place_for_new(Path("a"), "b", {})
    for env in ("../b", "", "a/b"):
        if env:
            with pytest.raises(ConfigError):
                place_for_new(None, env, {})


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "new.toml"
    write_new(path, "text", force=False, check=good)
    assert path.read_text() == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("force", [False, True])
def test_what_does_not_load_is_not_written(tmp_path: Path, *, force: bool) -> None:
    path = tmp_path / "new.toml"
    if force:
        path.write_text("old")
    with pytest.raises(ConfigError):
        write_new(path, "text", force=force, check=refused)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == ([("new.toml", "old")] if force else [])


def test_a_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    with pytest.raises(UsageError, match="is there already"):
        write_new(path, "text", force=False, check=lambda _: path.write_text("theirs") and None)
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        write_new(path, "text", force=False, check=good)
    write_new(path, "text", force=True, check=good)
    assert not path.is_symlink()
    assert not os.path.lexists(tmp_path / "elsewhere")
