"""Drafts get names and answers; a password in a URL goes no further."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.api.deadline import Deadline
from sagadoctor.api.options import Options
from sagadoctor.api.ports import StoreContext, StorePlugin
from sagadoctor.api.proposal import Choice, Draft, Inquiry, Proposal, Question, Section, Setting
from sagadoctor.clock import SystemClock
from sagadoctor.errors import BackendError, ConfigError, Problem, UsageError
from sagadoctor.redaction import Redactor
from sagadoctor.services.propose import answered, one_name_each, propose, refuse_password

QUESTION = Question(("saga",), ("state", "failed_means"), "What is FAILED?", (Choice("failed", "bad"),), "unknown")
DRAFT = Draft(
    "orders",
    "sagas",
    (
        Section(("saga",), (Setting("state", {"column": "s", "failed_means": "unknown"}), Setting("id", "id"))),
        Section(("saga",), (Setting("state", "x"),), outside=True),
    ),
    questions=(QUESTION,),
)


def open_nothing(options: object, context: object) -> None:
    raise AssertionError


def inquiry() -> Inquiry:
    clock = SystemClock()
    return Inquiry("sqlite:////x", StoreContext("init", "init", clock), Deadline.after(clock, 5), "hunter2")


def test_an_answer_takes_its_place_and_the_question_is_gone() -> None:
    done = answered(DRAFT, QUESTION, "failed")
    (state, _), outside = done.sections[0].settings, done.sections[1]
    assert state.value == {"column": "s", "failed_means": "failed"}
    assert state.why == ()
    assert outside == DRAFT.sections[1]
    assert (done.questions, done.todo) == ((), ())


def test_without_an_answer_the_question_is_written_down() -> None:
    done = answered(DRAFT, QUESTION, None)
    state = done.sections[0].settings[0]
    assert state.value["failed_means"] == "unknown"
    assert state.why == ('TODO: What is FAILED? "failed": bad.',)
    assert done.todo == ("What is FAILED?",)


def test_an_answer_fits_a_column_that_is_said_in_short() -> None:
    short = Draft("a", "b", (Section(("saga",), (Setting("state", "s"),)),))
    assert answered(short, QUESTION, "failed").sections[0].settings[0].value == {
        "column": "s",
        "failed_means": "failed",
    }


@given(st.lists(st.sampled_from("abc"), max_size=8), st.none() | st.just("shop"))
def test_each_draft_has_a_name_of_its_own(names: list[str], name: str | None) -> None:
    drafts = one_name_each([Draft(each, each, ()) for each in names], name)
    assert [draft.place for draft in drafts] == names
    assert len({draft.name for draft in drafts}) == len(names)
    assert all(draft.name.startswith(name or draft.place) for draft in drafts)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@db/x",
        "mysql://me:@db/x",
        "postgresql://db/x?password=secret",
        "mysql://h/x?passwd=secret",
    ],
)
def test_a_password_in_a_url_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_password(url)
    assert "secret" not in str(refused.value)
    assert "--password-env" in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me@db/x", "sqlite:////a:b@c.db", "postgresql://db/x?sslmode=require", "x"]
)
def test_a_url_without_one_is_taken(url: str) -> None:
    refuse_password(url)


def test_a_plugin_without_proposals_says_so() -> None:
    plugin = StorePlugin(Options, open_nothing)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="can't propose"):
        asyncio.run(propose(plugin, inquiry(), Redactor()))


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ConfigError([Problem("no such scheme")]), ConfigError),
        (ValueError("hunter2"), BackendError),
        (BackendError("hunter2"), BackendError),
    ],
)
def test_what_a_plugin_raises_is_told_without_secrets(raised: Exception, told: type[Exception]) -> None:
    async def fail(_: Inquiry) -> Proposal:
        raise raised

    redactor = Redactor()
    redactor.learn("hunter2")
    plugin = StorePlugin(Options, open_nothing, propose=fail)  # type: ignore[arg-type]
    with pytest.raises(told) as failed:
        asyncio.run(propose(plugin, inquiry(), redactor))
    assert "hunter2" not in str(failed.value)


def test_an_inquiry_does_not_tell_its_password() -> None:
    assert "hunter2" not in repr(inquiry())
