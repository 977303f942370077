"""`scan --from`: the ids in a file, whatever the file is like, and what is said of those that nobody has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sagadoctor.cli import asked

from .conftest import Opened
from .running import Home
from .stores import resting, stuck


@pytest.fixture
def home(opened: Opened) -> Home:
    return opened(stuck("a"), resting("b"), stuck("c"), trips=[stuck("d")])


def listed(home: Home, data: bytes) -> Path:
    path = home.folder / "ids"
    path.write_bytes(data)
    return path


def told(home: Home, data: bytes) -> set[str]:
    done = home.call("scan", "-o", "json", "--from", str(listed(home, data)))
    return {each["saga_id"] for each in done.document["findings"]}


@pytest.mark.parametrize(
    "data",
    [b"a\nd\n", b"\xef\xbb\xbfa\r\nd\r\n", b"a\n\n  \n\td  ", b"a\rd", b"d\na\na\nd\na\n"],
    ids=["plain", "byte order mark", "blanks and no end", "old line ends", "again and again"],
)
def test_lines_are_read_as_people_write_them(home: Home, data: bytes) -> None:
    assert told(home, data) == {"a", "d"}


def test_what_is_not_there_is_said_in_every_format(home: Home) -> None:
    path = listed(home, b"a\nno-such\nd\n\x1b[31m\n")
    sentence = "2 of the 4 ids asked for were not found, no store has them: "
    document = home.call("scan", "-o", "json", "--from", str(path)).document
    assert document["notes"] == [sentence + "\x1b[31m, no-such"]
    assert document["complete"]
    for words in ((), ("-o", "csv"), ("-o", "ndjson"), ("-o", "markdown"), ("-o", "nagios")):
        done = home.call("scan", *words, "--from", str(path))
        assert sentence in done.text + done.said, words
        assert "\x1b[31m" not in done.text + done.said, words


def test_nobody_at_all_is_no_clean_scan(home: Home) -> None:
    done = home.call("scan", "--from", str(listed(home, b"x\ny\n")))
    assert done.code == 0
    assert "2 of the 2 ids asked for were not found" in done.text + done.said


def test_an_empty_list_asks_for_nobody(home: Home) -> None:
    assert told(home, b"") == set()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a\n" + b"x" * 70_000, "ids:2: longer than any id"),
        (b"a\n\xff\xfe\n", "ids:2: not UTF-8 text; a saga id a line is wanted"),
        (b"".join(b"id-%d\n" % number for number in range(200)), "more than 50 ids"),
        (b"a\n" * 700, "more than 50 ids"),
    ],
    ids=["a long line", "no text", "too many ids", "too many lines"],
)
def test_what_is_no_list_of_ids_is_a_usage_error(
    home: Home, monkeypatch: pytest.MonkeyPatch, data: bytes, said: str
) -> None:
    monkeypatch.setattr(asked, "_MOST_IDS", 50)
    monkeypatch.setattr(asked, "_MOST_LINES", 500)
    done = home.call("scan", "--from", str(listed(home, data)))
    assert (done.code, done.out) == (2, b"")
    assert said in " ".join(done.said.replace("│", " ").split())
    assert "--from" in done.said


def test_a_source_without_an_end_is_left(home: Home) -> None:
    done = home.run("scan", "--from", "/dev/zero")
    assert (done.code, done.out) == (2, b"")
    folder = home.run("scan", "--from", os.fspath(home.folder))
    assert (folder.code, folder.out) == (2, b"")
    assert "Traceback" not in done.said + folder.said
