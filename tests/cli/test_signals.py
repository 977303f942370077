"""SIGINT and SIGTERM at any moment: 130, one sentence, never a traceback, whatever was just being done."""

from __future__ import annotations

import ast
import random
import signal
import subprocess
import sys
import time

import pytest

from .running import PATIENCE, ROOT, Done, Home

NUMBERS = (signal.SIGINT, signal.SIGTERM)
TOLD = "sagadoctor: interrupted\n"

# Sends the signal to itself when the import of this number is looked for; the first one is that of `__main__` itself.
AT_AN_IMPORT = """
import __future__, os, signal, sys
class Counting:
    looked = -1
    def find_spec(self, name, path=None, target=None):
        if Counting.looked >= 0 or name == "sagadoctor.__main__":
            Counting.looked += 1
        if Counting.looked == {at}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Counting())
from sagadoctor.__main__ import main
main({words!r})
"""


def python(home: Home, code: str) -> Done:
    given = {"env": home.environ, "cwd": home.folder, "capture_output": True, "timeout": PATIENCE}
    done = subprocess.run([sys.executable, "-c", code], check=False, **given)  # type: ignore[call-overload]
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("number", NUMBERS)
def test_during_any_import_it_is_told_in_a_sentence(bare: Home, number: signal.Signals) -> None:
    chosen = random.Random(number)
    ends = set()
    for at in (1, 2, 3, *(chosen.randrange(4, 200) for _ in range(9))):
        done = python(bare, AT_AN_IMPORT.format(at=at, number=int(number), words=["scan"]))
        ends.add(done.code)
        if done.code == 130:
            assert (done.said, done.text) == (TOLD, ""), at
        else:  # there were fewer imports than that
            assert done.code == 2, (at, done.said)
        assert "Traceback" not in done.said
    assert 130 in ends


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_at_any_moment_after_the_start(bare: Home, number: signal.Signals) -> None:
    """The interpreter's own start is nobody's to guard; from the program's first statement on it says when it began."""
    begun = "import os, sys, sagadoctor.__main__ as program\nprogram._STOP.watch()\nos.write(1, b'!')\n"
    chosen = random.Random(number)
    ends = []
    for turn in range(12):
        code = f"{begun}program.main(['demo', '--folder', 'company-{turn}'])"
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=bare.environ,
            cwd=bare.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.read(1) == b"!"
        time.sleep(chosen.uniform(0, 0.6))
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        ends.append(process.returncode)
        assert process.returncode != 2, said.decode()
        assert b"Traceback" not in said, said.decode()
        assert b"Exception ignored" not in said, said.decode()
    assert set(ends) <= {0, 130}, ends
    assert 130 in ends


def test_to_nagios_it_is_unknown_from_the_first_import_on(bare: Home) -> None:
    words = ["scan", "-o", "nagios"]
    done = python(bare, AT_AN_IMPORT.format(at=3, number=int(signal.SIGTERM), words=words))
    # what is looked at is the real command line, which this one is not
    assert (done.code, done.said) == (130, TOLD)
    named = f"import sys\nsys.argv = ['sagadoctor', *{words!r}]\n"
    done = python(bare, named + AT_AN_IMPORT.format(at=3, number=int(signal.SIGTERM), words=words))
    assert (done.code, done.text, done.said) == (3, "SAGAS UNKNOWN - interrupted\n", TOLD)


def test_the_handlers_are_there_before_anything_else_is_imported() -> None:
    body = ast.parse((ROOT / "sagadoctor" / "__main__.py").read_text("utf-8")).body
    watching = next(place for place, node in enumerate(body) if ast.unparse(node) == "_STOP.watch()")
    before = [node for node in body[:watching] if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {ast.unparse(node) for node in before}
    assert imported == {"from __future__ import annotations", "import os", "import signal", "import sys"}


def test_whoever_only_imports_it_keeps_their_own_handlers(bare: Home) -> None:
    code = (
        "import signal\nbefore = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)\n"
        "import sagadoctor.__main__\n"
        "assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))"
    )
    done = python(bare, code)
    assert (done.code, done.said) == (0, "")
