"""PyPI's DBOS at work, killed in the middle, and what `sagadoctor scan` says of each of its workflows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from dbos_database import SystemDatabase
from sqlalchemy import make_url

from sagadoctor.testing.opening import without_password

COMPANY: Final = Path(__file__).with_name("dbos_company.py")
UNDOS: Final = """
  { name = "reserve_stock", compensation = "release_stock" },
  { name = "charge_card", compensation = "refund_card" },
"""
SAGAS: Final = f"""
[sagas.order_saga]
steps = [{UNDOS}  {{ name = "ship", compensable = false, pivot = true }},
]
[sagas.purchase]
steps = [{UNDOS}]
[sagas.supply]
steps = [{{ name = "reserve_stock", compensation = "release_stock" }}, {{ name = "ask_supplier", timeout = "5m" }}]
[sagas.doomed]
steps = [{{ name = "reserve_stock", compensation = "release_stock" }}]
"""
ENDED: Final = {
    "fails": ("compensation-failed", "charge_card"),
    "bare": ("half-compensated", "charge_card"),
    "doomed": ("half-compensated", "reserve_stock"),
}
"""What is wrong for good; the others of these ended well, were undone, mended by a fork, or cancelled."""
LATER: Final = {
    "hanging": ("step-timed-out", "ask_supplier"),
    "hanging-unknown": ("no-progress", None),
    "parent-child": ("no-progress", None),
    "parent": ("blocked-by", "unknown_supply"),
    "late": ("no-progress", None),
    "stuck": ("failure-not-handled", "ship"),
    "half stuck": ("compensation-not-sent", "reserve_stock"),
    "told": ("compensation-not-sent", "charge_card"),
    "queued": ("no-progress", None),
}
"""What is wrong half an hour later, since nobody was there any more."""
RESTING: Final = {
    "approval": ("waiting", None),
    "announcement": ("waiting", None),
    "reminder": ("waiting", None),
    "delayed": ("backing-off", None),
}


@pytest.mark.slow
def test_each_workflow_is_found_as_it_is(database: SystemDatabase, tmp_path: Path) -> None:
    """One run of the application for all that is asked: it takes several seconds to get into all these situations."""
    company = killed(database)
    by_their_course(company, tmp_path)
    by_their_executors(company, tmp_path)
    without_a_word_about_undos(company, tmp_path)
    one_by_one(company, tmp_path)


def killed(database: SystemDatabase) -> SystemDatabase:
    """Return the system database that a real application left behind."""
    for task in ("doomed", "all"):
        done = subprocess.run(
            [sys.executable, str(COMPANY), database.url, task], capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == -signal.SIGKILL, f"{task}: {done.stdout}{done.stderr}"
    return database


def by_their_course(company: SystemDatabase, tmp_path: Path) -> None:
    config = written(company, tmp_path, 'phase = "state"', SAGAS)
    now = datetime.now(UTC)
    assert primaries(scanned(config, now)) == {**ENDED, **RESTING}
    later = scanned(config, now + timedelta(minutes=30), "-v")
    assert primaries(later) == {**ENDED, **LATER, **RESTING}
    assert later["complete"]
    assert later["scanned"]["sagas"] == 22


def by_their_executors(company: SystemDatabase, tmp_path: Path) -> None:
    config = written(company, tmp_path, 'executors = ["worker-9"]', SAGAS)
    told = primaries(scanned(config, datetime.now(UTC), "--type", "unknown_supply"))
    assert told == dict.fromkeys(("hanging-unknown", "parent-child", "late"), ("owner-gone", None))
    config = written(company, tmp_path, 'executors = ["worker-0", "worker-1"]', SAGAS)
    assert primaries(scanned(config, datetime.now(UTC), "--type", "unknown_supply")) == {}


def without_a_word_about_undos(company: SystemDatabase, tmp_path: Path) -> None:
    """`charge_card` and `refund_card` aren't named alike, so only a person can pair them: until then nobody accuses."""
    config = written(company, tmp_path, "")
    told = primaries(scanned(config, datetime.now(UTC)))
    assert {name: cause for name, cause in told.items() if name not in RESTING} == {
        "doomed": ("compensation-failed", None)
    }


def one_by_one(company: SystemDatabase, tmp_path: Path) -> None:
    config = written(company, tmp_path, "", SAGAS)
    done = run(config, "show", "--", "fails")
    assert "ConnectionError: payment gateway 503" in done.stdout
    assert "RuntimeError: carrier rejected the address" in done.stdout
    assert done.stderr == ""
    mended = run(config, "show", "--", "mended").stdout
    assert "mended-again is completed" in mended
    checked = run(config, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "version 125, as DBOS 3.4 makes them" in checked.stdout


def written(company: SystemDatabase, folder: Path, more: str, sagas: str = "") -> Path:
    """Write a configuration as the README says."""
    url, password = without_password(company.url)
    secret = 'password = { env = "TEST_PW" }' if password is not None else ""
    config = folder / "sagadoctor.toml"
    config.write_text(
        f'config_version = 1\n[environment]\nname = "test"\n[stores.orders]\nplugin = "dbos"\nurl = "{url}"\n'
        f"{secret}\n{more}\n{sagas}"
    )
    os.environ["TEST_PW"] = make_url(company.url).password or ""
    return config


def run(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "XDG_STATE_HOME": str(config.parent / "state"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "sagadoctor", "--config", str(config), *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def scanned(config: Path, at: datetime, *words: str) -> Mapping[str, Any]:
    done = run(config, "scan", "-o", "json", "--as-of", at.isoformat(), *words)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def primaries(document: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return each saga's cause and the step that it is about."""
    return {each["saga_id"]: (each["rule"], each["step"]) for each in document["findings"] if each["primary"]}
