"""Schemas of real applications, each with rows, a configuration by hand, and what is to be found.

A folder in `schemas/` holds `schema.sql` and `rows.sql` (a statement ends where a line ends with a semicolon),
`config.toml` with `url = "DATABASE"`, and `truth.toml`: the database it belongs to, when it is looked at, and what
is said first of each saga that is sick. A store without times has no such moment: it is looked at twice, and
`later.sql` is what moved in between.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tests.adapters.opening import without_password
from tests.cli.running import Done, Home

FOLDER: Final = Path(__file__).parent / "schemas"
_FIXTURES: Final = {"postgresql": "postgres_url", "mariadb": "mariadb_url", "sqlite": "sqlite_url"}
_IMPATIENT: Final = """
[policy]
no_progress = "1ms"
compensation = "1ms"
"""
"""For what is looked at twice within a second: what has not moved since the first look is late by then."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One application's tables."""

    folder: Path
    truth: Mapping[str, Any]

    @property
    def fixture(self) -> str:
        """Return the fixture that gives an empty database of the kind that this schema is written for."""
        return _FIXTURES[self.truth["database"]]

    @property
    def sick(self) -> dict[str, str]:
        """Return what is to be said first of each sick saga, by its id as it is printed."""
        return dict(self.truth["primary"])

    @property
    def well(self) -> set[str]:
        """Return the sagas of which nothing at warning or above may be said."""
        return set(self.truth["well"]["ids"])

    def fill(self, url: str) -> None:
        """Make the tables and write the rows."""
        self.run(url, "schema.sql")
        self.run(url, "rows.sql")

    def run(self, url: str, name: str) -> None:
        """Run the statements of one of the files."""
        self.run_text(url, (self.folder / name).read_text("utf-8"))

    @staticmethod
    def run_text(url: str, text: str) -> None:
        """Run statements."""
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        connection = engine.raw_connection()  # the driver's own: no sign in the text means a parameter
        try:
            for statement in statements(text):
                connection.cursor().execute(statement)
            connection.commit()
        finally:
            connection.close()

    def home(self, url: str, folder: Path) -> Home:
        """Return a home whose configuration is this schema's, over that database."""
        return at_home((self.folder / "config.toml").read_text("utf-8"), url, folder)

    def looks(self, url: str, home: Home) -> Done:
        """Scan as of the truth's moment, or twice, where the store holds no times."""
        moment = self.truth.get("as_of")
        if moment is not None:
            return home.call("scan", "-o", "json", "--as-of", moment.isoformat())
        assert home.config is not None
        with home.config.open("a", encoding="utf-8") as file:
            file.write(_IMPATIENT)
        home.call("scan", "--deep")
        self.run(url, "later.sql")
        return home.call("scan", "--deep", "-o", "json")


def schemas() -> list[Schema]:
    """Return all of them by their names."""
    truths = sorted(FOLDER.glob("*/truth.toml"))
    return [Schema(path.parent, tomllib.loads(path.read_text("utf-8"))) for path in truths]


def statements(text: str) -> list[str]:
    """Return a file's statements; a line that ends with a semicolon ends one."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part for each in "\n".join(lines).split(";\n") if (part := each.strip().removesuffix(";"))]


def at_home(configuration: str, url: str, folder: Path) -> Home:
    """Return a home with this configuration, in which DATABASE stands for the database of the URL."""
    plain, password = without_password(url)
    extra = {}
    said = f'url = "{plain}"'
    if password:
        said += '\npassword = { env = "SAGADOCTOR_TEST_PASSWORD" }'
        extra["SAGADOCTOR_TEST_PASSWORD"] = sa.make_url(url).password or ""
    file = folder / "config.toml"
    file.write_text(configuration.replace('url = "DATABASE"', said), "utf-8")
    return Home(folder, file, extra)
