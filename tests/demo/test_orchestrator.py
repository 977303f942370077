"""What the orchestrator does, and the template's bugs, which are kept because real sagas get stuck by them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sagadoctor.demo.approvals import Decision
from sagadoctor.demo.faults import DuplicateReply, LateReply, LostReply, NeverAnswers, SlowWork
from sagadoctor.demo.saga import SagaTable, Status
from sagadoctor.demo.schema import APPROVALS, EMAILS, LEDGER_ENTRIES, OUTBOX, PAYMENTS, REFUNDS, RESERVATIONS, SHIPMENTS
from sagadoctor.demo.topics import ASK_APPROVAL, PAY, REFUND, RELEASE, RESERVE, SHIP
from sagadoctor.demo.world import Order, Transfer, World

from .conftest import NOON, Look

HOUR = timedelta(hours=1)
NEVER = Decision(None)
ORDER = Order(reference="A-1")


def test_an_order_is_fulfilled_once(world: World, look: Look) -> None:
    world.place(ORDER)
    world.run_for(HOUR)
    saga = look.saga("A-1")
    assert (saga.state, saga.current_step) == ("completed", 5)
    assert look.statuses("A-1") == ["completed"] * 5
    assert [look.count(table) for table in (RESERVATIONS, PAYMENTS, SHIPMENTS, EMAILS)] == [1, 1, 1, 1]


def test_a_transfer_is_carried_out_once(world: World, look: Look) -> None:
    world.transfer(Transfer(reference="T-1"))
    world.run_for(HOUR)
    assert (look.saga("T-1").state, look.statuses("T-1")) == ("completed", ["completed"] * 4)
    assert [entry.kind for entry in look.rows(LEDGER_ENTRIES)] == ["debit", "credit", "posting"]


def test_the_row_and_the_command_are_committed_before_anything_is_published(world: World, look: Look) -> None:
    world.place(ORDER)
    saga, (command,) = look.saga("A-1"), look.rows(OUTBOX)
    assert (saga.state, saga.steps[0]["status"]) == ("started", "executing")
    assert (command.topic, command.saga_id, command.step) == (RESERVE, saga.saga_id, "reserve_inventory")
    assert (command.msg_key, command.sent_at) == (saga.saga_id, None)
    assert look.count(RESERVATIONS) == 0


def test_a_step_has_the_fields_of_the_template_and_naive_times(world: World, look: Look) -> None:
    world.place(ORDER)
    world.run_for(HOUR)
    fields = {"name", "action", "compensation", "status", "result", "error"}
    assert set(look.saga("A-1").steps[0]) == fields | {"executed_at", "compensated_at", "timeout_at"}
    assert look.step("A-1", "reserve_inventory")["timeout_at"] == "2026-11-20T12:02:00"
    assert look.step("A-1", "manager_approval")["timeout_at"] is None
    assert look.step("A-1", "manager_approval")["compensation"] is None


def test_an_end_is_announced(world: World, look: Look) -> None:
    world.place(ORDER)
    world.place(Order(reference="A-2", payment_method="expired card"))
    world.run_for(HOUR)
    announced = {row.topic: json.loads(row.payload)["reference"] for row in look.rows(OUTBOX) if row.step is None}
    assert announced == {"OrderFulfillmentCompleted": "A-1", "OrderFulfillmentFailed": "A-2"}


def test_an_undo_carries_what_the_action_answered(world: World, look: Look) -> None:
    world.place(Order(reference="A-1", payment_method="expired card"))
    world.run_for(HOUR)
    (undo,) = [json.loads(row.payload) for row in look.rows(OUTBOX) if row.topic == RELEASE]
    assert undo["step_name"] == "reserve_inventory"
    assert undo["original_result"] == look.step("A-1", "reserve_inventory")["result"]
    assert undo["reference"] == "A-1"


def test_the_data_comes_last_and_may_overwrite_the_envelope(world: World, look: Look) -> None:
    world.orders.start("the-real-id", {"reference": "A-1", "step_name": "something else"})
    (command,) = look.rows(OUTBOX)
    assert json.loads(command.payload)["step_name"] == "something else"


def test_a_failure_undoes_what_was_done_and_closes(world: World, look: Look) -> None:
    world.place(ORDER, Decision(timedelta(minutes=1), approves=False))
    world.run_for(HOUR)
    assert look.saga("A-1").state == "failed"
    assert look.statuses("A-1") == ["compensated", "compensated", "failed", "pending", "pending"]
    (reservation,), (refund,) = look.rows(RESERVATIONS), look.rows(REFUNDS)
    assert reservation.released_at is not None
    assert refund.amount_cents == ORDER.amount_cents


def test_a_completed_step_that_cannot_be_undone_does_not_keep_the_saga_open(world: World, look: Look) -> None:
    world.place(Order(reference="A-1", carrier="none"))
    world.run_for(HOUR)
    assert look.saga("A-1").state == "failed"
    assert look.statuses("A-1") == ["compensated", "compensated", "completed", "failed", "pending"]


def test_all_undos_are_sent_at_once_the_last_first(world: World, look: Look) -> None:
    world.place(ORDER, Decision(timedelta(minutes=1), approves=False))
    world.run_for(HOUR)
    undos = [(row.topic, row.created_at) for row in look.rows(OUTBOX) if row.topic in (REFUND, RELEASE)]
    assert [topic for topic, _ in undos] == [REFUND, RELEASE]
    assert undos[0][1] == undos[1][1]


def test_neither_an_undo_nor_the_start_of_a_step_touches_updated_at(world: World, look: Look) -> None:
    world.place(ORDER, Decision(timedelta(minutes=1), approves=False))
    world.run_for(HOUR)
    saga = look.saga("A-1")
    undone_at = [datetime.fromisoformat(step["compensated_at"]) for step in saga.steps[:2]]
    assert all(at > saga.updated_at for at in undone_at)

    world.place(Order(reference="A-2"))
    assert look.saga("A-2").updated_at == look.saga("A-2").created_at


def test_executed_at_is_when_a_step_ended(world: World, look: Look) -> None:
    world.suffer(SlowWork(topic=PAY, takes=timedelta(seconds=30)))
    world.place(ORDER, NEVER)
    world.run_for(HOUR)
    begun = datetime.fromisoformat(look.step("A-1", "reserve_inventory")["executed_at"])
    ended = datetime.fromisoformat(look.step("A-1", "process_payment")["executed_at"])
    assert ended - begun > timedelta(seconds=30)


def test_a_step_that_is_too_late_is_failed(world: World, look: Look) -> None:
    world.suffer(LostReply(topic=PAY))
    world.place(ORDER)
    world.run_for(timedelta(seconds=50))
    assert look.step("A-1", "process_payment")["status"] == "executing"
    world.run_for(HOUR)
    payment = look.step("A-1", "process_payment")
    assert (payment["status"], payment["error"]) == ("failed", "Step timed out")
    assert (look.saga("A-1").state, look.count(PAYMENTS), look.count(REFUNDS)) == ("failed", 1, 0)


def test_a_timeout_checker_that_was_stopped_has_forgotten_what_it_waited_for(world: World, look: Look) -> None:
    world.suffer(LostReply(topic=PAY))
    world.place(ORDER)
    world.run_for(timedelta(seconds=30))
    world.orders.timeouts.stop()
    world.orders.timeouts.start()
    world.run_for(HOUR)
    assert look.step("A-1", "process_payment")["status"] == "executing"


def test_a_step_without_a_timeout_waits_for_ever(world: World, look: Look) -> None:
    world.place(ORDER, NEVER)
    world.run_for(timedelta(days=4))
    assert look.step("A-1", "manager_approval")["status"] == "executing"


def test_bug_a_first_step_that_fails_leaves_the_saga_compensating_for_ever(world: World, look: Look) -> None:
    world.place(Order(reference="A-1", sku="grand piano"))
    world.run_for(timedelta(days=4))
    assert look.saga("A-1").state == "compensating"
    assert look.statuses("A-1") == ["failed"] + ["pending"] * 4
    assert [row.topic for row in look.rows(OUTBOX)] == [RESERVE]


def test_bug_a_duplicate_reply_starts_the_step_after_next(world: World, look: Look) -> None:
    world.suffer(DuplicateReply(topic=PAY, after=timedelta(seconds=1)))
    world.place(ORDER, NEVER)
    world.run_for(timedelta(seconds=30))
    saga = look.saga("A-1")
    assert saga.current_step == 3
    assert look.statuses("A-1") == ["completed", "completed", "executing", "executing", "pending"]


def test_bug_a_saga_can_complete_while_a_step_is_still_out(world: World, look: Look) -> None:
    world.suffer(DuplicateReply(topic=RESERVE, after=timedelta(seconds=1)))
    world.place(ORDER, NEVER)
    world.run_for(HOUR)
    assert look.saga("A-1").state == "completed"
    assert look.step("A-1", "manager_approval")["status"] == "executing"


def test_bug_a_late_success_revives_a_saga_that_was_closed(world: World, look: Look) -> None:
    world.suffer(LateReply(topic=PAY, by=timedelta(seconds=90)))
    world.place(ORDER, NEVER)
    world.run_for(timedelta(seconds=80))
    assert look.saga("A-1").state == "failed"
    world.run_for(timedelta(seconds=80))
    assert look.saga("A-1").state == "pending"
    assert look.statuses("A-1") == ["compensated", "completed", "executing", "pending", "pending"]


def test_bug_a_late_success_revives_a_saga_whose_undo_is_out(world: World, look: Look) -> None:
    world.suffer(LateReply(topic=PAY, by=timedelta(seconds=90)))
    world.suffer(LostReply(topic=RELEASE))
    world.place(ORDER, NEVER)
    world.run_for(timedelta(minutes=3))
    assert look.saga("A-1").state == "pending"
    assert look.statuses("A-1") == ["compensating", "completed", "executing", "pending", "pending"]


def test_bug_a_stale_failure_marks_a_step_that_was_done(world: World, look: Look) -> None:
    world.place(ORDER)
    world.run_for(HOUR)
    saga = look.saga("A-1")
    world.orders.handle_step_failed(saga.saga_id, "create_shipment", "no such parcel")
    world.run_for(HOUR)
    shipment = look.step("A-1", "create_shipment")
    assert look.saga("A-1").state == "failed"
    assert (shipment["status"], shipment["error"]) == ("failed", "no such parcel")
    assert shipment["result"] is not None


def test_bug_a_reply_for_a_step_nobody_knows_moves_the_cursor_too(world: World, look: Look) -> None:
    world.suffer(NeverAnswers(topic=RESERVE))
    world.place(ORDER)
    world.orders.handle_step_completed(look.saga("A-1").saga_id, "no such step", {})
    assert (look.saga("A-1").current_step, look.statuses("A-1")[:2]) == (1, ["executing", "executing"])


def test_replies_about_somebody_elses_sagas_are_ignored(world: World, look: Look) -> None:
    world.place(ORDER, NEVER)
    before = look.saga("A-1")
    for handle in (world.orders, world.transfers):
        handle.handle_step_completed("nobody", "reserve_inventory", {})
        handle.handle_step_failed("nobody", "reserve_inventory", "?")
        handle.handle_compensation_completed("nobody", "reserve_inventory")
        handle.time_out("nobody", "reserve_inventory")
    world.transfers.handle_step_completed(before.saga_id, "reserve_inventory", {})
    assert look.saga("A-1") == before


def test_only_the_transfers_close_a_saga_with_an_undo_that_was_never_sent(world: World, look: Look) -> None:
    orders, transfers = world.orders.kind, world.transfers.kind
    world.place(ORDER)
    world.run_for(HOUR)
    with world.database.transaction() as connection:
        saga = SagaTable(orders.saga_type).get(connection, look.saga("A-1").saga_id)
    assert saga is not None
    saga.steps[1].status = Status.COMPENSATED
    assert not orders.is_settled(saga)
    assert transfers.is_settled(saga)


def test_the_task_for_a_person_is_on_the_desk_once(world: World, look: Look) -> None:
    world.place(ORDER, NEVER)
    world.run_for(timedelta(minutes=1))
    (request,) = [row for row in look.rows(OUTBOX) if row.topic == ASK_APPROVAL]
    with world.database.transaction() as connection:
        connection.execute(OUTBOX.update().where(OUTBOX.c.position == request.position).values(sent_at=None))
    world.run_for(timedelta(minutes=1))
    assert look.step("A-1", "manager_approval")["status"] == "executing"
    (task,) = look.rows(APPROVALS)
    assert (task.reference, task.decided_at) == ("A-1", None)
    world.desk.decide(task.saga_id, task.step, approves=True)
    world.run_for(timedelta(minutes=1))
    assert look.rows(APPROVALS)[0].decided_at is not None
    assert look.step("A-1", "create_shipment")["status"] == "executing"
    assert SHIP in {row.topic for row in look.rows(OUTBOX)}


def test_the_clock_of_the_company_stands_where_it_was_told_to(world: World) -> None:
    world.place(ORDER)
    world.run(NOON + HOUR)
    assert world.now() == NOON + HOUR
