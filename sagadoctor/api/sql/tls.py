"""How a connection is secured: verified TLS beyond this machine, unless whoever wrote the URL says otherwise."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sagadoctor.errors import BackendError, Unreachable
from sagadoctor.late import LatePattern

from .troubles import first_line

if TYPE_CHECKING:
    import ssl

DISABLE: Final = "disable"
ALLOW: Final = "allow"
PREFER: Final = "prefer"
REQUIRE: Final = "require"
VERIFY_CA: Final = "verify-ca"
VERIFY_FULL: Final = "verify-full"
MODES: Final = (DISABLE, ALLOW, PREFER, REQUIRE, VERIFY_CA, VERIFY_FULL)
"""libpq's words, which a MariaDB URL takes too: from plain text to "encrypted, and the certificate is this host's"."""
VERIFIED: Final = (VERIFY_CA, VERIFY_FULL)

NO_PASSWORD: Final = "-"  # noqa: S105 - it is none
"""What a key with a password is tried with: without one, OpenSSL would ask at the terminal and wait."""

_SYSTEM: Final = "system"
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)
_MARIADB_KEYS: Final = (
    "sslmode",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_disabled",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "ssl_check_hostname",
)
_NO: Final = ("false", "0", "no", "off")
_SECRETS: Final = ("password", "passwd", "sslpassword", "ssl_key_password", "oauth_client_secret")
_TLS_SIGNS: Final = (
    "ssl error",
    "[ssl",
    "support ssl",
    "support it",
    "certificate verify",
    "root certificate",
    "certificate file",
    "certificate for",
    "certificate from",
    "private key file",
    "no certificate",
    "tls alert",
)
_PYTHON_PLACE: Final = LatePattern(r"\.? \(_ssl\.c:\d+\)+\Z")


def is_here(host: str) -> bool:
    """Say whether a host is this machine by its name alone: loopback, or the folder of a socket."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host
    if name in ("", "localhost") or name.startswith(("/", "@")):
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def demanded(hosts: Iterable[str], said: str | None) -> str | None:
    """Return the mode that a connection must have: what was said, else verified beyond this machine; None: any."""
    if said:
        return said
    return None if all(map(is_here, hosts)) else VERIFY_FULL


def libpq_settings(
    host: str | None, said: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what to tell libpq beside what the URL says; nothing where it may do as it likes.

    libpq itself verifies nothing by default. A service file is libpq's own configuration: it decides for itself.
    """
    mode = said.get("sslmode") or environ.get("PGSSLMODE")
    if not mode and (said.get("service") or environ.get("PGSERVICE")):
        return {}
    to = said.get("hostaddr") or environ.get("PGHOSTADDR")  # whatever the host is called, this is where libpq goes
    where = to or said.get("host") or host or environ.get("PGHOST") or ""
    roots = said.get("sslrootcert") or environ.get("PGSSLROOTCERT")
    mode = demanded(where.split(","), mode or (VERIFY_FULL if roots == _SYSTEM else None))
    settings = {} if mode is None else {"sslmode": mode}
    own = os.path.expanduser("~/.postgresql/root.crt")
    if mode == VERIFY_FULL and (roots == _SYSTEM or (not roots and not os.path.exists(own))):
        # The OpenSSL inside psycopg's wheels doesn't know where this system keeps its roots: name the file.
        settings["sslrootcert"] = system_roots() or _SYSTEM
    return settings


def mariadb_mode(host: str | None, said: Mapping[str, str]) -> str | None:
    """Return the mode for MariaDB by libpq's word, or by the keys that PyMySQL and SQLAlchemy know; None: any."""
    mode = said.get("sslmode")
    if not mode:
        if said.get("ssl_disabled", "false").lower() not in _NO:
            mode = DISABLE
        elif said.get("ssl_verify_cert", "true").lower() in _NO:
            mode = REQUIRE
        elif any(said.get(key, "true").lower() in _NO for key in ("ssl_verify_identity", "ssl_check_hostname")):
            mode = VERIFY_CA
        elif any(key.startswith("ssl_") and key != "ssl_disabled" for key in said):
            mode = VERIFY_FULL
    return demanded(() if said.get("unix_socket") else (host or "",), mode)


def context_for(mode: str, said: Mapping[str, str]) -> ssl.SSLContext:
    """Return what TLS of a mode from `require` upwards means to Python's ssl; Unreachable for files that are no use."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=said.get("ssl_ca") or system_roots())
        if "ssl_cert" in said:
            context.load_cert_chain(said["ssl_cert"], said.get("ssl_key"), password=NO_PASSWORD)
    except OSError as error:
        names = ", ".join(said[key] for key in ("ssl_ca", "ssl_cert", "ssl_key") if key in said)
        raise Unreachable(f"can't use the certificates of the URL ({names}): {first_line(error)}") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the CAs that databases make for themselves lack extensions
    context.check_hostname = mode == VERIFY_FULL
    context.verify_mode = ssl.CERT_REQUIRED if mode in VERIFIED else ssl.CERT_NONE
    return context


def system_roots() -> str | None:
    """Return the file with this system's trusted roots; None where there is none at any usual place."""
    import ssl

    told = ssl.get_default_verify_paths().cafile
    return next((path for path in (told, *_BUNDLES) if path and os.path.isfile(path)), None)


def check_query(said: Mapping[str, str], *, is_mariadb: bool) -> None:
    """Raise ValueError for a secret in a URL, and for what nobody would obey."""
    if any(key in said for key in _SECRETS):
        raise ValueError('no password in a URL: say password = { env = "NAME" } beside it')
    mode = said.get("sslmode")
    if mode and mode not in MODES:
        raise ValueError(f"sslmode is one of {', '.join(MODES)}, not {mode!r}")
    unknown = [key for key in said if is_mariadb and key.startswith("ssl") and key not in _MARIADB_KEYS]
    if unknown:
        raise ValueError(f"unknown {', '.join(map(repr, unknown))}; TLS of MariaDB knows {', '.join(_MARIADB_KEYS)}")


def is_about_tls(text: str) -> bool:
    """Say whether a driver's error is about TLS."""
    lower = text.lower()
    return any(sign in lower for sign in _TLS_SIGNS)


def insecure(error: BaseException | str, place: str, mode: str | None, *, is_mariadb: bool = False) -> BackendError:
    """Say that no connection was made because it would not have been secured as it must be."""
    text = _PYTHON_PLACE.sub("", first_line(error).rpartition(" failed: ")[2])
    speaks = "support SSL" not in text and "support it" not in text
    problem = f"TLS failed ({text})" if speaks else "the server speaks no TLS"
    weaker = "?sslmode=disable (plain text)"
    expected = f", and TLS was expected (sslmode={mode})" if mode is not None else ""
    if mode in VERIFIED:
        expected = ", and a certificate that can be verified was expected"
        if speaks:
            roots = "ssl_ca" if is_mariadb else "sslrootcert"
            weaker = f"?{roots}=/path/to/ca.pem, or not to verify it ?sslmode=require, or {weaker}"
    return Unreachable(f"no secure connection to {place}: {problem}{expected}", hint=f"say in the URL {weaker}")


def told(version: str | None, mode: str | None, host: str | None) -> str:
    """Say how a connection is secured; without a version it isn't."""
    if not version:
        return "not encrypted, on this machine" if is_here(host or "") else "not encrypted"
    how = {VERIFY_FULL: "verified", VERIFY_CA: "verified, but not whose it is"}.get(mode or "", "not verified")
    return f"{version}, certificate {how}"
