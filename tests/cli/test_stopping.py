"""Signals, closed pipes, full disks, hanging stores and two runs at once: the end is quick, said, and has its code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .running import PATIENCE, ROOT, Done, Home, stopped
from .strange_store import install

Strange = Callable[..., Home]


@pytest.fixture
def strange(tmp_path: Path) -> Strange:
    """Return what makes a home with a store of a stranger that does as it is told."""

    def make(**options: object) -> Home:
        lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
        config = tmp_path / "strange.toml"
        config.write_text("\n".join(["config_version = 1", "[stores.far]", 'plugin = "strange"', *lines]))
        installed = tmp_path / "installed"
        path = f"{ROOT}{os.pathsep}{installed if installed.exists() else install(tmp_path)}"
        return Home(tmp_path, config, {"PYTHONPATH": path})

    return make


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_scan_is_interrupted_at_once_and_its_reader_is_free_again(strange: Strange, number: signal.Signals) -> None:
    home = strange(then="hang")
    process = home.begin("scan", "-o", "ndjson")
    assert json.loads(first_line(process))["saga_id"] == "s-0"
    began = time.monotonic()
    done = stopped(process, number)
    assert time.monotonic() - began < 10
    assert done.code == 130
    assert done.said == "sagadoctor: interrupted\n"
    again = home.begin("scan", "-o", "ndjson")
    assert first_line(again), "the reader was not let go"
    stopped(again, number)


def test_an_interrupted_document_cannot_be_taken_for_a_whole_one(strange: Strange) -> None:
    process = strange(then="hang", sagas=200).begin("scan", "-o", "json")
    first_line(process)
    done = stopped(process, signal.SIGINT)
    assert done.code == 130
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"{" + done.out)


def test_waiting_for_ids_is_interrupted_too(strange: Strange) -> None:
    process = strange().begin("scan", "--from", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"id\n" * 100_000)  # more than a pipe holds: it was read, so somebody is reading
    done = stopped(process, signal.SIGINT)
    assert done.code == 130
    assert "Traceback" not in done.said


def test_to_nagios_an_interruption_is_unknown(strange: Strange, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    process = strange(then="hang", marker=str(hanging)).begin("scan", "-o", "nagios", "--log-file", "log")
    until = time.monotonic() + PATIENCE
    while not hanging.exists():
        assert process.poll() is None
        assert time.monotonic() < until, "the scan never came to its store"
        time.sleep(0.02)
    done = stopped(process, signal.SIGTERM)
    assert done.code == 3
    assert done.text == "SAGAS UNKNOWN - interrupted\n"


def test_findings_are_told_while_the_scan_still_runs(strange: Strange) -> None:
    process = strange(then="hang").begin("scan", "-o", "ndjson")
    assert [json.loads(first_line(process))["saga_id"] for _ in range(3)] == ["s-0", "s-1", "s-2"]
    assert process.poll() is None
    stopped(process, signal.SIGTERM)


def test_a_store_that_hangs_is_left_behind_and_the_rest_is_told(strange: Strange) -> None:
    done = strange(then="hang").run("scan", "-o", "json", "--timeout", "1s")
    assert done.code == 1
    assert len(done.document["findings"]) == 3
    assert done.document["complete"] is False
    (spot,) = done.document["blind_spots"]
    assert "did not end within its time" in spot["reason"]


@pytest.mark.slow
def test_a_check_of_a_store_that_hangs_ends(strange: Strange) -> None:
    done = strange(then="hang").run("check", "--timeout", "100ms")
    assert done.code == 3
    assert re.search(r"✖ failed  reached: plugin strange did not end within its time", done.text)


def test_a_plugin_that_fails_is_a_blind_spot_with_its_secrets_masked(strange: Strange) -> None:
    home = strange(then="fail", error="Authorization: Bearer hunter22hunter22 \x1b[31m")
    done = home.run("scan", "-o", "json")
    assert done.code == 1
    reason = done.document["blind_spots"][0]["reason"]
    assert "plugin strange failed: KeyError" in reason
    assert "hunter22" not in done.text + done.said
    table = home.run("scan")
    assert "\x1b" not in table.text + table.said
    assert "Traceback" not in table.said


def test_two_scans_of_one_reader_do_not_run_at_once(strange: Strange) -> None:
    home = strange(then="hang")
    running = home.begin("scan", "-o", "ndjson")
    first_line(running)
    try:
        second = home.run("scan", "-o", "json")
        assert second.code == 3
        assert second.document["complete"] is False
        (spot,) = second.document["blind_spots"]
        since = r"another scan of 'cron' runs since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        assert re.search(since, spot["reason"])
        named = re.search(r"as process (\d+)", spot["reason"])
        assert named is not None
        # With a plugin that isn't our own, the program is the child of the process that was begun.
        assert Path(f"/proc/{named[1]}/stat").read_text().split()[3] == str(running.pid)
        assert re.search(since, second.said)
        table = home.run("scan")
        assert table.code == 3
        assert "NOT SEEN" in table.text
        assert "nothing wrong" not in table.text
        nagios = home.run("scan", "-o", "nagios")
        assert (nagios.code, nagios.text[:15]) == (3, "SAGAS UNKNOWN -")
        other = home.run("scan", "-o", "ndjson", "--as", "somebody-else", "--timeout", "100ms")
        assert len(other.documents) == 4
    finally:
        stopped(running, signal.SIGKILL)
    after = home.begin("scan", "-o", "ndjson")
    assert json.loads(first_line(after))["saga_id"] == "s-0", "a killed scan still holds its reader"
    stopped(after, signal.SIGKILL)


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "markdown", "table"])
def test_a_pipe_that_is_closed_early_is_no_trouble(strange: Strange, output: str) -> None:
    process = strange(sagas=400).begin("scan", "-o", output, "--limit", "400")
    assert first_line(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    assert said == b""
    assert process.wait(timeout=30) == 3


@pytest.mark.parametrize("words", [["--help"], ["config", "schema"], ["plugins", "list"], ["--version"]])
def test_a_pipe_that_nobody_reads_is_no_trouble(bare: Home, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = bare.begin(*words, stdout=writer)
    os.close(writer)
    _, said = process.communicate(timeout=30)
    assert said == b""
    assert process.returncode in (0, 3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["scan", "-o", "json"], ["scan"], ["--help"], ["config", "schema"]])
def test_a_full_disk_is_said_and_is_not_zero(strange: Strange, words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        process = strange(sagas=50).begin(*words, stdout=full)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert said == b"sagadoctor: the output can't be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["scan", "--nope"], ["--config", "nope", "scan"]], ids=" ".join)
def test_where_nothing_can_be_said_the_code_still_tells(bare: Home, words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        process = bare.begin(*words, stderr=full)
        process.communicate(timeout=30)
    assert process.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_notes_that_cannot_be_written_fail_no_scan(strange: Strange) -> None:
    with open("/dev/full", "w") as full:
        process = strange().begin("scan", "--rule", "unreadable", "--type", "Nope", "-o", "json", stderr=full)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out)["complete"] is True


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_log_that_cannot_be_written_stops_nothing(strange: Strange) -> None:
    done = strange(then="fail").run("scan", "-o", "json", "--log-file", "/dev/full")
    assert done.code == 1
    assert "Traceback" not in done.said
    assert "Logging error" not in done.said


@pytest.mark.slow
def test_closed_streams_are_no_trouble(strange: Strange) -> None:
    home = strange()
    line = " ".join(home.words("scan", "--fail-on", "never"))
    for closing in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        command = ["sh", "-c", f"{line} {closing}"]
        done = subprocess.run(command, env=home.environ, capture_output=True, timeout=60, check=True)
        assert b"Traceback" not in done.stderr


def test_what_libraries_log_or_warn_of_does_not_reach_a_person(strange: Strange) -> None:
    for words in ((), ("--log-file", "log")):
        done = strange(then="noise", error="hunter22").run("scan", "--fail-on", "never", *words)
        assert (done.code, done.said) == (0, "")
    assert "noise" not in done.text


def test_a_plugin_that_cannot_be_opened_is_one_sentence(strange: Strange) -> None:
    done = strange(then="no start", error="\x1b[31m password=hunter22").run("scan")
    assert done.code == 3
    assert "plugin strange failed: ValueError: " in done.text + done.said
    assert "hunter22" not in done.said
    assert "\x1b" not in done.said


def test_error_texts_of_a_saga_are_masked_whoever_tells_them(strange: Strange) -> None:
    home = strange(error="password=hunter22")
    for words in (("show", "s-0"), ("show", "s-0", "-o", "json"), ("scan", "-o", "json")):
        done = home.run(*words)
        assert "hunter22" not in done.text
        assert "password=" in done.text or words[0] == "scan"


def test_a_mistake_of_ours_is_one_sentence_without_secrets(bare: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from sagadoctor import registry

    def broken(*_: object) -> None:
        raise ValueError("postgresql://app:hunter22@db/x \x1b[31m\nsecond line token=abc123")

    monkeypatch.setattr(registry, "installed", broken)
    log = bare.folder / "log"
    done: Done = bare.call("plugins", "list", "--log-file", str(log))
    assert done.code == 3
    assert re.fullmatch(
        r"sagadoctor: internal error in [\w.]+:\d+: ValueError: postgresql://app:«redacted»@db/x \\+e\[31m\\+n"
        r"second line token=«redacted»; please report it, with --log-file FILE for details\n",
        done.said,
    ), done.said
    logged = log.read_text()
    (line,) = [json.loads(line) for line in logged.splitlines()]
    assert line["text"] == "internal error"
    assert "Traceback" in line["error"]
    assert "hunter22" not in logged
    assert "abc123" not in logged
    assert "\x1b" not in logged
    assert log.stat().st_mode & 0o777 == 0o600
