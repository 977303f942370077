"""The JSON schema that editors use."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from sagadoctor.adapters.sql.mapping.steps import SHAPES
from sagadoctor.config import example as text_of_the_example
from sagadoctor.config.schema import DURATION, schema
from sagadoctor.config.sections import LATER, SECTIONS
from sagadoctor.registry import store_plugin

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


def test_what_is_not_built_is_not_offered() -> None:
    made = schema({"sql": store_plugin("sql")})
    offered = {key for node in walk(made) for key in node.get("properties", ())}
    assert {"shape", "foreign_key", "failed_means", "runbook", "taken_by", "waiters", "consumer"} <= offered
    later = {pattern[-1] for pattern in LATER}
    assert not offered & {*later, "writer"}
    assert {"query", "key"} <= offered
    shapes = {node["properties"]["shape"]["const"] for node in walk(made) if "shape" in node.get("properties", ())}
    assert shapes == set(SHAPES)


def test_without_plugins_any_store_is_fine() -> None:
    assert schema({})["properties"]["stores"]["additionalProperties"] == {"type": "object"}


@pytest.mark.parametrize(
    ("text", "fits"), [("5m", True), ("1h 30m", True), ("1.5h", True), ("5", False), ("5 w", False)]
)
def test_the_pattern_of_a_duration(text: str, fits: bool) -> None:
    assert bool(re.search(DURATION, text)) is fits


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def fits(value: Any, node: Any, made: Any) -> bool:
    """Say whether a value fits a schema, as far as the keywords go that tell keys and types."""
    if "$ref" in node and not fits(value, made["definitions"][node["$ref"].removeprefix("#/definitions/")], made):
        return False
    if "anyOf" in node and not any(fits(value, each, made) for each in node["anyOf"]):
        return False
    if "type" in node and not isinstance(value, TYPES[node["type"]]):
        return False
    if value != node.get("const", value) or value not in node.get("enum", [value]):
        return False
    if isinstance(value, dict):
        known, other = node.get("properties", {}), node.get("additionalProperties", True)
        return all(
            other is not False
            if key not in known and isinstance(other, bool)
            else fits(below, known.get(key, other), made)
            for key, below in value.items()
        )
    return not isinstance(value, list) or all(fits(each, node.get("items", {}), made) for each in value)


def test_the_example_fits_and_what_is_not_built_does_not() -> None:
    made = schema({"sql": store_plugin("sql")})
    example = tomllib.loads(text_of_the_example())
    assert fits(example, made, made)
    saga = example["stores"]["bookings"]["saga"]
    saga["id"] = {"column": "id", "format": "uuid"}
    assert fits(example, made, made)
    saga["id"] = {"columns": ["id"]}
    assert not fits(example, made, made)
    saga["id"] = "id"
    example["stores"]["bookings"]["steps"]["shape"] = "table_of_ops"
    assert not fits(example, made, made)
