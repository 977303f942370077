"""Whose part of a ledger it is, and which database a URL leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.ledger import Shelf, place_of
from sagadoctor.ledger.text import key

CANARY = "c4nary"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql+psycopg://ann@db:5433/orders", "postgresql db 5433 orders"),
        ("postgresql://DB/orders", "postgresql db 5432 orders"),
        ("postgres://bob@db:5432/orders?sslmode=require&application_name=x", "postgresql db 5432 orders"),
        ("postgresql:///orders?host=/run/postgresql", "postgresql  5432 orders host=/run/postgresql"),
        ("mysql+pymysql://ann@db/orders", "mariadb db 3306 orders"),
        ("mariadb+pymysql://db:3306/orders?charset=utf8mb4", "mariadb db 3306 orders"),
        ("sqlite:////srv/a%20b/orders.db?mode=ro", "sqlite /srv/a b/orders.db"),
        ("sqlite:////srv/x/../orders#1.db", "sqlite /srv/orders#1.db"),
        ("sqlite+pysqlite:///orders.db", f"sqlite {Path.cwd()}/orders.db"),
        ("mongodb://db/orders", "mongodb db  orders"),
        ("postgresql://[::1]:5432/orders", "postgresql ::1 5432 orders"),
        ("mongodb://a:1,b:2/orders", None),
        ("postgresql://db:port/orders", None),
        ("/srv/orders.db", None),
        ("", None),
    ],
)
def test_a_place_is_the_database_whoever_asks_and_however(url: str, place: str | None) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url", [f"postgresql://ann:{CANARY}@db/o", f"mysql://{CANARY}@db/o", f"postgresql://db/o?password={CANARY}"]
)
def test_promise_17_no_credential_is_part_of_a_place(url: str) -> None:
    assert CANARY not in str(place_of(url))


def test_a_slot_is_of_one_store_and_one_place() -> None:
    there = Shelf("prod", {"orders": "sqlite /a.db", "trips": "sqlite /a.db", "Żółw\\": "x", "y" * 900: "x"})
    moved = Shelf("prod", {"orders": "sqlite /b.db"})
    slots = [there.slot(name) for name in there.places]
    assert len({*slots, moved.slot("orders"), moved.slot("trips"), key("orders\\@0123456789ab")}) == 7
    assert all(slot.isascii() and len(slot) <= 500 for slot in slots)
    assert moved.slot("trips") == "trips"
    assert "/a.db" not in "".join(slots)
