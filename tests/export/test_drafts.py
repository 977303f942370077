"""A draft as a file: what is said is read, what a person has to decide is a comment."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.api.proposal import Draft, Section, Setting
from sagadoctor.export.drafts import Written, configuration_text

NASTY = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20) | st.sampled_from(
    ["a\n[stores.evil]\nurl = 1", '"]\nx = 1 #', "\x1b[31m", "\u2028x = 1"]
)


def draft(name: str, why: str, said: str) -> Draft:
    return Draft(
        name,
        said,
        (
            Section((), (Setting("preset", said, (why,)),), (why,)),
            Section(("saga",), (Setting("table", said, (why,)), Setting("where", {said: "null"}, (why,), said=False))),
            Section(("locks", "waiters"), (Setting("table", [said, said]),), (why,)),
            Section(("outbox",), (Setting("table", said),), (why,), said=False),
            Section(("sagas", said), (Setting("steps", [{"name": said}]),), (why,), outside=True),
        ),
        todo=(why,),
    )


@given(NASTY, NASTY)
def test_outside_texts_open_no_key(why: str, said: str) -> None:
    shared = Written("sqlite:////x.db", environment="prod", password={"env": "PW"}, product=why)
    table = tomllib.loads(configuration_text([draft("one", why, said), draft("two", why, said)], shared))
    store = {
        "plugin": "sql",
        "url": "sqlite:////x.db",
        "password": {"env": "PW"},
        "preset": said,
        "saga": {"table": said},
        "locks": {"waiters": {"table": [said, said]}},
    }
    assert table == {
        "config_version": 1,
        "environment": {"name": "prod"},
        "stores": {"one": store, "two": store},
        "sagas": {said: {"steps": [{"name": said}]}},
    }


def test_what_nobody_says_is_not_written() -> None:
    made = configuration_text([Draft("one", "t", (Section((), (Setting("preset", "dtm"),)),))], Written("sqlite:////x"))
    assert tomllib.loads(made) == {
        "config_version": 1,
        "stores": {"one": {"plugin": "sql", "url": "sqlite:////x", "preset": "dtm"}},
    }
