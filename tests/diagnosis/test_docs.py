"""docs/findings.md: a section for every rule, and none for a rule that doesn't exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sagadoctor.diagnosis import prescribe, rules
from sagadoctor.diagnosis.rules import RANK, RULES, SURVEY_RULES

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"
TEXT = PAGE.read_text("utf-8")
SECTIONS = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
BODIES = dict(zip(SECTIONS, re.split(r"^### .+$", TEXT, flags=re.MULTILINE)[1:], strict=True))
EVERY_RULE = {rule.name: rule.severity for rule in RULES} | {rule.name: rule.severity for rule in SURVEY_RULES[:1]}


def test_each_rule_has_one_section_and_no_section_is_of_no_rule() -> None:
    assert set(SECTIONS) == {rule.name for rule in RULES} | {rule.name for rule in SURVEY_RULES}
    assert len(SECTIONS) == len(set(SECTIONS))


def test_the_sections_stand_in_the_order_of_rank() -> None:
    assert sorted(SECTIONS, key=RANK.__getitem__) == SECTIONS


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_everything_that_a_tired_person_needs(name: str) -> None:
    for part in ("- **You see**", "- **It means**", "- **Causes:**", "- **Do:**", "- **Don't**"):
        assert part in BODIES[name], f"{name} lacks {part}"


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_begins_with_its_severity(name: str) -> None:
    assert re.match(rf"\n+(info; )?{EVERY_RULE[name].value}\b", BODIES[name])


def codes_of(source: str) -> set[str]:
    """Return the constants that stand where a refusal has its code."""
    found: set[object] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [node.args[2]] if name in ("refuse", "_refused") and len(node.args) > 2 else []
        given += [keyword.value for keyword in node.keywords if keyword.arg == "override"]
        found |= {each.value for each in given if isinstance(each, ast.Constant)}
    return {code for code in found if isinstance(code, str)}


def test_every_code_of_a_refusal_is_explained() -> None:
    sources = [*Path(rules.__file__).parent.glob("*.py"), Path(prescribe.__file__)]
    codes = {code for path in sources for code in codes_of(path.read_text("utf-8"))}

    assert {"late-success", "outbox-unsent", "duplicate-id", "moving"} <= codes
    assert not {code for code in codes if f"`{code}`" not in TEXT}


def test_no_line_is_too_long_to_read() -> None:
    assert max(map(len, TEXT.splitlines())) <= 130
