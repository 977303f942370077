"""Secrets from where they are kept: environment, file, command or keyring; never from the configuration itself."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec.structs import fields
from pydantic import BaseModel, SecretStr

from sagadoctor.api.options import Secret
from sagadoctor.errors import ConfigError, Problem
from sagadoctor.redaction import Redactor
from sagadoctor.untrusted import shown

from .bounded import has_more, read_bounded
from .configuration import Configuration
from .explain import Told
from .keys import Path as KeyPath
from .keys import dotted

LARGEST: Final = 64_000
_PULSE: Final = 0.05
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")


def secrets_in(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Secret]]:
    """Yield every secret inside a model, a table, a list or a struct, with its key."""
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
    elif isinstance(value, msgspec.Struct):
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
            known[place] = fetched(secret, configuration.path.parent, environ)
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


def fetched(secret: Secret, folder: Path, environ: Mapping[str, str]) -> str | Problem:
    """Return a secret from where it is kept, or why it can't be had; a relative path is one in `folder`."""
    if secret.env is not None:
        return environ.get(secret.env) or Problem(_unset(secret.env, environ))
    if secret.file is not None:
        return _from_file(secret.file, folder, secret.timeout.total_seconds())
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


def _from_file(name: str, folder: Path, seconds: float) -> str | Problem:
    path = folder / os.path.expanduser(name)
    called = f"secret file {shown(path)}"
    try:
        raw, _ = read_bounded(path, LARGEST, seconds)
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
    """Run a list without a shell; its first line is the secret, and its complaints are not told: they may hold it."""
    if not cmd or not cmd[0]:
        return Problem("the command of the secret is empty")
    called = f"command {shown(cmd[0], 100)}"
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, no shell, from a file that only its owner may write
            cmd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a command"
        return Problem(f"{called} can't be run: {shown(reason)}")
    with process:
        try:
            line, more = _said(process, time.monotonic() + seconds)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                ended = False
            else:
                ended = True
    if more and line is not None:
        return _decoded(line, called)
    if more:
        return Problem(f"{called} says more than {LARGEST // 1000} kB on one line; this is not a secret")
    if not ended:
        return Problem(f"{called} did not end within {seconds:g} s")
    if process.returncode != 0:
        return Problem(f"{called} failed with exit code {process.returncode}; run it by hand to see why")
    return _decoded(line or b"", called)


def _said(process: subprocess.Popen[bytes], until: float) -> tuple[bytes | None, bool]:
    """Return the first line, None where it has no end yet, and whether more was said than is read.

    Ends with the process: a child that it left behind may hold the pipe open.
    """
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    found = bytearray()
    while len(found) <= LARGEST and (left := until - time.monotonic()) > 0:
        over = process.poll() is not None
        if not has_more(pipe, 0.0 if over else min(left, _PULSE)):
            if over:
                return _first_line(found, is_all=True), False
            continue
        some = os.read(pipe, LARGEST + 1 - len(found))
        if not some:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(left)
            return _first_line(found, is_all=True), False
        found += some
    return _first_line(found, is_all=False), len(found) > LARGEST


def _first_line(found: bytearray, *, is_all: bool) -> bytes | None:
    line, ending, _ = bytes(found).partition(b"\n")
    return line.removesuffix(b"\r") if ending or is_all else None


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
