"""A saga that waits for another one: its children are fetched once a page, and only where something may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sagadoctor.api.v1 import (
    Capability,
    Deadline,
    FullScanRefused,
    Policy,
    Saga,
    SagaPolicy,
    SagaState,
    StepDefinition,
    StepStatus,
    Unreachable,
)
from sagadoctor.errors import Busy
from sagadoctor.model.case import Relation
from sagadoctor.testing.builders import CONFIRM, PAY, ago, ahead, changed, order_policy, policy, saga, step
from sagadoctor.testing.memory import EVERYTHING, MemoryLedger, MemoryStore, Raises

from .clinic import Clinic, Report, completed, half_undone, healthy, stuck

PARENT = "0198a0c2-0042-7abc-8def-0123456789ab"


def waits(saga_id: str, **fields: object) -> Saga:
    """A saga that rests until somebody tells it to go on."""
    return saga(SagaState.WAITING, saga_id=saga_id, updated_at=ago(hours=1), **fields)  # type: ignore[arg-type]


def scanned(*rows: Saga, known: Policy | None = None) -> Report:
    report = Clinic(MemoryStore("orders", rows), known=known).scan()
    assert report.blind == []
    return report


def test_a_parent_that_waits_for_a_stuck_child_is_blocked_by_it() -> None:
    report = scanned(waits("p"), stuck("c", parent_id="p"))
    assert report.of("p").rule == "blocked-by"
    assert "c" in report.of("p").summary
    assert report.of("c").rule == "step-timed-out"


def test_a_parent_that_is_late_itself_is_blocked_first_of_all() -> None:
    report = scanned(stuck("p"), stuck("c", parent_id="p"))
    assert report.rules["p"] == ["blocked-by", "step-timed-out"]


def test_a_failed_child_blocks_as_well() -> None:
    assert scanned(waits("p"), half_undone("c", parent_id="p")).of("p").rule == "blocked-by"


@pytest.mark.parametrize(
    "child",
    [
        healthy("c"),
        completed("c", updated_at=ago(days=2)),
        waits("c"),
        saga(SagaState.COMPENSATED, None, saga_id="c", updated_at=ago(days=2)),
        changed(saga(saga_id="c", updated_at=ago(hours=3)), PAY, timeout_at=ahead(minutes=5)),
    ],
    ids=["moves", "ended well", "waits", "was undone", "has time left"],
)
def test_a_child_that_is_well_blocks_nobody(child: Saga) -> None:
    import msgspec

    report = scanned(waits("p"), msgspec.structs.replace(child, parent_id="p"))
    assert "blocked-by" not in report.rules.get("p", [])


def test_a_child_is_judged_by_what_is_known_of_its_own_type() -> None:
    slow = SagaPolicy(steps=(StepDefinition(CONFIRM, timeout=timedelta(hours=5)),))
    child = saga(
        saga_id="c",
        saga_type="Audit",
        steps=[step(CONFIRM, StepStatus.EXECUTING)],
        updated_at=ago(hours=3),
        parent_id="p",
    )
    known = policy({"OrderFulfillment": order_policy(), "Audit": slow})
    assert "blocked-by" not in scanned(waits("p"), child, known=known).rules["p"]
    assert scanned(waits("p"), child).of("p").rule == "blocked-by"


def test_a_child_may_name_its_parent_in_another_spelling() -> None:
    class Loose(MemoryStore):
        async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
            return tuple(row for row in self._told() if row.parent_id is not None)

    rows = [waits(PARENT), stuck("c", parent_id=PARENT.upper())]
    assert Clinic(Loose("orders", rows)).scan().of(PARENT).rule == "blocked-by"


def test_two_that_are_each_others_parent_are_judged_by_themselves() -> None:
    report = scanned(stuck("a", parent_id="b"), stuck("b", parent_id="a"), stuck("c", parent_id="c"))
    assert {saga_id: rules[0] for saga_id, rules in report.rules.items()} == dict.fromkeys("abc", "step-timed-out")


@pytest.mark.parametrize("members", ["a", "ab", "abc", "abcde"])
@pytest.mark.parametrize("page_size", [1, 100])
def test_sagas_that_are_each_others_parents_in_a_circle_are_judged_by_themselves(members: str, page_size: int) -> None:
    above = dict(zip(members, members[-1] + members, strict=False))
    rows = [stuck(name, parent_id=above[name]) for name in members]
    beside = [waits("p", parent_id=members[0]), stuck("q", parent_id="p")]
    report = Clinic(MemoryStore("orders", [*rows, *beside], page_size=page_size)).scan()
    assert report.blind == []
    own = {name: report.rules[name][0] for name in members}
    # The first one waits for `p` as well, which is sick and stands in no circle.
    assert own == {**dict.fromkeys(members, "step-timed-out"), members[0]: own[members[0]]}
    assert report.of("p").rule == "blocked-by"


def test_a_circle_far_up_is_followed_to_its_end() -> None:
    rows = [
        stuck("child", parent_id="p"),
        waits("p", parent_id="a"),
        stuck("a", parent_id="b"),
        stuck("b", parent_id="a"),
    ]
    report = scanned(*rows)
    assert report.of("p").rule == "blocked-by"
    assert report.of("b").rule == "step-timed-out"


def test_a_parent_that_is_not_there_ends_the_line() -> None:
    asked: list[list[str]] = []

    class Asked(MemoryStore):
        async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
            asked.append(list(ids))
            return await super().fetch(ids, deadline, detail=detail)

    rows = [waits("p", parent_id="gone"), stuck("c", parent_id="p"), stuck("d", parent_id="gone")]
    assert Clinic(Asked("orders", rows)).scan().of("p").rule == "blocked-by"
    assert asked == [["gone"]]


def test_a_line_ends_at_a_saga_that_has_ended() -> None:
    asked: list[list[str]] = []

    class Asked(MemoryStore):
        async def fetch(self, ids: Sequence[str], deadline: Deadline, *, detail: bool = False) -> tuple[Saga, ...]:
            asked.append(list(ids))
            return await super().fetch(ids, deadline, detail=detail)

    ended = [completed(f"e{at}", parent_id=f"e{at + 1}") for at in range(9)]
    rows = [waits("p", parent_id="e0"), stuck("c", parent_id="p"), *ended]
    assert Clinic(Asked("orders", rows, page_size=2)).scan().of("p").rule == "blocked-by"
    assert asked == [["e0"]]


def test_parents_that_cant_be_asked_for_are_said_and_cost_no_finding() -> None:
    rows = [waits("p", parent_id="gone"), stuck("c", parent_id="p"), stuck("d")]
    broken = MemoryStore("orders", rows, faults={"fetch": Raises(Busy("locked by somebody else"))})
    report = Clinic(broken).scan()
    assert report.blind == []
    assert report.end.complete
    assert report.of("d").rule == "step-timed-out"
    assert report.of("p").rule == "blocked-by"
    circle = "whether its sagas wait for each other in a circle was not looked at: locked by somebody else"
    assert f"orders: {circle}" in report.end.notes


def test_healthy_sagas_cost_no_question() -> None:
    store = MemoryStore("orders", [healthy("a"), healthy("b", parent_id="a"), completed("c")])
    Clinic(store).scan()
    assert "children" not in store.calls


def test_only_suspicious_live_sagas_are_asked_about_once_a_page() -> None:
    asked: list[list[str]] = []

    class Asked(MemoryStore):
        async def children(self, parents: Sequence[str], deadline: Deadline) -> tuple[Saga, ...]:
            asked.append(list(parents))
            return await super().children(parents, deadline)

    Clinic(Asked("orders", [stuck("a"), healthy("b"), half_undone("c"), stuck("d")])).scan()
    assert asked == [["a", "d"]]


def test_a_store_without_links_is_not_asked() -> None:
    store = MemoryStore("orders", [stuck("a")], capabilities=EVERYTHING - {Capability.LINKS})
    Clinic(store).scan()
    assert "children" not in store.calls


def test_children_that_no_index_finds_are_said_once_and_leave_the_rest_seen() -> None:
    refused = Raises(FullScanRefused("no index finds them", hint="CREATE INDEX parent"))
    store = MemoryStore("orders", [stuck("a"), stuck("b")], page_size=1, faults={"children": refused})
    report = Clinic(store, ledger=MemoryLedger()).scan()
    assert report.rules == {"a": ["step-timed-out"], "b": ["step-timed-out"]}
    assert report.end.complete
    assert store.calls.count("children") == 1
    (note,) = report.end.notes
    assert note == "orders: what its sagas wait for was not looked at: no index finds them (CREATE INDEX parent)"


def test_a_store_that_cant_tell_of_children_is_a_blind_spot_and_accuses_nobody() -> None:
    store = MemoryStore("orders", [stuck("a")], faults={"children": Raises(Unreachable("reset"))})
    report = Clinic(store).scan()
    assert report.rules == {}
    assert report.blind == ["orders"]


class TestShown:
    def test_a_person_sees_the_children_and_the_parent(self) -> None:
        clinic = Clinic(MemoryStore("orders", [waits("p", parent_id="g"), healthy("c", parent_id="p"), healthy("g")]))
        (one,) = clinic.show("p").cases
        assert [(link.relation, link.saga.saga_id) for link in one.case.linked] == [
            (Relation.PARENT, "g"),
            (Relation.CHILD, "c"),
        ]
        assert "blocked-by" not in {finding.rule for finding in one.findings}

    def test_a_blocked_one_says_so(self) -> None:
        clinic = Clinic(MemoryStore("orders", [waits("p"), stuck("c", parent_id="p")]))
        (one,) = clinic.show("p").cases
        assert one.findings[0].rule == "blocked-by"

    def test_what_could_not_be_looked_for_is_a_blind_spot(self) -> None:
        refused = Raises(FullScanRefused("no index finds them", hint="CREATE INDEX parent"))
        shown = Clinic(MemoryStore("orders", [waits("p")], faults={"children": refused})).show("p")
        assert len(shown.cases) == 1
        assert [(spot.source, spot.reason, spot.hint) for spot in shown.blind_spots] == [
            ("orders", "what its sagas wait for was not looked at: no index finds them", "CREATE INDEX parent")
        ]
