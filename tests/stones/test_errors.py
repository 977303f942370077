"""Errors say the place, what is wrong, and the way out."""

from __future__ import annotations

from sagadoctor import errors
from sagadoctor.errors import BackendError, ConfigError, Problem, SagadoctorError, Unreachable


def test_a_problem_says_its_place_first() -> None:
    assert (
        str(Problem("unknown key", "prod.toml", 7, "stores.orders.urll"))
        == "prod.toml:7: stores.orders.urll: unknown key"
    )
    assert str(Problem("no stores")) == "no stores"
    assert str(Problem("no stores", "prod.toml")) == "prod.toml: no stores"


def test_a_configuration_error_carries_every_problem() -> None:
    error = ConfigError([Problem("one"), Problem("two")])

    assert error.problems == (Problem("one"), Problem("two"))
    assert str(error) == "one\ntwo"


def test_a_backend_error_says_source_reason_and_way_out() -> None:
    assert str(Unreachable("no route", source="orders", hint="is it up?")) == "orders: no route (is it up?)"
    assert str(BackendError("no route")) == "no route"


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = {
        line.split()[0]
        for line in (errors.__doc__ or "")
        .replace("─", " ")
        .replace("├", " ")
        .replace("└", " ")
        .replace("│", " ")
        .splitlines()
        if line.strip() and line.split()[0][0].isupper()
    }
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SagadoctorError)
    }

    assert kinds <= drawn
