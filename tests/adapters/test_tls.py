"""Which connections must be secured, by the address and by what is said: no server is asked."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from sagadoctor.api.sql import tls
from sagadoctor.api.v1.sql import parse_address

HERE = ("localhost", "127.0.0.1", "127.3.2.1", "::1", "[::1]", "/run/postgresql", "@abstract", "")
ELSEWHERE = ("db", "db.example", "10.0.0.1", "::2", "localhost.example", "127.0.0.1.example", "0.0.0.0")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without certificates, and a system whose roots are known."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "roots.pem").write_text("")
    monkeypatch.setattr(tls, "system_roots", lambda: str(tmp_path / "roots.pem"))
    return tmp_path


def settings(host: str | None, said: str = "", **environ: str) -> dict[str, str]:
    query = dict(parse_address(f"postgresql://u@x/y?{said}").query)
    return tls.libpq_settings(host, query, environ)


@pytest.mark.parametrize("host", HERE)
def test_nothing_is_demanded_on_this_machine(host: str) -> None:
    assert settings(host) == {}
    assert tls.mariadb_mode(host, {}) is None


@pytest.mark.parametrize("host", ELSEWHERE)
def test_beyond_it_the_certificate_is_verified(host: str, home: Path) -> None:
    assert settings(host) == {"sslmode": "verify-full", "sslrootcert": f"{home}/roots.pem"}
    assert tls.mariadb_mode(host, {}) == "verify-full"


@pytest.mark.parametrize("mode", tls.MODES)
@pytest.mark.parametrize("host", ["db", "localhost"])
def test_what_the_url_or_the_environment_says_holds(host: str, mode: str) -> None:
    assert settings(host, f"sslmode={mode}")["sslmode"] == mode
    assert settings(host, PGSSLMODE=mode)["sslmode"] == mode
    assert settings(host, f"sslmode={mode}", PGSSLMODE="disable")["sslmode"] == mode
    assert tls.mariadb_mode(host, {"sslmode": mode}) == mode
    assert ("sslrootcert" in settings(host, f"sslmode={mode}")) is (mode == "verify-full")


def test_an_empty_word_says_nothing() -> None:
    assert settings("db", "sslmode=", PGSSLMODE="")["sslmode"] == "verify-full"


def test_roots_that_are_named_or_at_home_are_left_to_libpq(home: Path) -> None:
    assert settings("db", "sslrootcert=/ca.pem") == {"sslmode": "verify-full"}
    assert settings("db", PGSSLROOTCERT="/ca.pem") == {"sslmode": "verify-full"}
    (home / ".postgresql").mkdir()
    (home / ".postgresql" / "root.crt").write_text("")
    assert settings("db") == {"sslmode": "verify-full"}


def test_the_roots_of_the_system_are_named_by_their_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"sslmode": "verify-full", "sslrootcert": f"{home}/roots.pem"}
    assert settings("db", "sslrootcert=system") == wanted
    assert settings("localhost", "sslrootcert=system") == wanted
    monkeypatch.setattr(tls, "system_roots", lambda: None)
    assert settings("db") == {"sslmode": "verify-full", "sslrootcert": "system"}


def test_the_host_may_come_from_anywhere() -> None:
    assert settings(None) == {}
    assert settings(None, PGHOST="db")["sslmode"] == "verify-full"
    assert settings(None, PGHOST="/run/postgresql") == {}
    assert settings(None, PGHOSTADDR="10.0.0.1", PGHOST="localhost")["sslmode"] == "verify-full"
    assert settings("localhost", "host=db")["sslmode"] == "verify-full"
    assert settings(None, "host=localhost,db")["sslmode"] == "verify-full"
    assert settings("db", "hostaddr=127.0.0.1") == settings("db", PGHOSTADDR="127.0.0.1") == {}
    assert settings("localhost", PGHOSTADDR="10.0.0.1")["sslmode"] == "verify-full"


def test_a_service_file_decides_for_itself() -> None:
    assert settings("db", "service=orders") == settings("db", PGSERVICE="orders") == {}
    assert settings("db", "service=orders&sslmode=require") == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ({"ssl_disabled": "true"}, "disable"),
        ({"ssl_disabled": "false"}, "verify-full"),
        ({"ssl_verify_cert": "false"}, "require"),
        ({"ssl_verify_identity": "false"}, "verify-ca"),
        ({"ssl_check_hostname": "0", "ssl_ca": "/ca.pem"}, "verify-ca"),
        ({"ssl_ca": "/ca.pem"}, "verify-full"),
        ({"ssl_verify_cert": "true"}, "verify-full"),
        ({"unix_socket": "/run/mysqld.sock"}, None),
    ],
)
def test_mariadb_also_knows_the_words_of_its_driver(said: dict[str, str], mode: str | None) -> None:
    assert tls.mariadb_mode("db", said) == mode


def test_on_this_machine_a_certificate_that_is_named_is_verified() -> None:
    assert tls.mariadb_mode("localhost", {"ssl_ca": "/ca.pem"}) == "verify-full"
    assert tls.mariadb_mode("localhost", {"ssl_disabled": "false"}) is None


def test_modes_as_python_means_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    contexts = {mode: tls.context_for(mode, {}) for mode in ("require", "verify-ca", "verify-full")}
    assert [each.verify_mode for each in contexts.values()] == [ssl.CERT_NONE, ssl.CERT_REQUIRED, ssl.CERT_REQUIRED]
    assert [each.check_hostname for each in contexts.values()] == [False, False, True]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql://u@db/x?sslmode=verify",
            "sslmode is one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        ("mariadb://u@db/x?sslmode=REQUIRED", "sslmode is one of"),
        ("mariadb://u@db/x?sslrootcert=/ca.pem", "unknown 'sslrootcert'; TLS of MariaDB knows sslmode, ssl_ca"),
        ("postgresql://u@db/x?sslpassword=hunter2", "no password in a URL"),
        ("mariadb://u@db/x?ssl_key_password=hunter2", "no password in a URL"),
    ],
)
def test_what_nobody_would_obey_is_refused_at_once(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_address(url)
    assert "hunter2" not in str(caught.value)


def test_errors_are_about_tls_by_their_words_not_by_a_hosts_name() -> None:
    assert tls.is_about_tls('connection to server at "10.0.0.1", port 1 failed: SSL error: certificate verify failed')
    assert not tls.is_about_tls('connection to server at "ssl-tls-certificate", port 1 failed: Connection refused')
