"""Pickles read without being loaded: nothing is imported, called or built, whatever a pickle asks for.

`pickletools.genops` only splits the bytes into instructions. They are followed here with plain containers; where one
would name a class or call something, a `Made` stands in its place.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
from dataclasses import dataclass, field
from typing import Any, Final

_MOST_INSTRUCTIONS: Final = 20_000
_DEEPEST: Final = 12
_MOST_PARTS: Final = 2_000
_MARK: Final = object()
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PUTS: Final = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS: Final = frozenset(("GET", "BINGET", "LONG_BINGET"))
_NOTHING: Final = frozenset(("PROTO", "FRAME", "NEXT_BUFFER", "READONLY_BUFFER"))
_TUPLES: Final = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class UnreadableError(ValueError):
    """The bytes are no pickle, or one that is too long or too odd to be read."""


@dataclass(eq=False)
class Made:
    """What loading would have made: the name of a class or function, and what it would have been given."""

    name: str
    given: list[Any] = field(default_factory=list)


@dataclass(eq=False)
class _Pairs:
    """A dictionary before its keys are looked at."""

    pairs: list[tuple[Any, Any]] = field(default_factory=list)


def read(encoded: str) -> Any:
    """Return what a pickle in Base64 holds, as plain values and `Made`; raises UnreadableError."""
    try:
        return _plain(_Machine().run(base64.b64decode(encoded, validate=True)), 0, [_MOST_PARTS])
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise UnreadableError(f"not a readable pickle: {type(error).__name__}") from None


class _Machine:
    """Follows instructions with a stack and a memory, as loading does, and does none of the things that act."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def run(self, code: bytes) -> Any:
        for number, (operation, argument, _) in enumerate(pickletools.genops(code)):
            if number >= _MOST_INSTRUCTIONS:
                raise UnreadableError("too long")
            if operation.name == "STOP":
                return self._stack.pop()
            self._follow(operation.name, argument)
        raise UnreadableError("no end")

    def _follow(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in _NOTHING:
            return
        if name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MEMOIZE":
            self._memory[len(self._memory)] = stack[-1]
        elif name in _PUTS:
            self._memory[argument] = stack[-1]
        elif name in _GETS:
            stack.append(self._memory[argument])
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("EMPTY_LIST", "EMPTY_SET"):
            stack.append([])
        elif name == "EMPTY_DICT":
            stack.append(_Pairs())
        elif name in _TUPLES:
            stack.append(self._taken(_TUPLES[name]))
        elif name in ("TUPLE", "LIST", "FROZENSET"):
            stack.append(self._since_mark())
        elif name == "DICT":
            stack.append(_Pairs(_paired(self._since_mark())))
        elif name in ("APPEND", "SETITEM"):
            self._filled(self._taken(1 if name == "APPEND" else 2))
        elif name in ("APPENDS", "ADDITEMS", "SETITEMS"):
            self._filled(self._since_mark())
        elif name == "GLOBAL":
            stack.append(Made(str(argument).replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            module, what = self._taken(2)
            stack.append(Made(f"{module}.{what}"))
        elif name in ("REDUCE", "NEWOBJ"):
            self._made(*self._taken(2))
        elif name == "NEWOBJ_EX":
            what, given, named = self._taken(3)
            self._made(what, [*_listed(given), named])
        elif name == "INST":
            stack.append(Made(str(argument).replace(" ", "."), self._since_mark()))
        elif name == "OBJ":
            what, *given = self._since_mark()
            self._made(what, given)
        elif name == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], Made):
                stack[-1].given.append(state)
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            self._since_mark()
        elif name == "DUP":
            stack.append(stack[-1])
        elif name in ("PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4"):
            if name == "BINPERSID":
                stack.pop()
            stack.append(Made("something outside of the pickle"))
        else:  # numbers, texts and bytes carry their value as the argument
            stack.append(argument)

    def _made(self, what: Any, given: Any) -> None:
        name = what.name if isinstance(what, Made) else "something"
        self._stack.append(Made(name, _listed(given)))

    def _taken(self, count: int) -> list[Any]:
        if count > len(self._stack):
            raise UnreadableError("too short")
        taken = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return taken

    def _since_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise UnreadableError("no mark")
        taken = self._stack[at + 1 :]
        del self._stack[at:]
        return taken

    def _filled(self, parts: list[Any]) -> None:
        held = self._stack[-1]
        if isinstance(held, _Pairs):
            held.pairs += _paired(parts)
        elif isinstance(held, list):
            held += parts
        elif isinstance(held, Made):
            held.given += parts


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list) else [given]


def _paired(parts: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(parts[::2], parts[1::2], strict=True))


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    """Return the value with its dictionaries as such; a pickle may hold itself, or one part very many times."""
    left[0] -= 1
    if depth > _DEEPEST or left[0] < 0:
        return "…"
    if isinstance(value, _Pairs):
        return {_key(key): _plain(held, depth + 1, left) for key, held in value.pairs if left[0] >= 0}
    if isinstance(value, list):
        return [_plain(each, depth + 1, left) for each in value if left[0] >= 0]
    if isinstance(value, Made):
        return Made(value.name, [_plain(each, depth + 1, left) for each in value.given if left[0] >= 0])
    return value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else repr(key) if not isinstance(key, list | Made | _Pairs) else "…"
