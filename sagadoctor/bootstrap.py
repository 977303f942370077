"""The only wiring: a configuration and the plugins it names become the backends that services work with."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from urllib.parse import quote

import msgspec

from sagadoctor.api.ports import Store, StoreContext
from sagadoctor.clock import Clock, SystemClock
from sagadoctor.config import Configuration, StoreSetting, find, folders, load, resolve, sqlite_file, toml_files
from sagadoctor.errors import ConfigError, Problem, UsageError
from sagadoctor.ledger import Shelf, open_ledger, place_of
from sagadoctor.redaction import Redactor, mask_text
from sagadoctor.registry import names, store_plugin
from sagadoctor.services.backends import Backends


class Doctor(msgspec.Struct, frozen=True):
    """One environment, ready to be looked at."""

    configuration: Configuration
    backends: Backends

    def known_stores(self, names: frozenset[str] | None) -> None:
        """Raise UsageError when a store was asked for that isn't configured."""
        configured = [store.name for store in self.backends.stores]
        for name in sorted(names or ()):
            if name not in configured:
                raise UsageError(f"no store {name!r} is configured; there are: {', '.join(configured)}")


def load_configuration(
    config: Path | None, env: str | None, *, read_only: bool = False, secrets: bool = True
) -> Configuration:
    """Find, read and check the configuration; raises ConfigError with every problem at once.

    With `secrets` an environment variable that a secret names and that isn't set is a problem too.
    """
    found = find(config, env, environ=os.environ)
    siblings = toml_files(found.path.parent) if found.path.parent in folders(os.environ) else []
    configuration = load(
        found.path,
        plugin_of=store_plugin,
        installed=names,
        environ=os.environ if secrets else None,
        siblings=[path for path in siblings if path != found.path],
    )
    return configuration.forced_read_only("--read-only") if read_only else configuration


def open_doctor(config: Path | None, env: str | None, *, read_only: bool = False, clock: Clock | None = None) -> Doctor:
    """Load the configuration, resolve its secrets and open its backends; nothing is contacted yet."""
    configuration = load_configuration(config, env, read_only=read_only)
    redactor = Redactor(paths=configuration.redaction_paths)
    resolve(configuration, redactor, os.environ)
    return Doctor(configuration, open_backends(configuration, redactor, clock or SystemClock()))


def open_backends(configuration: Configuration, redactor: Redactor, clock: Clock) -> Backends:
    """Open every backend of a configuration; raises ConfigError with the problems of all of them."""
    ledger = configuration.ledger
    password = ledger.password.reveal() if ledger.password is not None else None
    return Backends(
        stores=open_stores(configuration, clock),
        policy=configuration.policy,
        clock=clock,
        ledger=open_ledger(_ledger_place(configuration), password, clock, shelf=_shelf(configuration)),
        redactor=redactor,
        live_cap=configuration.live_cap,
    )


def _ledger_place(configuration: Configuration) -> str | Path:
    """Return the ledger's URL or path: that of a file is beside the configuration where it is relative."""
    url = configuration.ledger.url
    if url is None:
        return state_folder() / "ledger.db"
    file = sqlite_file(url, _folder(configuration))
    return url if file is None else Path(file)


def _folder(configuration: Configuration) -> Path:
    return configuration.path.absolute().parent


def _shelf(configuration: Configuration) -> Shelf:
    """Return what keeps this environment's memories apart from those of others, and those of two databases too."""
    places: dict[str, str] = {}
    for store in configuration.stores:
        url = getattr(store.options, "url", None)
        if isinstance(url, str):
            file = sqlite_file(url, _folder(configuration))
            place = place_of(url if file is None else f"sqlite:///{quote(file)}")
            if place is not None:
                places[store.name] = place
    return Shelf(configuration.environment.name, places)


def open_stores(configuration: Configuration, clock: Clock) -> tuple[Store, ...]:
    """Open every store of a configuration without connecting; raises ConfigError with the problems of all of them."""
    stores: list[Store] = []
    problems: list[Problem] = []
    for setting in configuration.stores:
        try:
            stores.append(_open_store(setting, configuration, clock))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(stores)


def _open_store(setting: StoreSetting, configuration: Configuration, clock: Clock) -> Store:
    context = StoreContext(
        name=setting.name,
        environment=configuration.environment.name,
        clock=clock,
        tz=configuration.environment.tz,
        policy=configuration.policy,
        big_table=configuration.big_table,
        folder=str(_folder(configuration)),
        origin=lambda path: configuration.origins.of(("stores", setting.name, *path)),
    )
    try:
        return setting.plugin.open(setting.options, context)
    except ConfigError as error:
        places = [
            Problem(each.message, each.file or str(configuration.path), each.line or setting.line, each.key)
            for each in error.problems
        ]
        raise ConfigError(places) from None
    except Exception as error:  # a plugin's own mistake is told like any other problem of its section
        logging.getLogger("sagadoctor").exception("the plugin of %s failed", setting.name)
        text = f"its plugin {setting.plugin_name} failed: {type(error).__name__}: {mask_text(str(error))}"
        place = (str(configuration.path), setting.line, f"stores.{setting.name}")
        raise ConfigError([Problem(text, *place)]) from None


def state_folder() -> Path:
    """Return the XDG state folder of sagadoctor: what it remembers between runs."""
    from platformdirs import user_state_path

    return user_state_path("sagadoctor")
