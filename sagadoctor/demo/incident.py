"""The demo's scenario: three hours of a small company, ending now, and the truth about every saga in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Final

from sqlalchemy import Engine

from .chance import Chance
from .episode import ORDER, Episode
from .kinds import BANK_TRANSFER, ORDER_FULFILLMENT
from .near_misses import NEAR_MISSES, ordinary
from .sicknesses import SICK_ORDERS, SICK_TRANSFERS, outages
from .world import Order, Transfer, World

LASTS: Final = timedelta(hours=3)
FIRST_ORDER: Final = 10006
FIRST_TRANSFER: Final = 2201
_CUSTOMERS: Final = ("Ada Lindt", "Bela Moor", "Cleo Vogt", "Dora Haas", "Emil Stern", "Fay Winter")
_GOODS: Final = (("chair", 149_00), ("desk", 420_00), ("lamp", 38_50), ("shelf", 96_00))
_OF_NO_CONCERN: Final = frozenset((None, "waiting", "wrong-compensation-order"))


@dataclass(frozen=True, slots=True)
class Truth:
    """What was really done to a saga, and which rule should come first when its store is read."""

    saga_id: str
    saga_type: str
    business_key: str
    rule: str | None
    """The primary finding by what the store tells; None for a saga with nothing to say about it."""
    step: str | None
    what: str
    with_letters: str | None
    """The primary finding once the table of dead letters is read too."""

    @property
    def is_sick(self) -> bool:
        """Say whether somebody should be woken: waiting for a person is no sickness."""
        return self.rule not in _OF_NO_CONCERN


@dataclass(frozen=True, slots=True)
class Incident:
    """The company as it stands at the end, able to run on, and the truth about all its sagas."""

    world: World
    truths: tuple[Truth, ...]

    @property
    def sick(self) -> tuple[Truth, ...]:
        """Return the sagas that need help."""
        return tuple(truth for truth in self.truths if truth.is_sick)


def the_incident(engine: Engine, now: datetime, seed: int = 1) -> Incident:
    """Run the company from three hours ago up to `now` (aware), with everything that goes wrong on the way."""
    world = World(engine, now - LASTS, seed)
    for fault in outages(now):
        world.suffer(fault)
    told: list[tuple[Episode, str]] = []
    orders, transfers = count(FIRST_ORDER), count(FIRST_TRANSFER)
    episodes = [*ordinary(), *NEAR_MISSES, *SICK_ORDERS, *SICK_TRANSFERS]
    for episode in sorted(episodes, key=lambda each: -each.minutes_ago):
        is_order = isinstance(episode.asks, Order)
        reference = f"A-{next(orders)}" if is_order else f"T-{next(transfers)}"
        _stage(world, episode, reference, now - timedelta(minutes=episode.minutes_ago))
        told.append((episode, reference))
    world.run(now)
    truths = [
        _truth(episode, reference, saga_id) for episode, reference in told for saga_id in world.started[reference]
    ]
    return Incident(world, tuple(truths))


def _stage(world: World, episode: Episode, reference: str, when: datetime) -> None:
    for fault in episode.faults:
        world.suffer(fault, reference)
    if isinstance(episode.asks, Order):
        act = partial(world.place, _dressed(world.chance, episode.asks, reference), episode.decision)
    else:
        act = partial(world.transfer, _addressed(world.chance, episode.asks, reference))
    world.schedule.at(when, act)
    if episode.again_after is not None:
        world.schedule.at(when + episode.again_after, act)


def _dressed(chance: Chance, order: Order, reference: str) -> Order:
    """Give the order a customer and goods of its own; what an episode asks for stays."""
    customer = chance.pick(_CUSTOMERS, "customer", reference)
    mailbox = customer.lower().replace(" ", ".")
    email = f"{mailbox}@{order.email.partition('@')[2]}"
    sku, price = chance.pick(_GOODS, "goods", reference)
    if order.sku != ORDER.sku:
        sku = order.sku
    quantity = chance.number(1, 3, "quantity", reference)
    return replace(
        order,
        reference=reference,
        customer=customer,
        email=email,
        sku=sku,
        quantity=quantity,
        amount_cents=price * quantity,
    )


def _addressed(chance: Chance, transfer: Transfer, reference: str) -> Transfer:
    return replace(transfer, reference=reference, amount_cents=chance.number(20_00, 900_00, "amount", reference))


def _truth(episode: Episode, reference: str, saga_id: str) -> Truth:
    kind = ORDER_FULFILLMENT if isinstance(episode.asks, Order) else BANK_TRANSFER
    return Truth(
        saga_id=saga_id,
        saga_type=kind.saga_type,
        business_key=reference,
        rule=episode.rule,
        step=episode.step,
        what=episode.what,
        with_letters=episode.with_letters or episode.rule,
    )
