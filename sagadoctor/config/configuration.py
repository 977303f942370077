"""What a configuration file comes to: frozen settings, the policy of the diagnosis, and where each value is from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from sagadoctor.api.options import Options, Secret
from sagadoctor.api.ports import StorePlugin
from sagadoctor.errors import Problem
from sagadoctor.model.policy import Policy

from .keys import Path as KeyPath
from .keys import follow, says
from .sections import SagaSection


class Environment(msgspec.Struct, frozen=True):
    """Which environment this is; `read_only` can be made true by an option and never be lifted."""

    name: str
    production: bool
    read_only: bool
    tz: str


class StoreSetting(msgspec.Struct, frozen=True):
    """One configured store: its name, its plugin, and the options that the plugin's own model accepted."""

    name: str
    plugin_name: str
    plugin: StorePlugin
    options: Options
    line: int | None = None


class LedgerSetting(msgspec.Struct, frozen=True):
    """Where the ledger is; `url` None: the SQLite file in this user's own state folder."""

    url: str | None = None
    password: Secret | None = None


class Origins(msgspec.Struct, frozen=True):
    """Where each value is from: a line of the file, a preset, an option of the command, or the default."""

    file: str
    lines: Mapping[KeyPath, int]
    presets: Mapping[str, str] = msgspec.field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = msgspec.field(default_factory=dict)
    """The tables of stores, by name, as the file says them."""
    expanded: Mapping[str, Mapping[str, Any]] = msgspec.field(default_factory=dict)
    """The same tables after their plugin laid a preset below them."""
    forced: Mapping[KeyPath, str] = msgspec.field(default_factory=dict)

    def nearest(self, path: KeyPath) -> int | None:
        """Return the line of this key, else of the innermost table around it that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def of(self, path: KeyPath) -> str:
        """Say where the value at this key is from."""
        if path in self.forced:
            return self.forced[path]
        if path in self.lines:
            return f"{self.file}:{self.lines[path]}"
        store, below = str(path[1]) if path[:1] == ("stores",) and len(path) > 2 else "", path[2:]
        full = self.expanded.get(store, {})
        if not store or not follow(full, below)[0]:
            return "default"
        if says(self.own.get(store, {}), full, below):
            return f"{self.file}:{self.nearest(path)}"
        return self.presets.get(store, "preset")


class Configuration(msgspec.Struct, frozen=True):
    """Everything that one file says, checked; secrets are still references until `resolve`."""

    path: Path
    environment: Environment
    stores: tuple[StoreSetting, ...]
    policy: Policy
    big_table: int
    live_cap: int
    letter_expiry: timedelta
    ledger: LedgerSetting
    redaction_paths: tuple[str, ...]
    links: Mapping[str, str]
    sagas: Mapping[str, SagaSection]
    """The sections as they are written, also with the keys that `policy` has no use for."""
    origins: Origins
    warnings: tuple[Problem, ...] = ()

    def forced_read_only(self, because: str) -> Configuration:
        """Return the same configuration, read-only; `because` names the option or variable that asked for it."""
        forced = {**self.origins.forced, ("environment", "read_only"): because}
        return replace(
            self,
            environment=replace(self.environment, read_only=True),
            origins=replace(self.origins, forced=forced),
        )
