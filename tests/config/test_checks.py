"""What validation says of undos is what the diagnosis does: a compensation that is called unused is never missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagadoctor.diagnosis.anatomy import compensable
from sagadoctor.testing.builders import step

from .samples import STORE, loaded

UNDO = 'compensation = "undo"'


def warned(folder: Path, *entries: str, more: str = "") -> dict[str, str]:
    """Return what is warned of for each step; the steps must be undone where nothing is said, and only there."""
    text = STORE + "[sagas.A]\nsteps = [\n" + "".join(f"  {{ {entry} }},\n" for entry in entries) + f"]\n{more}"
    configuration = loaded(folder, text)
    known = configuration.policy.of("A")
    said = [str(one).split("sagas.A.steps[", 1)[1] for one in configuration.warnings]
    told = {known.steps[int(one.split("]")[0])].name: one.split(": ", 1)[1] for one in said}
    for defined in known.steps:
        if defined.compensation is not None or defined.compensable:
            assert compensable(step(defined.name), known) is (defined.name not in told), defined.name
    return told


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ((f'name = "a", {UNDO}', 'name = "b", pivot = true', 'name = "c"'), set()),
        ((f'name = "a", {UNDO}', 'name = "b", pivot = true', f'name = "c", {UNDO}'), {"c"}),
        ((f'name = "a", {UNDO}', 'name = "b", pivot = true', 'name = "c", compensable = true'), {"c"}),
        ((f'name = "a", {UNDO}', f'name = "b", pivot = true, {UNDO}'), {"b"}),
        ((f'name = "a", {UNDO}', f'name = "b", pivot = true, compensable = false, {UNDO}'), {"b"}),
        ((f'name = "a", compensable = false, {UNDO}', 'name = "b"'), {"a"}),
        (
            (f'name = "a", {UNDO}', 'name = "b", pivot = true', f'name = "c", alternative_of = "a", {UNDO}'),
            set(),
        ),
        (
            ('name = "b", pivot = true', f'name = "c", pivot = true, alternative_of = "b", {UNDO}'),
            {"c"},
        ),
        (
            ('name = "b", pivot = true', f'name = "c", alternative_of = "b", {UNDO}', f'name = "d", {UNDO}'),
            {"d"},
        ),
    ],
)
def test_an_undo_that_is_never_sent_is_warned_of(tmp_path: Path, entries: tuple[str, ...], names: set[str]) -> None:
    assert set(warned(tmp_path, *entries)) == names


def test_the_words_say_why(tmp_path: Path) -> None:
    assert warned(tmp_path, f'name = "b", pivot = true, {UNDO}', f'name = "c", {UNDO}') == {
        "b": "not used: the pivot is the step of no return, and is never undone",
        "c": "not used: after the pivot `b` a saga only goes forward",
    }


def test_steps_that_run_at_the_same_time_come_after_nothing(tmp_path: Path) -> None:
    entries = ('name = "b", pivot = true', f'name = "c", {UNDO}')

    assert set(warned(tmp_path, *entries)) == {"c"}
    assert warned(tmp_path, *entries, more="parallel = true\n") == {}
