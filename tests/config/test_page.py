"""The page of the configuration says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sagadoctor
from sagadoctor.config import load
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
    options = list(store_plugin("sql").options.model_fields)
    unbuilt = {"received", "replies", "locks", "writer"}
    missing = [
        key
        for key in [*keys, *later, *options]
        if key not in unbuilt and not re.search(rf"[`\[.{{]{key}[`\].}}]", PAGE)
    ]
    assert missing == []
