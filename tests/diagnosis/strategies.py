"""Arbitrary sagas and policies: odd words, missing times, absurd spans, whatever a store may hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sagadoctor.model.case import LinkedSaga, Relation
from sagadoctor.model.observation import Observation, Tries
from sagadoctor.model.policy import SagaPolicy, StepDefinition, Thresholds
from sagadoctor.model.saga import (
    Doubt,
    LockWait,
    OutboxEntry,
    Owner,
    Receipt,
    Reply,
    ReplyOutcome,
    Saga,
    SagaState,
    Step,
    StepStatus,
)
from sagadoctor.testing.builders import NOW, ORDER_TYPE, SOURCE, STORE

_CALM = (HealthCheck.too_slow,)
"""A busy machine says nothing about a test."""
QUICK = settings(max_examples=150, deadline=None, database=None, suppress_health_check=_CALM)
THOROUGH = settings(QUICK, max_examples=250)

NAMES = ("a", "b", "c", "d")
STRANGE = ("", " ", "\x1b[31m", "a\nb", "[@click=x]y[/]", "\u202egnp", "\ud800", "a" * 300, "%s {0} {x}", "'; --", "٣")
ERRORS = ("declined", "asyncio.TimeoutError()", "deadline exceeded", "no row 4711", "", *STRANGE)

LONG_AGO = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
_USUAL = [
    timedelta(seconds=at) for at in (0, 1, 29, 30, 31, 59, 60, 61, 300, 600, 601, 900, 901, 3600, 86_400, 999_999)
]

names = st.sampled_from(NAMES) | st.sampled_from(STRANGE)
texts = st.none() | st.sampled_from(ERRORS)
spans = st.one_of(
    st.sampled_from(_USUAL),
    st.integers(-(10**6), 10**6).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from((timedelta.min, timedelta.max, timedelta(days=-1), timedelta(days=4_000_000))),
)
moments = st.one_of(
    st.sampled_from(_USUAL).map(lambda span: NOW - span),
    st.sampled_from(_USUAL).map(lambda span: NOW + span),
    st.sampled_from((LONG_AGO, NEVER, NOW)),
)
times = st.none() | moments
counts = st.none() | st.sampled_from((-1, 0, 1, 9, 10, 11, 10**9))


past_times = st.none() | st.sampled_from(_USUAL).map(lambda span: NOW - timedelta(seconds=1) - span)


def _steps(at: st.SearchStrategy[datetime | None]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        name=names,
        index=st.integers(-1, 6),
        status=st.sampled_from(StepStatus),
        raw_status=texts,
        action=texts,
        compensation=texts,
        started_at=at,
        executed_at=at,
        compensated_at=at,
        timeout_at=times,
        attempts=counts,
        next_attempt_at=times,
        error=texts,
        result=st.none() | st.sampled_from((b"", b"{}", b'{"id": 7}', b"\xff\xfe")),
        derived=st.booleans(),
    )


owners = st.builds(Owner, name=names, alive=st.sampled_from((None, True, False)), lease_until=times, heartbeat_at=times)
outboxes = st.builds(
    OutboxEntry,
    entry_id=names,
    source=st.just("orders.outbox"),
    step=st.none() | names,
    sent=st.sampled_from((None, True, False)),
    created_at=times,
    sent_at=times,
)
receipts = st.builds(Receipt, message_id=names, source=st.just("orders.received"), consumer=st.none() | names, at=times)
answers = st.builds(
    Reply,
    reply_id=names,
    answers=names,
    source=st.just("orders.message"),
    outcome=st.none() | st.sampled_from(ReplyOutcome),
    at=times,
    sent=st.sampled_from((None, True, False)),
    taken=st.sampled_from((None, True, False)),
    taken_by=st.none() | names,
)
waits = st.builds(LockWait, target=names, source=st.just("orders.locks"), holder_id=st.none() | names)
doubts = st.builds(
    Doubt,
    field=st.sampled_from(
        (
            *("state", "steps", "steps[0].status", "updated_at", "id", "steps[1].executed_at"),
            *("deadline", "steps[0].timeout_at", "steps[1].timeout_at"),
        )
    ),
    raw=st.sampled_from(("NULL", *STRANGE)),
    reason=st.just("not a time"),
)


def sagas(at: st.SearchStrategy[datetime | None]) -> st.SearchStrategy[Saga]:
    """Return sagas whose movements are of these moments; deadlines, leases and next attempts may be any."""
    return st.builds(
        Saga,
        store=st.just(STORE),
        saga_id=names,
        state=st.sampled_from(SagaState),
        raw_state=texts,
        saga_type=st.sampled_from((None, ORDER_TYPE, "")),
        source=st.just(SOURCE),
        current_step=st.none() | names,
        steps=st.none() | st.lists(_steps(at), max_size=4).map(tuple),
        business_key=texts,
        created_at=at,
        updated_at=at,
        ended_at=at,
        deadline=times,
        attempts=counts,
        next_attempt_at=times,
        error=texts,
        owner=st.none() | owners,
        waiting_for=st.sampled_from((None, None, "person", "timer", "the moon", "")),
        repaired_by=st.none() | names,
        outbox=st.lists(outboxes, max_size=2).map(tuple),
        received=st.lists(receipts, max_size=2).map(tuple),
        replies=st.lists(answers, max_size=2).map(tuple),
        waits_on=st.lists(waits, max_size=2).map(tuple),
        doubts=st.lists(doubts, max_size=2).map(tuple),
    )


any_saga = sagas(times)
past_saga = sagas(past_times)

definitions = st.builds(
    StepDefinition,
    name=names,
    action=texts,
    compensation=texts,
    timeout=st.none() | spans,
    waits_for=st.sampled_from((None, None, "person", "timer", "signal")),
    max_wait=st.none() | spans,
    compensable=st.sampled_from((None, True, False)),
    pivot=st.booleans(),
    optional=st.booleans(),
    alternative_of=st.none() | names,
    idempotent=st.sampled_from(("unknown", "none", "header")),
)
any_policy = st.builds(
    SagaPolicy,
    thresholds=st.builds(
        Thresholds,
        no_progress=spans,
        compensation=spans,
        attempts=st.sampled_from((-1, 0, 1, 10)),
        skew=spans,
        lease_grace=spans,
        max_wait=spans,
        wake_up=spans,
        outbox=spans,
    )
    | st.just(Thresholds()),
    steps=st.lists(definitions, max_size=4).map(tuple),
    parallel=st.booleans(),
    compensation_order=st.sampled_from(("any", "reverse")),
)

observations = st.builds(
    Observation, fingerprint=st.just("x"), since=moments, seen_at=st.just(NOW), first_look=st.booleans()
)
some_tries = st.builds(
    Tries,
    mark=st.just("x"),
    since=moments,
    first=st.sampled_from((1, 2, 7, 10**9)),
    latest=st.sampled_from((1, 9, 10**9)),
    seen_at=st.just(NOW),
)
links = st.lists(st.builds(LinkedSaga, relation=st.sampled_from(Relation), saga=any_saga), max_size=2).map(tuple)
