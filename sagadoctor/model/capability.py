"""What a backend says it can do; nothing is assumed of one that doesn't say."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """A power of a backend; a service asks before it relies on one."""

    STEPS = "steps"
    """The store tells the steps of a saga."""
    TIMES = "times"
    """The store tells when a saga last moved, so no observations are needed."""
    ENDED = "ended"
    """Ended sagas stay in the store and can be read."""
    BUSINESS_KEYS = "business_keys"
    """Sagas can be found by the business's own key, and counted by it."""
    OUTBOX = "outbox"
    """The commands that wait to leave can be seen."""
    RECEIVED = "received"
    """Who received a saga's latest commands can be seen."""
    REPLIES = "replies"
    """What was answered to a saga's latest commands can be seen."""
    LOCKS = "locks"
    """The locks that sagas wait for can be seen, and which saga holds each."""
    LINKS = "links"
    """Parent and child sagas can be followed."""
    PAYLOAD = "payload"
    """The saga's data can be fetched for one saga."""
