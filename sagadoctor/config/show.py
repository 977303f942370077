"""The effective configuration for a person and for a program: every value with where it is from, secrets masked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import fields
from pydantic import BaseModel, SecretBytes, SecretStr

from sagadoctor.api.options import Secret
from sagadoctor.redaction import MASK, mask_url
from sagadoctor.untrusted import shown

from .configuration import Configuration, StoreSetting
from .explain import names_a_secret
from .keys import Path, dotted
from .secrets import is_variable, secrets_in
from .sections import CONFIG_VERSION


class Setting(msgspec.Struct, frozen=True):
    """One effective value: its key, the value as JSON knows it, and where it is from."""

    path: Path
    value: Any
    origin: str

    @property
    def key(self) -> str:
        """Return the key as it is written in a file."""
        return dotted(self.path)


def settings(configuration: Configuration) -> tuple[Setting, ...]:
    """Return every effective value, in the order of the sections."""
    return tuple(
        Setting(path, value, configuration.origins.of(path))
        for path, value in _values(configuration)
        if value is not None
    )


def entries(shown_settings: Iterable[Setting]) -> list[dict[str, Any]]:
    """Return settings as a program reads them."""
    return [{"key": one.key, "value": one.value, "origin": one.origin} for one in shown_settings]


def lines(shown_settings: Iterable[Setting]) -> tuple[str, ...]:
    """Return settings as a person reads them: as in the file, with the origin behind each."""
    tables: dict[Path, list[Setting]] = {}
    for one in shown_settings:
        depth = 0 if len(one.path) == 1 else 2 if one.path[0] in ("stores", "sagas") else 1
        tables.setdefault(one.path[:depth], []).append(one)
    out: list[str] = []
    for table, entries in tables.items():
        if table:
            out += ["", f"[{dotted(table)}]"]
        texts = [f"{dotted(one.path[len(table) :])} = {written(one.value)}" for one in entries]
        width = min(60, max(map(len, texts)))
        out += [f"{text:<{width}}  # {one.origin}" for text, one in zip(texts, entries, strict=True)]
    return tuple(out)


def written(value: Any) -> str:
    """Write a value as TOML would, on one line and without anything that a terminal would obey."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{dotted((str(key),))} = {written(below)}" for key, below in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str):
        return f'"{shown(value).replace(chr(34), chr(92) + chr(34))}"'
    return json.dumps(value)


def duration_text(span: timedelta) -> str:
    """Write a duration so that reading it gives the same: `90s` as `1m 30s`, a quarter of a second as `250ms`."""
    left = round(span / timedelta(milliseconds=1))
    parts: list[str] = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def _values(configuration: Configuration) -> Iterator[tuple[Path, Any]]:
    yield ("config_version",), CONFIG_VERSION
    environment = configuration.environment
    for field in fields(environment):
        yield ("environment", field.name), getattr(environment, field.name)
    for store in configuration.stores:
        yield ("stores", store.name, "plugin"), store.plugin_name
        origins = configuration.origins
        yield from _store(store, origins.own.get(store.name, {}), origins.expanded.get(store.name, {}))
    for name, saga in configuration.sagas.items():
        for path, value in _flat(saga, ("sagas", name)):
            if path in configuration.origins.lines or path[-1] in ("compensation_order", "parallel"):
                yield path, value
    thresholds = configuration.policy.default.thresholds
    for field in fields(thresholds):
        yield ("policy", field.name), _plain(getattr(thresholds, field.name))
    for key in ("letter_expiry", "big_table", "live_cap"):
        yield ("policy", key), _plain(getattr(configuration, key))
    yield ("ledger", "url"), _plain(configuration.ledger.url)
    yield ("ledger", "password"), _plain(configuration.ledger.password)
    yield ("redaction", "paths"), list(configuration.redaction_paths)
    for name, link in configuration.links.items():
        yield ("links", name), link


def _store(store: StoreSetting, own: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield a store's table in the words of the file, `own` keys first, then the defaults of what it doesn't say."""
    hidden: dict[Path, Any] = {path: _place(secret) for path, secret in secrets_in(store.options)}
    above = ("stores", store.name)
    for key in [*own, *(key for key in table if key not in own)]:
        for path, inner in _flat(table[key], (key,), hidden):
            yield (*above, *path), inner
    for name, info in type(store.options).model_fields.items():
        key = info.alias or name
        if key not in table:
            for path, inner in _flat(getattr(store.options, name), (key,), hidden):
                yield (*above, *path), inner


def _flat(value: object, path: Path, hidden: Mapping[Path, Any] = MappingProxyType({})) -> Iterator[tuple[Path, Any]]:
    """Yield the innermost values; a list of plain values is one value, and what is `hidden` is replaced."""
    if path in hidden:
        yield path, hidden[path]
    elif isinstance(value, BaseModel) and not isinstance(value, Secret):
        for name, info in type(value).model_fields.items():
            yield from _flat(getattr(value, name), (*path, info.alias or name), hidden)
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, (*path, str(key)), hidden)
    elif isinstance(value, list | tuple) and any(isinstance(one, BaseModel | Mapping) for one in value):
        for place, inner in enumerate(value):
            yield from _flat(inner, (*path, place), hidden)
    else:
        yield path, MASK if isinstance(value, str) and len(path) == 1 and names_a_secret(path[0]) else _plain(value)


def _plain(value: object) -> Any:
    """Return a value as JSON knows it, without a secret in it."""
    if isinstance(value, Secret):
        return _place(value)
    if isinstance(value, SecretStr | SecretBytes):
        return MASK
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return mask_url(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(inner) for inner in value), key=str)
    if isinstance(value, re.Pattern):
        return value.pattern
    return mask_url(str(value))


def _place(secret: Secret) -> dict[str, Any]:
    """Say where a secret is kept; of a command only its name, since an argument may be one itself."""
    if secret.cmd is not None:
        return {"cmd": [*secret.cmd[:1], *(["…"] if len(secret.cmd) > 1 else [])]}
    env = secret.env if secret.env is None or is_variable(secret.env) else MASK
    given = {"env": env, "file": secret.file, "keyring": secret.keyring}
    return {name: place for name, place in given.items() if place is not None}
