"""A real DBOS application in every situation at once, killed with SIGKILL in the middle of its work.

`python dbos_company.py URL doomed` begins one workflow as worker-0 and is killed. `python dbos_company.py URL all`
recovers that one as worker-1, begins all others, prints what they are and is killed too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSClient, SetWorkflowID, SetWorkflowTimeout

URL, TASK = sys.argv[1:3]
MENDED = False
HANGING: set[str] = set()
PATIENCE = 30.0

DBOS(
    config={
        "name": "orders",
        "system_database_url": URL,
        "executor_id": "worker-0" if TASK == "doomed" else "worker-1",
        "run_admin_server": False,
        "log_level": "CRITICAL",
    }
)


def hang(order: str) -> None:
    HANGING.add(order)
    time.sleep(600)


@DBOS.step()
def reserve_stock(order: str) -> dict[str, str]:
    return {"reservation": f"R-{order}"}


@DBOS.step()
def charge_card(order: str) -> dict[str, Any]:
    return {"charge": f"ch-{order}", "amount": 130.9}


@DBOS.step()
def ship(order: str) -> str:
    if not MENDED:
        raise RuntimeError("carrier rejected the address")
    return "shipped"


@DBOS.step()
def refund_card(order: str, how: str) -> None:
    if how == "stuck":
        hang(order)
    if how == "fails":
        raise ConnectionError("payment gateway 503")


@DBOS.step()
def release_stock(order: str, how: str) -> None:
    if how == "half stuck":
        hang(order)


@DBOS.step()
def ask_supplier(order: str) -> None:
    hang(order)


@DBOS.workflow()
def order_saga(order: str, how: str = "undone") -> str:
    reserve_stock(order)
    charge_card(order)
    try:
        return ship(order)
    except RuntimeError:
        if how == "told":
            DBOS.set_event("state", "compensating")
            refund_card(order, "stuck")
        if how != "bare":
            refund_card(order, how)
            release_stock(order, how)
        raise


@DBOS.workflow()
def purchase(order: str) -> None:
    reserve_stock(order)
    charge_card(order)


@DBOS.workflow()
def supply(order: str) -> None:
    reserve_stock(order)
    ask_supplier(order)


@DBOS.workflow()
def unknown_supply(order: str) -> None:
    reserve_stock(order)
    ask_supplier(order)


@DBOS.workflow()
def approval(order: str) -> None:
    reserve_stock(order)
    DBOS.recv("approval", timeout_seconds=3600)


@DBOS.workflow()
def announcement(order: str) -> None:
    DBOS.get_event("nobody", "ready", timeout_seconds=3600)


@DBOS.workflow()
def reminder(order: str) -> None:
    reserve_stock(order)
    DBOS.sleep(3600)


@DBOS.workflow()
def caught(order: str) -> str:
    """Lives with a failure: nothing is wrong."""
    try:
        ship(order)
    except RuntimeError:
        return "by post"
    return "shipped"


@DBOS.workflow()
def parent(order: str) -> None:
    reserve_stock(order)
    with SetWorkflowID(f"{order}-child"):
        child = DBOS.start_workflow(unknown_supply, f"{order}-child")
    child.get_result()


@DBOS.workflow(max_recovery_attempts=0)
def doomed(order: str) -> None:
    reserve_stock(order)
    ask_supplier(order)


def begin(order: str, workflow: Callable[..., Any], *given: object) -> Any:
    with SetWorkflowID(order):
        return DBOS.start_workflow(workflow, order, *given)


def until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            sys.exit(f"not within {PATIENCE} s: {what}")
        time.sleep(0.01)


def status(order: str) -> str:
    found = DBOS.get_workflow_status(order)
    return found.status if found is not None else "nothing"


def steps(order: str) -> list[str]:
    return [step["function_name"] for step in DBOS.list_workflow_steps(order)]


def ended(handle: Any) -> None:
    with contextlib.suppress(RuntimeError, ConnectionError):
        handle.get_result()


DBOS.launch()
if TASK == "doomed":
    begin("doomed", doomed)
    until(lambda: "doomed" in HANGING, "doomed at work")
    os.kill(os.getpid(), signal.SIGKILL)

DBOS._recover_pending_workflows(["worker-0"])
for handle in [
    begin("done", purchase),
    begin("caught", caught),
    *(begin(how, order_saga, how) for how in ("undone", "fails", "bare", "mended")),
]:
    ended(handle)
MENDED = True
with SetWorkflowID("mended-again"):
    ended(DBOS.fork_workflow("mended", 3))
MENDED = False
for order, workflow, given in (
    ("hanging", supply, ()),
    ("hanging-unknown", unknown_supply, ()),
    ("stuck", order_saga, ("stuck",)),
    ("half stuck", order_saga, ("half stuck",)),
    ("told", order_saga, ("told",)),
    ("approval", approval, ()),
    ("announcement", announcement, ()),
    ("reminder", reminder, ()),
    ("parent", parent, ()),
    ("cancelled", unknown_supply, ()),
):
    begin(order, workflow, *given)
with SetWorkflowTimeout(900):
    begin("late", unknown_supply)
client = DBOSClient(system_database_url=URL)
for order, more in (("queued", {}), ("delayed", {"delay_seconds": 3600})):
    client.enqueue({"workflow_name": "purchase", "queue_name": "nobody", "workflow_id": order, **more}, order)
for order in ("hanging", "hanging-unknown", "stuck", "half stuck", "told", "parent-child", "cancelled", "late"):
    until(lambda order=order: order in HANGING, f"{order} at work")
for order in ("approval", "announcement", "reminder"):
    until(lambda order=order: "DBOS.sleep" in steps(order), f"{order} asleep")
DBOS.cancel_workflow("cancelled")
until(lambda: status("doomed") == "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "doomed given up")
os.kill(os.getpid(), signal.SIGKILL)
