"""Bad input that shows at the command line only; each test is named after its row of the catalogue."""

from __future__ import annotations

from .conftest import Opened
from .running import Home
from .stores import row, stuck


def test_row_23_a_saga_without_steps_is_a_finding(opened: Opened) -> None:
    fresh = {"nothing": "null", "empty": "[]", "odd": '{"not":"a list"}'}
    home = opened(*(row(saga_id, minutes=0.1, steps=steps) for saga_id, steps in fresh.items()))
    told = [each for each in home.run("scan", "-o", "ndjson").documents[:-1] if each["primary"]]
    assert {each["saga_id"]: each["rule"] for each in told} == dict.fromkeys(fresh, "unreadable")


def test_row_26_a_cycle_of_parents_is_no_way_to_hang(opened: Opened) -> None:
    rows = (stuck("a", saga_type="b"), stuck("b", saga_type="a"), stuck("c", saga_type="c"))
    home = opened(*rows, more=['parent = "saga_type"'])  # the last table of the configuration is the saga's
    assert home.run("scan").code == 1
    for saga_id in "abc":
        shown = home.run("show", "--", saga_id)
        assert shown.code == 0
        assert "parent" in shown.text


def test_row_39_without_a_version_column_an_unchanged_row_is_told_by_its_looks(opened: Opened) -> None:
    home = opened(stuck("a"))
    first = home.run("scan", "-o", "ndjson").documents[0]
    again = home.run("scan", "-o", "ndjson").documents[0]
    assert (first["status"], again["status"]) == ("new", "ongoing")
    assert first["id"] == again["id"]


def test_row_65_without_a_terminal_there_is_no_screen_but_advice(bare: Home) -> None:
    for environ in ({}, {"TERM": "dumb"}, {"CI": "true"}):
        done = bare.run(environ=environ)
        assert done.code == 2
        assert "sagadoctor scan" in done.said
        assert done.out == b""


def test_row_66_without_a_utf_8_locale_everything_is_ascii(opened: Opened) -> None:
    home = opened(stuck("a"))
    done = home.run("scan", environ={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert done.code == 1
    assert (done.out + done.err).isascii()
    assert b"compensation-stuck" in done.out


def test_row_67_a_state_is_told_by_a_word_and_a_glyph_and_never_by_colour_alone(opened: Opened) -> None:
    home = opened(stuck("a"))
    plain = home.run("scan", "--color", "never").text
    assert "\x1b" not in plain
    assert "✖ critical" in plain
    assert "✖ critical" not in home.run("scan", "--color", "never", "--ascii").text


def test_row_70_a_reader_that_leaves_early_ends_it_quietly(opened: Opened) -> None:
    home = opened(*(stuck(f"saga-{number:04d}") for number in range(500)))
    process = home.begin("scan", "-o", "ndjson")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) in (1, 3)
    assert said == b""
