"""Real servers with and without TLS, reached by a name that is not loopback: verified, refused, or as it was said."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagadoctor.api.v1 import CheckLevel, CheckLine
from sagadoctor.clock import SystemClock
from sagadoctor.errors import LedgerError
from sagadoctor.ledger import open_ledger
from tests.adapters.opening import open_store, without_password
from tests.adapters.sheet import later

from . import keeper, provide, servers
from .fixtures import give_up, note_ran

NAME = socket.gethostname()


def address() -> str:
    """Where this machine's own name leads; the tests that need it can't run where it leads nowhere."""
    try:
        return socket.gethostbyname(NAME)
    except OSError as error:
        pytest.skip(f"this machine's name {NAME} has no address: {error}")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine's name that only trusts itself, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not on PATH: no certificate to test with")
    folder.mkdir(mode=0o755)
    made, key = folder / "cert.pem", folder / "key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ("-subj", f"/CN={NAME[:60]}", "-addext", f"subjectAltName=DNS:{NAME}")
    command = [program, *words, *names, "-keyout", str(key), "-out", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    key.chmod(0o600)
    for each in (folder, made, key):
        servers.give_to_server_user(each)
    return made, key


class OverTls(servers.SqlServer):
    """A server that also listens where this machine's name leads; with a certificate it speaks TLS."""

    roots: str
    made: Path | None = None
    key: Path | None = None

    def far(self, said: str = "") -> str:
        """The URL of a database by this machine's name."""
        plain = self.database_url().partition("?")[0].replace(f"@{servers.HOST}:", f"@{NAME}:")
        return plain + (f"?{said}" if said else "")

    def near(self, said: str) -> str:
        return f"{self.database_url().partition('?')[0]}?{said}"


class TlsPostgres(OverTls, servers.PostgresServer):
    roots = "sslrootcert"

    def start(self) -> None:
        super().start()
        access = self.data / "pg_hba.conf"
        access.write_text(access.read_text() + f"host all all {address()}/32 trust\n")
        self.execute("select pg_reload_conf()")

    def _command(self) -> list[str | Path]:
        more = ["-c", f"listen_addresses={servers.HOST},{address()}"]
        if self.made is not None:
            more += ["-c", "ssl=on", "-c", f"ssl_cert_file={self.made}", "-c", f"ssl_key_file={self.key}"]
        return [*super()._command(), *more]


class TlsMariaDB(OverTls, servers.MariaDBServer):
    roots = "ssl_ca"

    def _command(self) -> list[str | Path]:
        known = [str(each) for each in super()._command() if str(each) != "--skip-ssl"]
        more = f"--bind-address={servers.HOST},{address()}" if address() != servers.HOST else ""
        if self.made is None:
            return [*known, "--skip-ssl", *filter(None, [more])]
        return [
            *known,
            f"--ssl-cert={self.made}",
            f"--ssl-key={self.key}",
            f"--ssl-ca={self.made}",
            *filter(None, [more]),
        ]


KINDS = [
    pytest.param(TlsPostgres, marks=pytest.mark.real("postgresql")),
    pytest.param(TlsMariaDB, marks=pytest.mark.real("mariadb")),
]


_running: dict[tuple[type[OverTls], bool], OverTls] = {}


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    """Both servers of a kind run until the last test of this file is over."""
    yield
    while _running:
        _, server = _running.popitem()
        server.remove()
        if server.made is not None:
            shutil.rmtree(server.made.parent, ignore_errors=True)


def running(request: pytest.FixtureRequest, *, with_tls: bool) -> OverTls:
    kind: type[OverTls] = request.param
    address()
    if (kind, with_tls) not in _running:
        try:
            server = kind(keeper.run_dir())
            if with_tls:
                server.made, server.key = certificate(keeper.run_dir() / f"tls-{os.getpid()}-{kind.service}")
            server.start()
        except (provide.ServiceMissingError, servers.ServerError) as error:
            give_up(request, kind.service, error)
        _running[kind, with_tls] = server
    note_ran(request, kind.service)
    return _running[kind, with_tls]


@pytest.fixture(params=KINDS)
def secured(request: pytest.FixtureRequest) -> OverTls:
    return running(request, with_tls=True)


@pytest.fixture(params=KINDS)
def plain(request: pytest.FixtureRequest) -> OverTls:
    return running(request, with_tls=False)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def reached(url: str) -> CheckLine:
    """What `check` says of the connection."""
    store = open_store(url, {"preset": "saga-template"})

    async def work() -> CheckLine:
        try:
            return (await store.check(later()))[0]
        finally:
            await store.close()

    return asyncio.run(work())


def test_a_certificate_that_nobody_vouches_for_is_refused(secured: OverTls) -> None:
    line = reached(secured.far())
    assert line.level is CheckLevel.FAILED
    assert f"no secure connection to {NAME}:{secured.port}: TLS failed (" in line.text
    assert "a certificate that can be verified was expected" in line.text
    assert f"?{secured.roots}=" in line.todo
    assert "?sslmode=require" in line.todo


def test_it_is_verified_by_the_roots_that_are_named(secured: OverTls, monkeypatch: pytest.MonkeyPatch) -> None:
    line = reached(secured.far(f"{secured.roots}={secured.made}"))
    assert (line.level, line.text.rpartition(" (")[2]) == (CheckLevel.OK, "TLSv1.3, certificate verified)")
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.made))
    line = reached(secured.far())
    assert (line.level, line.text.rpartition(" (")[2]) == (CheckLevel.OK, "TLSv1.3, certificate verified)")


def test_a_certificate_of_another_name_is_refused_even_here(secured: OverTls) -> None:
    said = f"{secured.roots}={secured.made}&sslmode="
    assert reached(secured.near(f"{said}verify-full")).level is CheckLevel.FAILED
    line = reached(secured.near(f"{said}verify-ca"))
    assert line.text.endswith("(TLSv1.3, certificate verified, but not whose it is)")


def test_less_is_had_by_saying_so(secured: OverTls) -> None:
    assert reached(secured.far("sslmode=require")).text.endswith("(TLSv1.3, certificate not verified)")
    assert reached(secured.far("sslmode=disable")).text.endswith("(not encrypted)")


def test_roots_that_are_not_there_are_named(secured: OverTls) -> None:
    line = reached(secured.far(f"{secured.roots}=/no/such/ca.pem"))
    assert line.level is CheckLevel.FAILED
    assert "/no/such/ca.pem" in line.text


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(secured: OverTls) -> None:
    assert secured.made is not None
    assert secured.key is not None
    locked = secured.key.with_name("locked.pem")
    command = [str(shutil.which("openssl")), "pkey", "-in", str(secured.key), "-aes256", "-passout", "pass:hunter22"]
    subprocess.run([*command, "-out", str(locked)], check=True, timeout=60)
    locked.chmod(0o600)
    keys = ("sslcert", "sslkey") if secured.roots == "sslrootcert" else ("ssl_cert", "ssl_key")
    open_key, locked_key = (
        f"sslmode=require&{keys[0]}={secured.made}&{keys[1]}={key}" for key in (secured.key, locked)
    )
    assert reached(secured.far(open_key)).level is CheckLevel.OK
    line = reached(secured.far(locked_key))
    assert line.level is CheckLevel.FAILED
    assert "locked.pem" in line.text


def test_a_server_without_tls_is_refused_unless_that_is_said(plain: OverTls) -> None:
    for said in ("", "sslmode=require", f"{plain.roots}=/etc/hostname" if plain.roots == "sslrootcert" else ""):
        line = reached(plain.far(said))
        assert line.level is CheckLevel.FAILED
        assert f"no secure connection to {NAME}:{plain.port}: the server speaks no TLS" in line.text
        assert line.todo == "say in the URL ?sslmode=disable (plain text)"
    assert reached(plain.far("sslmode=disable")).text.endswith("(not encrypted)")
    assert reached(plain.near("")).text.endswith("(not encrypted, on this machine)")


def test_the_environment_of_libpq_is_an_explicit_word(secured: OverTls, monkeypatch: pytest.MonkeyPatch) -> None:
    if secured.roots != "sslrootcert":
        return
    monkeypatch.setenv("PGSSLROOTCERT", str(secured.made))
    assert reached(secured.far()).text.endswith("(TLSv1.3, certificate verified)")
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.delenv("PGSSLROOTCERT")
    assert reached(secured.far()).text.endswith("(TLSv1.3, certificate not verified)")


def test_a_ledger_is_no_exception(secured: OverTls) -> None:
    if secured.roots != "sslrootcert":
        return
    url, _ = without_password(secured.far())

    async def ask(said: str) -> bool:
        ledger = open_ledger(url + said, None, SystemClock(), 10)
        try:
            return await ledger.has_observed("orders")
        finally:
            await ledger.close()

    with pytest.raises(LedgerError, match=r"certificate verify failed; the server's certificate is verified unless"):
        asyncio.run(ask(""))
    assert asyncio.run(ask(f"?sslrootcert={secured.made}")) is False
    assert asyncio.run(ask("?sslmode=require")) is False
