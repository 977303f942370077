"""The example that ships: it loads, and nothing that may be said is missing in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import sagadoctor
from sagadoctor.adapters.sql.mapping.columns import TableName
from sagadoctor.adapters.sql.mapping.conversation import LockWords, ReceivedWords, ReplyWords
from sagadoctor.adapters.sql.mapping.steps import SHAPES, model_of
from sagadoctor.adapters.sql.options import SqlOptions
from sagadoctor.config import Configuration, load
from sagadoctor.config.models import key_names
from sagadoctor.config.sections import SECTIONS, StepSection
from sagadoctor.config.show import lines, settings
from sagadoctor.registry import names, store_plugin

EXAMPLE = Path(sagadoctor.__file__).parent.parent / "config.example.toml"
ENVIRON = {"ORDERS_RO_PASSWORD": "a", "BOOKINGS_RO_PASSWORD": "b", "LEDGER_PASSWORD": "c"}


@pytest.fixture(scope="module")
def example() -> Configuration:
    return load(EXAMPLE, plugin_of=store_plugin, installed=names, environ=ENVIRON)


def test_the_example_loads_without_a_warning(example: Configuration) -> None:
    assert [store.name for store in example.stores] == ["orders", "bookings", "transfers"]
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


def test_every_key_of_the_mapping_language_is_in_it_or_on_the_page() -> None:
    page = (EXAMPLE.parent / "docs" / "configuration.md").read_text()
    text = page + EXAMPLE.read_text()
    models = {*_models(SqlOptions), *(model for shape in SHAPES for model in _models(model_of(shape)))}
    models |= {model for late in (ReceivedWords, ReplyWords, LockWords) for model in _models(late)}
    keys = {(model.__name__, key) for model in models - {TableName} for key in key_names(model, ())}  # that is a text
    missing = sorted(f"{name}.{key}" for name, key in keys if not re.search(rf"(?<![\w-]){key}(?![\w-])", text))
    assert missing == []
    assert len(keys) > 100


@pytest.mark.parametrize("table", ["outbox", "received", "replies", "locks", "saga.owner"])
def test_what_may_lie_around_a_saga_is_shown_once(table: str) -> None:
    assert len(re.findall(rf"^\[stores\.\w+\.{re.escape(table)}\]", EXAMPLE.read_text(), re.MULTILINE)) == 1


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A model, and those that its fields are made of."""
    found: set[type[BaseModel]] = set()
    left: list[Any] = [model]
    while left:
        one = left.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one not in found:
                found.add(one)
                left += [field.annotation for field in one.model_fields.values()]
        else:
            left += get_args(one)
    return found


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
