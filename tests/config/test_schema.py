"""The JSON schema that editors use."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sagadoctor.config.schema import DURATION, schema
from sagadoctor.config.sections import SECTIONS

from .samples import fake

KEYWORDS = {
    "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "const", "default", "definitions", "description",
    "enum", "exclusiveMaximum", "exclusiveMinimum", "items", "maxItems", "maxLength", "maximum", "minItems",
    "minLength", "minProperties", "minimum", "oneOf", "pattern", "prefixItems", "properties", "propertyNames",
    "required", "title", "type", "uniqueItems",
}  # fmt: skip


def walk(node: Any, names: bool = False) -> Any:
    """Yield every schema inside a schema; the keys of `properties` and `definitions` are names, not keywords."""
    if isinstance(node, dict):
        if not names:
            yield node
        for key, inner in node.items():
            if key not in ("default", "enum", "const") or names:
                yield from walk(inner, names=key in ("properties", "definitions") and not names)
    elif isinstance(node, list):
        for inner in node:
            yield from walk(inner)


def test_the_schema_is_made_of_simple_keywords_and_every_reference_leads_somewhere() -> None:
    made = schema({"fake": fake, "other": fake})
    json.dumps(made)
    assert made["$schema"] == "http://json-schema.org/draft-07/schema#"
    for node in walk(made):
        assert set(node) <= KEYWORDS, node
        if "$ref" in node:
            assert node["$ref"].removeprefix("#/definitions/") in made["definitions"]


def test_every_section_is_there_and_knows_its_keys() -> None:
    made = schema({"fake": fake})
    assert set(made["properties"]) == {"config_version", "stores", *SECTIONS}
    assert made["additionalProperties"] is False
    for name, known in SECTIONS.items():
        node = made["properties"][name]
        node = node["additionalProperties"] if known.named else node
        assert set(node["properties"]) == set(known.model.model_fields)
        assert node["additionalProperties"] is False


def test_a_store_requires_its_plugin_alone_because_a_preset_may_say_the_rest() -> None:
    store = schema({"fake": fake})["properties"]["stores"]["additionalProperties"]
    assert store["required"] == ["plugin"]
    assert store["properties"]["plugin"] == {"const": "fake"}
    assert store["properties"]["statement_timeout"]["default"] == "5s"
    assert "from" in store["properties"]
    assert "value" not in schema({"fake": fake})["definitions"]["stores.fake.Secret"]["properties"]


def test_without_plugins_any_store_is_fine() -> None:
    assert schema({})["properties"]["stores"]["additionalProperties"] == {"type": "object"}


@pytest.mark.parametrize(
    ("text", "fits"), [("5m", True), ("1h 30m", True), ("1.5h", True), ("5", False), ("5 w", False)]
)
def test_the_pattern_of_a_duration(text: str, fits: bool) -> None:
    assert bool(re.search(DURATION, text)) is fits
