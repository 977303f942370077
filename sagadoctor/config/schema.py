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
    # a preset may give what the plugin requires, so only the plugin itself is required here
    return {**options, "properties": properties, "required": ["plugin"]}


def _of(model: type[BaseModel], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema; the definitions it refers to are kept under names that begin with `prefix`."""
    made = model.model_json_schema(
        schema_generator=_Generator, ref_template=f"#/definitions/{prefix}.{{model}}", mode="validation"
    )
    for name, definition in made.pop("$defs", {}).items():
        secret = name == "Secret"
        definitions[f"{prefix}.{name}"] = _SECRET if secret else _lenient(definition, prefix.startswith("stores."))
    return _lenient(made, prefix.startswith("stores."))


def _lenient(definition: dict[str, Any], preset: bool) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if not (preset and key == "required")}
