"""`sagadoctor scan` on whole stores: what is found, in which format, with which exit code, and what is remembered."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess

import pytest

from tests.export.test_wire import FINDING, FINDING_BESIDE, check

from .conftest import Company, Opened
from .running import Done, Home
from .stores import ago, change, resting, row, step, stuck, well

LATER = re.compile(
    r"sagadoctor (?:--\S+ \S+ )*(?!scan|show|check|ack|config|plugins|demo)[a-z]"
    r"|--(?:execute|override|reason|plan|confirm)\b"
)


def ids(done: Done) -> set[str]:
    return {each["saga_id"] for each in done.document["findings"]}


def test_every_sick_saga_is_named_with_what_was_really_done_to_it(company: Company, scanned: Done) -> None:
    primary = {each["saga_id"]: each["rule"] for each in scanned.document["findings"] if each["primary"]}
    truths = {truth.saga_id: truth.rule for truth in company.truths if truth.rule is not None}
    assert primary == truths
    assert scanned.code == 1
    assert scanned.said == ""


def test_the_document_is_the_contracts(company: Company, scanned: Done) -> None:
    document = scanned.document
    assert document["schema"] == "sagadoctor.report/1"
    assert document["complete"] is True
    assert document["truncated"] is False
    assert document["blind_spots"] == []
    assert document["scanned"] == {"sagas": len(company.truths), "letters": 0}
    for finding in document["findings"]:
        check(finding, FINDING | FINDING_BESIDE)
    counted = dict.fromkeys(("critical", "warning", "info"), 0)
    for finding in document["findings"]:
        counted[finding["severity"]] += 1
    assert {word: document["summary"][word] for word in counted} == counted
    sick = {each["saga_id"] for each in document["findings"] if each["severity"] != "info"}
    assert document["summary"]["sagas"] == len(sick)
    assert {each["group"] for each in document["findings"]} == {group["id"] for group in document["groups"]}


def test_the_primary_finding_of_a_saga_comes_first_and_is_the_only_one(scanned: Done) -> None:
    seen: set[str] = set()
    for finding in scanned.document["findings"]:
        assert finding["primary"] is (finding["saga_id"] not in seen)
        seen.add(finding["saga_id"])


def test_ndjson_tells_the_same(company: Company, scanned: Done) -> None:
    *findings, end = company.run("scan", "-o", "ndjson").documents
    document = scanned.document
    assert findings == document.pop("findings")
    assert end == document


def test_csv_tells_the_same(company: Company, scanned: Done) -> None:
    done = company.run("scan", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(done.text)))
    assert [each["id"] for each in rows] == [each["id"] for each in scanned.document["findings"]]
    assert (done.code, done.said) == (1, "")


def test_markdown_names_every_saga(company: Company, scanned: Done) -> None:
    page = company.call("scan", "-o", "markdown").text
    for saga_id in ids(scanned):
        assert f"`{saga_id}`" in page


def test_the_table_names_every_sick_saga(scan_as_table: Done, scanned: Done) -> None:
    sick = {each["saga_id"] for each in scanned.document["findings"] if each["severity"] != "info"}
    assert len(sick) > 20
    for saga_id in sick:
        assert saga_id in scan_as_table.text
    assert scan_as_table.code == 1
    summary = scanned.document["summary"]
    total = scanned.document["scanned"]["sagas"]
    told = f"{summary['critical']} critical, {summary['warning']} warning in {summary['sagas']} of {total} sagas"
    assert told in scan_as_table.text


def test_nagios_is_critical(company: Company) -> None:
    done = company.run("scan", "-o", "nagios")
    assert done.code == 2
    assert done.text.startswith("SAGAS CRITICAL - ")


def test_nothing_printed_names_a_verb_or_an_option_that_is_not_there(company: Company, scanned: Done) -> None:
    pages = [scanned, company.call("scan", "-v"), company.call("scan", "--by-group")]
    pages += [company.call("show", company.of(rule).saga_id) for rule in ("compensation-stuck", "outbox-unpublished")]
    for page in pages:
        assert not LATER.search(page.text), LATER.search(page.text)
    commands = [remedy["command"] for each in scanned.document["findings"] for remedy in each["remedies"]]
    assert set(commands) == {None}


def test_the_command_to_look_closer_works_as_it_is_printed(company: Company, scan_as_table: Done) -> None:
    line = next(line for line in scan_as_table.text.splitlines() if line.startswith("Look closer: "))
    program = company.home.folder / "bin" / "sagadoctor"
    program.parent.mkdir(exist_ok=True)
    words = company.home.words()
    program.write_text(f'#!/bin/sh\nexec {words[0]} -m sagadoctor "$@"\n')
    program.chmod(0o755)
    environ = company.home.environ
    environ["PATH"] = f"{program.parent}:{environ['PATH']}"
    command = ["sh", "-c", line.removeprefix("Look closer: ")]
    done = subprocess.run(command, env=environ, cwd="/", capture_output=True, timeout=60, check=True)
    assert line.split()[-1] in done.stdout.decode()


# Filters


def test_each_filter_narrows_to_what_it_names(company: Company, scanned: Done) -> None:
    findings = scanned.document["findings"]
    one = company.of("compensation-stuck")
    group = next(each["group"] for each in findings if each["saga_id"] == one.saga_id)
    for words, matches in (
        (("--type", "BankTransfer"), lambda each: each["saga_type"] == "BankTransfer"),
        (("--step", "debit_source"), lambda each: each["step"] == "debit_source"),
        (("--state", "compensating"), lambda each: each["state"] == "compensating"),
        (("--rule", "step-timed-out"), lambda each: each["rule"] == "step-timed-out"),
        (("--rule", "waiting", "--rule", "late-success"), lambda each: each["rule"] in ("waiting", "late-success")),
        (("--group", group), lambda each: each["group"] == group),
        (("--key", one.business_key), lambda each: each["business_key"] == one.business_key),
        (("--older-than", "100m"), lambda each: (each["age_seconds"] or 0) >= 6000),
        (("--store", "demo"), lambda each: True),
        (("--type", "BankTransfer", "--rule", "step-timed-out"), lambda each: False),
    ):
        narrowed = company.call("scan", *words, "-o", "json")
        if words[-1] == "step-timed-out" and words[0] == "--type":
            expected = [e for e in findings if e["saga_type"] == "BankTransfer" and e["rule"] == "step-timed-out"]
        else:
            expected = [each for each in findings if matches(each)]
        assert narrowed.document["findings"] == expected, words
        assert expected, words


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_ids_can_be_given_a_line_each(company: Company, source: str) -> None:
    wanted = {company.of("late-success").saga_id, company.of("clock-skew").saga_id}
    text = "\n".join([*wanted, "", "  ", "unknown-id", company.healthy.saga_id]) + "\r\n"
    if source == "stdin":
        done = company.run("scan", "-o", "json", "--from", "-", stdin=text.encode())
    else:
        path = company.home.folder / "ids"
        path.write_text(text)
        done = company.call("scan", "-o", "json", "--from", str(path))
    assert ids(done) == wanted


def test_filters_decide_the_exit_code(company: Company) -> None:
    resting = company.call("scan", "--rule", "waiting")
    assert resting.code == 0
    assert resting.text.startswith("nothing wrong in ")
    nothing = company.call("scan", "--rule", "blocked-by")
    assert nothing.code == 0
    assert nothing.text.startswith("nothing that was asked for in ")
    assert company.home.call("scan", "--type", "NoSuchType").text == "no saga was read\n"


def test_an_unknown_store_is_a_usage_error(company: Company) -> None:
    done = company.call("scan", "--store", "nope")
    assert (done.code, done.out) == (2, b"")
    assert "no store 'nope' is configured; there are: demo" in done.said


# Exit codes


@pytest.mark.parametrize(
    ("fail_on", "critical", "warning", "neither"),
    [("critical", 1, 0, 0), ("warning", 1, 1, 0), ("info", 1, 1, 0), ("never", 0, 0, 0), (None, 1, 1, 0)],
)
def test_fail_on(opened: Opened, fail_on: str | None, critical: int, warning: int, neither: int) -> None:
    home = opened(well("w"), well("v"), bad=[stuck("s")], odd=[resting("r")])
    more = () if fail_on is None else ("--fail-on", fail_on)
    codes = [home.call("scan", "--store", store, *more).code for store in ("bad", "odd", "orders")]
    assert codes == [critical, warning, neither]


@pytest.mark.parametrize(("rows", "code"), [([well("w")], 0), ([resting("r")], 1), ([stuck("s"), resting("r")], 2)])
def test_nagios_codes(opened: Opened, rows: list[dict[str, object]], code: int) -> None:
    assert opened(*rows).call("scan", "-o", "nagios").code == code


def test_a_store_that_is_not_there_is_a_blind_spot(opened: Opened) -> None:
    home = opened(well("w"), gone=[])
    (home.folder / "gone.db").unlink()
    done = home.run("scan", "-o", "json")
    assert done.code == 3
    assert done.document["complete"] is False
    (spot,) = done.document["blind_spots"]
    assert spot["source"] == "gone"
    assert "not seen: gone: " in done.said
    assert not (home.folder / "gone.db").exists(), "looking made a file"
    table = home.call("scan")
    assert table.code == 3
    assert "NOT SEEN  gone: " in table.text
    assert table.text.endswith("nothing wrong in the 1 saga that could be read; INCOMPLETE\n")
    nagios = home.call("scan", "-o", "nagios")
    assert nagios.code == 3
    assert nagios.text.startswith("SAGAS UNKNOWN - 0 critical, 0 warning in 1 sagas, INCOMPLETE (gone)")
    page = home.call("scan", "-o", "markdown").text
    assert "INCOMPLETE" in page
    assert "- `gone`: " in page
    sheet = home.call("scan", "-o", "csv")
    assert sheet.said.count("not seen") == 1
    assert "this is not all: the scan is incomplete" in sheet.said
    assert home.call("scan", "--store", "orders").code == 0


def test_findings_win_over_a_blind_spot(opened: Opened) -> None:
    home = opened(stuck("s"), gone=[])
    (home.folder / "gone.db").write_bytes(b"this is no database" * 100)
    done = home.run("scan", "-o", "json")
    assert done.code == 1
    assert done.document["complete"] is False
    assert home.call("scan", "--fail-on", "never").code == 3
    assert home.call("scan", "-o", "nagios").code == 2


def test_one_bad_store_does_not_stop_the_others(opened: Opened) -> None:
    home = opened(stuck("s"), broken=[])
    change(home.folder / "broken.db", "DROP TABLE sagas")
    done = home.call("scan", "-o", "json")
    assert ids(done) == {"s"}
    assert "sagas" in done.document["blind_spots"][0]["reason"]


# Options that change what is read or printed


def test_a_limit_is_said_and_does_not_change_the_exit_code(opened: Opened) -> None:
    home = opened(*(stuck(f"s-{number}") for number in range(5)))
    done = home.call("scan", "-o", "json", "--limit", "2")
    assert len(done.document["findings"]) == 2
    assert done.document["truncated"] is True
    assert done.document["summary"]["sagas"] == 5
    assert done.code == 1
    assert "… and 4 more sagas" in home.call("scan", "--limit", "1").text


def test_rows_beyond_the_cap_are_said(opened: Opened) -> None:
    home = opened(*(stuck(f"s-{number}") for number in range(30)), more=["[policy]\nlive_cap = 10"])
    done = home.call("scan", "-o", "json", "--fail-on", "never")
    assert done.document["truncated"] is True
    assert done.document["complete"] is False
    assert done.code == 3


def test_ended_sagas_are_read_a_day_back_or_all_of_them(opened: Opened) -> None:
    half = [step("reserve", "completed", executed_at=ago(days=3)), step("pay", "failed")]
    home = opened(
        row("today", "failed", minutes=600, steps=half),
        row("long-ago", "failed", minutes=4320, steps=half),
    )
    assert ids(home.call("scan", "-o", "json", "--as", "a")) == {"today"}
    assert ids(home.call("scan", "-o", "json", "--as", "b", "--since", "1h")) == set()
    assert ids(home.call("scan", "-o", "json", "--as", "c", "--since", "7d")) == {"today", "long-ago"}
    assert ids(home.call("scan", "-o", "json", "--as", "d", "--deep")) == {"today", "long-ago"}


def test_a_restored_dump_is_judged_as_of_then(opened: Opened) -> None:
    home = opened(stuck("s", minutes=60 * 24 * 300))
    moment = ago(minutes=60 * 24 * 300 - 5).replace(" ", "T")
    done = home.call("scan", "-o", "json", "--as-of", moment)
    assert done.document["as_of"] == moment + "Z"
    assert done.document["findings"] == [] or done.document["findings"][0]["age_seconds"] < 600
    (later,) = home.call("scan", "-o", "json", "--rule", "compensation-stuck").document["findings"]
    assert later["age_seconds"] > 60 * 60 * 24 * 299
    assert later["status"] == "new", "judging a dump is remembered"


def test_a_short_timeout_is_said_as_a_blind_spot(opened: Opened) -> None:
    home = opened(stuck("s"))
    done = home.run("scan", "-o", "json", "--timeout", "1ms")
    assert done.code == 3
    assert done.document["complete"] is False
    assert done.document["blind_spots"]


def test_global_options_work_before_and_after_the_verb(company: Company) -> None:
    config = str(company.home.config)
    moment = ("--as-of", company.now.isoformat())
    before = Home(company.home.folder).call("--config", config, "--ascii", "-v", "scan", *moment)
    after = Home(company.home.folder).call("scan", *moment, "-v", "--ascii", f"--config={config}")
    assert before == after
    assert before.code == 1
    assert before.text.isascii()


def test_a_printed_command_names_the_configuration_wherever_it_is_pasted(company: Company) -> None:
    home = Home(company.home.folder)
    done = home.run("scan", "--config", "demo.toml", "--as-of", company.now.isoformat())
    assert f"Look closer: sagadoctor --config {company.home.folder}/demo.toml show" in done.text


def test_an_environment_is_chosen_by_its_name(company: Company) -> None:
    folder = company.home.folder / "config" / "sagadoctor"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "night.toml").write_text((company.home.config or folder).read_text())
    home = Home(company.home.folder)
    done = home.call("scan", "--env", "night", "--as-of", company.now.isoformat())
    assert done.code == 1
    assert "Look closer: sagadoctor --env night show" in done.text
    typo = home.call("scan", "--env", "nigth")
    assert typo.code == 2
    assert "night" in typo.said


def test_a_big_table_without_an_index_is_read_only_when_asked(opened: Opened) -> None:
    home = opened(*(stuck(f"s-{number}") for number in range(60)), more=["[policy]\nbig_table = 10"])
    change(home.folder / "orders.db", "DROP INDEX sagas_state")
    change(home.folder / "orders.db", "ANALYZE")
    refused = home.call("scan", "-o", "json")
    assert refused.code == 3
    assert "--allow-full-scan" in json.dumps(refused.document["blind_spots"])
    allowed = home.call("scan", "-o", "json", "--allow-full-scan")
    assert len(ids(allowed)) == 60


def test_a_log_has_a_line_for_each_finding_and_one_for_the_end(opened: Opened) -> None:
    home = opened(stuck("a"), stuck("b"), gone=[])
    (home.folder / "gone.db").unlink()
    log = home.folder / "log"
    for _ in range(2):
        assert home.call("scan", "--log-file", str(log)).code == 1
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(told) == 8
    assert [(each.get("store"), each.get("saga_id")) for each in told[:2]] == [("orders", "a"), ("orders", "b")]
    assert told[2]["level"] == "warning"
    assert told[2]["store"] == "gone"
    assert told[3]["text"] == "2 sagas read, incomplete"
    assert all(set(each) <= {"at", "level", "from", "text", "store", "saga_id"} for each in told)
    assert log.stat().st_mode & 0o777 == 0o600


# What is remembered


def statuses(done: Done) -> dict[str, str]:
    return {each["saga_id"]: each["status"] for each in done.document["findings"] if each["primary"]}


def test_a_second_scan_is_ongoing_and_a_repaired_saga_is_resolved(opened: Opened) -> None:
    home = opened(stuck("a"), stuck("b"))
    first = home.run("scan", "-o", "json")
    assert statuses(first) == {"a": "new", "b": "new"}
    assert first.document["resolved"] == []
    second = home.run("scan", "-o", "json")
    assert statuses(second) == {"a": "ongoing", "b": "ongoing"}
    known = {each["saga_id"]: each["id"] for each in first.document["findings"]}
    assert {each["saga_id"]: each["id"] for each in second.document["findings"]} == known
    change(home.folder / "orders.db", "UPDATE sagas SET updated_at = ? WHERE saga_id = 'a'", ago(seconds=1))
    third = home.run("scan", "-o", "json")
    assert statuses(third) == {"b": "ongoing"}
    assert third.document["resolved"] == [known["a"]]
    fourth = home.call("scan")
    assert "resolved" not in fourth.text
    assert "known since" in fourth.text


def test_the_table_says_how_many_are_resolved(opened: Opened) -> None:
    home = opened(stuck("a"))
    home.call("scan")
    change(home.folder / "orders.db", "UPDATE sagas SET updated_at = ?", ago(seconds=1))
    assert home.call("scan").text == "nothing wrong in 1 saga; 1 resolved since the last scan\n"


def test_new_only_tells_each_reader_once(opened: Opened) -> None:
    home = opened(stuck("a"))
    assert home.call("scan", "--new-only").code == 1
    again = home.call("scan", "--new-only")
    assert (again.code, again.text) == (0, "nothing new in 1 saga\n")
    assert home.call("scan", "--new-only", "--as", "somebody-else").code == 1
    assert home.call("scan", "--new-only", "--as", "somebody-else").code == 0


def test_a_narrowed_scan_resolves_nothing_outside_of_it(opened: Opened) -> None:
    home = opened(stuck("a"), resting("b"))
    home.call("scan")
    assert home.call("scan", "-o", "json", "--type", "Other").document["resolved"] == []
    assert statuses(home.call("scan", "-o", "json")) == {"a": "ongoing", "b": "ongoing"}


def test_a_source_that_did_not_answer_resolves_nothing(opened: Opened) -> None:
    home = opened(stuck("a"))
    home.call("scan")
    (home.folder / "orders.db").rename(home.folder / "away.db")
    assert home.call("scan", "-o", "json").document["resolved"] == []
    (home.folder / "away.db").rename(home.folder / "orders.db")
    assert statuses(home.call("scan", "-o", "json")) == {"a": "ongoing"}


def test_the_reader_is_cron_without_a_terminal_and_terminal_with_one(opened: Opened) -> None:
    home = opened(stuck("a"))
    home.run("scan")
    assert "known since" not in home.on_terminal("scan").text
    assert statuses(home.call("scan", "-o", "json", "--as", "cron")) == {"a": "ongoing"}
    assert statuses(home.call("scan", "-o", "json", "--as", "terminal")) == {"a": "ongoing"}


def test_without_a_ledger_a_scan_works_and_says_so(opened: Opened) -> None:
    home = opened(stuck("a"))
    state = home.folder / "state"
    state.write_text("a file where the folder should be")
    done = home.run("scan", "-o", "json")
    assert done.code == 1
    assert statuses(done) == {"a": "new"}
    assert done.document["complete"] is True
    assert done.said.count("the ledger can't be used, so findings count as new and none as resolved") == 1
    assert sum("the ledger" in note for note in done.document["notes"]) == 1
    assert "note: the ledger can't be used" in home.call("scan").said
    assert home.call("-q", "scan").said == ""


def test_the_report_says_as_of_when_it_is(company: Company, scanned: Done) -> None:
    assert scanned.document["as_of"] == company.now.isoformat().replace("+00:00", "Z")
