"""A plugin that raises, hangs, lies or takes too much is a blind spot with its name; the other stores are told."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Opened
from .running import ROOT, Done, Home, stopped
from .stores import stuck
from .unruly_store import IMPORTS, install

Unruly = Callable[..., Home]
SECONDS = 2
"""What the commands here are given; with what a program takes to start and to leave."""
LONGEST = 14.0
MISDEEDS = {
    "open": ("raises", "raises oddly", "raises everything", "exits", "interrupts", "stops", "nothing"),
    "constructor": ("raises", "recurses"),
    "capabilities": ("raises", "blocks", "a dict"),
    "now": ("raises", "exits", "interrupts", "gives up", "blocks", "never answers", "nothing", "a naive time"),
    "survey": ("raises", "blocks", "nothing", "a dict", "a wrong part"),
    "read": (
        "raises",
        "raises oddly",
        "raises a reason of no text",
        "raises everything",
        "exits",
        "interrupts",
        "gives up",
        "stops",
        "blocks",
        "is busy",
        "never answers",
        "never gives up",
        "recurses",
        "a list",
        "a dict",
        "nothing",
        "a naive time",
        "a naive time of a step",
        "an unknown word",
        "an id that is a number",
        "a huge id",
        "a huge saga",
        "steps without end",
        "sagas without end",
        "a gigantic page",
        "duplicates",
        "another store's",
        "rows",
        "a text",
        "pages without end",
        "empty pages without end",
    ),
}
"""What can go wrong in a scan, by place."""
HARMLESS = (
    ("name", "raises"),
    ("read", "prints"),
    ("read", "leaves a thread"),
    ("read", "leaves a task"),
    ("close", "raises"),
    ("close", "exits"),
    ("close", "blocks"),
    ("close", "never answers"),
    ("close", "is busy"),
)
"""What nobody has to hear of: all that was asked for is there."""
IN_A_PROCESS_OF_ITS_OWN = ("exits", "interrupts", "blocks", "is busy", "never answers", "never gives up", "recurses")
"""What might harm the process that runs the tests; the rest is quicker within it."""
QUICK = {("now", "raises"), ("read", "blocks"), ("read", "a dict"), ("read", "exits"), ("read", "duplicates")}


def cases() -> list[object]:
    told = [(place, how) for place, deeds in MISDEEDS.items() for how in deeds]
    return [
        pytest.param(place, how, marks=() if (place, how) in QUICK else pytest.mark.slow, id=f"{place} {how}")
        for place, how in told
    ]


@pytest.fixture
def unruly(opened: Opened, tmp_path: Path) -> Unruly:
    """Return what makes a home with a good store, in which one saga is stuck, and one of an unruly plugin."""
    installed = install(tmp_path)

    def make(plugin: str = "unruly", **said: str) -> Home:
        home = opened(stuck("good"))
        assert home.config is not None
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
        text = "\n".join([home.config.read_text(), "[stores.far]", f'plugin = "{plugin}"', *lines])
        home.config.write_text(text)
        return Home(home.folder, home.config, {"PYTHONPATH": f"{ROOT}{os.pathsep}{installed}"})

    return make


def ran(home: Home, *words: str, within: bool = False) -> Done:
    began = time.monotonic()
    done = (home.call if within else home.run)(*words, "--timeout", f"{SECONDS}s")
    took = time.monotonic() - began
    assert took < LONGEST, f"it took {took:.1f} s"
    assert "Traceback" not in done.text + done.said
    assert "\x1b" not in done.text + done.said
    assert "hunter22" not in done.text + done.said
    return done


def assert_blind(done: Done, name: str = "unruly") -> str:
    """Check that the other store was told and this one is a blind spot with its plugin's name; return the reason."""
    document = done.document
    assert done.code == 1, done.said
    assert document["complete"] is False
    assert {each["saga_id"] for each in document["findings"] if each["store"] == "orders"} == {"good"}
    (spot,) = document["blind_spots"]
    assert spot["source"] == "far"
    reason = str(spot["reason"])
    assert name in reason, reason
    assert len(reason) < 1_000
    return reason


@pytest.mark.parametrize(("place", "how"), cases())
def test_a_misdeed_is_a_blind_spot(
    unruly: Unruly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, how: str
) -> None:
    home = unruly(at=place, how=how)
    monkeypatch.syspath_prepend(str(tmp_path / "unruly"))
    within = (place, how) not in QUICK and how not in IN_A_PROCESS_OF_ITS_OWN
    reason = assert_blind(ran(home, "scan", "-o", "json", within=within))
    assert "plugin unruly" in reason


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in IMPORTS])
def test_a_plugin_that_misbehaves_on_import_is_a_blind_spot(unruly: Unruly, name: str) -> None:
    began = time.monotonic()
    done = unruly(f"import-{name}").run("scan", "-o", "json", "--timeout", "20s")
    assert time.monotonic() - began < 30
    assert_blind(done, f"import-{name}")
    assert "Traceback" not in done.said
    assert "\x1b" not in done.said


@pytest.mark.parametrize(
    ("place", "how"), [pytest.param(*each, marks=pytest.mark.slow, id=" ".join(each)) for each in HARMLESS]
)
def test_what_is_harmless_changes_nothing(unruly: Unruly, place: str, how: str) -> None:
    done = ran(unruly(at=place, how=how), "scan", "-o", "json")
    assert done.code == 1
    assert {each["saga_id"] for each in done.document["findings"]} == {"good", "u-0"}
    assert done.document["blind_spots"] == []
    assert done.said == ""


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param("holds the interpreter", "a plugin blocks the program", marks=pytest.mark.slow),
        ("ends the process", "a plugin ended the program from within"),
        pytest.param("crashes", "the program died of SIGABRT, probably in a plugin", marks=pytest.mark.slow),
    ],
)
def test_what_no_thread_can_hold_ends_the_program_with_a_sentence(unruly: Unruly, how: str, said: str) -> None:
    home = unruly(at="read", how=how)
    done = ran(home, "scan")
    assert done.code == 3
    assert said in done.said
    nagios = ran(home, "scan", "-o", "nagios")
    assert (nagios.code, nagios.text[:15]) == (3, "SAGAS UNKNOWN -")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "how"),
    [("fetch", "raises"), ("fetch", "nothing"), ("fetch", "a page"), ("fetch", "rows"), ("fetch", "blocks")],
)
def test_showing_a_saga_of_another_store_goes_on(unruly: Unruly, place: str, how: str) -> None:
    done = ran(unruly(at=place, how=how), "show", "good")
    assert "compensation-stuck" in done.text
    assert "unruly" in done.text + done.said


@pytest.mark.slow
@pytest.mark.parametrize("how", ["raises", "a text", "nothing", "blocks", "interrupts"])
def test_a_check_says_what_is_wrong_with_the_plugin(unruly: Unruly, how: str) -> None:
    done = ran(unruly(at="check", how=how), "check")
    assert done.code == 3
    assert "plugin unruly" in done.text
    assert "✔ ok      reached: SQLite" in done.text


def test_a_plugin_that_behaves_is_not_in_anybodys_way(unruly: Unruly) -> None:
    done = ran(unruly(), "scan", "-o", "json")
    assert {each["saga_id"] for each in done.document["findings"]} == {"good", "u-0"}
    assert done.document["complete"] is True
    assert done.said == ""


@pytest.mark.slow
def test_what_only_reads_the_configuration_names_the_plugin_and_prints_nothing_of_it(unruly: Unruly) -> None:
    home = unruly("import-prints")
    for words in (("config", "validate"), ("config", "show", "-o", "json")):
        done = home.run(*words)
        assert (done.code, done.out) == (2, b""), words
        assert "plugin `import-prints` of unruly can't be imported: ImportError: gone" in done.said
        assert "noise" not in done.said
    schema = home.run("config", "schema")
    assert schema.code == 0
    assert '"unruly"' in json.dumps(json.loads(schema.out))
    assert "left out: plugin `import-wrong` of unruly 1.0 gives a dict, not a StorePlugin" in schema.said
    assert home.run("plugins", "list").code == 0


@pytest.mark.slow
def test_a_signal_reaches_the_program_behind_its_watchdog(unruly: Unruly) -> None:
    home = unruly(at="read", how="never answers")
    for number in (signal.SIGINT, signal.SIGTERM):
        process = home.begin("scan", "-o", "ndjson", "--timeout", "60s")
        assert process.stdout is not None
        assert process.stdout.readline()
        done = stopped(process, number)
        assert (done.code, done.said) == (130, "sagadoctor: interrupted\n")


@pytest.mark.slow
def test_killing_what_was_begun_kills_the_program(unruly: Unruly) -> None:
    process = unruly(at="read", how="never answers").begin("scan", "-o", "ndjson", "--timeout", "60s")
    assert process.stdout is not None
    assert process.stdout.readline()
    began = time.monotonic()
    stopped(process, signal.SIGKILL)  # waits until nobody holds its output any more
    assert time.monotonic() - began < 30
