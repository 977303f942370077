"""The core's own sections of the file: what may stand in each, of which type and within which range.

A new section is a model here and a line in `SECTIONS`; what a later version will know is a line in `LATER`.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePath
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sagadoctor.api.options import Duration, Secret

from .keys import did_you_mean

CONFIG_VERSION: Final = 1
PLACEHOLDERS: Final = ("trace_id", "saga_id", "correlation_id", "saga_type", "business_key")

_JSON_PATH: Final = re.compile(r"\$(?:\.{1,2}[^\s.\[\]*]+|\.{1,2}\*|\[\*\])+\Z")
_ENVIRONMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}\Z")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must not be empty and must not hold control characters")
    return text


def _time_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a name that climbs out of the folder, a folder, an unknown name
        hint = did_you_mean(name, available_timezones()) if len(name) < 60 else ""
        near = hint if hint.startswith("; did") else '; write an IANA name such as "UTC" or "Europe/Berlin"'
        raise ValueError(f"not a time zone{near}") from None
    return name


def _json_path(path: str) -> str:
    if not _JSON_PATH.match(path):
        raise ValueError('not a path; write it such as "$.card", "$..email" or "$.items[*].pan"')
    return path


def _link(template: str) -> str:
    head = re.match(r"https?://([^/?#\s]+)", template)
    if head is None or not template.isprintable() or " " in template:
        raise ValueError('a link starts with "https://" or "http://" and a host, and holds no spaces')
    if "{" in head[1] or "@" in head[1]:
        raise ValueError("the host of a link is written out: no placeholder and no user name in it")
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder {{{name}}}{did_you_mean(name, PLACEHOLDERS)}")
    if "{" in _PLACEHOLDER.sub("", template) or "}" in _PLACEHOLDER.sub("", template):
        raise ValueError("a brace without its partner")
    return template


def _runbook(text: str) -> str:
    if "://" in text and not re.match(r"https?://[^/\s]+", text):
        raise ValueError('a runbook is a text, or an address that starts with "https://" or "http://"')
    return _printable(text)


def _environment(name: str) -> str:
    if not _ENVIRONMENT.match(name):
        raise ValueError("the name of an environment is made of letters, digits, spaces, `_`, `-` and `.`, at most 64")
    return name


def environment_name(said: str | None, file: PurePath) -> str:
    """Return the name of an environment: as it is said, else as the file is named, else `default`."""
    if said is not None:
        return said
    return file.stem if file.stem != "config" and _ENVIRONMENT.match(file.stem) else "default"


def _ledger(url: str) -> str:
    if "://" in url and not re.match(r"sqlite:///|postgres(?:ql)?(?:\+\w+)?://", url):
        raise ValueError('a ledger is a SQLite file, "sqlite:////absolute/path.db", or a PostgreSQL database')
    return url


Text = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Section(BaseModel):
    """A table of the file: unknown keys are refused, `"10"` is no number, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class EnvironmentSection(Section):
    """`[environment]`: which one this is, and what may be done to it."""

    name: Annotated[str, AfterValidator(_environment)] | None = None
    """None: as the file is named."""
    production: bool = False
    read_only: bool = True
    tz: Annotated[str, AfterValidator(_time_zone)] = "UTC"


class ThresholdSection(Section):
    """`[sagas.TYPE.policy]`: when something of one saga type is late; what isn't said is as in `[policy]`."""

    no_progress: Duration | None = None
    compensation: Duration | None = None
    attempts: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    skew: Duration | None = None
    lease_grace: Duration | None = None
    max_wait: Duration | None = None
    wake_up: Duration | None = None
    outbox: Duration | None = None


class PolicySection(ThresholdSection):
    """`[policy]`: when something is late, and how much is read."""

    letter_expiry: Duration = timedelta(hours=12)
    big_table: Count = 100_000
    live_cap: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000


class StepSection(Section):
    """One step of `[sagas.TYPE]`: what the store does not know of it."""

    name: Text
    action: Text | None = None
    compensation: Text | None = None
    timeout: Duration | None = None
    waits_for: Literal["person", "timer", "signal"] | None = None
    max_wait: Duration | None = None
    compensable: bool | None = None
    pivot: bool = False
    optional: bool = False
    alternative_of: Text | None = None
    idempotent: Literal["header", "field", "none", "unknown"] = "unknown"
    probe: Text | None = None
    runbook: Annotated[str, Field(max_length=2000), AfterValidator(_runbook)] | None = None


class SagaSection(Section):
    """`[sagas.TYPE]`: steps in order, deadlines, targets."""

    sender: Text | None = None
    compensation_order: Literal["any", "reverse"] = "any"
    parallel: bool = False
    steps: Annotated[list[StepSection], Field(max_length=10_000)] = []
    policy: ThresholdSection = ThresholdSection.model_construct()  # as `()` does, without a validator to be made for it


class LedgerSection(Section):
    """`[ledger]`: where it is remembered what was seen and done; without it a file of this user's own."""

    url: Annotated[str, Field(max_length=2000), AfterValidator(_ledger)] | None = None
    password: Secret | None = None


class RedactionSection(Section):
    """`[redaction]`: what of a payload is never shown."""

    paths: list[Annotated[str, Field(max_length=500), AfterValidator(_json_path)]] = []


class LinksSection(Section):
    """`[links]`: where a person looks further."""

    trace: Annotated[str, Field(max_length=2000), AfterValidator(_link)] | None = None


class Known(msgspec.Struct, frozen=True):
    """A section of the file: its model, and whether it is one table or a table of named ones."""

    model: type[Section]
    named: bool = False


SECTIONS: Final[Mapping[str, Known]] = MappingProxyType(
    {
        "environment": Known(EnvironmentSection),
        "sagas": Known(SagaSection, named=True),
        "policy": Known(PolicySection),
        "ledger": Known(LedgerSection),
        "redaction": Known(RedactionSection),
        "links": Known(LinksSection),
    }
)
"""Every section but `stores`, whose tables belong to the plugins."""

LATER: Final[tuple[tuple[str, ...], ...]] = (
    ("queues",),
    ("senders",),
    ("metrics",),
    ("probes",),
    ("notify",),
    ("flows",),
    ("keymap",),
    ("sagas", "*", "messages"),
    ("sagas", "*", "readings"),
    ("sagas", "*", "steps", "*", "destination"),
)
"""Keys that a later version will know; `*` is any name or place. Refused with a clear word, never ignored."""
