"""The example that ships: it loads, and nothing that may be said is missing in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sagadoctor
from sagadoctor.config import Configuration, load
from sagadoctor.config.sections import SECTIONS, StepSection
from sagadoctor.config.show import lines, settings
from sagadoctor.registry import names, store_plugin

EXAMPLE = Path(sagadoctor.__file__).parent.parent / "config.example.toml"
ENVIRON = {"ORDERS_RO_PASSWORD": "a", "BOOKINGS_RO_PASSWORD": "b", "LEDGER_PASSWORD": "c"}


@pytest.fixture(scope="module")
def example() -> Configuration:
    return load(EXAMPLE, plugin_of=store_plugin, installed=names, environ=ENVIRON)


def test_the_example_loads_without_a_warning(example: Configuration) -> None:
    assert [store.name for store in example.stores] == ["orders", "bookings"]
    assert example.policy.of("OrderFulfillment").steps[0].name == "reserve_inventory"
    assert example.environment.read_only
    assert lines(settings(example))
    assert [str(warning) for warning in example.warnings if "everybody" not in warning.message] == []


@pytest.mark.parametrize("section", [*SECTIONS, "stores"])
def test_every_section_is_in_it(section: str) -> None:
    assert re.search(rf"^\[{section}(?:\.[\w.]+)?\]", EXAMPLE.read_text(), re.MULTILINE)


def test_every_key_of_the_core_is_in_it() -> None:
    text = EXAMPLE.read_text()
    models = [known.model for known in SECTIONS.values()] + [StepSection]
    missing = [
        f"{model.__name__}.{key}"
        for model in models
        for key in model.model_fields
        if not re.search(rf"(?:^\[?|[{{,] |# |\.){key}(?: = |\])", text, re.MULTILINE)
    ]
    assert missing == []


def test_what_is_commented_out_is_the_default_or_loads_too(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    shown = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE)
    # of the four ways to keep one password, one may be said
    shown = re.sub(r"^password = \{ (?:file|cmd|keyring).*\n", "", shown, flags=re.MULTILINE)
    path = tmp_path / "config.toml"
    path.write_text(shown)
    spoken = load(path, plugin_of=store_plugin, installed=names, environ=ENVIRON)
    quiet = load(EXAMPLE, plugin_of=store_plugin, installed=names, environ=ENVIRON)
    assert spoken.policy == quiet.policy
    assert spoken.environment == quiet.environment
    assert (spoken.big_table, spoken.live_cap, spoken.letter_expiry) == (
        quiet.big_table,
        quiet.live_cap,
        quiet.letter_expiry,
    )
    assert [store.options for store in spoken.stores] == [store.options for store in quiet.stores]
