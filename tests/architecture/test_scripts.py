"""What the scripts and the locked versions promise, as far as it can be checked without running them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(p for p in [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"] if p.is_file())

# Downloads come from where the machine's pip and apt are told to take them: no file may name a place. The words are
# put together here so that this file passes too.
HOSTS = ("pypi" + ".org", "python" + "hosted", "deb." + "debian", "archive." + "ubuntu", "maven" + ".org")
MACHINE_PATHS = re.compile(r"(?<![\w.~$}])/(?:work|root)/")


def requirement_blocks() -> list[str]:
    """The entries of constraints.txt, each with its hashes, as one line."""
    joined = (ROOT / "constraints.txt").read_text().replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip()]


def name_of(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def test_every_locked_package_has_a_version_and_hashes() -> None:
    blocks = requirement_blocks()
    assert len(blocks) > 20
    for block in blocks:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+( ; [^#]*?)?( +--hash=sha256:[0-9a-f]{64})+ *$", block), block[
            :100
        ]


def test_the_lock_names_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE), "an option in constraints.txt"


def test_every_declared_dependency_is_locked() -> None:
    locked = {name_of(block) for block in requirement_blocks()}
    for file in [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]:
        told = tomllib.loads(file.read_text())
        wanted = [*told["project"].get("dependencies", ()), *told["build-system"]["requires"]]
        wanted += told.get("dependency-groups", {}).get("dev", ())
        missing = {name_of(w) for w in wanted} - locked - {"sagadoctor"}
        assert not missing, f"{file}: run scripts/lock for {missing}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_a_script_can_be_run_and_parsed(script: Path) -> None:
    assert os.access(script, os.X_OK), f"chmod +x {script}"
    first = script.read_text().splitlines()[0]
    shell = first.split()[-1].rpartition("/")[2]
    assert first.startswith("#!")
    assert shell in {"sh", "bash"}, first
    subprocess.run([shell, "-n", str(script)], check=True, timeout=20)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("target", ["help", "demo", "test", "check"])
def test_make_knows_its_targets(target: str) -> None:
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True, timeout=20)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git clone")
def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30).stdout
    wrong = []
    for name in listed.split("\0"):
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if any(host in line for host in HOSTS) or MACHINE_PATHS.search(line):
                    wrong.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)
