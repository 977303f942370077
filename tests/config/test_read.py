"""Files that can't be read or aren't TOML."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sagadoctor.config.read import LARGEST, read
from sagadoctor.errors import ConfigError

from .samples import STORE, refused


def unread(folder: Path, raw: bytes) -> list[str]:
    path = folder / "c.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError) as error:
        read(path)
    return [str(problem).replace(f"{folder}/", "") for problem in error.value.problems]


def test_row_02_a_byte_that_is_not_utf_8_is_named_by_its_offset(tmp_path: Path) -> None:
    said = "not UTF-8: byte 0xe9 at offset {}; save the file as UTF-8"
    assert unread(tmp_path, b'a = 1\nb = "caf\xe9"\n') == ["c.toml:2: " + said.format(14)]
    assert unread(tmp_path, b'\xef\xbb\xbfa = 1\nb = "caf\xe9"\n') == ["c.toml:2: " + said.format(17)]
    assert unread(tmp_path, "a = 1".encode("utf-16")) == [
        "c.toml:1: not UTF-8: byte 0xff at offset 0; save the file as UTF-8"
    ]


def test_row_02_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r\n")
    source = read(path)
    assert source.table == {"a": 1, "b": 2}
    assert source.where.line(("b",)) == 2


def test_row_03_a_syntax_error_shows_the_line_and_a_caret(tmp_path: Path) -> None:
    assert unread(tmp_path, b"a = 1\n[stores.orders\nb = 2\n") == [
        "c.toml:2: column 15: not valid TOML: Expected ']' at the end of a table declaration\n"
        "    [stores.orders\n"
        "                  ^"
    ]
    assert unread(tmp_path, b"a = 1\nb = yes\n") == [
        "c.toml:2: column 5: not valid TOML: Invalid value; `yes` is not TOML: write true or false, "
        "or quotes around a text\n    b = yes\n        ^"
    ]
    assert unread(tmp_path, b"a = 1\nb = hello\n") == [
        "c.toml:2: column 5: not valid TOML: Invalid value; a text needs quotes around it\n    b = hello\n        ^"
    ]


def test_row_03_a_syntax_error_at_the_end_of_the_file(tmp_path: Path) -> None:
    assert unread(tmp_path, b"a = 1\nb = [1,") == [
        "c.toml:2: column 8: not valid TOML: Invalid value\n    b = [1,\n           ^"
    ]


@pytest.mark.parametrize(
    "line",
    [
        'password = "correct horse battery',
        'db_password = "correct horse \\q battery"',
        "PASSWORD=correct horse battery",
        'url = "postgresql://u:correct horse battery@h/db',
        'api-key = ["correct horse battery"',
        'x = { token = "correct horse battery", }, }',
    ],
)
def test_row_03_a_syntax_error_does_not_show_what_may_be_a_secret(tmp_path: Path, line: str) -> None:
    (problem,) = unread(tmp_path, f"a = 1\n{line}\n".encode())
    assert problem.count("\n") == 2
    assert "horse" not in problem


def test_row_03_what_a_syntax_error_shows_is_inert(tmp_path: Path) -> None:
    (problem,) = unread(tmp_path, b"a = \x1b[2J\n")
    assert "\x1b" not in problem
    (problem,) = unread(tmp_path, b"a = " + b"x" * 100_000)
    assert len(problem) < 500


def test_row_06_a_table_said_twice_names_both_lines(tmp_path: Path) -> None:
    text = f"{STORE}\n[policy]\nskew = '1s'\n{STORE}"
    assert refused(tmp_path, text) == ["c.toml:7: stores.orders: said twice, first in line 1, again in line 7"]


def test_row_06_a_key_said_twice_names_both_lines_and_all_are_told_at_once(tmp_path: Path) -> None:
    text = "[a]\nx = 1\ny = 2\nx = [\n 3,\n]\n[b]\n[a]\nz = { p = 1, p = 2 }\n"
    assert refused(tmp_path, text) == [
        "c.toml:4: a.x: said twice, first in line 2, again in line 4",
        "c.toml:8: a: said twice, first in line 1, again in line 8",
        "c.toml:9: a.z.p: said twice, first in line 9, again in line 9",
    ]


@pytest.mark.parametrize(
    ("text", "key", "first", "again"),
    [
        ("a = 1\na.b = 2\n", "a", 1, 2),
        ("a = { b = 1 }\n[a.c]\n", "a", 1, 2),
        ("[a]\nb.c = 1\n[a.b]\n", "a.b", 2, 3),
        ("a = [{ x = 1 }]\n[[a]]\n", "a", 1, 2),
        ("[[a]]\n[a]\n", "a", 1, 2),
        ('a.b = 1\n"a".\'b\' = """\n\n"""\n', "a.b", 1, 2),
        ("[[s]]\nx = 1\n[[s]]\nx = 1\nx = 2\n", "s[1].x", 4, 5),
    ],
)
def test_row_06_every_way_to_say_a_thing_twice(tmp_path: Path, text: str, key: str, first: int, again: int) -> None:
    assert refused(tmp_path, text) == [
        f"c.toml:{again}: {key}: said twice, first in line {first}, again in line {again}"
    ]


def test_row_10_a_huge_file_is_not_read(tmp_path: Path) -> None:
    assert unread(tmp_path, b"#" * (LARGEST + 1)) == [
        "c.toml: more than the limit of 1 MB; this is not a configuration"
    ]
    with pytest.raises(ConfigError, match="more than the limit of 1 MB"):
        read(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * 40 + "]" * 40,
        "a = " + "{ b = " * 40 + "1" + "}" * 40,
        ".".join("a" * 40) + " = 1",
        "[" + ".".join("a" * 100_000) + "]",
        "[[" + ".".join("a" * 40) + "]]",
    ],
)
def test_row_10_a_very_deep_file_is_refused(tmp_path: Path, text: str) -> None:
    assert unread(tmp_path, f"\n{text}\n".encode()) == ["c.toml:2: more than 32 tables or lists inside each other"]


def test_a_number_that_the_parser_chokes_on_is_a_problem(tmp_path: Path) -> None:
    for digits in (b"9" * 5000, b"-" + b"9_" * 5000 + b"9"):
        (problem,) = unread(tmp_path, b"b = 1\na = " + digits)
        assert problem == "c.toml:2: a number of more than 4300 digits; is a quote missing?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            b'a = "x\nb = 1',
            "c.toml:1: column 7: not valid TOML: a text ends with its line: the closing quote is missing",
        ),
        (
            b'a = "x\r\nb = 1',
            "c.toml:1: column 7: not valid TOML: a text ends with its line: the closing quote is missing",
        ),
        (b'a = """x', "c.toml:1: column 9: not valid TOML: a text has no end: the closing quote is missing"),
        (b"a = 'x", "c.toml:1: column 7: not valid TOML: a text has no end: the closing quote is missing"),
        (b'a = "\x01"', r"c.toml:1: column 6: not valid TOML: Illegal character '\x01'"),
    ],
)
def test_a_syntax_error_is_in_words_that_are_spelt_out_once(tmp_path: Path, text: bytes, said: str) -> None:
    (problem,) = unread(tmp_path, text)
    assert problem.splitlines()[0] == said


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is a folder, not a file"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="can't be read: No such file or directory"):
        read(tmp_path / "none")


def test_a_pipe_is_read_and_one_that_nobody_writes_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "c.toml"
    os.mkfifo(pipe)
    monkeypatch.setattr("sagadoctor.config.read._SECONDS", 0.2)
    with pytest.raises(ConfigError, match=r"can't be read: no end within 0.2 s"):
        read(pipe)
    monkeypatch.setattr("sagadoctor.config.read._SECONDS", 30)
    writer = threading.Thread(target=lambda: pipe.write_text("config_version = 1\n"))
    writer.start()
    assert read(pipe).table == {"config_version": 1}
    writer.join()
