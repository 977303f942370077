"""Which findings a person asked for; the same filters for every verb that takes many."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from sagadoctor.model.finding import Finding, Subject
from sagadoctor.model.seen import SeenFinding


class Filters(msgspec.Struct, frozen=True):
    """Each set is an alternative, all must hold; None means any.

    `saga_ids` says which rows are read in the first place, in any usual spelling: what is found is not compared again.
    """

    stores: frozenset[str] | None = None
    saga_types: frozenset[str] | None = None
    steps: frozenset[str] | None = None
    states: frozenset[str] | None = None
    rules: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    keys: frozenset[str] | None = None
    saga_ids: frozenset[str] | None = None
    older_than: timedelta | None = None

    @property
    def narrows(self) -> bool:
        """Say whether anything is left out."""
        return self != Filters()

    def takes(self, finding: Finding) -> bool:
        """Say whether the finding was asked for; a state matches as our word or as the store's own."""
        if self.stores is not None and finding.store not in self.stores:
            return False
        if finding.subject is not Subject.SAGA:
            return Filters(stores=self.stores, rules=self.rules) == self and _in(finding.rule, self.rules)
        return (
            _in(finding.saga_type, self.saga_types)
            and _in(finding.step, self.steps)
            and (self.states is None or finding.state in self.states or finding.raw_state in self.states)
            and _in(finding.rule, self.rules)
            and _in(finding.group, self.groups)
            and _in(finding.business_key, self.keys)
            and (
                self.older_than is None
                or (finding.age_seconds is not None and finding.age_seconds >= self.older_than.total_seconds())
            )
        )

    def covers(self, seen: SeenFinding) -> bool:
        """Say whether a scan with these filters would have met this finding again, had it still held."""
        if any(each is not None for each in (self.steps, self.states, self.keys, self.older_than, self.groups)):
            return False
        return (
            _in(seen.store, self.stores)
            and _in(seen.saga_type, self.saga_types)
            and _in(seen.rule, self.rules)
            and _in(seen.saga_id, self.saga_ids)
        )


def _in(value: str | None, wanted: frozenset[str] | None) -> bool:
    return wanted is None or (value is not None and value in wanted)
