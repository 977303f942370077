"""What all tests share: the fixtures for real services, and the closing line that says which of them ran."""

from __future__ import annotations

from collections.abc import Generator

import hypothesis
import pytest

from tests.real import fixtures, keeper
from tests.real.fixtures import (  # noqa: F401  (fixtures are found by their names here)
    mariadb_server,
    mariadb_url,
    postgres_server,
    postgres_url,
    private_mariadb,
    private_postgres,
    sqlite_url,
    store_url,
)

# A busy machine must not fail a test: how long one example takes is not what property tests are about.
hypothesis.settings.register_profile("sagadoctor", deadline=None)
hypothesis.settings.load_profile("sagadoctor")


def pytest_configure(config: pytest.Config) -> None:
    # xdist workers inherit the run's folder from here. Servers still start only when a test needs one.
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        keeper.run_dir()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Before -m is applied: `-m "not real"` must know every test that needs a service.
    for item in items:
        callspec = getattr(item, "callspec", None)
        given = [value for value in callspec.params.values() if isinstance(value, str)] if callspec else []
        for name in (*getattr(item, "fixturenames", ()), *given):
            if service := fixtures.NEEDS.get(name):
                item.add_marker(pytest.mark.real(service))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """After all of pytest's own sections, so that only its last summary line follows."""
    result = yield
    ran: set[str] = set()
    skipped: dict[str, str] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, value in getattr(report, "user_properties", ()):
                if key == "real-skipped":
                    skipped[value.partition(" ")[0]] = value
                elif key == "real-ran" and getattr(report, "when", "") == "call":
                    ran.add(value)
    for name in fixtures.STORES:
        if name not in ran:
            skipped.setdefault(name, f"{name} (no test of it was selected)")
    names = " ".join(n for n in fixtures.STORES if n in ran) or "none"
    terminalreporter.write_line(f"real: {names}; skipped: {', '.join(skipped.values()) or 'none'}")
    return result
