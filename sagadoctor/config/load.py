"""From a file to a Configuration, with every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel

from sagadoctor.api.ports import StorePlugin
from sagadoctor.errors import ConfigError, Problem

from . import checks
from .configuration import Configuration, Environment, LedgerSetting, Origins
from .keys import Path as KeyPath
from .keys import did_you_mean, dotted
from .policy import policy_of
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
    environment_name,
)
from .stores import Stores
from .twins import twins
from .validate import salvaged, validated

S = TypeVar("S", bound=Section)


def load(
    path: Path,
    *,
    plugin_of: Callable[[str], StorePlugin],
    installed: Callable[[], Sequence[str]] = tuple,
    environ: Mapping[str, str] | None = None,
    siblings: Sequence[Path] = (),
) -> Configuration:
    """Read and check a configuration; ConfigError with every problem found.

    `plugin_of` gives the plugin of a name, or raises ConfigError or LookupError; `installed` gives the names for the
    hint when a store names none. With `environ`, secrets that name an unset environment variable are problems too.
    `siblings` are other configurations, compared for a database that two environments name.
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

    def __init__(
        self, source: Source, plugin_of: Callable[[str], StorePlugin], installed: Callable[[], Sequence[str]]
    ) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.sections: dict[str, Section] = {
            name: known.model.model_construct() for name, known in SECTIONS.items() if not known.named
        }
        self.sagas: dict[str, SagaSection] = {}
        self.stores = Stores(source, plugin_of, installed)

    def wrong(self, path: KeyPath, message: str) -> None:
        self.problems.append(self.source.problem(path, message))

    def everything(self) -> None:
        if not self.version(self.source.table.get("config_version", CONFIG_VERSION)):
            return
        later = checks.later(self.source.table)
        for path in later:
            self.wrong(path, "not supported by this version of sagadoctor; take it out")
        table = checks.without(self.source.table, later)
        known = ["config_version", "stores", *SECTIONS]
        for name, value in table.items():
            if name in SECTIONS:
                self.section(name, value)
            elif name not in known:
                what = "section" if isinstance(value, Mapping | list) else "key"
                self.wrong((name,), f"unknown {what}{did_you_mean(name, known)}")
        self.stores.read(table.get("stores", {}))
        self.problems += self.stores.problems
        self.warnings += self.stores.warnings
        self.everywhere(table)
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
            section = self.validated(known.model, value, (name,))
            if section is not None:
                self.sections[name] = section
            return
        if not isinstance(value, Mapping):
            self.wrong((name,), f"a table of named tables is wanted, such as [{name}.NAME]")
            return
        for entry, inner in value.items():
            if not entry.strip() or not entry.isprintable():
                self.wrong((name, entry), "a name must not be empty and must not hold control characters")
            section = self.validated(known.model, inner, (name, entry))
            if isinstance(section, SagaSection):
                self.sagas[entry] = section
            if known.model is SagaSection and isinstance(inner, Mapping):
                self.steps(entry, section if isinstance(section, SagaSection) else None, inner)

    def steps(self, saga_type: str, section: SagaSection | None, said: Mapping[str, Any]) -> None:
        """Tell how the steps of a type fit each other; of a section with mistakes, as far as it can be read."""
        nameless = False
        if section is None:
            section, nameless = salvaged(said)
        if section is None:
            return
        wrong, doubtful = checks.steps(saga_type, section)
        if nameless:  # the name that is looked for may be the one that can't be read
            wrong = [told for told in wrong if told[0][-1] != "alternative_of"]
        already = {problem.key for problem in self.problems}
        self.problems.extend(self.source.problem(*told) for told in wrong if dotted(told[0]) not in already)
        self.warnings.extend(self.source.problem(*told) for told in doubtful)

    def validated(self, model: type[Section], value: object, path: KeyPath) -> Section | None:
        if not isinstance(value, Mapping):
            self.wrong(path, f"a table is wanted, such as [{dotted(path)}]")
            return None
        section, mistakes = validated(value, model)
        for below, message in mistakes:
            self.wrong((*path, *below), message)
        return section

    def everywhere(self, table: Mapping[str, Any]) -> None:
        """Tell of addresses and secrets wherever they stand, where nothing was told of the same key yet."""
        already = {problem.key for problem in self.problems}
        for path, message in (*checks.addresses(table), *checks.literal_secrets(table)):
            if dotted(path) not in already:
                self.wrong(path, message)

    def models(self) -> list[tuple[KeyPath, BaseModel]]:
        return [
            *((("stores", store.name), store.options) for store in self.stores.settings),
            *(((name,), section) for name, section in self.sections.items()),
        ]

    def mode(self) -> None:
        """Refuse commands from a file that others may write, and warn of any file that everybody may write."""
        mode, file = self.source.mode, self.source.file
        if mode & 0o022:
            for path, model in self.models():
                for below in command_places(model):
                    message = f"a command is not run from a file that others may write (mode {mode:04o})"
                    self.wrong((*path, *below), f"{message}; chmod go-w {file}")
        if mode & 0o002:
            message = f"everybody on this machine may change this file (mode {mode:04o}); chmod o-w"
            self.warnings.append(Problem(message, file=file))

    def unset(self, environ: Mapping[str, str]) -> None:
        for path, model in self.models():
            for below, message in missing_variables(model, environ):
                self.wrong((*path, *below), message)

    def of(self, name: str, model: type[S]) -> S:
        section = self.sections[name]
        assert isinstance(section, model)
        return section

    def configuration(self) -> Configuration:
        environment, policy = self.of("environment", EnvironmentSection), self.of("policy", PolicySection)
        ledger, links = self.of("ledger", LedgerSection), self.of("links", LinksSection)
        return Configuration(
            path=self.source.path,
            environment=Environment(
                name=environment_name(environment.name, self.source.path),
                production=environment.production,
                read_only=environment.read_only,
                tz=environment.tz,
            ),
            stores=tuple(self.stores.settings),
            policy=policy_of(policy, self.sagas),
            big_table=policy.big_table,
            live_cap=policy.live_cap,
            letter_expiry=policy.letter_expiry,
            ledger=LedgerSetting(ledger.url, ledger.password),
            redaction_paths=tuple(self.of("redaction", RedactionSection).paths),
            links=MappingProxyType({name: link for name, link in links if link is not None}),
            sagas=MappingProxyType(self.sagas),
            origins=Origins(
                self.source.file,
                MappingProxyType(self.source.where.lines),
                MappingProxyType(self.stores.presets),
                MappingProxyType(self.stores.own),
                MappingProxyType(self.stores.expanded),
            ),
        )


def _in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return problems as a person reads the file: by line, each once; those of a preset or another file last."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda one: (one.line is None, one.line or 0)))
