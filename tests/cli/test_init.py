"""`sagadoctor init`: where the file goes, what is asked, and what never lands anywhere."""

from __future__ import annotations

import json
import os
import pty
import select
import sqlite3
import stat
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from .conftest import Company
from .running import PATIENCE, Home

STEPS = json.dumps([{"name": "reserve", "status": "completed"}, {"name": "pay", "status": "failed", "error": "no"}])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database with sagas that no preset knows, and one of which nobody knows what failed means."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create table shop_saga (id text primary key, status text, steps text, created_at text, updated_at text);"
        "create table customers (id integer primary key, name text);"
    )
    rows = [("s-1", "COMPENSATING"), ("s-2", "FAILED"), ("s-3", "RUNNING")]
    connection.executemany(
        "insert into shop_saga values (?, ?, ?, '2026-01-01 10:00:00', '2026-01-01 10:00:00')",
        [(saga_id, word, STEPS) for saga_id, word in rows],
    )
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def usual(home: Home) -> Path:
    return home.folder / "config" / "sagadoctor" / "config.toml"


def test_it_writes_where_a_scan_looks_and_shows_the_first_diagnosis(home: Home, shop: Path) -> None:
    done = home.call("init", f"sqlite:///{shop}")
    assert done.code == 0, done.said
    assert "compensation" in done.text
    assert "[stores.shop-saga] table shop_saga" in done.said
    assert str(usual(home)) in done.said
    assert stat.S_IMODE(usual(home).stat().st_mode) == 0o600
    assert [each.name for each in usual(home).parent.iterdir()] == ["config.toml"]
    again = home.call("scan", "--deep", "-o", "json")
    assert again.document["scanned"]["sagas"] == 3
    assert home.call("config", "validate").code == 0


def test_a_relative_path_is_where_one_stands_and_is_written_in_full(
    home: Home, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    assert home.call("init", "sqlite:///shop.db", "--no-scan").code == 0
    assert f'url = "sqlite:///{shop}"' in usual(home).read_text()


def test_an_environment_names_the_file(home: Home, shop: Path) -> None:
    done = home.call("--env", "prod", "init", f"sqlite:///{shop}")
    assert done.code == 0, done.said
    table = tomllib.loads(usual(home).with_name("prod.toml").read_text())
    assert table["environment"] == {"name": "prod"}
    assert "sagadoctor --env prod check" in done.said
    assert home.call("--env", "../prod", "init", f"sqlite:///{shop}").code == 2


def test_what_is_there_is_replaced_only_by_force(home: Home, shop: Path) -> None:
    file = home.folder / "mine.toml"
    file.write_text("# mine\n")
    refused = home.call("init", f"sqlite:///{shop}", "--out", str(file))
    assert refused.code == 2
    assert "--force" in refused.said
    assert file.read_text() == "# mine\n"
    assert home.call("init", f"sqlite:///{shop}", "--out", str(file), "--force", "--no-scan").code == 0
    assert "shop_saga" in file.read_text()
    assert home.call("init", f"sqlite:///{shop}", "--out", str(home.folder)).code == 2


def test_a_folder_that_cannot_be_written_is_told(home: Home, shop: Path) -> None:
    (home.folder / "file").write_text("")
    done = home.call("init", f"sqlite:///{shop}", "--out", str(home.folder / "file" / "x.toml"))
    assert done.code == 2
    assert "can't be written" in done.said


def test_stdout_gets_the_file_and_nothing_else(home: Home, shop: Path) -> None:
    done = home.call("init", f"sqlite:///{shop}", "--out", "-")
    assert done.code == 0
    assert tomllib.loads(done.text)["stores"]["shop-saga"]["saga"]["table"] == "shop_saga"
    assert not usual(home).exists()


def test_a_password_in_the_url_is_refused_and_never_shown(home: Home) -> None:
    for url in ("postgresql://me:hunter2@db/x", "mysql+pymysql://me@db/x?password=hunter2"):
        done = home.call("init", url, "--log-file", str(home.folder / "log"))
        assert done.code == 2
        assert "hunter2" not in done.said + done.text
        assert "--password-env" in done.said
        assert "libpq" in done.said
    assert all(b"hunter2" not in path.read_bytes() for path in home.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("url", ["shop.db", "oracle://x/y", "postgresql://[::1/x", "sqlite://", ""])
def test_what_is_no_url_of_ours_is_told(home: Home, url: str) -> None:
    done = home.call("init", url)
    assert done.code == 2
    assert "Traceback" not in done.said


def test_options_that_contradict_each_other(home: Home, shop: Path) -> None:
    url = f"sqlite:///{shop}"
    assert home.call("init", url, "--password-env", "A", "--password-file", "b").code == 2
    unset = home.call("init", url, "--password-env", "NOT_THERE")
    assert unset.code == 2
    assert "NOT_THERE is not set" in unset.said
    assert home.call("init", url, "--failed-means", "whatever").code == 2
    assert home.call("init", url, "--name", "a b").code == 2
    assert home.call("init", url, "--out", "").code == 2


def test_a_file_that_is_not_there_or_no_database(home: Home) -> None:
    assert home.call("init", f"sqlite:///{home.folder}/none.db").code == 3
    (home.folder / "text.db").write_text("this is a text, and long enough to be looked at as a file of SQLite " * 20)
    done = home.call("init", f"sqlite:///{home.folder}/text.db")
    assert done.code == 3
    assert "not a (whole) SQLite database" in done.said


def test_nobody_to_ask_means_the_question_is_written_down(home: Home, shop: Path) -> None:
    done = home.call("init", f"sqlite:///{shop}", "--no-scan")
    text = usual(home).read_text()
    assert 'failed_means = "unknown"' in text
    assert "TODO: What does the store's word FAILED stand for?" in text
    assert "TODO: What does the store's word FAILED stand for?" in done.said


def test_the_answer_may_be_an_option(home: Home, shop: Path) -> None:
    home.call("init", f"sqlite:///{shop}", "--no-scan", "--failed-means", "by_steps")
    text = usual(home).read_text()
    assert 'failed_means = "by_steps"' in text
    assert "What does the store's word" not in text


def answering(home: Home, *words: str, answers: list[bytes]) -> tuple[int, str]:
    """Run at a terminal and type an answer each time that the program waits for one."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        home.words(*words),
        env=home.environ,
        cwd=home.folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    seen, left, until = b"", list(answers), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if select.select([leader], [], [], 0.5)[0]:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        if left and seen.endswith((b"later: ", b"(not kept): ")):
            os.write(leader, left.pop(0))
            seen += b"\n"
    os.close(leader)
    return process.wait(timeout=PATIENCE), seen.decode()


@pytest.mark.parametrize(
    ("answers", "written"),
    [
        ([b"3\n"], "by_steps"),
        ([b"failed\n"], "failed"),
        ([b"nonsense\n", b"1\n"], "compensated"),
        ([b"\n"], "unknown"),
        ([b"x\n", b"y\n", b"9\n"], "unknown"),
        ([b"\x04"], "unknown"),
    ],
)
def test_at_a_terminal_it_asks(home: Home, shop: Path, answers: list[bytes], written: str) -> None:
    code, seen = answering(home, "init", f"sqlite:///{shop}", "--no-scan", answers=answers)
    assert code == 0, seen
    assert "What does the store's word FAILED stand for?" in seen
    text = usual(home).read_text()
    assert f'failed_means = "{written}"' in text
    assert ("TODO: What does" in text) == (written == "unknown")


def test_told_not_to_ask_it_does_not(home: Home, shop: Path) -> None:
    code, seen = answering(home, "init", f"sqlite:///{shop}", "--no-scan", "--no-questions", answers=[])
    assert code == 0
    assert "or nothing to decide later" not in seen


def test_the_demo_s_company_is_recognised_and_its_outbox_found(company: Company, home: Home) -> None:
    url = f"sqlite:///{company.home.folder}/company.db"
    done = home.call("init", url, "--no-scan")
    assert done.code == 0, done.said
    (store,) = tomllib.loads(usual(home).read_text())["stores"].values()
    assert store.pop("preset") == "saga-template"
    assert store.pop("outbox") == {
        "table": "outbox",
        "id": "id",
        "saga_id": "saga_id",
        "step": "step",
        "created_at": "created_at",
        "sent_at": "sent_at",
    }
    assert set(store) == {"plugin", "url"}
    document = home.call("scan", "-o", "json", "--deep", "--as-of", company.now.isoformat()).document
    told = {each["saga_id"] for each in document["findings"] if each["severity"] != "info"}
    rests = ("waiting", "wrong-compensation-order")  # no more than an info
    sick = {truth.saga_id for truth in company.truths if truth.rule is not None and truth.rule not in rests}
    unknown = {truth.saga_id for truth in company.truths if truth.what == "waits for a person"}
    assert sick <= told <= sick | unknown
    # That a step waits for a person is known to [sagas] alone, and the file says so.
    assert "wait for a person" in usual(home).read_text()


def test_views_that_are_broken_and_virtual_tables_stop_nothing(home: Home, shop: Path) -> None:
    connection = sqlite3.connect(shop)
    connection.executescript(
        "create table gone (id integer primary key, status text); create view saga_view as select * from gone;"
        "drop table gone; create virtual table saga_words using fts5(status);"
        "create table saga_generated (id integer primary key, status text, twice text as (status || status));"
    )
    connection.close()
    done = home.call("init", f"sqlite:///{shop}", "--no-scan")
    assert done.code == 0, done.said
    assert next(iter(tomllib.loads(usual(home).read_text())["stores"])) == "shop-saga"


def test_it_is_no_part_of_a_scan() -> None:
    code = (
        "import sys, sagadoctor.cli.main, sagadoctor.adapters.sql; "
        "print([name for name in sys.modules if 'guess' in name or 'proposal' in name or 'inventory' in name])"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
