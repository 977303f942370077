"""Homes to run the program in: the demo's company, made once, and small stores of any content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from sagadoctor.demo.config_text import config_text
from sagadoctor.demo.incident import Truth, the_incident

from .running import Done, Home
from .stores import config_of, write

Opened = Callable[..., Home]


@dataclass(frozen=True, slots=True)
class Company:
    """The demo's company as of `now`, never changed by a test."""

    home: Home
    now: datetime
    truths: tuple[Truth, ...]

    def run(self, *words: str, **given: Any) -> Done:
        """Run a command as of the company's present: nothing is late that wasn't then, nothing is remembered."""
        return self.home.run(*words, "--as-of", self.now.isoformat(), **given)

    def call(self, *words: str, **given: Any) -> Done:
        """The same within this process."""
        return self.home.call(*words, "--as-of", self.now.isoformat(), **given)

    def of(self, rule: str) -> Truth:
        """Return a saga whose primary finding is this one."""
        return next(truth for truth in self.truths if truth.rule == rule)

    @property
    def healthy(self) -> Truth:
        """Return a saga with nothing to say about it."""
        return next(truth for truth in self.truths if truth.rule is None)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company")
    now = datetime.now(UTC)
    url = f"sqlite:///{folder}/company.db"
    engine = create_engine(url)
    incident = the_incident(engine, now)
    incident.world.close()
    engine.dispose()
    config = folder / "demo.toml"
    config.write_text(config_text(url), encoding="utf-8")
    return Company(Home(folder, config), now, incident.truths)


@pytest.fixture(scope="session")
def scanned(company: Company) -> Done:
    """The company's scan as JSON, made once."""
    return company.run("scan", "-o", "json")


@pytest.fixture(scope="session")
def scan_as_table(company: Company) -> Done:
    """The company's scan as a person reads it, made once."""
    return company.run("scan")


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Return what makes a home whose configuration looks at stores of these rows."""

    def make(*rows: Mapping[str, Any], more: Iterable[str] = (), **others: Iterable[Mapping[str, Any]]) -> Home:
        stores = {"orders": rows, **others}
        databases = {name: write(tmp_path / f"{name}.db", held) for name, held in stores.items()}
        config = tmp_path / "config.toml"
        config.write_text(config_of(databases, *more), encoding="utf-8")
        return Home(tmp_path, config)

    return make


@pytest.fixture
def bare(tmp_path: Path) -> Home:
    """A home without a configuration."""
    return Home(tmp_path)
