"""`sagadoctor demo`: a company that needs nothing else, and the lines it says to try next."""

from __future__ import annotations

import re
import shlex

import pytest

from .running import Home


@pytest.mark.slow
def test_a_company_opens_is_scanned_and_can_be_scanned_again(bare: Home) -> None:
    folder = bare.folder / "a company"
    done = bare.run("demo", "--folder", str(folder))
    assert done.code == 0
    told = re.search(r"(\d+) sagas were started, (\d+) of them are sick", done.said)
    assert told, done.said
    summary = re.search(r"critical, \d+ warning in (\d+) of (\d+) sagas", done.text)
    assert summary, done.text[-500:]
    assert (summary[2], summary[1]) == told.groups()
    tries = re.findall(r"^  (sagadoctor .*)$", done.said, re.MULTILINE)
    assert len(tries) >= 3
    for line in tries:
        words = shlex.split(line)[1:]
        assert bare.call(*words).code in (0, 1), line


def test_a_place_that_cannot_be_had_is_a_usage_error(bare: Home) -> None:
    (bare.folder / "file").write_text("")
    done = bare.call("demo", "--folder", str(bare.folder / "file" / "x"))
    assert (done.code, done.out) == (2, b"")
    assert "--folder" in done.said
    assert "Traceback" not in done.said
