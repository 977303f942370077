"""`[stores.NAME]`: the tables that belong to plugins, each read with the plugin's own model."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from pydantic import ValidationError

from sagadoctor.api.options import Options
from sagadoctor.api.ports import StorePlugin
from sagadoctor.errors import ConfigError, Problem
from sagadoctor.redaction import mask_text
from sagadoctor.untrusted import shown

from .configuration import StoreSetting
from .keys import Path as KeyPath
from .keys import did_you_mean, dotted, follow, says
from .read import Source
from .validate import validated

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NO_STORES: Final = 'no stores: nothing to look at; add a section such as [stores.orders] with plugin = "sql"'


def is_store_name(name: str) -> bool:
    """Say whether a store may be called so."""
    return _NAME.match(name) is not None


class Stores(msgspec.Struct):
    """The stores of one file: those that are good, every problem of the others, and where their values are from."""

    source: Source
    plugin_of: Callable[[str], StorePlugin]
    installed: Callable[[], Sequence[str]]
    settings: list[StoreSetting] = msgspec.field(default_factory=list)
    problems: list[Problem] = msgspec.field(default_factory=list)
    warnings: list[Problem] = msgspec.field(default_factory=list)
    presets: dict[str, str] = msgspec.field(default_factory=dict)
    own: dict[str, Mapping[str, Any]] = msgspec.field(default_factory=dict)
    expanded: dict[str, Mapping[str, Any]] = msgspec.field(default_factory=dict)

    def read(self, value: object) -> None:
        """Read the whole section."""
        if not isinstance(value, Mapping):
            self._wrong(("stores",), "a table of named tables is wanted, such as [stores.orders]")
            return
        if not value:
            self.problems.append(Problem(_NO_STORES, file=self.source.file))
        for name, table in value.items():
            path = ("stores", name)
            if not is_store_name(name):
                self._wrong(path, "the name of a store is made of letters, digits, `_`, `-` and `.`, at most 64")
            if isinstance(table, Mapping):
                self._store(name, table)
            else:
                self._wrong(path, f"a table is wanted, such as [{dotted(path)}]")

    def _store(self, name: str, table: Mapping[str, Any]) -> None:
        plugin = self._plugin(name, table)
        if plugin is None:
            return
        own = {key: value for key, value in table.items() if key != "plugin"}
        preset = own.get("preset")
        self.presets[name] = f"preset {shown(preset, 60)}" if isinstance(preset, str) else "plugin"
        full = self._expanded(name, plugin, own)
        if full is None:
            return
        self.own[name], self.expanded[name] = own, full
        options = self._validated(name, plugin, own, full)
        if options is not None:
            line = self.source.where.nearest(("stores", name))
            self.settings.append(StoreSetting(name, table["plugin"], plugin, options, line))

    def _plugin(self, name: str, table: Mapping[str, Any]) -> StorePlugin | None:
        path = ("stores", name, "plugin")
        given = table.get("plugin")
        if not isinstance(given, str) or not given:
            names = ", ".join(str(shown(one, 60)) for one in self.installed())
            listed = f"; installed: {names}" if names else ""
            self._wrong(path, f"is missing: the plugin that reads this store{listed}")
            return None
        try:
            return self.plugin_of(given)
        except ConfigError as error:
            for problem in error.problems:
                self._wrong(path, problem.message)
        except LookupError:
            self._wrong(path, f"no plugin `{shown(given, 60)}`{did_you_mean(given, self.installed())}")
        return None

    def _expanded(self, name: str, plugin: StorePlugin, own: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the table with its preset below it; what the plugin says against it is told at the preset."""
        path: KeyPath = ("stores", name)
        blamed = (*path, "preset") if "preset" in own else path
        try:
            return plugin.expand(copy.deepcopy(dict(own)))
        except ConfigError as error:
            for problem in error.problems:
                if problem.file is not None:
                    self.problems.append(problem)
                else:
                    self._wrong((*path, *_parts(problem.key)) if problem.key else blamed, problem.message)
        except Exception as error:  # noqa: BLE001 - the code of a plugin may raise anything; the others go on
            self._wrong(blamed, _failure(error))
        return None

    def _validated(
        self, name: str, plugin: StorePlugin, own: Mapping[str, Any], full: Mapping[str, Any]
    ) -> Options | None:
        try:
            options, mistakes = validated(full, plugin.options)
        except Exception as error:  # noqa: BLE001 - the code of a plugin may raise anything; the others go on
            self._wrong(("stores", name), _failure(error))
            return None
        for below, message in mistakes:
            problem = self.source.problem(("stores", name, *below), message)
            if follow(full, below)[0] and not says(own, full, below):
                problem = replace(problem, file=self.presets[name], line=None)
            self.problems.append(problem)
        if options is not None:
            self._doubt(name, options, own, full)
        return options

    def _doubt(self, name: str, options: Options, own: Mapping[str, Any], full: Mapping[str, Any]) -> None:
        """Warn of what is hardly meant; what a preset says is meant."""
        try:
            doubts = options.doubts()
        except Exception as error:  # noqa: BLE001 - the code of a plugin may raise anything; the others go on
            self._wrong(("stores", name), _failure(error))
            return
        for below, message in doubts:
            if says(own, full, below):
                self.warnings.append(self.source.problem(("stores", name, *below), message))

    def _wrong(self, path: KeyPath, message: str) -> None:
        self.problems.append(self.source.problem(path, message))


def _failure(error: Exception) -> str:
    """Say what a plugin's own code raised; a ValueError is meant for a person, anything else is a fault."""
    if isinstance(error, ValueError) and not isinstance(error, ValidationError | UnicodeError):
        return str(shown(mask_text(str(error)), 300))
    said = "" if isinstance(error, ValidationError) else f": {mask_text(str(error))}"
    return f"the plugin failed on this table: {shown(type(error).__name__ + said, 300)}"


def _parts(key: str) -> KeyPath:
    """Read the dotted key of a plugin's own problem; quoted parts don't occur there."""
    found = re.findall(r"\[(\d+)\]|([^.\[\]]+)", key)
    return tuple(int(number) if number else word for number, word in found)
