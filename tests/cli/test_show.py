"""`sagadoctor show`: one saga by its id, its key or its finding; healthy, missing, gone, and in two stores."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from sagadoctor.cli.render.case import _command, _timeline
from sagadoctor.cli.terminal import Terminal
from sagadoctor.model.saga import OutboxEntry, Receipt, Reply, ReplyOutcome, Step, StepStatus
from sagadoctor.testing.builders import case, saga
from tests.export.made import NOW
from tests.export.test_wire import FINDING, FINDING_BESIDE, check

from .conftest import Company, Opened
from .running import Home
from .stores import ago, change, resting, row, step, stuck, well


def shown(company: Company, *words: str) -> Any:
    return company.call("show", *words)


def test_a_sick_saga_in_full(company: Company) -> None:
    truth = company.of("compensation-stuck")
    done = company.run("show", truth.saga_id)
    assert done.code == 0
    assert done.said == ""
    page = done.text
    assert page.startswith(f"{truth.saga_type} {truth.saga_id}\n")
    for part in (
        f"  key         {truth.business_key}\n",
        "  state       compensating\n",
        "\nSteps (",
        "compensating ← here\n",
        "\nTimeline (UTC)\n",
        "✖ critical compensation-stuck\n",
        "    for      ",
        "    → ask: resend-compensation",
        "    quiet for 2h: sagadoctor --config ",
    ):
        assert part in page, part


@pytest.mark.parametrize("rule", ["late-success", "undone-past-pivot", "outbox-unpublished", "clock-skew", "waiting"])
def test_show_finds_what_the_scan_found(company: Company, rule: str) -> None:
    truth = company.of(rule)
    (case,) = shown(company, truth.saga_id, "-o", "json").document["cases"]
    assert case["findings"][0]["rule"] == rule
    assert case["findings"][0]["primary"] is True


def test_by_business_key(company: Company) -> None:
    truth = company.of("late-success")
    assert shown(company, "--key", truth.business_key) == shown(company, truth.saga_id)


def test_as_json(company: Company) -> None:
    truth = company.of("compensation-stuck")
    done = shown(company, truth.saga_id, "-o", "json")
    assert done.out.isascii()
    document = done.document
    assert document["schema"] == "sagadoctor.case/1"
    assert document["complete"] is True
    (case,) = document["cases"]
    assert (case["store"], case["saga_id"], case["saga_type"]) == ("demo", truth.saga_id, truth.saga_type)
    assert case["business_key"] == truth.business_key
    assert [each["status"] for each in case["steps"]].count("compensating") == 1
    for finding in case["findings"]:
        check(finding, FINDING | FINDING_BESIDE)
    assert "payload" not in case
    assert "late_at" not in case


def test_a_healthy_saga_says_why_it_is_not_flagged(company: Company) -> None:
    done = shown(company, company.healthy.saga_id)
    assert done.code == 0
    assert done.text.endswith("Nothing is wrong with it: it has ended and everything fits together.\n")


def test_a_healthy_live_saga_says_when_it_would_be_late(opened: Opened) -> None:
    home = opened(
        row("s", minutes=5), row("t", minutes=5, steps=[step("pay", "executing", timeout_at=ago(minutes=-9))])
    )
    for saga_id, rule in (("s", "no-progress"), ("t", "step-timed-out")):
        done = home.call("show", saga_id)
        assert done.code == 0
        said = " ".join(done.text.split())
        told = re.search(r"late at (\S+|\S+ \S+) UTC \(in ([^)]*)\) if nothing moved: (\S+)\.$", said)
        assert told, done.text
        assert told[3] == rule
        assert told[2].startswith(("8m", "9m"))
        (case,) = home.call("show", saga_id, "-o", "json").document["cases"]
        assert case["late_rule"] == rule
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", case["late_at"])
        assert case["findings"] == []


def test_another_day_is_named_with_its_date(company: Company) -> None:
    done = shown(company, company.of("waiting").saga_id)
    told = re.search(r"late at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC \(in 2d", done.text.replace("\n", " "))
    assert told, done.text


def test_a_missing_saga_is_one(opened: Opened) -> None:
    done = opened(well("w"), billing=[]).run("show", "nobody")
    assert (done.code, done.out) == (1, b"")
    assert done.said == "no saga nobody in orders, billing\n"


def test_a_missing_key_is_one(opened: Opened) -> None:
    done = opened(well("w")).call("show", "--key", "A-404")
    assert (done.code, done.out) == (1, b"")
    assert "no saga with key A-404 in orders" in done.said


def test_what_may_be_in_a_store_that_did_not_answer_is_not_called_missing(opened: Opened) -> None:
    home = opened(well("w"), gone=[])
    (home.folder / "gone.db").unlink()
    done = home.call("show", "nobody")
    assert done.code == 3
    assert "not seen: gone: " in done.said
    assert "no saga nobody in the stores that answered" in done.said
    found = home.call("show", "w")
    assert found.code == 0
    assert "not seen: gone: " in found.said


def test_an_id_in_two_stores_needs_the_store(opened: Opened) -> None:
    home = opened(stuck("s"), billing=[resting("s")])
    done = home.run("show", "s")
    assert (done.code, done.out) == (2, b"")
    assert "s is in 2 stores (billing, orders); say which with --store" in done.said
    assert "compensation-stuck" in home.call("show", "s", "--store", "orders").text
    assert "no-progress" in home.call("show", "s", "--store", "billing").text
    assert home.call("show", "s", "--store", "nope").code == 2


def test_a_key_in_two_stores_is_shown_twice(opened: Opened) -> None:
    home = opened(stuck("s"), billing=[resting("s")])
    done = home.call("show", "--key", "A-s", "-o", "json")
    assert done.code == 0
    assert {case["store"] for case in done.document["cases"]} == {"orders", "billing"}


def test_by_the_id_of_a_finding(opened: Opened) -> None:
    home = opened(stuck("s"), billing=[resting("s")])
    findings = home.run("scan", "-o", "json").document["findings"]
    for finding in findings:
        done = home.call("show", finding["id"])
        assert done.code == 0
        assert finding["rule"] in done.text
        assert f"store       {finding['store']}.sagas" in done.text
    gone = next(each["id"] for each in findings if each["store"] == "orders")
    change(home.folder / "orders.db", "DELETE FROM sagas")
    done = home.call("show", gone)
    assert (done.code, done.out) == (1, b"")
    assert re.search(rf"{gone} was about saga s, which is gone now \(looked at \d\d:\d\d:\d\d UTC\)", done.said)


def test_an_unknown_finding_is_missing(opened: Opened) -> None:
    done = opened(well("w")).call("show", "f-0123456789abcdef")
    assert (done.code, done.out) == (1, b"")


def test_an_id_that_begins_with_a_dash(opened: Opened) -> None:
    home = opened(stuck("-rf"), stuck("--help"))
    assert "compensation-stuck" in home.call("show", "--", "-rf").text
    assert "compensation-stuck" in home.call("show", "--", "--help").text


def test_the_payload_is_redacted_and_only_shown_when_asked(opened: Opened) -> None:
    data = {"reference": "A-1", "card": "4111 1111 1111 1111", "password": "hunter22", "mail": "ada@example.org"}
    data |= {"deep": {"api_key": "k-123456", "note": "Bearer abcdefgh12345678"}, "customer": "Ada"}
    home = opened(stuck("s", data=json.dumps(data)), more=['[redaction]\npaths = ["$.customer"]'])
    assert "Payload" not in home.call("show", "s").text
    for words in ((), ("-o", "json")):
        done = home.call("show", "s", "--payload", *words)
        assert "A-1" in done.text
        for secret in ("4111", "hunter22", "ada@example.org", "k-123456", "abcdefgh", "Ada"):
            assert secret not in done.text


NO_JSON = [
    "not json",
    '{"a": NaN}',
    "[" * 5000 + "]" * 5000,
    "null",
    None,
    b"\x80\x04\x95cposix\nsystem\n.",
    b"\x1f\x8b\x08",
]


@pytest.mark.parametrize("data", NO_JSON, ids=range(len(NO_JSON)))
def test_a_payload_that_is_no_json_is_said(opened: Opened, data: str | bytes | None) -> None:
    home = opened(stuck("s", data=data))
    for words in ((), ("-o", "json")):
        done = home.call("show", "s", "--payload", *words)
        assert done.code == 0, done.said
        assert "internal error" not in done.said


def test_of_a_payload_that_is_no_json_no_byte_is_shown(opened: Opened) -> None:
    data = b"<order><pin>hunter22</pin></order>"
    home = opened(stuck("s", data=data))
    for words in ((), ("-o", "json")):
        done = home.call("show", "s", "--payload", *words)
        assert sha256(data).hexdigest() in done.text
        assert str(len(data)) in done.text
        for spelt in ("hunter22", b"hunter22".hex(), data[:4].hex()):
            assert spelt not in done.text


def test_a_hundred_thousand_steps_are_cut_in_the_middle(opened: Opened) -> None:
    steps = [step(f"s{number}", "completed" if number else "executing") for number in range(3_000)]
    done = opened(row("s", steps=steps)).call("show", "s")
    assert done.code == 0
    assert "Steps (3000)" in done.text
    assert "… 2000 more steps …" in done.text
    assert done.text.count("completed") < 1100


def test_without_a_ledger_a_saga_is_shown_all_the_same(opened: Opened) -> None:
    home = opened(stuck("s"))
    (home.folder / "state").write_text("no folder")
    done = home.call("show", "s")
    assert done.code == 0
    assert "compensation-stuck" in done.text


def test_without_a_configuration_it_is_two(bare: Home) -> None:
    assert bare.call("show", "s").code == 2


def test_the_runbook_of_the_step_is_shown(opened: Opened) -> None:
    runbook = "https://wiki.example/a-page-whose-address-is-as-long-as-they-are/payments#stuck"
    steps = f'steps = [{{ name = "reserve" }}, {{ name = "pay", runbook = "{runbook}" }}, {{ name = "ship" }}]'
    more = ["[sagas.Order]", steps]
    home = opened(stuck("s"), resting("r", steps=[step("reserve", "executing")]), more=more)
    assert f"    runbook  {runbook}\n" in home.call("show", "s").text
    (case,) = home.call("show", "s", "-o", "json").document["cases"]
    assert [finding["runbook"] for finding in case["findings"] if finding["step"] == "pay"] == [runbook]
    (other,) = home.call("show", "r", "-o", "json").document["cases"]
    assert [finding["step"] for finding in other["findings"]] == ["reserve"]
    assert "runbook" not in other["findings"][0]
    told = {each["saga_id"]: each.get("runbook") for each in home.call("scan", "-o", "json").document["findings"]}
    assert told == {"s": runbook, "r": None}


def test_an_empty_id_and_a_key_are_told_as_what_they_are(opened: Opened) -> None:
    home = opened(well("w"))
    assert home.call("show", "").said == "no saga '' in orders\n"
    assert home.call("show", "--key", "nope").said == "no saga with key nope in orders\n"
    assert home.call("show", "nope").said == "no saga nope in orders\n"


def test_as_of_before_it_moved_it_is_said_to_be_newer(opened: Opened) -> None:
    done = opened(stuck("s")).call("show", "s", "--as-of", "2020-01-01T00:00:00Z")
    assert (done.code, done.out) == (1, b"")
    assert done.said == "saga s is newer than --as-of 2020-01-01T00:00:00Z: it moved after that\n"


def test_the_timeline_tells_undos_and_failures_from_work_done() -> None:
    then = NOW - timedelta(hours=1)
    steps = (
        Step("pay", 0, StepStatus.COMPENSATING, action="Charge", compensation="Refund", executed_at=then),
        Step("ship", 1, StepStatus.FAILED, executed_at=then + timedelta(minutes=1)),
    )
    rows = [
        OutboxEntry("1", "outbox", "pay", True, then - timedelta(minutes=1)),
        OutboxEntry("2", "outbox", "pay", True, then + timedelta(minutes=2)),
        OutboxEntry("3", "outbox", "Refund", True, then + timedelta(minutes=3)),
        OutboxEntry("4", "outbox", "ship", True, then),
        OutboxEntry("5", "outbox", None, True, then),
        OutboxEntry("6", "outbox", "other", True, then),
    ]
    told = [_command(entry, steps) for entry in rows]
    assert told == [
        "command Charge of pay",
        "undo command Refund of pay",
        "undo command Refund of pay",
        "command ship",
        "command 5",
        "command other",
    ]


def test_a_failed_step_has_not_merely_ended(opened: Opened) -> None:
    steps = [step("reserve", "completed", executed_at=ago(minutes=62)), step("pay", "failed", executed_at=ago(hours=1))]
    page = opened(row("s", "compensating", steps=steps)).call("show", "s").text
    assert re.search(r"ago +reserve ended\n", page)
    assert re.search(r"ago +pay failed\n", page)


def test_the_timeline_tells_what_was_said_about_a_command() -> None:
    row = saga(
        received=(Receipt("m-1", "orders.received", "pay\x1b[2J", NOW - timedelta(minutes=3)),),
        replies=(Reply("r-1", "m-1", "orders.message", ReplyOutcome.DONE, NOW - timedelta(minutes=2), taken=False),),
    )
    out = io.StringIO()
    _timeline(Terminal(out, io.StringIO(), colour=False, ascii=True, width=120), case(row), NOW)
    assert "command m-1 answered (done), not taken" in out.getvalue()
    assert "command m-1 received by pay" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
