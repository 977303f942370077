"""The report for a person: readable at any width, without colours, without Unicode, and with hostile text in it."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from sagadoctor.model.finding import FindingStatus, Severity, Subject
from sagadoctor.model.remedy import Advice, Remedy, RemedyKind
from sagadoctor.model.report import BlindSpot, Summary
from tests.export.made import NOW, ODD_TEXTS, a_finding, a_group, an_end, named, named_end

from .drawn import COLOUR, drawn, powerful, talk, terminal

WIDTHS = (40, 80, 200)
COMMAND = re.compile(r"Look closer: (sagadoctor .*)")
UUID = "7d1c6a52-0000-4000-8000-5c9a0d7f0001"


def test_an_entry_says_what_where_since_when_and_what_to_do() -> None:
    assert drawn("table", [a_finding()]) == (
        "✖ critical compensation-stuck  OrderFulfillment at process_payment\n"
        "    7d1c · A-10042 · orders · 32m late · last progress 42m ago\n"
        "    half compensated\n"
        "    the undo of process_payment was sent and has not been confirmed for 42m\n"
        "    → ask: resend-compensation, it was never confirmed\n"
        "\n"
        "1 critical in 1 of 120 sagas\n"
        "Look closer: sagadoctor show --store orders -- 7d1c\n"
    )


def test_without_unicode_nothing_but_ascii_is_written() -> None:
    page = drawn("table", [a_finding()], on=terminal(ascii=True))
    assert page.isascii()
    assert page.startswith("x critical compensation-stuck  OrderFulfillment at process_payment\n")
    assert "    7d1c - A-10042 - orders - 32m late" in page
    assert "    -> ask: resend-compensation" in page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_lines_fit_unless_a_name_or_a_command_is_longer(width: int, ascii_only: bool) -> None:
    long = a_finding(
        saga_id=UUID,
        summary="the undo of process_payment was sent and has not been confirmed for 42m, " * 3,
        acknowledged_until=NOW + timedelta(hours=2),
        status=FindingStatus.ONGOING,
        first_seen=NOW - timedelta(days=2),
        remedies=(Remedy(RemedyKind.CALL_HUMAN, Advice.ASK, "look at the participant first, and " * 5),),
    )
    end = an_end(
        complete=False,
        truncated=True,
        blind_spots=(BlindSpot("payments", "no route to host " * 6, NOW, "is the VPN up?"),),
        groups=(a_group(sagas=40, title="undos that were never confirmed: " * 8), a_group(id="g-2", sagas=3)),
        resolved=("f-1",),
    )
    page = drawn("table", [long, a_finding(rule="no-progress")], end, on=terminal(width=width, ascii=ascii_only))
    for line in page.splitlines():
        assert len(line) <= width or line.strip() in UUID or COMMAND.match(line), line


def test_no_word_is_cut_in_two() -> None:
    page = drawn("table", [a_finding(saga_id=UUID)], on=terminal(width=40))
    for word in (UUID, "compensation-stuck", "OrderFulfillment at process_payment", "resend-compensation", "A-10042"):
        assert word in page


def test_severity_is_a_word_and_a_glyph_and_not_only_a_colour() -> None:
    for severity, glyphs in ((Severity.CRITICAL, "✖x"), (Severity.WARNING, "▲!"), (Severity.INFO, "ii")):
        for ascii_only, glyph in zip((False, True), glyphs, strict=True):
            on = terminal(ascii=ascii_only, verbose=True)
            assert drawn("table", [a_finding(severity=severity)], on=on).startswith(f"{glyph} {severity.value:<8} ")


def test_colours_add_nothing_but_colour() -> None:
    end = an_end(complete=False, truncated=True, blind_spots=(BlindSpot("payments", "no route"),))
    plain = drawn("table", [a_finding()], end)
    coloured = drawn("table", [a_finding()], end, on=terminal(colour=True))
    assert coloured != plain
    assert COLOUR.sub("", coloured) == plain
    assert coloured.count("\x1b[") == 2 * coloured.count("\x1b[0m")


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("colour", [False, True])
def test_outside_text_is_inert(text: str, width: int, colour: bool) -> None:
    on = terminal(width=width, colour=colour, verbose=True)
    store = a_finding(subject=Subject.STORE, saga_id=None, about=text, store=text)
    for by_group in (False, True):
        page = drawn("table", [named(text), store], named_end(text), on=on, by_group=by_group)
        assert powerful(page, coloured=colour) == []
        assert powerful(talk(on)) == []
        assert max(map(len, page.splitlines())) < 1500


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_outside_text_cannot_be_anything_but_ascii_where_nothing_else_is_drawn(text: str) -> None:
    page = drawn("table", [named(text)], named_end(text), on=terminal(ascii=True, verbose=True))
    assert page.isascii()


def test_waiting_is_not_advised_twice() -> None:
    wait = (Remedy(RemedyKind.WAIT, Advice.WAIT, "it is the turn of a person"),)
    assert "    → wait: it is the turn of a person\n" in drawn("table", [a_finding(remedies=wait)])


def test_the_worst_and_latest_come_first() -> None:
    findings = [
        a_finding(saga_id="warn", severity=Severity.WARNING, late_seconds=9999),
        a_finding(saga_id="late", late_seconds=60),
        a_finding(saga_id="later", late_seconds=600),
        a_finding(saga_id="old", late_seconds=None, age_seconds=6000),
    ]
    page = drawn("table", findings)
    places = [page.index(f"    {name} · ") for name in ("old", "later", "late", "warn")]
    assert places == sorted(places)
    assert COMMAND.search(page)
    assert "-- old" in COMMAND.search(page)[1]  # type: ignore[index]


def test_findings_of_one_saga_are_one_entry() -> None:
    page = drawn("table", [a_finding(), a_finding(rule="no-progress", primary=False), a_finding(saga_id="other")])
    assert page.count("7d1c · ") == 1
    assert "    also: critical no-progress\n" in page
    assert "    other · " in page


def test_the_same_id_in_two_stores_is_two_entries() -> None:
    page = drawn("table", [a_finding(), a_finding(store="billing")])
    assert page.count("7d1c · ") == 2


def test_a_limit_keeps_the_worst_and_counts_the_rest() -> None:
    findings = [a_finding(saga_id=f"s-{number:02}", late_seconds=number) for number in range(60)]
    page = drawn("table", findings, limit=2)
    assert "s-59" in page
    assert "s-57" not in page
    assert "… and 58 more sagas; a higher --limit shows more, -o json all of them" in page
    assert "… and 10 more sagas; --limit shows more" in drawn("table", findings)


def test_what_rests_as_it_should_is_counted_and_listed_when_asked() -> None:
    resting = a_finding(severity=Severity.INFO, rule="waiting")
    end = an_end(summary=Summary(info=1), worst_unacknowledged=Severity.INFO)
    page = drawn("table", [resting], end)
    assert page == "nothing wrong in 120 sagas; 1 rest as they should (-v lists them)\n"
    listed = drawn("table", [resting], end, on=terminal(verbose=True))
    assert "i info     waiting" in listed
    assert "nothing wrong in 120 sagas; 1 rest as they should\n" in listed
    assert drawn("table", [resting], end, nothing="nothing new").startswith("nothing wrong in 120")
    assert drawn("table", [], end, nothing="nothing new") == "nothing new in 120 sagas\n"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "nothing wrong in 120 sagas"),
        ({"complete": False, "truncated": True}, "nothing wrong in the 120 sagas that could be read; INCOMPLETE"),
        ({"sagas": 0}, "no saga was read"),
        ({"sagas": 0, "complete": False}, "no saga was read; INCOMPLETE"),
        ({"resolved": ("f-1", "f-2")}, "nothing wrong in 120 sagas; 2 resolved since the last scan"),
        ({"summary": Summary(critical=2, warning=3, sagas=4)}, "2 critical, 3 warning in 4 of 120 sagas"),
        ({"summary": Summary(warning=1, sagas=1, acknowledged=1)}, "1 warning in 1 of 120 sagas; 1 acknowledged"),
    ],
)
def test_the_last_line_says_how_it_stands(changes: dict[str, object], text: str) -> None:
    end = an_end(**{"groups": (), "summary": Summary(), "worst_unacknowledged": None, **changes})
    assert drawn("table", (), end).splitlines()[-1] == text


def test_what_was_not_seen_is_said_with_its_reason_and_a_way_out() -> None:
    spot = BlindSpot("payments", "no route to host", NOW - timedelta(hours=1), "is the VPN up?")
    page = drawn("table", (), an_end(complete=False, blind_spots=(spot,)), on=terminal(width=200))
    assert "NOT SEEN  payments: no route to host, last seen 2026-11-20 02:00 (is the VPN up?)\n" in page


def test_rows_beyond_the_cap_are_said() -> None:
    assert "NOT ALL   rows beyond the cap were left out" in drawn("table", (), an_end(truncated=True, complete=False))


def test_notes_are_talk() -> None:
    on = terminal()
    page = drawn("table", (), an_end(notes=("the ledger can't be used",)), on=on)
    assert "ledger" not in page
    assert talk(on) == "note: the ledger can't be used\n"
    silent = terminal(quiet=True)
    drawn("table", (), an_end(notes=("the ledger can't be used",)), on=silent)
    assert talk(silent) == ""


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"status": FindingStatus.ONGOING, "first_seen": NOW - timedelta(hours=1)}, "known since 02:00 UTC"),
        ({"status": FindingStatus.ONGOING, "first_seen": NOW - timedelta(days=2)}, "known since 2026-11-18 03:00 UTC"),
        ({"acknowledged_until": NOW + timedelta(hours=2)}, "acknowledged until 05:00 UTC"),
        ({"state": "failed"}, "ended 42m ago"),
        ({"state": "compensating"}, "last progress 42m ago"),
        ({"late_seconds": 3700}, "1h 1m late"),
        ({"half_compensated": True}, "half compensated"),
    ],
)
def test_marks(changes: dict[str, object], mark: str) -> None:
    assert mark in drawn("table", [a_finding(**changes)])


def test_what_is_not_late_is_not_called_late() -> None:
    for late in (None, 0, -60):
        assert "late" not in drawn("table", [a_finding(late_seconds=late)]).replace("--", "")


def test_only_shared_causes_are_listed_beside_entries() -> None:
    groups = (a_group(sagas=3), a_group(id="g-2", title="alone", sagas=1))
    page = drawn("table", [a_finding()], an_end(groups=groups))
    assert "Shared causes\n      3 sagas ✖ g-0123456789ab undos that were never confirmed\n" in page
    assert "alone" not in page


def test_by_group_is_one_line_a_cause_with_the_id_to_acknowledge() -> None:
    groups = (a_group(sagas=3), a_group(id="g-2", title="alone", severity=Severity.WARNING))
    page = drawn("table", [a_finding()], an_end(groups=groups), by_group=True, on=terminal(width=200))
    assert page == (
        "Causes\n"
        "      3 sagas ✖ g-0123456789ab undos that were never confirmed\n"
        "      1 saga  ▲ g-2 alone\n"
        "\n"
        "1 critical in 1 of 120 sagas\n"
        "Look closer: sagadoctor scan --group g-0123456789ab\n"
    )


def test_by_group_a_limit_counts_the_rest() -> None:
    groups = tuple(a_group(id=f"g-{number}") for number in range(5))
    page = drawn("table", [a_finding()], an_end(groups=groups), by_group=True, limit=2)
    assert "… and 3 more causes; a higher --limit shows more" in page
    assert "g-2" not in page
    many = tuple(a_group(id=f"g-{number}", sagas=2) for number in range(60))
    assert "… and 10 more causes; --limit shows more" in drawn(
        "table", [a_finding()], an_end(groups=many), by_group=True
    )
    assert "… and 50 more causes; --by-group shows more" in drawn("table", [a_finding()], an_end(groups=many))


def test_a_cause_is_told_to_its_end_however_narrow_the_terminal() -> None:
    titles = [f"commands that never left the outbox: OrderFulfillment at {step}" for step in ("reserve_stock", "pay")]
    groups = tuple(a_group(id=f"g-{number}", title=title) for number, title in enumerate(titles))
    for width in WIDTHS:
        page = drawn("table", [a_finding()], an_end(groups=groups), by_group=True, on=terminal(width=width))
        for title in titles:
            assert title in " ".join(page.split())


def test_an_entry_is_headed_by_the_severity_of_its_own_rule() -> None:
    lead = a_finding(rule="clock-skew", severity=Severity.WARNING)
    page = drawn("table", [lead, a_finding(rule="half-compensated", primary=False)])
    assert page.startswith("▲ warning  clock-skew")
    assert "    also: critical half-compensated\n" in page


def test_an_empty_id_is_seen() -> None:
    assert "    '' · A-10042 · orders" in drawn("table", [a_finding(saga_id="")])


def test_printed_commands_repeat_the_global_options() -> None:
    page = drawn("table", [a_finding()], options=("--config", "/etc/my sagas.toml"))
    assert "Look closer: sagadoctor --config '/etc/my sagas.toml' show --store orders -- 7d1c\n" in page


def test_a_plain_terminal_is_never_given_an_id_it_cannot_show() -> None:
    page = drawn("table", [a_finding(saga_id="é")], on=terminal(ascii=True))
    assert "Look closer: sagadoctor show -- f-0123456789abcdef\n" in page


def test_nothing_to_look_at_closer_is_no_command() -> None:
    about_store = a_finding(subject=Subject.STORE, saga_id=None, about="orders")
    assert "Look closer" not in drawn("table", [about_store])
    assert "Look closer" not in drawn("table", ())
    assert "Look closer" not in drawn("table", (), an_end(groups=()), by_group=True)


WINDOWS = r"read C:\temp\new\x41.txt of [bold]app[/bold]"


def test_a_backslash_in_words_stands_there_once_and_in_an_id_it_is_spelt() -> None:
    remedy = Remedy(RemedyKind.CALL_HUMAN, Advice.ASK, f"{WINDOWS} \x1b[31m")
    finding = a_finding(summary=f"it says: {WINDOWS}", remedies=(remedy,), saga_id=r"C:\temp")
    end = an_end(
        groups=(msgspec.structs.replace(a_group(), title=WINDOWS, sagas=2), a_group()),
        blind_spots=(BlindSpot("far", WINDOWS, hint=WINDOWS),),
        notes=(WINDOWS,),
    )
    on = terminal(width=200)
    page = drawn("table", (finding,), end, on=on) + talk(on)
    assert page.count(WINDOWS) == 6
    assert rf"{WINDOWS} \e[31m" in page
    assert r"C:\\temp" in page.replace(WINDOWS, "")
    assert not powerful(page)
