"""The whole company, wired: two orchestrators, their participants, a bus, a relay, and one clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Engine, insert

from .approvals import ApprovalDesk, Decision
from .bank import CLOSED_ACCOUNT, OPENING_BALANCES, AccountService, FraudService, LedgerService
from .bus import Bus, MemoryBus
from .chance import Chance
from .couriers import Courier, DirectCourier, OutboxCourier
from .database import Database
from .faults import Fault, Faults, StoppedRelay, StoppedTimeoutChecker
from .kinds import BANK_TRANSFER, ORDER_FULFILLMENT, SagaKind
from .letters import DeadLetters
from .orchestrator import Orchestrator
from .participants import Ground, Participant
from .process import Process, ProcessDied
from .relay import Relay
from .saga import SagaTable
from .schedule import Schedule
from .schema import ACCOUNTS, STOCK, create_tables
from .shop import (
    OPENING_STOCK,
    InventoryService,
    NotificationService,
    PaymentService,
    ShippingService,
)
from .timeouts import TimeoutChecker

SERVICES: Final[tuple[type[Participant], ...]] = (
    InventoryService,
    PaymentService,
    ShippingService,
    NotificationService,
    FraudService,
    AccountService,
    LedgerService,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a customer asks for; `reference` is the business key."""

    reference: str
    customer: str = "Ada Lindt"
    email: str = "ada.lindt@example.com"
    sku: str = "chair"
    quantity: int = 1
    amount_cents: int = 149_00
    payment_method: str = "card"
    carrier: str = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money to move from one account to another; `reference` is the business key."""

    reference: str
    source: str = "DE-ada"
    target: str = "DE-bela"
    amount_cents: int = 250_00
    period: str = "open"


class World:
    """A small company that runs until told to stop; looking at its tables is the only way to see what it did."""

    def __init__(self, engine: Engine, starts_at: datetime, seed: int = 1, bus: Bus | None = None) -> None:
        """Furnish an empty database and open for business; another `bus` may stand in for the built-in one."""
        create_tables(engine)
        self.schedule = Schedule(starts_at)
        self.database = Database(engine)
        self.faults = Faults()
        self.chance = Chance(seed)
        letters = DeadLetters(self.database, self.schedule.clock)
        self.bus: Bus = MemoryBus(self.schedule, self.chance, letters) if bus is None else bus
        self.relay = Relay(self.database, self.bus, self.schedule, self.faults)
        self.started: defaultdict[str, list[str]] = defaultdict(list)
        """Ids of the sagas begun for each business key, in order."""
        ground = Ground(self.schedule, self.database, self.bus, self.chance, self.faults)
        self.services: Mapping[str, Participant] = {service.__name__: service(ground) for service in SERVICES}
        self.desk = ApprovalDesk(ground)
        self.orders = self._open_orders()
        self.transfers = self._open_transfers()
        self._fill_the_shelves()

    def now(self) -> datetime:
        """Return the company's present."""
        return self.schedule.now()

    def run(self, until: datetime) -> None:
        """Let the company work until then; rows that others put into its outbox are taken along."""
        self.relay.nudge()
        self.schedule.run(until)

    def run_for(self, span: timedelta) -> None:
        """Let the company work for so long."""
        self.run(self.now() + span)

    def place(self, order: Order, decision: Decision | None = None) -> None:
        """Take an order now; `decision` says what the person who approves will do."""
        if decision is not None:
            self.desk.decisions[order.reference] = decision
        self._begin(self.orders, order.reference, asdict(order))

    def transfer(self, transfer: Transfer) -> None:
        """Take a transfer now."""
        self._begin(self.transfers, transfer.reference, asdict(transfer))

    def suffer(self, fault: Fault, reference: str | None = None) -> None:
        """Let something go wrong, with everything or with one business key."""
        if isinstance(fault, StoppedRelay):
            self._outage(fault, self.relay)
        elif isinstance(fault, StoppedTimeoutChecker):
            orchestrators = (self.orders, self.transfers)
            checkers = {each.kind.saga_type: each.timeouts for each in orchestrators}
            self._outage(fault, checkers[fault.saga_type])
        else:
            self.faults.add(fault, reference)

    def close(self) -> None:
        """Let go of the database; the tables stay."""
        self.database.close()

    def _begin(self, orchestrator: Orchestrator, reference: str, data: dict[str, Any]) -> None:
        if not orchestrator.process.up:
            self.schedule.after(timedelta(seconds=5), partial(self._begin, orchestrator, reference, data))
            return
        saga_id = orchestrator.new_id()
        self.started[reference].append(saga_id)
        try:
            orchestrator.start(saga_id, data)
        except ProcessDied:
            return

    def _outage(self, fault: Fault, stopped: Relay | TimeoutChecker) -> None:
        self.schedule.at(fault.since or self.now(), stopped.stop)
        if fault.until is not None:
            self.schedule.at(fault.until, stopped.start)

    def _open_orders(self) -> Orchestrator:
        sagas = SagaTable(ORDER_FULFILLMENT.saga_type)
        courier = OutboxCourier(self.database, sagas, self.schedule.clock, self.chance, self.relay.nudge)
        orchestrator = self._orchestrator(ORDER_FULFILLMENT, courier)
        orchestrator.listen(self.bus, ack_first=False)
        return orchestrator

    def _open_transfers(self) -> Orchestrator:
        # This team publishes straight after its commit and acknowledges first: it loses what a crash interrupts.
        courier = DirectCourier(self.database, SagaTable(BANK_TRANSFER.saga_type), self.bus)
        orchestrator = self._orchestrator(BANK_TRANSFER, courier)
        orchestrator.listen(self.bus, ack_first=True)
        return orchestrator

    def _orchestrator(self, kind: SagaKind, courier: Courier) -> Orchestrator:
        process = Process(self.schedule, self.faults)
        timeouts = TimeoutChecker(self.schedule)
        return Orchestrator(kind, courier, timeouts, process, self.schedule.clock, self.chance, self.faults)

    def _fill_the_shelves(self) -> None:
        with self.database.transaction() as connection:
            connection.execute(insert(STOCK), [{"sku": sku, "on_hand": n} for sku, n in OPENING_STOCK.items()])
            accounts = [
                {"account": account, "balance_cents": balance, "closed": False}
                for account, balance in OPENING_BALANCES.items()
            ]
            accounts.append({"account": CLOSED_ACCOUNT, "balance_cents": 0, "closed": True})
            connection.execute(insert(ACCOUNTS), accounts)
