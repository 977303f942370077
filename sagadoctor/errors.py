"""The tree of our own errors; an adapter translates a library's error to one of these, once.

SagadoctorError
├── ConfigError              a configuration that can't be used; carries every Problem found
├── UsageError               a command that can't be understood or that names what isn't there
├── Interrupted              the person or the system asked us to stop
├── LedgerError              the ledger can't be opened, read or written
│   ├── LedgerTooNew         written by a newer version of sagadoctor
│   └── LedgerLocked         another run of the same reader holds it
└── BackendError             one backend could not do what was asked; becomes a BlindSpot or an Outcome
    ├── Unreachable          no connection: name, port, TLS, timeout before the first answer
    ├── WrongService         something answered, but not what the configuration says it is
    ├── AccessDenied         credentials or privileges are missing
    ├── SchemaMismatch       a table or column of the mapping is not there (any more)
    ├── FullScanRefused      a big table would be read sequentially without being asked to
    ├── DeadlineExceeded     our own deadline ended the work
    ├── Busy                 locked by somebody else; we did not wait
    ├── TooManyConnections   the server has no place for us
    └── Lost                 the connection broke in the middle
"""

from __future__ import annotations

import msgspec


class SagadoctorError(Exception):
    """Anything that sagadoctor says on purpose; its text is fit for a person."""


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a configuration, and where."""

    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        """Say the place first, as compilers do, then what is wrong."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        named = f"{self.key}: {self.message}" if self.key else self.message
        return f"{place}: {named}" if place else named


class ConfigError(SagadoctorError):
    """A configuration that can't be used, with all its problems at once."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        """Keep every problem, so that a person mends the file in one go."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(SagadoctorError):
    """A command line that can't be carried out as it was written."""


class Interrupted(SagadoctorError):
    """Somebody asked us to stop."""


class LedgerError(SagadoctorError):
    """The ledger can't be opened, read or written."""


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer version of sagadoctor."""


class LedgerLocked(LedgerError):
    """Another run of the same reader holds the ledger."""


class BackendError(SagadoctorError):
    """One backend could not do what was asked."""

    def __init__(self, reason: str, *, source: str = "", hint: str = "") -> None:
        """Keep the source's name, why it failed, and what a person may do next."""
        self.reason = reason
        self.source = source
        self.hint = hint
        super().__init__(reason)

    def __str__(self) -> str:
        """Say the source, the reason and the way out in one line."""
        text = f"{self.source}: {self.reason}" if self.source else self.reason
        return f"{text} ({self.hint})" if self.hint else text


class Unreachable(BackendError):
    """No connection could be made."""


class WrongService(BackendError):
    """Something answered at the address, but it is another kind of service."""


class AccessDenied(BackendError):
    """Credentials were refused or privileges are missing."""


class SchemaMismatch(BackendError):
    """A table or column that the mapping names is not there."""


class FullScanRefused(BackendError):
    """A big table would have to be read sequentially, and nobody asked for that."""


class DeadlineExceeded(BackendError):
    """The work was ended because its time was over."""


class Busy(BackendError):
    """What was asked for is locked by somebody else."""


class TooManyConnections(BackendError):
    """The server has no connection left for us."""


class Lost(BackendError):
    """The connection broke while we were reading."""
