"""The settings of one store: `[stores.NAME]` with `plugin = "dbos"`."""

from datetime import timedelta

from sagadoctor.api.v1 import Duration, Options, Secret

UNDO_NAMES = (
    "undo_{step}",
    "compensate_{step}",
    "revert_{step}",
    "rollback_{step}",
    "cancel_{step}",
    "{step}_undo",
    "{step}_compensation",
    "{step}_rollback",
)
"""What undos are called where `[sagas]` doesn't say."""


class DbosOptions(Options):
    """Where DBOS keeps its system tables, and what those don't tell."""

    url: str
    """Of the system database, without a password."""
    password: Secret | None = None
    system_schema: str = "dbos"
    """The schema of the system tables; SQLite has none."""
    statement_timeout: Duration = timedelta(seconds=5)
    lock_timeout: Duration = timedelta(seconds=1)
    undo: tuple[str, ...] = UNDO_NAMES
    """Names of undos, with `{step}` for the name of the step that is undone."""
    executors: tuple[str, ...] = ()
    """The ids of all executors that run now: one that isn't among them is gone. Empty: nobody can tell."""
    drain: Duration | None = None
    """How long executors of an old application version go on once a newer one has started; None: nobody can tell."""
    phase: str | None = None
    """The key of an event in which workflows tell their state in our words, such as `compensating`."""
