"""docs/commands.md names every key that a script may meet in the program's JSON."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sagadoctor.cli.render import case_wire
from sagadoctor.export import wire

from .conftest import Company
from .running import ROOT, Done

PAGE = (ROOT / "docs" / "commands.md").read_text("utf-8")
NAMED = set(re.findall(r"`([a-z_]+)`", PAGE))
FREE = frozenset(("payload", "links"))
"""What lies below is named by the saga, or by the configuration."""


def keys(value: object) -> set[str]:
    """Every key of a document, whatever it lies in."""
    if isinstance(value, dict):
        below = [inner for key, inner in value.items() if key not in FREE]
        return set(value).union(*map(keys, below))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def written(source: str) -> set[str]:
    """Every key that a module writes into a document."""
    found: set[object] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            found |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            found.add(node.slice.value)
    return {key for key in found if isinstance(key, str)}


def test_every_key_of_a_scan_is_named(scanned: Done) -> None:
    met = keys(scanned.document)
    assert {"findings", "override", "business_key", "acknowledged", "first_seen"} <= met
    assert met <= NAMED


def test_every_key_of_a_line_of_a_scan_is_named(company: Company) -> None:
    lines = company.call("scan", "-o", "ndjson").documents
    assert keys(lines) <= NAMED


def test_every_key_of_a_case_is_named(company: Company) -> None:
    met: set[str] = set()
    for truth in (
        company.healthy,
        company.of("step-timed-out"),
        company.of("late-success"),
        company.of("half-compensated"),
    ):
        met |= keys(company.call("show", "-o", "json", "--payload", truth.saga_id).document)
    assert {"cases", "has_result", "late_rule", "payload", "doubts"} <= met
    assert met <= NAMED


def test_every_key_of_a_check_is_named(company: Company) -> None:
    met = keys(company.home.call("check", "-o", "json").document)
    assert {"checks", "todo"} <= met
    assert met <= NAMED


@pytest.mark.parametrize("module", [wire.__file__, case_wire.__file__], ids=["scan", "show"])
def test_keys_that_the_demo_has_no_use_for_are_named_as_well(module: str) -> None:
    source = Path(module).read_text("utf-8")
    assert {"hint", "links"} <= written(source) or {"late_at", "not_json"} <= written(source)
    assert written(source) <= NAMED


def test_every_option_of_a_scan_is_named(company: Company) -> None:
    told = company.call("scan", "--help").text
    options = set(re.findall(r"--[a-z][a-z-]+", told)) - {"--help", "--output"}
    assert {option for option in options if option not in PAGE} == set()
