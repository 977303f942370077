"""From a file to a Configuration, with every problem at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from sagadoctor.api.ports import StorePlugin
from sagadoctor.errors import ConfigError, Problem
from sagadoctor.model.policy import Policy, SagaPolicy, StepDefinition, Thresholds
from sagadoctor.untrusted import shown

from . import checks
from .configuration import Configuration, Environment, LedgerSetting, Origins, StoreSetting
from .explain import Told, validated
from .keys import Path as KeyPath
from .keys import did_you_mean, follow, says
from .read import Source, read
from .secrets import command_places, missing_variables
from .sections import (
    CONFIG_VERSION,
    SECTIONS,
    EnvironmentSection,
    LedgerSection,
    LinksSection,
    PolicySection,
    RedactionSection,
    SagaSection,
    Section,
    ThresholdSection,
)
from .twins import twins

_STORE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NO_STORES: Final = 'no stores: nothing to look at; add a section such as [stores.orders] with plugin = "sql"'


def load(
    path: Path,
    *,
    plugin_of: Callable[[str], StorePlugin],
    installed: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    siblings: Sequence[Path] = (),
) -> Configuration:
    """Read and check a configuration; ConfigError with every problem found.

    `plugin_of` gives the plugin of a name, or raises ConfigError or LookupError; `installed` are the names for the
    hint when a store names none. With `environ`, secrets that name an unset environment variable are problems too.
    `siblings` are other configurations, compared for a production database that two of them name.
    """
    loading = _Loading(read(path), plugin_of, installed)
    loading.everything()
    if environ is not None:
        loading.unset(environ)
    if loading.problems:
        raise ConfigError(_in_order(loading.problems))
    warnings = (*loading.warnings, *twins(loading.source, siblings))
    return replace(loading.configuration(), warnings=_in_order(warnings))


class _Loading:
    """One file on its way: what was validated so far, and every problem."""

    def __init__(self, source: Source, plugin_of: Callable[[str], StorePlugin], installed: Sequence[str]) -> None:
        self.source = source
        self.plugin_of = plugin_of
        self.installed = installed
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.sections: dict[str, Section] = {name: known.model() for name, known in SECTIONS.items() if not known.named}
        self.sagas: dict[str, SagaSection] = {}
        self.stores: list[StoreSetting] = []
        self.presets: dict[str, str] = {}
        self.own: dict[str, Mapping[str, Any]] = {}
        self.expanded: dict[str, Mapping[str, Any]] = {}

    def wrong(self, path: KeyPath, message: str) -> None:
        self.problems.append(self.source.problem(path, message))

    def everything(self) -> None:
        table = self.source.table
        if not self.version(table.get("config_version", CONFIG_VERSION)):
            return
        later = checks.later(table)
        for path in later:
            self.wrong(path, "not supported by this version of sagadoctor; take it out")
        table = checks.without(table, later)
        known = ["config_version", "stores", *SECTIONS]
        for name, value in table.items():
            if name in SECTIONS:
                self.section(name, value)
            elif name not in known:
                what = "section" if isinstance(value, Mapping | list) else "key"
                self.wrong((name,), f"unknown {what}{did_you_mean(name, known)}")
        self.all_stores(table.get("stores", {}))
        told = checks.addresses({name: table[name] for name in known if name in table and name != "links"})
        stores = table.get("stores")
        told += checks.literal_secrets(stores) if isinstance(stores, Mapping) else []
        already = {(problem.line, problem.key) for problem in self.problems}
        for path, message in told:
            problem = self.source.problem(path, message)
            if (problem.line, problem.key) not in already:
                self.problems.append(problem)
        self.mode()

    def version(self, given: object) -> bool:
        if given == CONFIG_VERSION and type(given) is int:
            return True
        newer = type(given) is int and given > CONFIG_VERSION
        why = "written for a newer version of sagadoctor" if newer else "not a version of this file's language"
        self.wrong(("config_version",), f"{why}; this one reads config_version = {CONFIG_VERSION}")
        return False

    def section(self, name: str, value: object) -> None:
        known = SECTIONS[name]
        if not known.named:
            section = self.validate(known.model, value, (name,))
            if section is not None:
                self.sections[name] = section
            return
        if not isinstance(value, Mapping):
            self.wrong((name,), f"a table of named tables is wanted, such as [{name}.NAME]")
            return
        for entry, inner in value.items():
            if not entry.strip() or not entry.isprintable():
                self.wrong((name, entry), "a name must not be empty and must not hold control characters")
            section = self.validate(known.model, inner, (name, entry))
            if isinstance(section, SagaSection):
                self.sagas[entry] = section
                wrong, doubtful = checks.steps(entry, section)
                self.problems.extend(self.source.problem(*told) for told in wrong)
                self.warnings.extend(self.source.problem(*told) for told in doubtful)

    def validate(self, model: type[Section], value: object, path: KeyPath) -> Section | None:
        if not isinstance(value, Mapping):
            self.wrong(path, f"a table is wanted, such as [{'.'.join(map(str, path))}]")
            return None
        section, mistakes = validated(value, model)
        for below, message in mistakes:
            self.wrong((*path, *below), message)
        return section

    def all_stores(self, value: object) -> None:
        if not isinstance(value, Mapping):
            self.wrong(("stores",), "a table of named tables is wanted, such as [stores.orders]")
            return
        if not value:
            self.problems.append(Problem(_NO_STORES, file=self.source.file))
        for name, table in value.items():
            path = ("stores", name)
            if not _STORE_NAME.match(name):
                self.wrong(path, "the name of a store is made of letters, digits, `_`, `-` and `.`, at most 64")
            if isinstance(table, Mapping):
                self.store(name, table)
            else:
                self.wrong(path, f"a table is wanted, such as [stores.{name}]")

    def store(self, name: str, table: Mapping[str, Any]) -> None:
        path: KeyPath = ("stores", name)
        plugin = self.plugin(name, table)
        if plugin is None:
            return
        own = {key: value for key, value in table.items() if key != "plugin"}
        full = self.expand(name, plugin, own)
        if full is None:
            return
        self.own[name], self.expanded[name] = own, full
        options, mistakes = validated(full, plugin.options)
        for told in mistakes:
            self.plugin_problem(name, own, full, told)
        if options is not None:
            self.stores.append(StoreSetting(name, table["plugin"], plugin, options, self.source.where.nearest(path)))

    def plugin(self, name: str, table: Mapping[str, Any]) -> StorePlugin | None:
        path = ("stores", name, "plugin")
        given = table.get("plugin")
        if not isinstance(given, str) or not given:
            names = ", ".join(str(shown(one, 60)) for one in self.installed)
            listed = f"; installed: {names}" if names else ""
            self.wrong(path, f"is missing: the plugin that reads this store{listed}")
            return None
        try:
            return self.plugin_of(given)
        except ConfigError as error:
            for problem in error.problems:
                self.wrong(path, problem.message)
        except LookupError as error:
            said = str(error.args[0]) if error.args else ""
            self.wrong(path, said or f"no plugin `{shown(given, 60)}`{did_you_mean(given, self.installed)}")
        return None

    def expand(self, name: str, plugin: StorePlugin, own: Mapping[str, Any]) -> Mapping[str, Any] | None:
        path: KeyPath = ("stores", name)
        preset = own.get("preset")
        self.presets[name] = f"preset {shown(preset, 60)}" if isinstance(preset, str) else "plugin"
        blamed = (*path, "preset") if "preset" in own else path
        try:
            return plugin.expand(copy.deepcopy(dict(own)))
        except ConfigError as error:
            for problem in error.problems:
                if problem.file is not None:
                    self.problems.append(problem)
                else:
                    self.wrong((*path, *_split(problem.key)) if problem.key else blamed, problem.message)
        except (ValueError, LookupError, TypeError) as error:
            self.wrong(blamed, str(shown(error.args[0] if error.args else error, 300)))
        return None

    def plugin_problem(self, name: str, own: Mapping[str, Any], full: Mapping[str, Any], told: Told) -> None:
        below, message = told
        path = ("stores", name, *below)
        if follow(full, below)[0] and not says(own, full, below):
            problem = self.source.problem(path, message)
            self.problems.append(replace(problem, file=self.presets[name], line=None))
        else:
            self.wrong(path, message)

    def models(self) -> list[tuple[KeyPath, BaseModel]]:
        return [
            *((("stores", store.name), store.options) for store in self.stores),
            *(((name,), section) for name, section in self.sections.items()),
        ]

    def mode(self) -> None:
        """Refuse commands from a file that others may write, and warn of any file that everybody may write."""
        others, everybody = self.source.mode & 0o022, self.source.mode & 0o002
        if others:
            for path, model in self.models():
                for below in command_places(model):
                    self.wrong(
                        (*path, *below),
                        f"a command is not run from a file that others may write (mode {self.source.mode:04o}); "
                        f"chmod go-w {self.source.file}",
                    )
        if everybody:
            message = f"everybody on this machine may change this file (mode {self.source.mode:04o}); chmod o-w"
            self.warnings.append(Problem(message, file=self.source.file))

    def unset(self, environ: Mapping[str, str]) -> None:
        for path, model in self.models():
            for below, message in missing_variables(model, environ):
                self.wrong((*path, *below), message)

    def configuration(self) -> Configuration:
        environment, policy = self.sections["environment"], self.sections["policy"]
        ledger, redaction, links = self.sections["ledger"], self.sections["redaction"], self.sections["links"]
        assert isinstance(environment, EnvironmentSection)
        assert isinstance(policy, PolicySection)
        assert isinstance(ledger, LedgerSection)
        assert isinstance(redaction, RedactionSection)
        assert isinstance(links, LinksSection)
        return Configuration(
            path=self.source.path,
            environment=Environment(environment.name, environment.production, environment.read_only, environment.tz),
            stores=tuple(self.stores),
            policy=_policy(policy, self.sagas),
            big_table=policy.big_table,
            live_cap=policy.live_cap,
            letter_expiry=policy.letter_expiry,
            ledger=LedgerSetting(ledger.url, ledger.password),
            redaction_paths=tuple(redaction.paths),
            links=MappingProxyType({name: link for name, link in links if link is not None}),
            sagas=MappingProxyType(self.sagas),
            origins=Origins(
                self.source.file,
                MappingProxyType(self.source.where.lines),
                MappingProxyType(self.presets),
                MappingProxyType(self.own),
                MappingProxyType(self.expanded),
            ),
        )


def _policy(policy: PolicySection, sagas: Mapping[str, SagaSection]) -> Policy:
    default = _thresholds(Thresholds(), policy)
    by_type = {
        name: SagaPolicy(
            thresholds=_thresholds(default, saga.policy),
            steps=tuple(
                StepDefinition(**{field.name: getattr(step, field.name) for field in fields(StepDefinition)})
                for step in saga.steps
            ),
            parallel=saga.parallel,
            compensation_order=saga.compensation_order,
        )
        for name, saga in sagas.items()
    }
    return Policy(SagaPolicy(thresholds=default), MappingProxyType(by_type))


def _thresholds(below: Thresholds, said: ThresholdSection) -> Thresholds:
    given = {name: getattr(said, name) for name in ThresholdSection.model_fields}
    return replace(below, **{name: value for name, value in given.items() if value is not None})


def _split(key: str) -> KeyPath:
    """Read a dotted key of a plugin's own problem; quoted parts don't occur there."""
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", key)
    return tuple(int(number) if number else word for number, word in parts)


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return problems as a person reads the file: by line, each once; those of a preset or another file last."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda one: (one.line is None, one.line or 0)))
