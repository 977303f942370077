"""What is shipped: typed, with its presets and the demo's configuration, and with a program to start."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from .tree import FILES, PACKAGE, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as hatchling builds it from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        capture_output=True,
        timeout=100,
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_every_module_and_everything_beside_them(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    beside = [*PACKAGE.rglob("*.toml"), *PACKAGE.rglob("*.sql"), *PACKAGE.rglob("py.typed")]
    wanted = {str(file.relative_to(ROOT)) for file in (*FILES, *beside)}
    assert wanted <= names
    assert "sagadoctor/demo/demo.toml" in names
    assert "sagadoctor/adapters/sql/presets/saga-template.toml" in names
    assert "sagadoctor/py.typed" in names


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    strange = [name for name in wheel.namelist() if not name.startswith(("sagadoctor/", "sagadoctor-"))]
    assert not strange
    assert not [name for name in wheel.namelist() if name.endswith((".pyc", ".db")) or "/test_" in name]


def test_the_wheel_starts_the_program_and_offers_the_store(wheel: zipfile.ZipFile) -> None:
    (entry,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    told = wheel.read(entry).decode()
    assert "sagadoctor = sagadoctor.__main__:main" in told
    assert "sql = sagadoctor.adapters.sql:plugin" in told


@pytest.mark.slow
def test_the_wheel_runs_from_its_own_files(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "installed")
    done = subprocess.run(
        [sys.executable, "-m", "sagadoctor", "demo", "--folder", str(tmp_path / "company")],
        env={"PYTHONPATH": str(tmp_path / "installed"), "HOME": str(tmp_path), "PATH": "", "LC_ALL": "C.UTF-8"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sagas were started" in done.stderr


def test_the_types_are_said_to_be_there() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert "Typing :: Typed" in PROJECT["classifiers"]


def test_the_entry_point_leads_to_the_program() -> None:
    (script,) = [each for each in metadata.entry_points(group="console_scripts") if each.name == "sagadoctor"]
    from sagadoctor.__main__ import main

    assert script.load() is main
    assert PROJECT["scripts"] == {"sagadoctor": "sagadoctor.__main__:main"}


def test_the_installed_program_says_its_version() -> None:
    from sagadoctor import __version__

    program = Path(sys.executable).parent / "sagadoctor"
    if not program.exists():
        pytest.skip("the program is not installed beside this Python")
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == f"sagadoctor {__version__}\n"
