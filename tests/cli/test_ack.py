"""`sagadoctor ack`: what is known stays quiet until its time is over, and nothing else does."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Opened
from .running import Home
from .stores import ago, change, config_of, resting, row, step, stuck, write


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


def half_undone(saga_id: str) -> dict[str, object]:
    """A row that ended with an undo missing and a step timed out: a primary finding, and one under it."""
    return row(saga_id, "failed", steps=[step("reserve", "completed"), step("pay", "timed_out")])


def test_the_printed_line_quiets_all_findings_of_the_saga(opened: Opened) -> None:
    home = opened(half_undone("a"))
    found = findings(home)
    assert [(each["primary"], each["severity"]) for each in found] == [(True, "critical"), (False, "warning")]
    assert home.call("scan").code == 1
    line = re.search(r"quiet for 2h: sagadoctor (.*)", home.call("show", "a").text)
    assert line
    assert Home(home.folder).call(*line[1].split()).code == 0
    done = home.call("scan", "-o", "json")
    assert (done.code, done.document["summary"]["acknowledged"]) == (0, 2)
    assert home.call("scan", "-o", "nagios").code == 0
    assert home.call("scan", "--rule", "dirty-timeout").code == 0


def test_the_group_of_the_primary_findings_quiets_their_sagas(opened: Opened) -> None:
    home = opened(half_undone("a"), half_undone("b"))
    (group,) = {str(each["group"]) for each in findings(home) if each["primary"]}
    assert home.call("ack", "--group", group, "--until", "2h").code == 0
    assert home.call("scan").code == 0


def test_show_tells_who_acknowledged_until_when_and_why(opened: Opened) -> None:
    home = opened(half_undone("a"))
    first, second = findings(home)
    reason = "refunds are sent by hand\x1b[31m, password=hunter2"
    assert home.call("ack", "--group", str(first["group"]), "--until", "2h", "--reason", reason).code == 0
    page = home.call("show", "a").text
    said = rf"acknowledged until [-0-9]+ [:0-9]+ by \S+, with {first['group']}: refunds are sent by"
    assert len(re.findall(said, " ".join(page.split()))) == 2
    assert "\x1b" not in page
    assert "hunter2" not in page
    told = home.call("show", "a", "-o", "json").document["cases"][0]["findings"]
    assert [each["id"] for each in told] == [first["id"], second["id"]]
    for each in told:
        word = each["acknowledgement"]
        assert (word["target"], word["until"]) == (first["group"], each["acknowledged_until"])
        assert word["by"]
        assert word["reason"].startswith("refunds are sent by hand")
        assert word["at"] < word["until"]
    assert b"hunter2" not in home.ledger.read_bytes()
    expire(home)
    assert "acknowledgement" not in home.call("show", "a", "-o", "json").text


def environments(opened: Opened, names: Mapping[str, str], **rows: Sequence[Mapping[str, object]]) -> dict[str, Home]:
    """Homes with one folder, and so one ledger, in which a store of one name leads to different databases."""
    home = opened()
    homes: dict[str, Home] = {}
    for name, environment in names.items():
        database = write(home.folder / f"{name}.db", rows[name])
        config = home.folder / f"{name}.toml"
        text = config_of({"orders": database})
        config.write_text(text.replace('name = "test"', f'name = "{environment}"'), encoding="utf-8")
        homes[name] = Home(home.folder, config)
    return homes


def test_one_environment_neither_resolves_nor_silences_what_is_wrong_in_another(opened: Opened) -> None:
    five = [stuck(f"s-{number}") for number in range(5)]
    homes = environments(opened, {"prod": "prod", "stg": "stg"}, prod=five, stg=five[:1])
    assert homes["prod"].call("scan", "-o", "json").document["summary"]["critical"] == 5
    staging = homes["stg"].call("scan", "-o", "json").document
    assert (staging["resolved"], [each["status"] for each in staging["findings"]]) == ([], ["new"])
    group = str(staging["findings"][0]["group"])
    assert homes["stg"].call("ack", "--group", group, str(staging["findings"][0]["id"]), "--until", "2h").code == 0
    assert homes["stg"].call("scan").code == 0
    again = homes["prod"].call("scan", "-o", "json")
    assert again.code == 1
    assert {each["status"] for each in again.document["findings"]} == {"ongoing"}
    assert {each["acknowledged_until"] for each in again.document["findings"]} == {None}


def test_two_databases_of_one_name_are_not_taken_for_one(opened: Opened) -> None:
    homes = environments(opened, {"one": "prod", "two": "prod"}, one=[stuck("a"), stuck("b")], two=[stuck("c")])
    homes["one"].call("scan")
    other = homes["two"].call("scan", "-o", "json").document
    assert other["resolved"] == []
    assert [note for note in other["notes"] if "orders: this is another database" in note]
    back = homes["one"].call("scan", "-o", "json").document
    assert [each["status"] for each in back["findings"]] == ["ongoing", "ongoing"]
    assert (back["resolved"], back["notes"]) == ([], [])


def test_an_id_that_no_scan_has_found_is_said_and_kept(opened: Opened) -> None:
    home = opened(stuck("a"))
    (finding,) = ids(home)
    typo = "f-0123456789abcdef"
    done = home.call("-q", "ack", "--until", "2h", finding, typo)
    assert done.code == 0
    assert [line.split()[1] for line in done.text.splitlines()] == [finding, typo]
    (said,) = done.said.splitlines()
    assert said == f"warning: {typo}: no scan that this ledger remembers has found it; it counts if one does"


def test_a_cause_that_no_scan_has_found_is_said_and_kept(opened: Opened) -> None:
    home = opened(stuck("a"))
    (found,) = home.call("scan", "-o", "json").document["findings"]
    typo = "g-0123456789ab"
    done = home.call("-q", "ack", "--until", "2h", "--group", found["group"], "--group", typo)
    assert done.code == 0
    (said,) = done.said.splitlines()
    assert (
        said
        == f"warning: {typo}: no scan that this ledger remembers has a finding of this cause; it counts if one does"
    )


def test_a_finding_that_show_told_of_before_any_scan_counts(opened: Opened) -> None:
    home = opened(stuck("a"))
    (finding,) = {str(each["id"]) for each in home.call("show", "a", "-o", "json").document["cases"][0]["findings"]}
    done = home.call("ack", "--until", "2h", finding)
    assert (done.code, done.said.startswith(f"warning: {finding}: ")) == (0, True)
    assert home.call("scan").code == 0


def test_acknowledging_works_read_only(opened: Opened) -> None:
    home = opened(stuck("a"))
    assert home.call("ack", "--read-only", "--until", "2h", *ids(home)).code == 0
    assert home.call("scan").code == 0


def test_until_a_moment_is_until_then(opened: Opened) -> None:
    home = opened(stuck("a"))
    (finding,) = ids(home)
    assert (
        f"acknowledged {finding} until 2099-01-01 03:00:00 UTC"
        in home.call("ack", "--until", "2099-01-01T03:00:00Z", finding).text
    )
    passed = home.call("ack", "--until", "2020-01-01T03:00:00Z", finding)
    assert (passed.code, passed.out) == (2, b"")
    assert "2020-01-01T03:00:00Z has passed" in passed.said


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
