"""Global options from the environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagadoctor.config.variables import Variables, variables
from sagadoctor.errors import ConfigError


def test_nothing_said_is_nothing_set() -> None:
    assert variables({"PATH": "/bin", "SAGADOCTOR_CONFIG": "x"}) == Variables()


def test_what_is_said_is_read() -> None:
    said = {
        "SAGADOCTOR_READ_ONLY": "Yes",
        "SAGADOCTOR_TIMEOUT": "90s",
        "SAGADOCTOR_COLOR": "never",
        "SAGADOCTOR_ASCII": "1",
        "SAGADOCTOR_LOG_FILE": "/tmp/x",
    }
    assert variables(said) == Variables(True, timedelta(seconds=90), "never", True, "/tmp/x")


@pytest.mark.parametrize("word", ["0", "false", "no", "off", ""])
def test_read_only_is_never_lifted_by_a_variable(word: str) -> None:
    assert variables({"SAGADOCTOR_READ_ONLY": word}).read_only is False


def test_everything_that_makes_no_sense_is_told_at_once() -> None:
    said = {
        "SAGADOCTOR_READ_ONLY": "ja",
        "SAGADOCTOR_TIMEOUT": "90",
        "SAGADOCTOR_COLOR": "red",
        "SAGADOCTOR_ASCII": "\x1b",
    }
    with pytest.raises(ConfigError) as error:
        variables(said)
    assert str(error.value).split("\n") == [
        'SAGADOCTOR_READ_ONLY: true or false is wanted, not "ja"',
        "SAGADOCTOR_TIMEOUT: not a duration: '90'; write a number and one of ms, s, m, h, d, such as \"15m\"",
        'SAGADOCTOR_COLOR: one of auto, always, never is wanted, not "red"',
        'SAGADOCTOR_ASCII: true or false is wanted, not "\\e"',
    ]
