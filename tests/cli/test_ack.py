"""`sagadoctor ack`: what is known stays quiet until its time is over, and nothing else does."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Opened
from .running import Home
from .stores import ago, change, resting, stuck


def findings(home: Home, *words: str) -> list[dict[str, object]]:
    found = home.call("scan", "-o", "json", *words).document["findings"]
    assert isinstance(found, list)
    return found


def ids(home: Home) -> list[str]:
    return [str(each["id"]) for each in findings(home)]


def expire(home: Home) -> None:
    """Let two hours pass for every acknowledgement."""
    with sqlite3.connect(home.ledger) as connection:
        changed = connection.execute("UPDATE sagadoctor_acknowledgements SET until = until - 7200000000").rowcount
    connection.close()
    assert changed


def test_an_acknowledged_finding_no_longer_fails_a_scan(opened: Opened) -> None:
    home = opened(stuck("a"))
    (finding,) = ids(home)
    assert home.call("scan").code == 1
    done = home.run("ack", finding, "--until", "2h", "--reason", "the refund team knows")
    assert done.code == 0
    told = re.fullmatch(rf"acknowledged {finding} until (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\n", done.text)
    assert told, done.text
    until = datetime.strptime(told[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    after = home.run("scan", "-o", "json")
    assert after.code == 0
    assert after.document["findings"][0]["acknowledged_until"].startswith(f"{until:%Y-%m-%dT%H:%M}")
    assert after.document["summary"]["acknowledged"] == 1
    assert after.document["summary"]["critical"] == 1
    table = home.call("scan")
    assert table.code == 0
    assert "acknowledged until " in table.text
    assert "; 1 acknowledged\n" in table.text
    assert home.call("scan", "-o", "nagios").code == 0
    assert "    acknowledged until " in home.call("show", "a").text


def test_an_acknowledgement_ends_by_itself(opened: Opened) -> None:
    home = opened(stuck("a"))
    (finding,) = ids(home)
    home.call("ack", "--until", "1h", finding)
    assert home.call("scan").code == 0
    expire(home)
    assert home.call("scan").code == 1


def test_only_what_was_named_is_quiet(opened: Opened) -> None:
    home = opened(stuck("a"), stuck("b"))
    first, _ = ids(home)
    home.call("ack", "--until", "2h", first)
    assert home.call("scan").code == 1
    home.call("ack", "--until", "2h", *ids(home))
    assert home.call("scan").code == 0


def test_a_group_is_quiet_with_all_its_findings_and_those_to_come(opened: Opened) -> None:
    home = opened(stuck("a"), stuck("b"), resting("c"))
    group = next(each["group"] for each in findings(home) if each["rule"] == "compensation-stuck")
    done = home.call("ack", "--group", str(group), "--until", "2h")
    assert done.code == 0
    assert home.call("scan", "--fail-on", "critical").code == 0
    assert home.call("scan").code == 1
    change(home.folder / "orders.db", "UPDATE sagas SET saga_id = 'd' WHERE saga_id = 'b'")
    assert home.call("scan", "--fail-on", "critical").code == 0


def test_a_saga_that_moved_and_got_stuck_again_is_not_quiet(opened: Opened) -> None:
    home = opened(stuck("a"))
    home.call("ack", "--until", "2h", *ids(home))
    assert home.call("scan").code == 0
    change(home.folder / "orders.db", "UPDATE sagas SET updated_at = ?", ago(minutes=30))
    assert home.call("scan").code == 1


def test_the_printed_line_acknowledges(opened: Opened) -> None:
    home = opened(stuck("a"))
    page = home.call("show", "a").text
    line = re.search(r"quiet for 2h: sagadoctor (.*)", page)
    assert line
    words = line[1].split()
    assert words[:2] == ["--config", str(home.config)]
    assert Home(home.folder).call(*words).code == 0
    assert home.call("scan").code == 0


def test_acknowledging_works_read_only(opened: Opened) -> None:
    home = opened(stuck("a"))
    assert home.call("ack", "--read-only", "--until", "2h", *ids(home)).code == 0
    assert home.call("scan").code == 0


def test_without_a_ledger_there_is_nothing_to_write_to(opened: Opened) -> None:
    home = opened(stuck("a"))
    (home.folder / "state").write_text("no folder")
    done = home.run("ack", "--until", "2h", "f-0123456789abcdef")
    assert done.code == 3
    assert done.out == b""
    assert "the ledger" in done.said
    assert "Traceback" not in done.said


@pytest.mark.parametrize("until", ["0s", "-1h", "4000d", "2", "", "tomorrow"])
def test_a_time_that_is_none_is_refused(opened: Opened, until: str) -> None:
    home = opened(stuck("a"))
    done = home.call("ack", "f-0123456789abcdef", "--until", until)
    assert (done.code, done.out) == (2, b"")
    assert not home.ledger.exists()
