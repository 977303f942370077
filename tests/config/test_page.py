"""The page of the configuration says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import sagadoctor
from sagadoctor.adapters.sql.mapping.around import OutboxWords
from sagadoctor.adapters.sql.mapping.columns import DoubledFrom, JsonColumn, NumberColumn, TextColumn, TimeColumn
from sagadoctor.adapters.sql.mapping.conversation import LockWords, ReceivedWords, ReplyWords, WaiterWords
from sagadoctor.adapters.sql.mapping.saga import (
    Alive,
    CurrentStep,
    IdWords,
    OwnerWords,
    SagaWords,
    StateRule,
    StateWords,
)
from sagadoctor.adapters.sql.mapping.shapes.columns import ColumnStep, FlagColumn
from sagadoctor.adapters.sql.mapping.shapes.directed import Direction
from sagadoctor.adapters.sql.mapping.shapes.numbered import Numbered
from sagadoctor.adapters.sql.mapping.step_words import StatusWords, StepFields, StepWords
from sagadoctor.adapters.sql.mapping.steps import SHAPES, model_of
from sagadoctor.config import load
from sagadoctor.config.models import key_names
from sagadoctor.config.sections import LATER, PLACEHOLDERS, SECTIONS, StepSection
from sagadoctor.errors import ConfigError
from sagadoctor.registry import names, store_plugin

from .samples import written

PAGE = (Path(sagadoctor.__file__).parent.parent / "docs" / "configuration.md").read_text()


def test_the_example_of_mistakes_is_what_is_told(tmp_path: Path) -> None:
    given, told = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[-2:]
    path = written(tmp_path, given, "prod.toml")
    with pytest.raises(ConfigError) as error:
        load(path, plugin_of=store_plugin, installed=names)
    assert str(error.value).replace(f"{tmp_path}/", "") == told.rstrip("\n")


def test_every_section_and_key_is_explained() -> None:
    models = [known.model for known in SECTIONS.values()] + [StepSection]
    keys = [*SECTIONS, *(key for model in models for key in model.model_fields), *PLACEHOLDERS]
    later = [part for pattern in LATER for part in pattern[-1:]]
    options = key_names(store_plugin("sql").options, ())
    missing = [key for key in [*keys, *later, *options] if not re.search(rf"[`\[.{{]{key}[`\].}}]", PAGE)]
    assert missing == []


@pytest.mark.parametrize(
    "model",
    [
        *(SagaWords, StateWords, StateRule, CurrentStep, OwnerWords, Alive, StepFields, StatusWords, OutboxWords),
        *(TextColumn, TimeColumn, NumberColumn, JsonColumn, DoubledFrom, IdWords, *map(model_of, SHAPES)),
        *(ColumnStep, FlagColumn, Numbered, Direction, ReceivedWords, ReplyWords, LockWords, WaiterWords),
    ],
)
def test_every_key_of_the_mapping_language_is_explained(model: type[BaseModel]) -> None:
    part = PAGE[PAGE.index('### `plugin = "sql"`') : PAGE.index("## `[sagas.TYPE]`")]
    missing = [key for key in key_names(model, ()) if not re.search(rf"[`{{,.] ?{key}(?:[`,.]| =| }})", part)]
    assert missing == []


def test_the_shapes_of_the_page_are_those_that_are_built() -> None:
    part = PAGE[PAGE.index("**`[stores.NAME.steps]`**") : PAGE.index("**`[stores.NAME.outbox]`**")]
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", part.partition("|---")[2], re.MULTILINE)
    assert {shape for shape, _ in rows} == set(SHAPES)
    for shape, told in rows:
        everywhere = set(key_names(StepWords, ())) | {"shape"}
        assert set(re.findall(r"`(\w+)`", told)) == set(key_names(model_of(shape), ())) - everywhere
    hidden = set(StepWords.model_fields) | set(StepFields.model_fields)
    assert hidden <= {*key_names(StepWords, ()), *key_names(StepFields, ())}
