"""Secrets from where they are kept, and never anywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import pytest

from sagadoctor.config import Configuration, resolve
from sagadoctor.errors import ConfigError
from sagadoctor.redaction import MASK, Redactor

from .samples import STORE, FakeOptions, loaded

CANARY = "canary-9f2e/+ x"


def resolved(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[Configuration, Redactor]:
    configuration, redactor = loaded(folder, text), Redactor()
    resolve(configuration, redactor, environ or {})
    return configuration, redactor


def failed(folder: Path, secret: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as error:
        resolved(folder, f"{STORE}password = {secret}\n", environ)
    said = str(error.value).replace(f"{folder}/", "")
    assert said.startswith("c.toml:4: stores.orders.password: ")
    assert CANARY not in said
    return said.removeprefix("c.toml:4: stores.orders.password: ")


def password(configuration: Configuration) -> str:
    options = configuration.stores[0].options
    assert isinstance(options, FakeOptions)
    assert options.password is not None
    return options.password.reveal()


def python(code: str) -> str:
    return f"{{ cmd = ['{sys.executable}', '-c', \"{code}\"], timeout = '5s' }}"


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    configuration, redactor = resolved(tmp_path, f"{STORE}password = {{ env = 'PW' }}\n", {"PW": CANARY})
    assert password(configuration) == CANARY
    assert redactor.text(f"login with {CANARY} failed") == f"login with {MASK} failed"
    assert CANARY not in repr(configuration)
    assert "canary" not in redactor.text("postgresql://u:canary-9f2e%2F%2B%20x@db failed")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_loses_one_newline_and_no_more(tmp_path: Path, ending: str) -> None:
    (tmp_path / "pw").write_bytes(f"{CANARY}\n{ending}".encode())
    configuration, _ = resolved(tmp_path, f"{STORE}password = {{ file = 'pw' }}\n")
    assert password(configuration) == (f"{CANARY}\n" if ending else CANARY)


def test_a_file_is_looked_for_beside_the_configuration_or_where_it_says(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "pw"
    secret.write_text(CANARY)
    assert password(resolved(tmp_path, f"{STORE}password = {{ file = '{secret}' }}\n")[0]) == CANARY
    assert password(resolved(tmp_path, f"{STORE}password = {{ file = 'elsewhere/pw' }}\n")[0]) == CANARY


def test_the_first_line_of_a_command_is_the_secret(tmp_path: Path) -> None:
    configuration, _ = resolved(tmp_path, f"{STORE}password = {python(f'print({CANARY!r}); print(1)')}\n")
    assert password(configuration) == CANARY


def test_a_command_is_a_list_without_a_shell(tmp_path: Path) -> None:
    configuration, _ = resolved(tmp_path, f"{STORE}password = {{ cmd = ['echo', '$HOME; id', '*'] }}\n")
    assert password(configuration) == "$HOME; id *"


def test_one_place_is_asked_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    command = python(f"open('{count}', 'a').write('x'); print('secret')")
    resolved(tmp_path, f"{STORE}password = {command}\ntoken = {command}\n")
    assert count.read_text() == "x"


def test_secrets_are_found_anywhere_in_the_options(tmp_path: Path) -> None:
    text = f"{STORE}headers = {{ a = {{ env = 'A' }} }}\nwriter = {{ url = 'x://y', password = {{ env = 'B' }} }}\n"
    ledger = "[ledger]\nurl = 'postgresql://db/l'\npassword = { env = 'C' }\n"
    configuration, redactor = resolved(tmp_path, text + ledger, {"A": "aaaa", "B": "bbbb", "C": "cccc"})
    options: Any = configuration.stores[0].options
    assert options.headers["a"].reveal() == "aaaa"
    assert options.writer.password.reveal() == "bbbb"
    assert configuration.ledger.password is not None
    assert configuration.ledger.password.reveal() == "cccc"
    assert redactor.secrets >= {"aaaa", "bbbb", "cccc"}


def test_row_07_every_secret_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    text = f"{STORE}password = {{ env = 'A' }}\ntoken = {{ file = 'none' }}\nheaders = {{ a = {{ env = 'B' }} }}\n"
    with pytest.raises(ConfigError) as error:
        resolved(tmp_path, text, {"B": ""})
    assert str(error.value).replace(f"{tmp_path}/", "").split("\n") == [
        "c.toml:4: stores.orders.password: environment variable A is not set",
        "c.toml:5: stores.orders.token: secret file none can't be read: No such file or directory",
        "c.toml:6: stores.orders.headers.a: environment variable B is empty",
    ]


def test_files_that_hold_no_secret(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "latin").write_bytes(b"\xe9t\xe9")
    assert failed(tmp_path, "{ file = 'empty' }") == "secret file empty gives nothing"
    assert failed(tmp_path, "{ file = 'latin' }") == "secret file latin gives bytes that are not UTF-8"
    assert (
        failed(tmp_path, "{ file = '/dev/zero' }") == "secret file /dev/zero is longer than 64 kB; this is not a secret"
    )
    assert failed(tmp_path, '{ file = "a\\u0000b" }') == "secret file a\\0b can't be read: not a path"


def test_commands_that_give_no_secret(tmp_path: Path) -> None:
    called = f"command {sys.executable}"
    assert failed(tmp_path, "{ cmd = [] }") == "the command of the secret is empty"
    assert failed(tmp_path, "{ cmd = ['/no/such'] }") == "command /no/such can't be run: No such file or directory"
    assert failed(tmp_path, python("print()")) == f"{called} gives nothing"
    assert failed(tmp_path, python("import os; os.write(1, bytes([233]))")) == (
        f"{called} gives bytes that are not UTF-8"
    )


def test_the_complaints_of_a_command_are_not_told(tmp_path: Path) -> None:
    code = f"import sys; print({CANARY!r}); sys.exit({CANARY!r})"
    said = failed(tmp_path, python(code))
    assert said == f"command {sys.executable} failed with exit code 1; run it by hand to see why"


def test_a_command_that_says_no_end_of_lines_is_ended(tmp_path: Path) -> None:
    started = time.monotonic()
    configuration, _ = resolved(tmp_path, f"{STORE}password = {{ cmd = ['yes', '{CANARY}'] }}\n")
    assert password(configuration) == CANARY
    code = "import os;\nwhile True: os.write(1, b'x' * 4096)".replace("\n", "\\n")
    assert failed(tmp_path, f"{{ cmd = ['{sys.executable}', '-c', \"{code}\"] }}") == (
        f"command {sys.executable} says more than 64 kB on one line; this is not a secret"
    )
    assert time.monotonic() - started < 4


def test_what_a_hanging_command_started_is_ended_too(tmp_path: Path) -> None:
    said = tmp_path / "children"
    command = f"{{ cmd = ['sh', '-c', 'sleep 60 & echo $! > {said}; wait'], timeout = '400ms' }}"
    assert failed(tmp_path, command) == "command sh did not end within 0.4 s"
    child = Path(f"/proc/{said.read_text().strip()}/stat")
    until = time.monotonic() + 10
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until, "the child still runs"
        time.sleep(0.01)


def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.monotonic()
    assert failed(tmp_path, "{ file = 'pipe', timeout = '200ms' }") == (
        "secret file pipe can't be read: no end within 0.2 s (a pipe that nobody writes?)"
    )
    assert time.monotonic() - started < 4


def test_a_pipe_that_somebody_writes_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(CANARY + "\n"))
    writer.start()
    assert password(resolved(tmp_path, f"{STORE}password = {{ file = 'pipe' }}\n")[0]) == CANARY
    writer.join()


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    started = time.monotonic()
    command = python("import time; time.sleep(60)").replace("'5s'", "'300ms'")
    assert failed(tmp_path, command) == f"command {sys.executable} did not end within 0.3 s"
    assert time.monotonic() - started < 10


def test_a_command_that_leaves_something_running_counts_when_it_ended(tmp_path: Path) -> None:
    text = f"{STORE}password = {{ cmd = ['sh', '-c', 'echo {CANARY}; sleep 20 &'], timeout = '500ms' }}\n"
    started = time.monotonic()
    assert password(resolved(tmp_path, text)[0]) == CANARY
    assert time.monotonic() - started < 10


def test_a_keyring_is_asked_when_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {("orders", "ro"): CANARY}

    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError(CANARY)
        return entries.get((service, user))

    keyring = types.ModuleType("keyring")
    keyring.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert password(resolved(tmp_path, f"{STORE}password = {{ keyring = 'orders/ro' }}\n")[0]) == CANARY
    assert failed(tmp_path, "{ keyring = 'orders/rw' }") == "keyring has no entry orders/rw"
    assert failed(tmp_path, "{ keyring = 'orders' }") == 'a keyring entry is written "service/user"'
    assert failed(tmp_path, "{ keyring = 'locked/ro' }") == "keyring locked/ro can't be read: RuntimeError"


def test_without_the_keyring_package_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert failed(tmp_path, "{ keyring = 'orders/ro' }") == (
        "secrets in a keyring need the package `keyring`; install it beside sagadoctor"
    )
