"""What is loaded when: the program starts light, a scan pays for what it uses, and arrows point down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .tree import PACKAGE, ROOT

HEAVY = (
    "sqlalchemy",
    "psycopg",
    "pymysql",
    "aiokafka",
    "httpx",
    "prometheus_api_client",
    "textual",
    "asyncio",
    "pandas",
    "numpy",
)
NOT_FOR_SQLITE = (
    "textual",
    "rich",
    "aiokafka",
    "httpx",
    "prometheus_api_client",
    "pandas",
    "sqlalchemy.orm",
    "psycopg",
    "pymysql",
    "sagadoctor.services.foreign",
    "sagadoctor.cli.watchdog",
)
TELL = "import sys, json; sys.stderr.write('\\nloaded: ' + ' '.join(sorted(sys.modules)))"


def loaded_by(code: str, home: Path, *arguments: str) -> set[str]:
    """Run a piece of Python in a fresh process and return the modules that it had loaded at its end."""
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.rpartition("loaded: ")[2].split())


def of(modules: set[str], names: tuple[str, ...]) -> set[str]:
    """Return which of these are among the loaded, themselves or by a part of them."""
    return {name for name in names if name in modules or any(each.startswith(f"{name}.") for each in modules)}


def running(*words: str) -> str:
    """Return code that runs one command line and then tells what was loaded."""
    return f"import sys\nfrom sagadoctor.__main__ import run\nassert run({list(words)!r}) in (0, 1, 2)\n{TELL}"


def test_the_command_line_starts_light(tmp_path: Path) -> None:
    assert not of(loaded_by(f"import sagadoctor.cli.main\n{TELL}", tmp_path), (*HEAVY, "pydantic"))


@pytest.mark.parametrize("words", [["--help"], ["scan", "--help"], ["--version"], ["scan", "--nonsense"]], ids=" ".join)
def test_help_and_mistakes_load_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    assert not of(loaded_by(running(*words), tmp_path), HEAVY)


def test_the_version_alone_loads_next_to_nothing(tmp_path: Path) -> None:
    stays = "import os, sys\nos._exit = lambda code: None\n"
    code = f"{stays}from sagadoctor.__main__ import main\nmain(['--version'])\n{TELL}"
    assert not of(loaded_by(code, tmp_path), (*HEAVY, "typer", "asyncio", "logging", "msgspec"))


def test_a_scan_of_sqlite_loads_only_what_it_uses(tmp_path: Path) -> None:
    from tests.cli.stores import config_of, stuck, write

    config = tmp_path / "c.toml"
    config.write_text(config_of({"orders": write(tmp_path / "orders.db", [stuck("s")])}))
    loaded = loaded_by(running("scan", "--config", str(config), "-o", "json"), tmp_path)
    assert "sagadoctor.adapters.sql.store" in loaded, "the scan did not run"
    assert not of(loaded, NOT_FOR_SQLITE)


def test_postgresql_is_connected_to_before_sqlalchemy_is_loaded(tmp_path: Path) -> None:
    made = "from sagadoctor.api.sql.guest import make_driver\nfrom sagadoctor.api.sql.address import parse_address\n"
    made += "driver = make_driver(parse_address('postgresql://u@localhost/d'), 'x')\n"
    assert of(loaded_by(made + TELL, tmp_path), ("psycopg", "sqlalchemy")) == {"psycopg"}
    assert of(loaded_by(f"{made}driver.load()\n{TELL}", tmp_path), ("sqlalchemy",))


def test_listing_plugins_loads_none_of_them(tmp_path: Path) -> None:
    loaded = loaded_by(running("plugins", "list"), tmp_path)
    assert "sagadoctor.registry" in loaded
    assert not of(loaded, ("sagadoctor.adapters", "sqlalchemy"))


def test_arrows_point_down() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    if not command.exists():
        found = shutil.which("lint-imports")
        assert found, "import-linter is not installed"
        command = Path(found)
    done = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "0 broken" in done.stdout


def test_every_room_has_a_floor() -> None:
    contracts = (ROOT / ".importlinter").read_text(encoding="utf-8")
    floors = contracts[contracts.index("layers =") : contracts.index("[importlinter:contract:screens]")]
    named = {word for word in floors.replace("|", " ").split() if word.isidentifier()}
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__", "__main__"} <= named
