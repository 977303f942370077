"""Which ledger a path or a URL means, without its password and without heavy libraries."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from sagadoctor.clock import StillClock
from sagadoctor.errors import ConfigError, LedgerError
from sagadoctor.ledger import open_ledger, postgres
from sagadoctor.services.ports import Ledger

from .build import NOW

CANARY = "c4nary"


def place(where: str) -> str:
    """Return the place that a ledger tells."""
    ledger: Ledger = open_ledger(where, CANARY, StillClock(NOW))
    return ledger.place


def test_a_ledger_is_a_file_or_a_server(tmp_path: Path) -> None:
    assert place(str(tmp_path / "l.db")) == str(tmp_path / "l.db")
    assert place(f"sqlite:///{tmp_path}/l.db") == str(tmp_path / "l.db")
    assert place("sqlite+pysqlite:///l.db") == str(Path.cwd() / "l.db")
    assert place(":memory:") == str(Path.cwd() / ":memory:")
    assert place("postgresql+psycopg://ann@db:5433/ledger") == "postgresql://ann@db:5433/ledger"
    assert place("postgres://db/ledger") == "postgresql://db/ledger"
    with pytest.raises(
        ConfigError, match=r"ledger\.url: a ledger is a SQLite file or a PostgreSQL database, not 'mysql'"
    ):
        place("mysql+pymysql://db/ledger")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{CANARY}@db/ledger",
        f"postgresql://ann:x/{CANARY}@db/ledger",
        f"postgresql://ann:{CANARY}/x@db/ledger",
        f"postgresql://db/ledger?user=ann&password={CANARY}",
        f"postgresql://ann:x@{CANARY}@db/ledger",
    ],
)
def test_promise_17_no_password_is_in_the_place_or_in_an_error(url: str) -> None:
    async def run() -> str:
        ledger = open_ledger(url, CANARY, StillClock(NOW), 5)
        with pytest.raises(LedgerError) as caught:
            await ledger.has_observed("orders")
        await ledger.close()
        return f"{caught.value} {ledger.place} {ledger!r}"

    assert CANARY not in asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://db/l", "verify-full"),
        ("postgresql://10.0.0.1:5432/l", "verify-full"),
        ("postgresql://localhost,db/l", "verify-full"),
        ("postgresql:///l?host=db", "verify-full"),
        ("postgresql://db/l?sslmode=disable", "disable"),
        ("postgresql://localhost:5432/l", None),
        ("postgresql://ann@127.0.0.1/l", None),
        ("postgresql://[::1]:5432/l", None),
        ("postgresql:///l", None),
        ("postgresql:///l?host=/run/postgresql", None),
    ],
)
def test_servers_elsewhere_are_verified_unless_the_url_says_otherwise(
    url: str, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGSSLMODE", "PGSERVICE", "PGSSLROOTCERT", "PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)
    assert postgres._tls(url).get("sslmode") == mode


def test_importing_and_opening_loads_no_driver(tmp_path: Path) -> None:
    program = f"""
import sys
import sagadoctor.ledger
print("sqlite3" in sys.modules)
sagadoctor.ledger.open_ledger("postgresql://db/l", None, None)
sagadoctor.ledger.open_ledger({str(tmp_path / "l.db")!r}, None, None)
print(sorted({{"sqlalchemy", "psycopg", "pydantic"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n[]\n"
    assert not list(tmp_path.iterdir())
