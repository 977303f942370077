"""Values of a filter that nothing matched: a typing mistake must not look like health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Final

import msgspec

from sagadoctor.model.finding import Finding
from sagadoctor.model.policy import Policy
from sagadoctor.model.saga import Saga, SagaState

from .filters import Filters

_MOST: Final = 1_000
_NAMED: Final = 5
_LONGEST: Final = 120
_READ: Final = "stores that were read"
_KEYED: Final = "stores with keys"
_SENTENCES: Final = {
    "saga_types": "no saga that was read is of type",
    "states": "no saga that was read is in state",
    "steps": "no saga that was read has a step",
    "groups": "no finding of this scan is of group",
    "keys": "no saga that was read has the key",
}

Words = Mapping[str, frozenset[str]]
"""What a page has, by the name of the filter that asks for it."""


def words_of(sagas: Sequence[Saga], findings: Iterable[Finding], filters: Filters) -> Words:
    """Return what one page has of the kinds that are asked for."""
    words: dict[str, frozenset[str]] = {}
    if filters.saga_types is not None:
        words["saga_types"] = frozenset(saga.saga_type for saga in sagas if saga.saga_type)
    if filters.states is not None:
        raw = {saga.raw_state for saga in sagas if saga.raw_state}
        words["states"] = frozenset(raw.union(saga.state.value for saga in sagas))
    if filters.steps is not None:
        words["steps"] = frozenset(step.name for saga in sagas for step in saga.steps or ())
    if filters.groups is not None:
        words["groups"] = frozenset(finding.group for finding in findings)
    if filters.keys is not None:
        words["keys"] = frozenset(saga.business_key for saga in sagas if saga.business_key)
        words[_READ] = frozenset(saga.store for saga in sagas)
        words[_KEYED] = frozenset(saga.store for saga in sagas if saga.business_key)
    return words


class Unmatched(msgspec.Struct):
    """Remembers of what was read as much as tells which value of a filter fits nothing, and what it may have meant."""

    filters: Filters
    _met: dict[str, set[str]] = msgspec.field(default_factory=dict)

    def take(self, words: Words) -> None:
        """Take in what one page has; memory stays flat however many words there are."""
        for kind, found in words.items():
            met = self._met.setdefault(kind, set())
            met |= found & (getattr(self.filters, kind, None) or frozenset())
            met.update(islice(sorted(found - met), max(0, _MOST - len(met))))

    def told(self, policy: Policy) -> tuple[str, ...]:
        """Return a sentence for each filter some of whose values nothing has that was read or is configured."""
        configured = {
            "saga_types": set(policy.by_type),
            "states": {state.value for state in SagaState},
            "steps": {step.name for saga in policy.by_type.values() for step in saga.steps},
        }
        notes = []
        for kind, sentence in _SENTENCES.items():
            known = configured.get(kind, set()) | self._met.get(kind, set())
            missing = sorted((getattr(self.filters, kind) or frozenset()) - known)
            if missing:
                named = " or ".join(_named(word, known if kind in configured else ()) for word in missing[:_NAMED])
                more = f" or {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
                notes.append(f"{sentence} {named}{more}")
        keyless = sorted(self._met.get(_READ, set()) - self._met.get(_KEYED, set()))
        if keyless:
            named = f"{', '.join(keyless[:_NAMED])}{' and others' if len(keyless) > _NAMED else ''}"
            notes.append(f"no saga that was read of {named} tells a business key, so --key leaves them all out")
        return tuple(notes)


def _named(word: str, known: Iterable[str]) -> str:
    if len(word) > _LONGEST:
        return f"{word[:_LONGEST]}…"
    spelt = {each.lower(): each for each in sorted(known)}
    near = get_close_matches(word.lower(), spelt, n=1)
    return f"{word} (did you mean {spelt[near[0]]}?)" if near else word
