"""Serialised values are read and never loaded."""

from __future__ import annotations

import base64
import datetime
import io
import json
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

from dbos_database import pickled
from hypothesis import given
from hypothesis import strategies as st
from sagadoctor_dbos.pickled import UnreadableError, read
from sagadoctor_dbos.values import BOUND, error_of, json_of, seconds_of, short_name, word_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Acting:
    """A pickle of this touches a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


def test_a_pickle_that_acts_does_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "acted"
    raw = pickled(Acting(marker))
    for told in (json_of, error_of, word_of, seconds_of):
        told(raw, "py_pickle")
    assert not marker.exists()
    pickle.loads(base64.b64decode(raw))
    assert marker.exists(), "the pickle doesn't act: the test says nothing"


def test_nothing_is_imported_for_a_pickle() -> None:
    """A module that a pickle names may do anything when it is imported."""
    named = base64.b64encode(b"\x80\x04\x8c\x0bantigravity\x8c\x04open\x93.").decode()
    script = (
        "import sys; from sagadoctor_dbos.values import json_of; "
        f"print(json_of({named!r}, 'py_pickle').decode(), 'antigravity' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ['"open"', "False"]


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_what_they_were(value: Any, protocol: int) -> None:
    raw = base64.b64encode(pickle.dumps(value, protocol)).decode()
    assert read(raw) == _shallow(value, 0)


def _shallow(value: Any, depth: int) -> Any:
    if depth > 12:
        return "…"
    if isinstance(value, list):
        return [_shallow(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {key: _shallow(each, depth + 1) for key, each in value.items()}
    return value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(code: bytes) -> None:
    try:
        read(base64.b64encode(code).decode())
    except UnreadableError:
        return


@given(st.text(max_size=60), st.sampled_from(("py_pickle", "portable_json", "js_superjson", None)))
def test_any_text_is_told_somehow(raw: str, serialization: str | None) -> None:
    assert isinstance(error_of(raw, serialization), str)
    json_of(raw, serialization)
    word_of(raw, serialization)
    seconds_of(raw, serialization)


def test_a_value_that_holds_itself_has_an_end() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert json_of(pickled(ring), "py_pickle") is not None
    laughs: list[Any] = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    told = json_of(pickled(laughs), "py_pickle")
    assert told is not None
    assert len(told) < 100_000


def test_errors_are_told_by_class_and_message() -> None:
    class Odd(Exception):
        pass

    Odd.__qualname__ = "Odd"
    globals()["Odd"] = Odd
    assert error_of(pickled(RuntimeError("no money")), "py_pickle") == "RuntimeError: no money"
    assert error_of(pickled(KeyError("a", 3)), "py_pickle") == "KeyError: a, 3"
    assert error_of(pickled(RuntimeError()), "py_pickle") == "RuntimeError"
    assert error_of(pickled(Odd(RuntimeError("inner"))), None) == "Odd: RuntimeError: inner"
    portable = json.dumps({"name": "PaymentError", "message": "declined", "code": 402})
    assert error_of(portable, "portable_json") == "PaymentError: declined"
    assert error_of("broken", "portable_json") == "an error that can't be shown (no JSON)"
    assert error_of("x" * BOUND, "py_pickle") == "an error that can't be shown (too long to be read)"
    assert error_of(None, None) is None
    assert len(error_of(pickled(RuntimeError("x" * 5_000)), "py_pickle") or "") < 1_100


def test_what_json_cant_say_is_said_in_words() -> None:
    value = {"at": datetime.date(2026, 11, 20), "rows": OrderedDict(a=1), "raw": b"abc", 3: (1, 2), "set": {1}}
    told = json.loads(json_of(pickled(value), "py_pickle") or b"")
    assert told["raw"] == "abc"
    assert told["3"] == [1, 2]
    assert told["set"] == [1]
    assert told["rows"].startswith("OrderedDict")
    assert json_of('{"a":  1}', "portable_json") == b'{"a":  1}'
    assert json_of(pickled(None), "py_pickle") is None


def test_old_pickles_and_objects_with_a_state_are_read() -> None:
    class Receipt:
        def __init__(self) -> None:
            self.number = 7

    Receipt.__qualname__ = "Receipt"
    globals()["Receipt"] = Receipt
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        out = io.BytesIO()
        pickle.Pickler(out, protocol).dump([Receipt(), "x", 1.5, 10**30, None, True])
        told = json.loads(json_of(base64.b64encode(out.getvalue()).decode(), "py_pickle") or b"")
        assert told[1:] == ["x", 1.5, 10**30, None, True], protocol


def test_words_and_seconds() -> None:
    assert word_of(pickled("compensating"), "py_pickle") == "compensating"
    assert word_of(pickled(3), "py_pickle") is None
    assert seconds_of("1795167739.68", "portable_json") == 1795167739.68
    assert seconds_of("true", "portable_json") is None
    assert short_name("run.<locals>.order_saga") == "order_saga"
    assert short_name("Orders.place") == "Orders.place"
