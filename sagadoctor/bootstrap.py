"""The only wiring: a configuration and the plugins it names become the backends that services work with."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from sagadoctor.api.ports import Store, StoreContext, StorePlugin
from sagadoctor.clock import Clock, SystemClock
from sagadoctor.config import Configuration, StoreSetting, find, folders, load, resolve, sqlite_file, toml_files
from sagadoctor.errors import ConfigError, Problem, UsageError
from sagadoctor.ledger import Shelf, open_ledger, place_of
from sagadoctor.redaction import Redactor, mask_text
from sagadoctor.registry import BUILT_IN, STORES, PluginFailedError, names, store_plugin
from sagadoctor.services.backends import Backends
from sagadoctor.untrusted import shown

if TYPE_CHECKING:
    from sagadoctor.services.foreign.household import Household

_FOREIGN_SECONDS: Final = 10.0
"""How long the code of a plugin may take to be imported, and to open a store."""


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
    config: Path | None,
    env: str | None,
    *,
    read_only: bool = False,
    secrets: bool = True,
    plugin_of: Callable[[str], StorePlugin] | None = None,
) -> Configuration:
    """Find, read and check the configuration; raises ConfigError with every problem at once.

    With `secrets` an environment variable that a secret names and that isn't set is a problem too. `plugin_of` gives
    the plugin of a name, by default as `plugin` does.
    """
    found = find(config, env, environ=os.environ)
    siblings = toml_files(found.path.parent) if found.path.parent in folders(os.environ) else []
    configuration = load(
        found.path,
        plugin_of=plugin_of or plugin,
        installed=names,
        environ=os.environ if secrets else None,
        siblings=[path for path in siblings if path != found.path],
    )
    return configuration.forced_read_only("--read-only") if read_only else configuration


def open_doctor(
    config: Path | None,
    env: str | None,
    *,
    read_only: bool = False,
    clock: Clock | None = None,
    before_foreign: Callable[[], None] = lambda: None,
) -> Doctor:
    """Load the configuration, resolve its secrets and open its backends; nothing is contacted yet.

    `before_foreign` is called before the first code of a plugin that isn't our own is loaded. One that can't be loaded
    is a store that can't be read, and keeps no other from being looked at.
    """
    warned = False

    def plugin_of(name: str) -> StorePlugin:
        nonlocal warned
        if name not in BUILT_IN[STORES] and name in names() and not warned:
            warned = True
            before_foreign()
        try:
            return plugin(name)
        except PluginFailedError as error:
            from sagadoctor.services.foreign.broken import broken_plugin

            return broken_plugin(error.problems[0].message)

    configuration = load_configuration(config, env, read_only=read_only, plugin_of=plugin_of)
    redactor = Redactor(paths=configuration.redaction_paths)
    resolve(configuration, redactor, os.environ)
    return Doctor(configuration, open_backends(configuration, redactor, clock or SystemClock()))


def plugin(name: str) -> StorePlugin:
    """Return the store plugin of this name; one that isn't our own is imported in silence, and in a bounded time.

    Raises ConfigError, PluginFailedError where the plugin's own code is to blame.
    """
    if name in BUILT_IN[STORES]:
        return store_plugin(name)
    from sagadoctor.services.foreign.household import Household, HouseholdTimeoutError
    from sagadoctor.services.foreign.hush import hushed

    try:
        with hushed():
            return Household(name).call(lambda: store_plugin(name), _FOREIGN_SECONDS)
    except HouseholdTimeoutError:
        said = f"plugin `{shown(name, 60)}` was not imported within {_FOREIGN_SECONDS:g} s"
        raise PluginFailedError((Problem(said),)) from None


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
    households: dict[str, Household] = {}
    for setting in configuration.stores:
        try:
            stores.append(_open_store(setting, configuration, clock, households))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(stores)


def _open_store(
    setting: StoreSetting, configuration: Configuration, clock: Clock, households: dict[str, Household]
) -> Store:
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
        if setting.plugin_name in BUILT_IN[STORES]:
            return setting.plugin.open(setting.options, context)
        return _open_foreign(setting, context, households)
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


def _open_foreign(setting: StoreSetting, context: StoreContext, households: dict[str, Household]) -> Store:
    """Open a store of a plugin that isn't our own in a thread of the plugin's; stores of one plugin share it."""
    from sagadoctor.services.foreign.broken import BrokenStore
    from sagadoctor.services.foreign.household import Household, HouseholdTimeoutError
    from sagadoctor.services.foreign.store import ForeignStore, failure, lacking

    plugin = setting.plugin_name
    household = households.setdefault(plugin, Household(plugin))
    try:
        store = household.call(lambda: setting.plugin.open(setting.options, context), _FOREIGN_SECONDS)
    except ConfigError:
        raise
    except HouseholdTimeoutError:
        return BrokenStore(setting.name, f"plugin {plugin} did not open the store within {_FOREIGN_SECONDS:g} s")
    except Exception as error:
        logging.getLogger("sagadoctor").warning("the plugin of %s failed", setting.name, exc_info=error)
        return BrokenStore(setting.name, mask_text(failure(plugin, error)))
    if isinstance(store, BrokenStore):
        return store
    if wrong := lacking(store):
        return BrokenStore(setting.name, f"plugin {plugin} {wrong}")
    return ForeignStore(store, setting.name, household)


def state_folder() -> Path:
    """Return the XDG state folder of sagadoctor: what it remembers between runs."""
    from platformdirs import user_state_path

    return user_state_path("sagadoctor")
