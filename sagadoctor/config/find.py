"""Which file is the configuration: the one that is named, else the first that exists in the known folders."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from sagadoctor.errors import ConfigError, Problem
from sagadoctor.untrusted import shown

from .keys import did_you_mean

SYSTEM_FOLDER: Final = Path("/etc/sagadoctor")
USUAL_NAME: Final = "config"
_NAME_OF_EXAMPLE: Final = "config.example.toml"
_ENVIRONMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Found(msgspec.Struct, frozen=True):
    """The file to read, who named it, and every place that was looked at."""

    path: Path
    because: str
    tried: tuple[Path, ...]


def example() -> str:
    """Return the commented example: it lies beside this module, and in the source tree at the top."""
    installed = Path(__file__).with_name(_NAME_OF_EXAMPLE)
    lies = installed if installed.exists() else Path(__file__).parents[2] / _NAME_OF_EXAMPLE
    return lies.read_text(encoding="utf-8")


def _making(path: Path) -> str:
    """Return the shell line that makes a first configuration here."""
    folder = "" if path.parent.is_dir() else f"mkdir -p {shlex.quote(str(shown(path.parent)))} && "
    return f"`{folder}sagadoctor config example > {shlex.quote(str(shown(path)))}` makes one to edit"


def folders(environ: Mapping[str, str], system: Path = SYSTEM_FOLDER) -> tuple[Path, ...]:
    """Return the folders that are searched: the person's own by the XDG rules, then the system's."""
    named = environ.get("XDG_CONFIG_HOME", "")
    home = environ.get("HOME") or os.path.expanduser("~")
    own = Path(named) if os.path.isabs(named) else Path(home) / ".config"
    return (own / "sagadoctor", system)


def find(
    config: str | os.PathLike[str] | None = None,
    env: str | None = None,
    *,
    environ: Mapping[str, str],
    system: Path = SYSTEM_FOLDER,
) -> Found:
    """Return the file that options, environment variables or the known folders lead to; ConfigError when none does.

    `config` and `env` are the options `--config` and `--env`; an option wins over any environment variable. A file
    in the current folder is never read by itself.
    """
    if config is not None and env is not None:
        raise _error("--config and --env both say which file to read; give one of them")
    if config is not None:
        return _named(Path(config), "--config")
    if env is not None:
        return _searched(env, "--env", environ, system)
    path, name = environ.get("SAGADOCTOR_CONFIG"), environ.get("SAGADOCTOR_ENV")
    if path and name:
        raise _error("SAGADOCTOR_CONFIG and SAGADOCTOR_ENV both say which file to read; unset one of them")
    if path:
        return _named(Path(path), "SAGADOCTOR_CONFIG")
    return _searched(name or None, "SAGADOCTOR_ENV", environ, system)


def check_environment(env: str | None, because: str) -> None:
    """Raise ConfigError for what can't be the name of an environment; `because` is who says so."""
    if env is not None and not _ENVIRONMENT.match(env):
        raise _error(
            f'{because}: not a name of an environment: "{shown(env, 60)}"; '
            "it is the name of a file in the configuration folder, without .toml"
        )


def _named(path: Path, because: str) -> Found:
    if not _exists(path):
        raise _error(f"no such file, named by {because}; {_making(path)}", path)
    return Found(path, because, (path,))


def _searched(env: str | None, because: str, environ: Mapping[str, str], system: Path) -> Found:
    check_environment(env, because)
    name = USUAL_NAME if env is None else env
    tried = tuple(folder / f"{name}.toml" for folder in folders(environ, system))
    for path in tried:
        if _exists(path):
            return Found(path, f"{because} {env}" if env is not None else "the configuration folder", tried)
    places = " and ".join(str(shown(path)) for path in tried)
    if env is not None:
        others = {path.stem for folder in folders(environ, system) for path in toml_files(folder)}
        hint = did_you_mean(env, others, listed="there are")
        raise _error(f"no configuration for environment `{env}`; tried {places}{hint}")
    here = "; a file in the current folder is read only when named, such as --config ./sagadoctor.toml"
    raise _error(
        f"no configuration found; tried {places}; {_making(tried[0])}, "
        f"or name a file with --config{here if _exists(Path('sagadoctor.toml')) else ''}"
    )


def toml_files(folder: Path, most: int = 50) -> list[Path]:
    """Return the configurations of a folder, at most `most`; nothing when it can't be listed."""
    try:
        found = sorted(folder.glob("*.toml"))
    except OSError:
        return []
    return [path for path in found if not path.name.startswith(".")][:most]


def _exists(path: Path) -> bool:
    """Say whether something is there; what can't be looked at counts, so that reading it says why."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def _error(message: str, path: Path | None = None) -> ConfigError:
    return ConfigError((Problem(message, file=None if path is None else str(shown(path))),))
