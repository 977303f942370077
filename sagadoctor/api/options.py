"""Settings that a plugin declares: a pydantic model, with durations and secrets of our own kind.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

import re
from datetime import timedelta
from importlib import import_module
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SecretStr,
    model_validator,
)
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*\Z")
LONGEST: Final = timedelta(days=3650)


def duration(value: object) -> timedelta:
    """Read `"90s"`, `"15m"`, `"1.5h"`, `"7d"` or `"1h 30m"`; a bare number has no unit and is refused."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f'a duration is a string with a unit, such as "15m"; got {value!r}')
    parts = [_DURATION.match(part) for part in re.findall(r"\d+(?:\.\d+)?\s*[a-z]+|\S+", value)]
    if not parts or None in parts:
        raise ValueError(f'not a duration: {value!r}; write a number and one of ms, s, m, h, d, such as "15m"')
    seconds = sum(float(part[1]) * _UNITS[part[2]] for part in parts if part is not None)
    if not 0.001 <= seconds <= LONGEST.total_seconds():
        raise ValueError(f"out of range: {value!r}; a duration is at least 1ms and at most 3650d")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(duration)]


class Options(BaseModel):
    """The settings of one backend; unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)

    def doubts(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        """Return what is allowed and yet hardly meant: the path of the key that is doubtful, and why."""
        return ()


class LateModel:
    """Has a table that few configurations hold read by a model whose module is loaded only when the table is there.

    It stands in an annotation, `locks: Annotated[Any, LateModel("package.module", "LockWords")] = None`; making such a
    model costs every start as much as reading some hundred rows.
    """

    def __init__(self, module: str, name: str) -> None:
        """Keep where the model is."""
        self._module, self._name = module, name

    @property
    def model(self) -> type[BaseModel]:
        """Return the model."""
        model: type[BaseModel] = getattr(import_module(self._module), self._name)
        return model

    def _read(self, given: Any) -> BaseModel | None:
        return None if given is None else self.model.model_validate(given)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Leave it all to the model."""
        del source, handler
        return no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Offer what the model offers."""
        from pydantic import TypeAdapter

        del schema
        return handler(TypeAdapter(self.model).core_schema)


class Secret(BaseModel):
    """A reference to a secret, never the secret: `{ env = … }`, `{ file = … }`, `{ cmd = […] }` or `{ keyring = … }`.

    The configuration resolves it before a backend is opened; until then `value` is None.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)

    env: str | None = None
    file: str | None = None
    cmd: tuple[str, ...] | None = None
    keyring: str | None = None
    timeout: Duration = timedelta(seconds=5)
    value: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_literals(cls, given: Any) -> Any:
        if isinstance(given, str):
            raise ValueError(
                'a secret is never written into the file: say where it is, such as { env = "NAME" }, '
                '{ file = "/run/secrets/x" }, { cmd = ["pass", "show", "x"] } or { keyring = "service/user" }'
            )
        if isinstance(given, dict):
            ways = [key for key in ("env", "file", "cmd", "keyring") if key in given]
            if len(ways) != 1:
                raise ValueError("a secret names exactly one of env, file, cmd, keyring")
            if "value" in given:
                raise ValueError("a secret has no `value` in the file; say where it is kept")
        return given

    @property
    def place(self) -> str:
        """Say where the secret is kept, without the secret."""
        if self.env is not None:
            return f"environment variable {self.env}"
        if self.file is not None:
            return f"file {self.file}"
        if self.cmd is not None:
            return f"command {self.cmd[0] if self.cmd else '(empty)'}"
        return f"keyring {self.keyring}"

    def reveal(self) -> str:
        """Return the secret; raises RuntimeError when the configuration has not resolved it."""
        if self.value is None:
            raise RuntimeError(f"the secret in {self.place} was not resolved before use")
        return self.value.get_secret_value()
