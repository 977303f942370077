"""Whatever a file says, it is accepted or refused with its problems, never worse."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagadoctor.config import load
from sagadoctor.config.sections import SECTIONS, StepSection
from sagadoctor.config.show import entries, lines
from sagadoctor.config.show import settings as effective
from sagadoctor.errors import ConfigError
from sagadoctor.registry import store_plugin

from .samples import fake
from .test_locate import NAMES, VALUES, Writer

CORE = sorted({key for known in SECTIONS.values() for key in known.model.model_fields} | set(StepSection.model_fields))
SQL = [
    "url",
    "saga",
    "steps",
    "table",
    "id",
    "state",
    "shape",
    "column",
    "fields",
    "preset",
    "values",
    "password",
    "env",
]
KEYS = st.one_of(st.sampled_from(CORE), st.sampled_from(SQL), st.sampled_from(["cmd", "when", "if", "queues"]), NAMES)
WORDS = st.sampled_from(
    ["sqlite:////x.db", "saga-template", "plain", "broken", "json_list", "5m", "a", "person", "UTC"]
)
INNER = st.recursive(
    st.one_of(WORDS, VALUES),
    lambda below: st.one_of(st.dictionaries(KEYS, below, max_size=4), st.lists(below, max_size=3)),
    max_leaves=10,
)
PLUGINS = st.sampled_from(["fake", "sql"])
STORES = st.builds(lambda plugin, table: {**table, "plugin": plugin}, PLUGINS, st.dictionaries(KEYS, INNER, max_size=5))
FILES = st.fixed_dictionaries(
    {},
    optional={
        "config_version": st.one_of(st.just(1), INNER),
        "stores": st.one_of(INNER, st.dictionaries(NAMES, st.one_of(STORES, INNER), max_size=3)),
        "sagas": st.one_of(INNER, st.dictionaries(NAMES, st.dictionaries(KEYS, INNER, max_size=3), max_size=3)),
        **{name: st.one_of(INNER, st.dictionaries(KEYS, INNER, max_size=4)) for name in SECTIONS if name != "sagas"},
        "other": INNER,
    },
)


GOOD: dict[str, Any] = {
    "environment": {"name": "x", "tz": "UTC"},
    "stores": {"a": {"plugin": "fake", "url": "x://y"}, "b": {"plugin": "sql", "url": "sqlite:////x.db"}},
    "sagas": {"A": {"steps": [{"name": "a", "timeout": "5m"}], "policy": {"attempts": 3}}},
    "policy": {"skew": "1s"},
}
GOOD["stores"]["b"] |= {"preset": "saga-template", "saga": {"type": {"const": "x"}}}


@st.composite
def changed(draw: Any) -> dict[str, Any]:
    """Return a good file with up to two keys added or replaced somewhere."""
    table: dict[str, Any] = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(0, 2))):
        here: Any = table
        while inner := [one for one in (here.values() if isinstance(here, dict) else here) if one and is_table(one)]:
            if here is not table and draw(st.booleans()):
                break
            here = draw(st.sampled_from(inner))
        if isinstance(here, dict):
            here[draw(st.one_of(st.sampled_from([*here, "x"]), KEYS))] = draw(INNER)
        else:
            here.append(draw(INNER))
    return table


def is_table(value: Any) -> bool:
    return isinstance(value, dict | list)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data(), st.one_of(FILES, changed(), changed()))
def test_anything_is_accepted_or_refused(draw: Any, table: dict[str, Any]) -> None:
    writer = Writer(draw.draw)
    writer.table(table, (), [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_bytes(writer.text.encode())
        said = outcome(path)
    assert said
    assert all(line.isprintable() for line in said)


def outcome(path: Path) -> list[str]:
    """Return what is shown of a good file, or the problems of another."""
    try:
        configuration = load(path, plugin_of=lambda name: fake if name == "fake" else store_plugin(name), environ={})
    except ConfigError as error:
        return [line for problem in error.problems for line in str(problem).split("\n")]
    found = effective(configuration)
    json.dumps(entries(found))
    return list(lines(found))
