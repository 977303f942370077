"""The JSON schema of the whole file, for editors: the core's sections and the options of the installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from sagadoctor.api.ports import StorePlugin

from .sections import CONFIG_VERSION, SECTIONS
from .show import duration_text

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
DURATION: Final = r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$"
_SECRET: Final[dict[str, Any]] = {
    "description": "Where a secret is kept, never the secret.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "env": {"type": "string", "description": "An environment variable."},
        "file": {"type": "string", "description": "A file; one newline at its end is left out."},
        "cmd": {"type": "array", "items": {"type": "string"}, "description": "A command; its first line counts."},
        "keyring": {"type": "string", "description": "An entry of the keyring, as service/user."},
        "timeout": {"type": "string", "pattern": DURATION, "default": "5s"},
    },
}


class _Generator(GenerateJsonSchema):
    """Durations as the file writes them, not as ISO 8601."""

    def timedelta_schema(self, schema: Any) -> JsonSchemaValue:
        return {"type": "string", "pattern": DURATION}

    def encode_default(self, dft: Any) -> Any:
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def schema(plugins: Mapping[str, StorePlugin]) -> dict[str, Any]:
    """Return the schema of a file that may use these store plugins."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {"config_version": {"const": CONFIG_VERSION}}
    for name, known in SECTIONS.items():
        section = _of(known.model, name, definitions)
        properties[name] = {"type": "object", "additionalProperties": section} if known.named else section
    stores = [_store(name, plugin, definitions) for name, plugin in sorted(plugins.items())]
    store = {"anyOf": stores} if len(stores) > 1 else stores[0] if stores else {"type": "object"}
    properties["stores"] = {"type": "object", "minProperties": 1, "additionalProperties": store}
    return {
        "$schema": DIALECT,
        "title": "sagadoctor configuration",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": ["stores"],
        "definitions": definitions,
    }


def _store(name: str, plugin: StorePlugin, definitions: dict[str, Any]) -> dict[str, Any]:
    options = _of(plugin.options, f"stores.{name}", definitions)
    properties = {"plugin": {"const": name}, **options.get("properties", {})}
    return {**options, "properties": properties, "required": ["plugin"]}


def _of(model: type[BaseModel], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema; the definitions it refers to are kept under names that begin with `prefix`."""
    made = model.model_json_schema(schema_generator=_Generator, ref_template=f"#/definitions/{prefix}.{{model}}")
    # a preset may give what a plugin requires, so nothing but the plugin itself is required of a store
    dropped = {"title", "required"} if prefix.startswith("stores.") else {"title"}
    for name, definition in made.pop("$defs", {}).items():
        definitions[f"{prefix}.{name}"] = _SECRET if name == "Secret" else _plain(definition, dropped)
    simple: dict[str, Any] = _plain(made, dropped)
    return simple


def _plain(node: Any, dropped: set[str]) -> Any:
    """Return a schema without the keywords in `dropped` and without null, which TOML has not."""
    if isinstance(node, list):
        return [_plain(inner, dropped) for inner in node if inner != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "definitions"):
            out[key] = {name: _plain(inner, dropped) for name, inner in value.items()}
        elif key == "default":
            out |= {} if value is None or isinstance(value, dict | list) else {key: value}
        elif key not in dropped:
            out[key] = _plain(value, dropped)
    alone = out.get("anyOf", [])
    return {**out.pop("anyOf")[0], **out} if len(alone) == 1 else out
