"""Which file is read, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.config import find, folders
from sagadoctor.errors import ConfigError

from .samples import written


@pytest.fixture
def system(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "sagadoctor"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "HOME": str(tmp_path / "home")}


def said(error: pytest.ExceptionInfo[ConfigError], tmp_path: Path) -> str:
    return str(error.value).replace(f"{tmp_path}/", "")


def test_an_option_wins_over_the_environment_and_that_over_the_folders(
    tmp_path: Path, system: Path, environ: dict[str, str]
) -> None:
    own = written(tmp_path / "xdg" / "sagadoctor", "", "config.toml")
    named, other = written(tmp_path, "", "named.toml"), written(tmp_path, "", "other.toml")
    assert find(environ=environ, system=system).path == own
    environ["SAGADOCTOR_CONFIG"] = str(other)
    assert find(environ=environ, system=system).path == other
    assert find(named, environ=environ, system=system).path == named


def test_the_option_env_wins_over_a_variable_that_names_a_file(
    tmp_path: Path, system: Path, environ: dict[str, str]
) -> None:
    prod = written(tmp_path / "xdg" / "sagadoctor", "", "prod.toml")
    environ["SAGADOCTOR_CONFIG"] = str(written(tmp_path, "", "staging.toml"))
    assert find(env="prod", environ=environ, system=system).path == prod


def test_the_system_folder_comes_last(tmp_path: Path, system: Path, environ: dict[str, str]) -> None:
    usual, prod = written(system, "", "config.toml"), written(system, "", "prod.toml")
    assert find(environ=environ, system=system).path == usual
    environ["SAGADOCTOR_ENV"] = "prod"
    assert find(environ=environ, system=system).path == prod
    assert find(environ=environ, system=system).because == "SAGADOCTOR_ENV prod"
    own = written(tmp_path / "xdg" / "sagadoctor", "", "prod.toml")
    assert find(environ=environ, system=system).path == own


def test_the_home_folder_is_used_without_xdg_and_with_a_relative_one(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert folders(home)[0] == tmp_path / ".config" / "sagadoctor"
    assert folders({**home, "XDG_CONFIG_HOME": "relative"}) == folders(home)


def test_a_file_in_the_current_folder_is_never_read_by_itself(
    tmp_path: Path, system: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "", "sagadoctor.toml")
    written(tmp_path, "", "config.toml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"read only when named, such as --config \./sagadoctor\.toml"):
        find(environ=environ, system=system)


def test_row_01_a_missing_file_says_what_was_tried_and_how_to_make_one(
    tmp_path: Path, system: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as error:
        find(environ=environ, system=system)
    assert said(error, tmp_path) == (
        "no configuration found; tried xdg/sagadoctor/config.toml and etc/sagadoctor/config.toml; "
        "`mkdir -p xdg/sagadoctor && sagadoctor config example > xdg/sagadoctor/config.toml` makes one to edit, "
        "or name a file with --config"
    )
    with pytest.raises(ConfigError) as error:
        find(tmp_path / "none.toml", environ=environ, system=system)
    assert said(error, tmp_path) == (
        "none.toml: no such file, named by --config; `sagadoctor config example > none.toml` makes one to edit"
    )
    with pytest.raises(ConfigError, match=r"example > '.*/a b\.toml'` makes one"):
        find(tmp_path / "a b.toml", environ=environ, system=system)
    environ["SAGADOCTOR_CONFIG"] = str(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="named by SAGADOCTOR_CONFIG"):
        find(environ=environ, system=system)


def test_row_01_a_missing_environment_names_the_nearest(tmp_path: Path, system: Path, environ: dict[str, str]) -> None:
    written(system, "", "staging.toml")
    with pytest.raises(ConfigError) as error:
        find(env="stagin", environ=environ, system=system)
    assert said(error, tmp_path) == (
        "no configuration for environment `stagin`; tried xdg/sagadoctor/stagin.toml and "
        "etc/sagadoctor/stagin.toml; did you mean `staging`?"
    )


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".hidden", "a\x1b[0m", "x" * 65])
def test_the_name_of_an_environment_is_no_path(name: str, system: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="not a name of an environment"):
        find(env=name, environ=environ, system=system)


def test_two_ways_to_name_the_file_at_once_are_refused(system: Path, environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config and --env both say which file to read"):
        find("a", "b", environ=environ, system=system)
    environ |= {"SAGADOCTOR_CONFIG": "a", "SAGADOCTOR_ENV": "b"}
    with pytest.raises(ConfigError, match="SAGADOCTOR_CONFIG and SAGADOCTOR_ENV both say"):
        find(environ=environ, system=system)
    path = written(tmp_path, "", "named.toml")
    assert find(path, environ=environ, system=system).path == path


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path: Path, system: Path, environ: dict[str, str]) -> None:
    link = tmp_path / "xdg" / "sagadoctor" / "config.toml"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "gone.toml")
    written(system, "", "config.toml")
    assert find(environ=environ, system=system).path == link
