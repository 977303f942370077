"""Which plugins are installed, by their entry points; the code of one is imported only when it is asked for by name."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from sagadoctor.api.ports import API_VERSION, StorePlugin
from sagadoctor.errors import ConfigError, Problem
from sagadoctor.redaction import mask_text
from sagadoctor.untrusted import shown

if TYPE_CHECKING:
    from importlib import metadata

STORES: Final = "sagadoctor.v1.stores"
OWN: Final = "sagadoctor"

BUILT_IN: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {STORES: MappingProxyType({"sql": "sagadoctor.adapters.sql:plugin"})}
)
"""Our own plugins by group and name; they work without installed metadata, and nobody else may use their names."""

_KINDS: Final[Mapping[str, type]] = MappingProxyType({STORES: StorePlugin})
_VALUE: Final = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<attribute>\w+(?:\.\w+)*)\Z")


class PluginFailedError(ConfigError):
    """The plugin is installed, and its code fails or gives something else: nobody's configuration is to blame."""


class PluginEntry(msgspec.Struct, frozen=True):
    """One installed plugin as its distribution declares it; `problem` says why it can't be used."""

    name: str
    group: str
    distribution: str
    version: str
    value: str
    problem: str | None = None

    @property
    def api_version(self) -> int:
        """Return the version of the plugin interface that it declares by its group."""
        return int(self.group.split(".")[1].removeprefix("v"))


def installed(group: str = STORES) -> tuple[PluginEntry, ...]:
    """Return every plugin of a group, by name, without importing any of them."""
    from importlib import metadata

    own = BUILT_IN.get(group, {})
    entries = [PluginEntry(name, group, OWN, _version(), value) for name, value in own.items()]
    foreign = {(found.name, _distribution(found), found.value): found for found in metadata.entry_points(group=group)}
    claims: dict[str, set[str]] = {}
    for name, distribution, _ in foreign:
        claims.setdefault(name, set()).add(distribution)
    for (name, distribution, value), found in foreign.items():
        if name in own and _is_own(distribution):
            continue
        version = found.dist.version if found.dist is not None else ""
        entries.append(
            PluginEntry(name, group, distribution, version, value, _refusal(name, distribution, own, claims))
        )
    return tuple(sorted(entries, key=lambda entry: (entry.name, not _is_own(entry.distribution), entry.distribution)))


def load(group: str, name: str) -> object:
    """Import exactly this plugin and return what its entry point names; ConfigError when that can't be used."""
    own = BUILT_IN.get(group, {}).get(name)
    if own is not None:  # nobody else may use this name, so there is no need to look at who is installed
        entry = PluginEntry(name, group, OWN, _version(), own)
        return _checked(entry, _imported(entry))
    entries = [entry for entry in installed(group) if entry.name == name]
    usable = [entry for entry in entries if entry.problem is None]
    if not usable:
        raise _error(entries[0].problem or "" if entries else _unknown(group, name))
    if len(usable) > 1:
        values = " and ".join(str(shown(entry.value, 100)) for entry in usable)
        raise _error(f"plugin `{shown(name, 60)}` is declared twice by {shown(usable[0].distribution, 100)}: {values}")
    return _checked(usable[0], _imported(usable[0]))


def store_plugin(name: str) -> StorePlugin:
    """Import and return the store plugin of this name."""
    found = load(STORES, name)
    assert isinstance(found, StorePlugin)
    return found


def names(group: str = STORES) -> tuple[str, ...]:
    """Return the names that a configuration may use in this group."""
    return tuple(dict.fromkeys(entry.name for entry in installed(group) if entry.problem is None))


def _refusal(name: str, distribution: str, own: Mapping[str, str], claims: Mapping[str, set[str]]) -> str | None:
    if name in own:
        return (
            f"plugin `{shown(name, 60)}` of {shown(distribution, 100)} is not used: "
            "the name belongs to a plugin that comes with sagadoctor"
        )
    others = sorted(claims[name])
    if len(others) > 1:
        listed = " and ".join(str(shown(other, 100)) for other in others)
        return f"plugin `{shown(name, 60)}` is claimed by {listed}; uninstall all but one"
    return None


def _unknown(group: str, name: str) -> str:
    import difflib

    known = names(group)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean `{shown(near[0], 60)}`?" if near else ""
    listed = ", ".join(str(shown(one, 60)) for one in known) or "none"
    return f"no plugin `{shown(name, 60)}` is installed{hint} (installed: {listed})"


def _imported(entry: PluginEntry) -> object:
    called = f"plugin `{shown(entry.name, 60)}` of {shown(entry.distribution, 100)}"
    found = _VALUE.match(re.sub(r"\s*\[.*\]\s*\Z", "", entry.value).replace(" ", ""))
    if found is None:
        raise _error(f"{called} names no object: {shown(entry.value, 100)}; it must be `module:attribute`")
    try:
        value: object = importlib.import_module(found["module"])
        for attribute in found["attribute"].split("."):
            value = getattr(value, attribute)
    except BaseException as error:  # noqa: BLE001 - the code of a plugin may raise anything on import
        said = shown(mask_text(f"{type(error).__name__}: {error}"), 300)
        raise _failed(f"{called} can't be imported: {said}") from None
    return value


def _checked(entry: PluginEntry, value: object) -> object:
    called = f"plugin `{shown(entry.name, 60)}` of {shown(entry.distribution, 100)} {shown(entry.version, 40)}"
    theirs = getattr(value, "api_version", None)
    if theirs is not None and theirs != API_VERSION:
        raise _error(
            f"{called} is written for version {shown(theirs, 20)} of the plugin interface; "
            f"this sagadoctor offers version {API_VERSION}"
        )
    wanted = _KINDS.get(entry.group)
    if wanted is not None and not isinstance(value, wanted):
        raise _failed(f"{called} gives a {type(value).__name__}, not a {wanted.__name__}")
    return value


def _distribution(found: metadata.EntryPoint) -> str:
    return found.dist.name if found.dist is not None else "an unknown distribution"


def _is_own(distribution: str) -> bool:
    return re.sub(r"[-_.]+", "-", distribution).lower() == OWN


def _version() -> str:
    from sagadoctor import __version__

    return __version__


def _error(message: str) -> ConfigError:
    return ConfigError((Problem(message),))


def _failed(message: str) -> ConfigError:
    return PluginFailedError((Problem(message),))
