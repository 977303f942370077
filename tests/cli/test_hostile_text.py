"""A store full of text that would like to be more than text: every format, every saga, and nothing gets through."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagadoctor.untrusted import shown
from tests.export.made import ODD_TEXTS

from .drawn import powerful
from .running import Done, Home
from .stores import SEARCHED, TABLE, add, ago, config_of, row, step, stuck

FORMATS = ("table", "json", "ndjson", "csv", "markdown", "nagios")


def storable(text: str) -> str | None:
    """The text as SQLite's driver takes it; half pairs are put in as bytes instead."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text


HOSTILE = tuple(text for text in ODD_TEXTS if storable(text) is not None)
WHOLE = tuple(text for text in HOSTILE if "\0" not in text)
"""What an argument may hold."""
NO_TEXT = (b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[31m\xff", b"\xc2")
"""Bytes that are no UTF-8, as other programs leave them in texts of SQLite."""
ALL_AT_ONCE = "".join(text for text in WHOLE if len(text) < 1000)
TIMES = {"created_at": ago(minutes=70), "updated_at": ago(minutes=60)}


def rows() -> Iterator[dict[str, Any]]:
    for number, text in enumerate(HOSTILE):
        steps = [step(text, "compensating", error=text, executed_at=text), step(f"{text}2", text, error=text)]
        reference = json.dumps({"reference": text, text: text})
        yield stuck(text, saga_type=text, steps=steps, data=reference, **TIMES)
        yield row(f"state-{number}", text, data=reference, **TIMES)
        yield row(f"times-{number}", "compensating", created_at=text, updated_at=text)
        yield row(f"steps-{number}", "compensating", steps=text, data=text, **TIMES)
        yield stuck(f"type-{number}", saga_type=text, **TIMES)


def write_bytes(connection: sqlite3.Connection) -> None:
    for number, raw in enumerate(NO_TEXT):
        connection.execute(
            "INSERT INTO sagas VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), 0, CAST(? AS TEXT), ?, ?, ?)",
            (b"%d" % number + raw, raw, raw, b'{"reference": "' + raw + b'"}', "[]", *TIMES.values()),
        )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("hostile")
    connection = sqlite3.connect(folder / "orders.db")
    with connection:
        connection.execute(TABLE)
        connection.execute(SEARCHED)
        add(connection, rows())
        write_bytes(connection)
    connection.close()
    config = folder / "config.toml"
    config.write_text(config_of({"orders": folder / "orders.db"}, '[links]\ntrace = "https://t/{saga_id}"'))
    return Home(folder, config)


@pytest.fixture(scope="module")
def findings(home: Home) -> list[dict[str, Any]]:
    found = home.run("scan", "-o", "json").document["findings"]
    assert isinstance(found, list)
    return found


def assert_inert(done: Done, *, coloured: bool = False) -> None:
    assert powerful(done.text, coloured=coloured) == []
    assert powerful(done.said) == []
    assert "internal error" not in done.said
    assert "Traceback" not in done.said


def test_no_row_is_lost_and_every_id_comes_back_as_it_was(findings: list[dict[str, Any]]) -> None:
    told = {each["saga_id"] for each in findings}
    missing = set(WHOLE) - told
    assert not missing
    assert {f"{kind}-{number}" for kind in ("state", "steps", "type") for number in range(len(HOSTILE))} <= told
    assert len([each for each in told if each[:1] in "0123"]) >= 4


def test_ids_with_nul_or_without_an_encoding_come_back_too(home: Home, findings: list[dict[str, Any]]) -> None:
    named = {each["saga_id"]: each["id"] for each in findings}
    spelt = {f"{number}{raw.decode(errors='backslashreplace')}" for number, raw in enumerate(NO_TEXT)}
    assert set(HOSTILE) | spelt <= set(named)
    for saga_id, finding in named.items():
        assert home.call("show", finding).code == 0, saga_id
    for saga_id in spelt:
        assert home.call("show", "--", saga_id).code == 0, saga_id


def test_what_was_printed_finds_the_saga_again(home: Home, findings: list[dict[str, Any]]) -> None:
    for saga_id in {each["saga_id"] for each in findings}:
        done = home.call("show", "-o", "json", "--", str(shown(saga_id)))
        assert done.code == 0, saga_id
        assert {each["saga_id"] for each in done.document["cases"]} == {saga_id}


def test_unknown_words_come_back_raw(findings: list[dict[str, Any]]) -> None:
    raw = {each["raw_state"] for each in findings if each["saga_id"].startswith("state-")}
    assert {text for text in WHOLE if len(text) < 1000} <= raw
    assert any(each.startswith("x" * 200) for each in raw)


@pytest.mark.parametrize("output", FORMATS)
def test_every_format_is_inert(home: Home, output: str) -> None:
    log = home.folder / f"log-{output}"
    run = home.run if output in ("table", "json") else home.call
    done = run("scan", "-o", output, "--limit", "1000", "--log-file", str(log), "-v")
    assert done.code in (1, 2)
    assert_inert(done)
    if output not in ("table", "markdown"):
        assert done.text.isascii()
    logged = log.read_bytes().decode()
    assert powerful(logged) == []


@pytest.mark.parametrize("words", [("--by-group",), ("--by-group", "-o", "csv"), ("--by-group", "-o", "markdown")])
def test_causes_are_inert(home: Home, words: tuple[str, ...]) -> None:
    assert_inert(home.call("scan", *words, "--limit", "1000", "-v"))


@pytest.mark.parametrize("width", [40, 120])
def test_a_terminal_is_sent_nothing_but_our_own_colours(home: Home, width: int) -> None:
    done = home.on_terminal("scan", "-v", "--limit", "1000", width=width)
    assert "\x1b[" in done.text
    assert_inert(done, coloured=True)


def test_showing_is_inert_for_every_saga(home: Home, findings: list[dict[str, Any]]) -> None:
    named = {each["saga_id"]: each["id"] for each in findings if each["primary"]}
    some = [pair for number, pair in enumerate(named.items()) if pair[0] in WHOLE or number % 4 == 0]
    for number, (saga_id, finding) in enumerate(some):
        words = ((), ("-o", "json"), ("--payload", "--color", "always"))[number % 3]
        done = home.call("show", finding, *words)
        assert_inert(done, coloured=True)
        if saga_id in WHOLE:
            assert done.code == 0, (saga_id, done.said)
            by_id = home.call("show", "--", saga_id)
            assert by_id.code == 0, (saga_id, by_id.said)
            assert_inert(by_id)


def test_showing_by_a_hostile_key_is_inert(home: Home) -> None:
    for text in WHOLE:
        done = home.call("show", f"--key={text}")
        assert done.code == 0
        assert_inert(done)


def test_what_is_not_there_is_named_without_its_power(home: Home) -> None:
    text = ALL_AT_ONCE
    for words in (("show", f"x{text}"), ("show", "x", f"--store={text}"), ("scan", f"--store={text}")):
        done = home.call(*words)
        assert done.code in (1, 2), words
        assert_inert(done)


def test_what_was_mistyped_is_named_without_its_power(home: Home) -> None:
    text = ALL_AT_ONCE
    for words in (
        (f"x{text}",),
        ("scan", f"--x{text}"),
        ("scan", f"--rule={text}"),
        ("scan", f"--since={text}"),
        ("scan", f"--as-of={text}"),
        ("scan", f"--timeout={text}"),
        ("scan", "-o", f"x{text}"),
        ("scan", f"--from=/x{text}"),
        ("show", "a", f"b{text}"),
        ("ack", f"--until={text}", "f-0123456789abcdef"),
        ("ack", "--until=1h", "--", f"f-{text}"),
    ):
        done = home.call(*words)
        assert done.code == 2, (words, done)
        assert_inert(done)


def test_a_check_is_inert(home: Home) -> None:
    for words in ((), ("-o", "json")):
        assert_inert(home.call("check", *words))


def test_ids_of_a_file_find_hostile_sagas(home: Home) -> None:
    wanted = [text for text in WHOLE if "\n" not in text and text == text.strip() and text]
    done = home.call("scan", "-o", "json", "--from", "-", stdin="\n".join(wanted).encode())
    assert {each["saga_id"] for each in done.document["findings"]} == set(wanted)


def test_acknowledging_a_hostile_saga(home: Home, findings: list[dict[str, Any]]) -> None:
    (finding,) = {each["id"] for each in findings if each["saga_id"] == HOSTILE[0] and each["primary"]}
    done = home.call("ack", "--until", "1h", f"--reason={HOSTILE[0]}", finding)
    assert done.code == 0
    assert_inert(done)


def test_hostile_readers_are_only_names(home: Home) -> None:
    for text in (ALL_AT_ONCE, "\udc80"):
        done = home.call("scan", "--as", text, "--fail-on", "never")
        assert done.code == 0, done.said
        assert_inert(done)


def test_a_configuration_with_hostile_names_is_refused_inertly(tmp_path: Path) -> None:
    for number, text in enumerate((*WHOLE, "nul\0")):
        config = tmp_path / f"{number}.toml"
        key = json.dumps(text).replace("\x7f", "\\u007f")
        config.write_text(f"config_version = 1\n[stores.{key}]\nplugin = {key}\n[{key}]\nx = {key}\n", encoding="utf-8")
        done = Home(tmp_path, config).call("config", "validate")
        assert done.code == 2
        assert_inert(done)
