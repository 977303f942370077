"""What a configuration knows of saga types: steps that fit each other, and the policy they come to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sagadoctor.config import load

from .samples import STORE, loaded, plugin_of, refused, written


def steps(*entries: str) -> str:
    return STORE + "[sagas.A]\nsteps = [\n" + "".join(f"  {{ {entry} }},\n" for entry in entries) + "]\n"


def test_names_of_steps_are_unique(tmp_path: Path) -> None:
    assert refused(tmp_path, steps('name = "a"', 'name = "b"', 'name = "a"')) == [
        "c.toml:8: sagas.A.steps[2].name: `a` is also the name of steps[0]; names are unique"
    ]


def test_steps_of_a_section_with_other_mistakes_are_looked_at_too(tmp_path: Path) -> None:
    text = steps('name = "card"', 'name = "card", timeot = "3m"', 'name = "b", alternative_of = "crd"') + "zzz = 1\n"
    assert refused(tmp_path, text) == [
        "c.toml:7: sagas.A.steps[1].timeot: unknown key; did you mean `timeout`?",
        "c.toml:7: sagas.A.steps[1].name: `card` is also the name of steps[0]; names are unique",
        "c.toml:8: sagas.A.steps[2].alternative_of: no step `crd`; did you mean `card`?",
        "c.toml:10: sagas.A.zzz: unknown key; known here: compensation_order, parallel, policy, sender, steps",
    ]


def test_a_name_that_cant_be_read_makes_no_other_step_wrong(tmp_path: Path) -> None:
    text = steps('nam = "card"', "name = 3", 'name = "b", alternative_of = "card"', 'name = "b"')
    assert refused(tmp_path, text.replace("steps = [\n", "steps = [ 7,\n")) == [
        "c.toml:5: sagas.A.steps[0]: a table is wanted, not the number 7",
        "c.toml:6: sagas.A.steps[1].nam: unknown key; did you mean `name`?",
        "c.toml:6: sagas.A.steps[1].name: is missing",
        "c.toml:7: sagas.A.steps[2].name: a text in quotes is wanted, not the number 3",
        "c.toml:9: sagas.A.steps[4].name: `b` is also the name of steps[3]; names are unique",
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("b", "a step can't be an alternative of itself"),
        ("card_paymen", "no step `card_paymen`; did you mean `card_payment`?"),
        ("c", "`c` is itself an alternative; name `card_payment`, the first of them"),
    ],
)
def test_an_alternative_names_another_step(tmp_path: Path, other: str, said: str) -> None:
    text = steps(
        'name = "card_payment"',
        f'name = "b", alternative_of = "{other}"',
        'name = "c", alternative_of = "card_payment"',
    )
    assert refused(tmp_path, text) == [f"c.toml:7: sagas.A.steps[1].alternative_of: {said}"]


def test_there_is_one_step_of_no_return(tmp_path: Path) -> None:
    assert refused(tmp_path, steps('name = "a", pivot = true', 'name = "b"', 'name = "c", pivot = true')) == [
        "c.toml:8: sagas.A.steps[2].pivot: `a` is the pivot already; there is one step of no return"
    ]
    assert refused(tmp_path, steps('name = "a", pivot = true, compensable = true')) == [
        "c.toml:6: sagas.A.steps[0].compensable: the pivot is the step of no return: it can't be compensable"
    ]


def test_alternatives_of_the_pivot_may_be_pivots_too(tmp_path: Path) -> None:
    loaded(tmp_path, steps('name = "a", pivot = true', 'name = "b", pivot = true, alternative_of = "a"'))


def test_what_has_no_effect_is_warned_of(tmp_path: Path) -> None:
    text = steps(
        'name = "a", compensable = false, compensation = "x"',
        'name = "b", waits_for = "person", timeout = "1h"',
        'name = "c", pivot = true',
        'name = "d", compensation = "x"',
    )
    assert [str(one).replace(f"{tmp_path}/", "") for one in loaded(tmp_path, text).warnings] == [
        "c.toml:6: sagas.A.steps[0].compensation: not used: the step is not compensable",
        "c.toml:7: sagas.A.steps[1].timeout: not used: a step that waits has a `max_wait` instead",
        "c.toml:9: sagas.A.steps[3].compensation: not used: after the pivot `c` a saga only goes forward",
    ]


def test_thresholds_of_a_type_stand_over_those_of_all(tmp_path: Path) -> None:
    text = (
        f"{STORE}[policy]\nno_progress = '20m'\nattempts = 3\nbig_table = 5\nlive_cap = 6\nletter_expiry = '1h'\n"
        "[sagas.A]\nparallel = true\ncompensation_order = 'reverse'\n[sagas.A.policy]\nattempts = 4\nskew = '1s'\n"
    )
    configuration = loaded(tmp_path, text)
    default, own = configuration.policy.of("B"), configuration.policy.of("A")
    assert (default.thresholds.no_progress, default.thresholds.attempts) == (timedelta(minutes=20), 3)
    assert default.thresholds.skew == timedelta(seconds=30)
    assert (own.thresholds.no_progress, own.thresholds.attempts) == (timedelta(minutes=20), 4)
    assert own.thresholds.skew == timedelta(seconds=1)
    assert (own.parallel, own.compensation_order) == (True, "reverse")
    assert (configuration.big_table, configuration.live_cap) == (5, 6)
    assert configuration.letter_expiry == timedelta(hours=1)


def test_steps_reach_the_policy_with_all_that_is_said(tmp_path: Path) -> None:
    text = steps(
        'name = "a", action = "A.do", compensation = "A.undo", timeout = "2m", idempotent = "header", '
        'probe = "p", runbook = "https://wiki/a"',
        'name = "b", waits_for = "timer", max_wait = "3d", compensable = false, optional = true',
    )
    configuration = loaded(tmp_path, text + 'sender = "commands"\n')
    first, second = configuration.policy.of("A").steps
    assert (first.action, first.compensation, first.timeout) == ("A.do", "A.undo", timedelta(minutes=2))
    assert (first.idempotent, first.runbook, first.compensable) == ("header", "https://wiki/a", None)
    assert (second.waits_for, second.max_wait, second.compensable) == ("timer", timedelta(days=3), False)
    assert second.optional
    assert configuration.sagas["A"].sender == "commands"
    assert configuration.sagas["A"].steps[0].probe == "p"


def test_a_runbook_opens_no_other_kind_of_address(tmp_path: Path) -> None:
    loaded(tmp_path, steps('name = "a", runbook = "RB-17, page 3"'))
    assert refused(tmp_path, steps('name = "a", runbook = "file:///etc/passwd"')) == [
        "c.toml:6: sagas.A.steps[0].runbook: a runbook is a text, or an address that starts with "
        '"https://" or "http://"'
    ]


def test_defaults_are_safe(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, STORE)
    environment = configuration.environment
    assert (environment.production, environment.read_only) == (False, True)
    assert environment.tz == "UTC"
    assert configuration.ledger.url is None


def test_an_environment_without_a_name_is_called_as_its_file(tmp_path: Path) -> None:
    assert loaded(tmp_path, STORE).environment.name == "c"
    for file, name in (("prod.toml", "prod"), ("config.toml", "default"), ("a'b.toml", "default")):
        path = written(tmp_path, STORE, file)
        assert load(path, plugin_of=plugin_of).environment.name == name


def test_read_only_can_be_forced_and_says_by_what(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, f"{STORE}[environment]\nread_only = false\n")
    assert not configuration.environment.read_only
    forced = configuration.forced_read_only("--read-only")
    assert forced.environment.read_only
    assert forced.origins.of(("environment", "read_only")) == "--read-only"
