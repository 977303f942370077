"""Plugins by their entry points: found without being imported, refused with a reason."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from sagadoctor import registry
from sagadoctor.errors import ConfigError
from sagadoctor.registry import STORES, PluginEntry, installed, load, names, store_plugin

GOOD = """
from sagadoctor.api.v1 import Options, StorePlugin
plugin = StorePlugin(options=Options, open=lambda options, context: None)
"""
OURS = ("sagadoctor-dbos",)
Install = Callable[..., str]


@pytest.fixture(autouse=True)
def _nothing_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look away from the plugins of this repository, which an environment for development has."""
    found = metadata.entry_points

    def without_ours(**wanted: str) -> metadata.EntryPoints:
        each = (entry for entry in found(**wanted) if entry.dist is None or entry.dist.name not in OURS)
        return metadata.EntryPoints(each)

    monkeypatch.setattr(metadata, "entry_points", without_ours)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with one module and one entry point."""

    def run(distribution: str, name: str, code: str, *, value: str | None = None, group: str = STORES) -> str:
        folder = tmp_path / distribution
        module = f"plugin_of_{distribution.replace('-', '_').replace('.', '_').lower()}"
        folder.mkdir()
        (folder / f"{module}.py").write_text(code)
        info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value or f'{module}:plugin'}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return run


def refused(name: str) -> str:
    with pytest.raises(ConfigError) as error:
        store_plugin(name)
    return str(error.value)


def test_the_built_in_plugin_is_there_without_installed_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    (entry,) = installed()
    assert (entry.name, entry.distribution, entry.problem) == ("sql", "sagadoctor", None)
    assert names() == ("sql",)


def test_own_metadata_names_the_built_in_once(install: Install) -> None:
    install("Sagadoctor", "sql", "", value="sagadoctor.adapters.sql:plugin")
    assert [entry.name for entry in installed()] == ["sql"]
    assert installed()[0].value == registry.BUILT_IN[STORES]["sql"]


def test_a_plugin_is_found_without_being_imported_and_imported_alone(install: Install) -> None:
    module, other = install("good", "fine", GOOD), install("evil", "evil", "raise SystemExit('imported')")
    assert PluginEntry("fine", STORES, "good", "1.2", f"{module}:plugin") in installed()
    assert names() == ("evil", "fine", "sql")
    assert module not in sys.modules
    assert store_plugin("fine").api_version == 1
    assert other not in sys.modules


def test_groups_do_not_mix(install: Install) -> None:
    install("queues", "fine", GOOD, group="sagadoctor.v1.queues")
    assert "fine" not in names()
    assert [entry.name for entry in installed("sagadoctor.v1.queues")] == ["fine"]


def test_a_built_in_name_is_reserved(install: Install) -> None:
    module = install("evil-sql", "sql", GOOD)
    own, foreign = installed()
    assert (own.distribution, own.problem) == ("sagadoctor", None)
    assert foreign.problem == (
        "plugin `sql` of evil-sql is not used: the name belongs to a plugin that comes with sagadoctor"
    )
    assert names() == ("sql",)
    assert store_plugin("sql").options.__module__.startswith("sagadoctor.")
    assert module not in sys.modules


def test_a_name_that_two_distributions_claim_is_refused(install: Install) -> None:
    modules = install("one", "mine", GOOD), install("two", "mine", GOOD)
    said = "plugin `mine` is claimed by one and two; uninstall all but one"
    assert [entry.problem for entry in installed() if entry.name == "mine"] == [said, said]
    assert refused("mine") == said
    assert "mine" not in names()
    assert not set(modules) & set(sys.modules)


def test_row_11_an_unknown_plugin_names_the_nearest_and_what_is_installed(install: Install) -> None:
    install("good", "eventuate", GOOD)
    assert refused("eventuat") == (
        "no plugin `eventuat` is installed; did you mean `eventuate`? (installed: eventuate, sql)"
    )
    assert refused("zzz\x1b") == "no plugin `zzz\\e` is installed (installed: eventuate, sql)"
    with pytest.raises(ConfigError, match=r"no plugin `x` is installed \(installed: none\)"):
        load("sagadoctor.v1.none", "x")


def test_row_11_a_plugin_for_another_version_of_the_interface_is_refused(install: Install) -> None:
    install("newer", "newer", GOOD + "import msgspec\nplugin = msgspec.structs.replace(plugin, api_version=2)\n")
    assert refused("newer") == (
        "plugin `newer` of newer 1.2 is written for version 2 of the plugin interface; this sagadoctor offers version 1"
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no driver')", "RuntimeError: no driver"),
        ("import no_such_library_at_all", "ModuleNotFoundError: No module named 'no_such_library_at_all'"),
        ("x = (", "SyntaxError: '(' was never closed (plugin_of_bad.py, line 1)"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("x = 1", "AttributeError: module 'plugin_of_bad' has no attribute 'plugin'"),
        ("raise ValueError('a\\x1b[2Jb\\npassword=s3cret')", "ValueError: a\\e[2Jb\\npassword=«redacted»"),
    ],
)
def test_a_plugin_that_fails_to_import_names_its_distribution_and_why(install: Install, code: str, said: str) -> None:
    install("bad", "bad", code)
    assert refused("bad") == f"plugin `bad` of bad can't be imported: {said}"


def test_what_is_no_plugin_is_refused(install: Install) -> None:
    install("wrong", "wrong", "plugin = 3")
    assert refused("wrong") == "plugin `wrong` of wrong 1.2 gives a int, not a StorePlugin"
    install("odd", "odd", "", value="no module here")
    assert refused("odd") == ("plugin `odd` of odd names no object: no module here; it must be `module:attribute`")
