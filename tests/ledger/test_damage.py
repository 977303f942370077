"""A ledger that something else wrote into: an error that names the cell, and never anything else."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagadoctor.clock import StillClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import SqlLedger, open_ledger
from sagadoctor.model.observation import Trial
from sagadoctor.model.seen import Acknowledgement

from .build import DAY, LEASE, NOW, after, finding, using

BLOB = b"\xff\x00"
VALUES = (
    st.none()
    | st.binary(max_size=9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    | st.sampled_from(["\\", "\\u12", "\\U00110000", "critical", "9" * 30, "NaN"])
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([2**63 - 1, -(2**63), 253402300799999999, 253402300800000000, -62135596800000001, 0, -1])
    | st.floats(allow_nan=False)
)


async def live(ledger: SqlLedger) -> None:
    """Do everything that a ledger can be asked for, so that no cell is left unread."""
    found = [finding("f-1"), finding("f-2", saga_type=None, since=None)]
    await ledger.acknowledge([Acknowledgement("f-1", after(90 * DAY), "ann", "known", NOW)])
    await ledger.observe("orders", [("s-1", "x"), ("s-2", "x")], NOW)
    await ledger.observe_tries("orders", [Trial("s-1", "m", 2), Trial("s-2", "m", 2)], NOW)
    await ledger.judged("orders", ["s-1", "s-2"])
    ticket = await ledger.begin("cron", NOW, LEASE)
    await ledger.compare(ticket, found, NOW)
    await ledger.finish(ticket, NOW, ["orders"], lambda seen: True)
    await ledger.begin("cron", NOW, LEASE)


async def look(ledger: SqlLedger) -> list[str]:
    """Ask everything again much later; return the errors."""
    said: list[str] = []
    at = after(2 * DAY)
    found = [finding("f-1")]

    async def tried(asked: Any) -> Any:
        try:
            return await asked
        except LedgerError as error:
            said.append(str(error))
            return None

    await tried(ledger.acknowledged(found, at))
    await tried(ledger.words(found, at))
    await tried(ledger.known(["f-1", "f-2"]))
    await tried(ledger.has_observed("orders"))
    await tried(ledger.observe("orders", [("s-1", "x"), ("s-2", "y")], at))
    await tried(ledger.observe_tries("orders", [Trial("s-1", "m", 3), Trial("s-2", "n", 3)], at))
    await tried(ledger.unjudged("orders", ["s-1", "s-2", "s-3"]))
    await tried(ledger.judged("orders", ["s-3"]))
    await tried(ledger.begin("cron", NOW, LEASE))
    ticket = await tried(ledger.begin("cron", at, LEASE))
    if ticket is not None:
        await tried(ledger.compare(ticket, found, at))
        await tried(ledger.finish(ticket, at, ["orders"], lambda seen: True))
        await tried(ledger.finish(ticket, at, ["orders"], lambda seen: True))
        await tried(ledger.abandon(ticket))
    return said


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A ledger that has lived, as the bytes of its file."""
    path = tmp_path_factory.mktemp("damage") / "ledger.db"
    using(lambda: open_ledger(path, None, StillClock(NOW)), live)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def cells(content: bytes) -> list[tuple[str, str]]:
    """Return every column of every table."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content)
        return connection.execute(
            "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
        ).fetchall()


def damaged(path: Path, content: bytes, *changes: tuple[tuple[str, str], object]) -> list[str]:
    """Return what a ledger says in which these cells were changed; one row of each table, or all if that works."""
    path.write_bytes(content)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for (table, column), value in changes:
            try:
                connection.execute(f"UPDATE {table} SET {column} = ?", [value])
            except sqlite3.IntegrityError:
                connection.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", [value])
    return using(lambda: open_ledger(path, None, StillClock(NOW)), look)


def test_a_ledger_that_nobody_damaged_has_nothing_to_say(template: bytes, tmp_path: Path) -> None:
    assert len(cells(template)) > 45
    said = damaged(tmp_path / "ledger.db", template)
    assert all("was ended before" in each for each in said), said  # the second end of one scan is refused


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_in_a_cell_nothing_but_a_ledger_error_comes_of_it(
    template: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    changes = data.draw(
        st.lists(st.tuples(st.sampled_from(cells(template)), VALUES), min_size=1, max_size=3, unique_by=lambda x: x[0])
    )
    damaged(tmp_path / "ledger.db", template, *changes)


READ = {
    "seen": "long_id cause store rule severity saga_type saga_id since ended slot first_seen told scan",
    "readers": "number started lease_until lease_seconds lease_monotonic host machine pid born",
    "observations": "fingerprint since seen_at",
    "tries": "mark since first_count latest_count seen_at",
    "acknowledgements": "until person reason made_at",
    "judged": "seen_at",
    "completed": "source began",
    "schema": "version",
}


@pytest.mark.parametrize(
    "cell", [f"sagadoctor_{table}.{column}" for table, columns in READ.items() for column in columns.split()]
)
def test_bytes_in_a_cell_are_named(template: bytes, tmp_path: Path, cell: str) -> None:
    table, _, column = cell.partition(".")
    said = damaged(tmp_path / "ledger.db", template, ((table, column), BLOB))
    wanted = f"ledger.db is damaged: {cell} holds 2 bytes that are no text: move it away, and a new one is made"
    assert any(wanted in each for each in said), said


@pytest.mark.parametrize(
    ("cell", "value", "said"),
    [
        ("sagadoctor_seen.since", "soon", "holds 'soon'"),
        ("sagadoctor_seen.since", 2**62, f"holds {2**62}"),
        ("sagadoctor_seen.severity", "grave", "holds 'grave'"),
        ("sagadoctor_seen.first_seen", 0.5, "holds 0.5"),
        ("sagadoctor_acknowledgements.until", 2**62, f"holds {2**62}"),
        ("sagadoctor_tries.first_count", 0, "holds 0"),
        ("sagadoctor_tries.latest_count", "many", "holds 'many'"),
        ("sagadoctor_schema.version", -1, "holds -1"),
        ("sagadoctor_schema.version", "two", "holds 'two'"),
        ("sagadoctor_readers.started", "\x1b[31m", "holds '\\\\x1b[31m'"),
    ],
)
def test_the_cell_is_named_and_what_to_do(template: bytes, tmp_path: Path, cell: str, value: object, said: str) -> None:
    table, _, column = cell.partition(".")
    told = damaged(tmp_path / "ledger.db", template, ((table, column), value))
    wanted = f"is damaged: {cell} {said}: move it away, and a new one is made"
    assert any(wanted in each for each in told), told
    assert all(str(tmp_path / "ledger.db") in each for each in told if "damaged" in each)


@pytest.mark.parametrize("cell", ["lease_until", "lease_monotonic"])
def test_a_lease_without_an_end_ends(template: bytes, tmp_path: Path, cell: str) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(template)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            f"UPDATE sagadoctor_readers SET host = 'elsewhere', started = ?, {cell} = 200000000000000000",
            [connection.execute("SELECT began FROM sagadoctor_completed").fetchone()[0]],
        )

    async def use(ledger: SqlLedger) -> int:
        return (await ledger.begin("cron", after(LEASE + 1), LEASE)).number

    assert using(lambda: open_ledger(path, None, StillClock(NOW)), use) == 3


def test_a_number_that_can_grow_no_more_is_an_error(template: bytes, tmp_path: Path) -> None:
    told = damaged(tmp_path / "ledger.db", template, (("sagadoctor_readers", "number"), 2**63 - 1))
    assert any(re.search(r"is damaged: a number in it is larger than any that belongs there", each) for each in told)
