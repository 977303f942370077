"""What docs/map-your-store.md shows is what comes out: each example's tables are made, mapped and scanned."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.adapters.sql.mapping.steps import SHAPES

from .mapped import PAGE, Example, examples, scanned

TEXT = PAGE.read_text("utf-8")
ALL = list(examples(TEXT))


@pytest.mark.parametrize("example", [pytest.param(each, id=each.title) for each in ALL])
def test_the_report_is_what_comes_out(example: Example, tmp_path: Path) -> None:
    done = scanned(TEXT, example, tmp_path)
    assert done.code == 1, done.said
    assert done.said == ""
    assert done.text.rstrip("\n") == example.report.rstrip("\n")


def test_every_shape_has_its_example_and_its_line_in_the_table() -> None:
    mapped = "\n".join(each.mapping for each in ALL)
    for shape in SHAPES:
        assert f'shape = "{shape}"' in mapped
        assert f"[`{shape}`](#{shape})" in TEXT
    titles = [each.title for each in ALL]
    assert len(titles) == len(set(titles))


def test_no_example_is_skipped() -> None:
    assert TEXT.count("```sql\n") == len(ALL)
    with pytest.raises(ValueError, match="without a report"):
        list(examples("## a\n```sql\nx\n```\n## b\n```sql\ny\n```\n"))
