"""Secrets from where they are kept: environment, file, command or keyring; never from the configuration itself."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, SecretStr

from sagadoctor.api.options import Secret
from sagadoctor.errors import ConfigError, Problem
from sagadoctor.redaction import Redactor, mask_text
from sagadoctor.untrusted import shown

from .configuration import Configuration
from .explain import Told
from .keys import Path as KeyPath
from .keys import dotted

LARGEST: Final = 64_000
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")


def secrets_in(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Secret]]:
    """Yield every secret inside a model, a table, a list or a dataclass, with its key."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from secrets_in(getattr(value, name), (*path, info.alias or name))
        for name, inner in (value.model_extra or {}).items():
            yield from secrets_in(inner, (*path, name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_in(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from secrets_in(inner, (*path, place))
    elif isinstance(value, set | frozenset):
        for inner in value:
            yield from secrets_in(inner, path)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from secrets_in(getattr(value, field.name), (*path, field.name))


def command_places(value: object) -> list[KeyPath]:
    """Return the keys of secrets that a command prints."""
    return [path for path, secret in secrets_in(value) if secret.cmd is not None]


def missing_variables(value: object, environ: Mapping[str, str]) -> list[Told]:
    """Return the secrets whose environment variable is unset or empty, by name and never by value."""
    told: list[Told] = []
    for path, secret in secrets_in(value):
        if secret.env is not None and not environ.get(secret.env):
            told.append((path, _unset(secret.env, environ)))
    return told


def resolve(configuration: Configuration, redactor: Redactor, environ: Mapping[str, str] = os.environ) -> None:
    """Fetch every secret, teach the redactor each, and keep it in its place; ConfigError with all that failed.

    A place that several keys name is asked once.
    """
    known: dict[tuple[object, ...], str | Problem] = {}
    problems: list[Problem] = []
    for path, secret in _all(configuration):
        place = (secret.env, secret.file, secret.cmd, secret.keyring)
        if place not in known:
            known[place] = _fetch(secret, configuration.path.parent, environ)
        found = known[place]
        if isinstance(found, Problem):
            line = configuration.origins.nearest(path)
            problems.append(Problem(found.message, configuration.origins.file, line, dotted(path)))
            continue
        redactor.learn(found)
        redactor.learn(quote(found, safe=""))
        secret.value = SecretStr(found)
    if problems:
        raise ConfigError(problems)


def _all(configuration: Configuration) -> Iterator[tuple[KeyPath, Secret]]:
    for store in configuration.stores:
        yield from secrets_in(store.options, ("stores", store.name))
    yield from secrets_in(configuration.ledger, ("ledger",))


def _fetch(secret: Secret, folder: Path, environ: Mapping[str, str]) -> str | Problem:
    if secret.env is not None:
        return environ.get(secret.env) or Problem(_unset(secret.env, environ))
    if secret.file is not None:
        return _from_file(secret.file, folder)
    if secret.cmd is not None:
        return _from_command(secret.cmd, secret.timeout.total_seconds())
    return _from_keyring(secret.keyring or "")


def is_variable(name: str) -> bool:
    """Say whether this can be the name of an environment variable, and not the secret itself by mistake."""
    return _VARIABLE.match(name) is not None


def _unset(name: str, environ: Mapping[str, str]) -> str:
    if not is_variable(name):
        return "`env` names an environment variable: letters, digits and `_`; what stands there is not shown"
    return f"environment variable {name} is {'empty' if name in environ else 'not set'}"


def _from_file(name: str, folder: Path) -> str | Problem:
    path = folder / os.path.expanduser(name)
    called = f"secret file {shown(path)}"
    try:
        with open(path, "rb") as opened:
            raw = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        return Problem(f"{called} can't be read: {shown(reason)}")
    if len(raw) > LARGEST:
        return Problem(f"{called} is longer than {LARGEST // 1000} kB; this is not a secret")
    return _decoded(raw.removesuffix(b"\n").removesuffix(b"\r"), called)


def _decoded(raw: bytes, called: str) -> str | Problem:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Problem(f"{called} gives bytes that are not UTF-8")
    return text or Problem(f"{called} gives nothing")


def _from_command(cmd: tuple[str, ...], seconds: float) -> str | Problem:
    """Run a list without a shell; its first line is the secret, and of its complaints only a masked line is told."""
    if not cmd or not cmd[0]:
        return Problem("the command of the secret is empty")
    called = f"command {shown(cmd[0], 100)}"
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, no shell, from a file that only its owner may write
            cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a command"
        return Problem(f"{called} can't be run: {shown(reason)}")
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as late:
        # a child that it left behind may hold the pipe open: what was said until now counts once it ended itself
        if process.poll() is None:
            process.kill()
            _let_go(process)
            return Problem(f"{called} did not end within {seconds:g} s")
        out, err = late.output or b"", late.stderr or b""
        _let_go(process)
    if process.returncode != 0:
        said = mask_text(err.decode("utf-8", "replace").strip().split("\n")[0])
        return Problem(
            f"{called} failed with exit code {process.returncode}" + (f": {shown(said, 100)}" if said else "")
        )
    return _decoded(out.split(b"\n", 1)[0].removesuffix(b"\r"), called)


def _let_go(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _from_keyring(entry: str) -> str | Problem:
    service, _, user = entry.rpartition("/")
    if not service or not user:
        return Problem('a keyring entry is written "service/user"')
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return Problem("secrets in a keyring need the package `keyring`; install it beside sagadoctor")
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - the backends of keyring raise errors of their own libraries
        return Problem(f"keyring {shown(entry, 100)} can't be read: {type(error).__name__}")
    return str(found) if found else Problem(f"keyring has no entry {shown(entry, 100)}")
