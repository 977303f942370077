"""A plugin and files to try the configuration with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sagadoctor.api.v1 import ConfigError, Duration, Options, Problem, Secret, Store, StoreContext, StorePlugin
from sagadoctor.config import Configuration, load

PRESETS: dict[str, dict[str, Any]] = {
    "plain": {"saga": {"table": "sagas", "created_at": {"column": "created_at", "tz": "UTC"}}},
    "broken": {"saga": {"table": "sagas", "attempts": "many"}},
}


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Words):
    column: str | None = None
    path: str | None = None
    tz: str | None = None


class Saga(Words):
    table: str
    created_at: str | Column | None = None
    owner: Column | list[str] | None = None
    attempts: int | None = None


class Writer(Words):
    url: str
    password: Secret | None = None


class Shape(Words):
    shape: str


class ListShape(Shape):
    shape: Literal["list"]
    column: str


class FakeOptions(Options):
    url: str
    password: Secret | None = None
    token: Secret | None = None
    statement_timeout: Duration = timedelta(seconds=5)
    chunk: Annotated[int, Field(ge=1, le=10_000)] = 1000
    ratio: float = 0.5
    tls: bool = True
    mode: Literal["slow", "fast"] = "slow"
    preset: str | None = None
    headers: dict[str, Secret] = Field(default_factory=dict)
    saga: Saga | None = None
    steps: ListShape | None = None
    writer: Writer | None = None
    from_: str | None = Field(default=None, alias="from")


def expand(table: Mapping[str, Any]) -> Mapping[str, Any]:
    name = table.get("preset")
    if name is None:
        return table
    if name not in PRESETS:
        raise ConfigError([Problem(f"no preset {name!r}", key="preset")])
    below = PRESETS[name]
    above = table.get("saga", {})
    saga = dict(below["saga"])
    for key, value in above.items():
        old = saga.get(key)
        saga[key] = {**old, "column": value} if isinstance(old, dict) and isinstance(value, str) else value
    return {**table, "saga": saga}


def open_nothing(options: Any, context: StoreContext) -> Store:
    raise NotImplementedError


fake = StorePlugin(options=FakeOptions, open=open_nothing, expand=expand)


def plugin_of(name: str) -> StorePlugin:
    if name != "fake":
        raise LookupError
    return fake


STORE = '[stores.orders]\nplugin = "fake"\nurl = "postgresql://ro@db/orders"\n'


def written(folder: Path, text: str, name: str = "c.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    path.chmod(0o600)
    return path


def loaded(folder: Path, text: str, **more: Any) -> Configuration:
    return load(written(folder, text), plugin_of=plugin_of, installed=lambda: ("fake", "sql"), **more)


def refused(folder: Path, text: str, **more: Any) -> list[str]:
    """Return the problems of a file, with its folder left out."""
    try:
        loaded(folder, text, **more)
    except ConfigError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    raise AssertionError("the configuration was accepted")
