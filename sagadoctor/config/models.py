"""Which keys and types a model knows at a key path: for the nearest name, and for what is a secret."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import SkipJsonSchema

from sagadoctor.api.options import LateModel, Secret

from .keys import Path, follow

_HIDDEN: Final[type] = SkipJsonSchema


def is_secret(model: type[BaseModel], path: Path) -> bool:
    """Say whether a secret is wanted at this key."""
    return any(Secret in _models(kind) for kind in _types_at(model, path, None))


def key_names(model: type[BaseModel], path: Path, given: object = None) -> list[str]:
    """Return the keys that a table at `path` below `model` may have."""
    names: list[str] = []
    for kind in _types_at(model, path, given):
        for candidate in _models(kind):
            for one in _meant(candidate, follow(given, path)[1]):
                names.extend(_aliases(one))
    return names


def _meant(model: type[BaseModel], table: object) -> list[type[BaseModel]]:
    """Return the kinds of this model whose marks (`shape = "json_list"`) the table bears, else the model itself."""
    kinds = [kind for below in model.__subclasses__() for kind in _meant(below, table) if _bears(kind, table)]
    return kinds or [model]


def _bears(model: type[BaseModel], table: object) -> bool:
    marks = {
        name: typing.get_args(kind) for name, kind in _aliases(model).items() if typing.get_origin(kind) is Literal
    }
    return isinstance(table, Mapping) and any(table.get(name) in words for name, words in marks.items())


def _aliases(model: type[BaseModel]) -> dict[str, Any]:
    if issubclass(model, Secret):
        return {name: info.annotation for name, info in model.model_fields.items() if name != "value"}
    offered = {name: info for name, info in model.model_fields.items() if not _is_hidden(info)}
    return {info.alias or name: _kind(info) for name, info in offered.items()}


def _kind(info: FieldInfo) -> Any:
    """Return the type of a field; a model that is made late is made only by whoever looks into it."""
    return next((mark for mark in info.metadata if isinstance(mark, LateModel)), info.annotation)


def _is_hidden(info: FieldInfo) -> bool:
    """Say whether a model keeps a key only to refuse it: the schema doesn't offer it, nor does a hint."""
    return any(isinstance(mark, _HIDDEN) for mark in info.metadata)


def _models(kind: object) -> list[type[BaseModel]]:
    """Return the models that a type may be: itself, or members of its union."""
    return [one for one in _members(kind) if isinstance(one, type) and issubclass(one, BaseModel)]


def _members(kind: object) -> list[object]:
    if isinstance(kind, LateModel):
        return [kind.model]
    kind = getattr(kind, "__value__", kind)  # a named alias
    if typing.get_origin(kind) is typing.Annotated:
        return _members(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return [one for member in typing.get_args(kind) for one in _members(member)]
    return [kind]


def _types_at(model: type[BaseModel], path: Path, given: object) -> list[object]:
    here: list[object] = [model]
    for depth, part in enumerate(path):
        below: list[object] = []
        for kind in here:
            for member in _members(kind):
                if isinstance(member, type) and issubclass(member, BaseModel):
                    for one in _meant(member, follow(given, path[:depth])[1]):
                        below.extend(_below(one, part))
                else:
                    below.extend(_below(member, part))
        here = below
    return here


def _below(member: object, part: str | int) -> list[object]:
    if isinstance(member, type) and issubclass(member, BaseModel):
        fields = _aliases(member)
        return [fields[part]] if isinstance(part, str) and part in fields else []
    arguments = typing.get_args(member)
    origin = typing.get_origin(member)
    if not isinstance(origin, type) or not arguments:
        return []
    if issubclass(origin, Mapping):
        return [arguments[1]] if isinstance(part, str) and len(arguments) == 2 else []
    return [one for one in arguments if one is not ...] if isinstance(part, int) else []
