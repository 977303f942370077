"""SQLAlchemy compiles, the driver reads: from a Core statement to the text and parameters of one driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import BindParameter
    from sqlalchemy.engine.interfaces import Dialect
    from sqlalchemy.sql.elements import ClauseElement, quoted_name


class Compiled(NamedTuple):
    """A statement as a driver takes it."""

    text: str
    parameters: Any


def bound(value: object) -> BindParameter[Any]:
    """Return a parameter without a type: the server takes the type from what it stands beside."""
    from sqlalchemy import bindparam
    from sqlalchemy.types import NullType

    return bindparam(None, value, type_=NullType(), unique=True)


def statement(text: str, **values: object) -> ClauseElement:
    """Return SQL of one's own; each `:name` in it is bound to the value of that name, never spliced in.

    A list, tuple or set stands for a bracket: `id in :ids`; nothing is in an empty one, and nothing is not in it.
    A colon that is no parameter is written `\\:`; `::` stays.
    """
    from sqlalchemy import bindparam
    from sqlalchemy import text as clause
    from sqlalchemy.types import NullType

    several = (list, tuple, set, frozenset)
    return clause(text).bindparams(
        *(
            bindparam(
                name,
                (list(value) or [None]) if isinstance(value, several) else value,
                type_=NullType(),
                expanding=isinstance(value, several),
            )
            for name, value in values.items()
        )
    )


def quoted(name: str) -> quoted_name:
    """Return a name that is always quoted, whatever is in it."""
    from sqlalchemy.sql.elements import quoted_name

    return quoted_name(name, quote=True)


def compiled(statement: ClauseElement, dialect: Dialect) -> Compiled:
    """Return the text and the parameters in the driver's own style."""
    done: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    if done.positiontup is not None:
        parameters = done.params  # made anew each time it is asked for
        return Compiled(str(done), tuple(parameters[name] for name in done.positiontup))
    return Compiled(str(done), dict(done.params))
