"""JSON, NDJSON and CSV of reports made by hand: streamed, complete or saying that they are not, and inert."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest

from sagadoctor.cli.render import RENDERERS, Shape
from sagadoctor.model.finding import Severity
from sagadoctor.model.report import BlindSpot
from tests.export.made import NOW, ODD_TEXTS, a_finding, a_group, an_end, named, named_end

from .drawn import drawn, talk, terminal

PRINTABLE = re.compile(r"[ -~\n]*")
THREE = tuple(a_finding(saga_id=f"s-{number}") for number in range(3))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_document_of_a_report_has_the_contracts_keys_in_order() -> None:
    document = json.loads(drawn("json", THREE))
    assert list(document) == [
        "schema",
        "as_of",
        "findings",
        "groups",
        "resolved",
        "blind_spots",
        "scanned",
        "truncated",
        "complete",
        "notes",
        "summary",
    ]
    assert document["schema"] == "sagadoctor.report/1"
    assert document["as_of"] == "2026-11-20T03:00:00Z"
    assert [each["saga_id"] for each in document["findings"]] == ["s-0", "s-1", "s-2"]


def test_an_empty_report_is_a_document_too() -> None:
    assert json.loads(drawn("json", ()))["findings"] == []
    (summary,) = lines(drawn("ndjson", ()))
    assert "findings" not in summary
    assert cells(drawn("csv", ())) == []


def test_ndjson_is_one_finding_a_line_and_then_the_rest() -> None:
    told = lines(drawn("ndjson", THREE))
    assert [each["saga_id"] for each in told[:-1]] == ["s-0", "s-1", "s-2"]
    whole = json.loads(drawn("json", THREE))
    assert told[:-1] == whole.pop("findings")
    assert told[-1] == whole


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "markdown"])
def test_a_finding_is_written_before_the_next_one_is_known(output: str) -> None:
    on = terminal()
    renderer = RENDERERS[output](on, Shape(as_of=NOW))
    renderer.start()
    for number in range(3):
        renderer.finding(a_finding(saga_id=f"early-{number}"))
        assert f"early-{number}" in on.out.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_limit_is_said_in_every_machine_format(limit: int) -> None:
    cut = limit < 3
    document = json.loads(drawn("json", THREE, limit=limit))
    assert len(document["findings"]) == min(limit, 3)
    assert document["truncated"] is cut
    told = lines(drawn("ndjson", THREE, limit=limit))
    assert len(told) == min(limit, 3) + 1
    assert told[-1]["truncated"] is cut
    on = terminal()
    assert len(cells(drawn("csv", THREE, limit=limit, on=on))) == min(limit, 3)
    assert ("this is not all" in talk(on)) is cut


def test_rows_that_were_left_out_are_said() -> None:
    end = an_end(truncated=True, complete=False)
    assert json.loads(drawn("json", (), end))["truncated"] is True
    assert json.loads(drawn("json", (), end))["complete"] is False
    on = terminal()
    drawn("csv", (), end, on=on)
    assert "this is not all: the scan is incomplete" in talk(on)


def test_by_group_ndjson_is_one_group_a_line() -> None:
    end = an_end(groups=(a_group(), a_group(id="g-2", title="another", sagas=4)))
    told = lines(drawn("ndjson", THREE, end, by_group=True))
    assert [each["id"] for each in told[:-1]] == ["g-0123456789ab", "g-2"]
    assert told[-1]["truncated"] is False
    cut = lines(drawn("ndjson", THREE, end, by_group=True, limit=1))
    assert len(cut) == 2
    assert cut[-1]["truncated"] is True


def test_by_group_json_has_the_groups_and_no_findings() -> None:
    document = json.loads(drawn("json", THREE, by_group=True))
    assert document["findings"] == []
    assert document["groups"][0]["id"] == "g-0123456789ab"
    assert document["truncated"] is False


def test_by_group_csv_is_one_group_a_row() -> None:
    (group,) = cells(drawn("csv", THREE, by_group=True))
    assert group["sagas"] == "1"
    assert group["rule"] == "compensation-stuck"
    on = terminal()
    end = an_end(groups=(a_group(), a_group(id="g-2")))
    assert len(cells(drawn("csv", THREE, end, by_group=True, limit=1, on=on))) == 1
    assert "this is not all" in talk(on)


def test_a_row_says_what_the_document_says() -> None:
    (cell,) = cells(drawn("csv", [a_finding(late_seconds=-5, half_compensated=False)]))
    wire = json.loads(drawn("json", [a_finding(late_seconds=-5, half_compensated=False)]))["findings"][0]
    for key, value in cell.items():
        expected = wire[key]
        assert value == {None: "", True: "true", False: "false"}.get(expected, str(expected)), key


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x")',
    "\t=1",
    "\r=1",
    " =1",
    "\n=1",
]


@pytest.mark.parametrize("formula", FORMULAS, ids=range(len(FORMULAS)))
def test_no_cell_is_a_formula(formula: str) -> None:
    (cell,) = cells(drawn("csv", [named(formula)]))
    for key in ("saga_id", "saga_type", "step", "business_key", "summary"):
        assert cell[key].lstrip()[:1] not in ("=", "+", "-", "@") or cell[key].startswith("'") or cell[key][0] == " "
        assert not re.match(r"[=+\-@\t\r]", cell[key])


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_text_makes_neither_rows_nor_columns(text: str) -> None:
    on = terminal()
    page = drawn("csv", [named(text), named(text)], named_end(text), on=on)
    assert PRINTABLE.fullmatch(page)
    assert PRINTABLE.fullmatch(talk(on))
    rows = list(csv.reader(io.StringIO(page, newline="")))
    assert len(rows) == 3
    assert len({len(row) for row in rows}) == 1
    groups = list(csv.reader(io.StringIO(drawn("csv", (), named_end(text), by_group=True), newline="")))
    assert [len(row) for row in groups] == [8, 8, 8]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_odd_text_stays_printable_json(output: str, text: str) -> None:
    page = drawn(output, [named(text)], named_end(text))
    assert PRINTABLE.fullmatch(page)
    for line in [page] if output == "json" else page.splitlines():
        json.loads(line)


def test_a_quote_is_doubled_as_spreadsheets_expect() -> None:
    assert '"say ""hi"", please"' in drawn("csv", [a_finding(summary='say "hi", please')])


def test_what_was_not_seen_stands_in_every_document() -> None:
    end = an_end(complete=False, blind_spots=(BlindSpot("payments", "no route to host", NOW),))
    for document in (json.loads(drawn("json", (), end)), lines(drawn("ndjson", (), end))[-1]):
        assert document["complete"] is False
        assert document["blind_spots"] == [
            {"source": "payments", "reason": "no route to host", "since": "2026-11-20T03:00:00Z"}
        ]


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_is_written(severity: Severity) -> None:
    assert json.loads(drawn("json", [a_finding(severity=severity)]))["findings"][0]["severity"] == severity.value
