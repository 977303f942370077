"""Plugins know the product as a stranger's would; the template and its page work as they are told."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .tree import ROOT

PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
TEMPLATE = ROOT / "plugins" / "template"
PAGE = ROOT / "docs" / "write-a-store-plugin.md"
DOOR = ("sagadoctor.api.v1", "sagadoctor.api.v1.sql")


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports, relative ones left out."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_the_door_and_the_standard_library_alone(plugin: Path) -> None:
    files = [file for package in plugin.glob("sagadoctor_*") for file in package.rglob("*.py")]
    assert files
    for file in files:
        strange = {
            name
            for name in imported(file)
            if name not in DOOR and name.partition(".")[0] not in sys.stdlib_module_names
        }
        assert not strange, f"{file.relative_to(ROOT)} imports {', '.join(sorted(strange))}"


def test_the_door_is_open_for_all_that_the_template_needs_in_its_tests() -> None:
    test = TEMPLATE / "tests" / "test_example_store.py"
    ours = {name for name in imported(test) if name.partition(".")[0] == "sagadoctor"}
    assert all(name in DOOR or name.startswith("sagadoctor.testing.") for name in ours), ours


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_quotes_the_template_as_it_is() -> None:
    texts = [
        path.read_text(encoding="utf-8").replace("Example", "Orders").replace("example", "orders")
        for path in TEMPLATE.rglob("*")
        if path.suffix in (".py", ".toml")
    ]
    quoted = [*blocks("python"), *blocks("toml")]
    assert len(quoted) >= 6
    for quote in quoted:
        assert any(quote in text for text in texts), quote


@pytest.fixture
def stranger(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody with a shell, in which `pip install` changes nothing of ours."""
    site, tools, work = tmp_path / "site", tmp_path / "bin", tmp_path / "work"
    for folder in (site, tools, work):
        folder.mkdir()
    programs = {
        "python": 'exec "$PYTHON" "$@"',
        "sagadoctor": 'exec "$PYTHON" -m sagadoctor "$@"',
        # An editable install needs an environment of its own; what is built and installed is the same.
        "pip": 'set -- $(echo "$@" | sed "s/--editable//"); exec "$PYTHON" -m pip --quiet "$@" --target "$SITE"',
    }
    for name, line in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    return {
        "PATH": f"{tools}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "PYTHON": sys.executable,
        "SITE": str(site),
        "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        "WORK": str(work),
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",
        "LC_ALL": "C.UTF-8",
    }


@pytest.mark.slow
def test_the_commands_of_the_page_do_what_it_says(stranger: dict[str, str]) -> None:
    script = "\n".join(["set -eu", *blocks("sh")])
    done = subprocess.run(
        ["sh", "-c", script], cwd=ROOT, env=stranger, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^sagadoctor\.v1\.stores +orders +API 1 +sagadoctor-orders 0\.1\.0 ", done.stdout, re.MULTILINE)
    assert re.search(r"^\d+ passed, \d+ skipped in ", done.stdout, re.MULTILINE)
    (report,) = blocks("text")
    assert report in done.stdout
    copied = Path(stranger["WORK"]) / "sagadoctor-orders"
    left = [path for path in copied.rglob("*.py") if "xample" in path.read_text() and path.name != "rename.py"]
    assert not left, left
    assert not list(TEMPLATE.rglob("*orders*"))


@pytest.mark.slow
def test_a_copy_is_renamed_once_and_to_a_word(tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(TEMPLATE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    for words, code in ((["Or-ders"], 1), ([], 1), (["orders"], 0), (["orders"], 1)):
        done = subprocess.run([sys.executable, "rename.py", *words], cwd=copied, capture_output=True, check=False)
        assert done.returncode == code, (words, done.stderr)
