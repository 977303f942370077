"""Plain SQL as PostgreSQL's own dialect of SQLAlchemy writes it, without that dialect.

Loading it brings five drivers and many types, which takes a twentieth of a whole scan. This one is for statements of
columns, comparisons, functions and casts, with names that are always quoted, as the SQL store asks them; types that
it doesn't know, parameters with a type and `DISTINCT ON` raise CompileError and go to the real dialect. Statements of
others are never given to it: the two differ where nobody would look (`#` and `^`, hints, `SKIP LOCKED`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BindParameter, Select
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import UnsupportedCompilationError
from sqlalchemy.sql.compiler import GenericTypeCompiler, SQLCompiler
from sqlalchemy.types import NullType, TypeEngine

_SAME: Final = frozenset(("text", "integer", "big_integer", "boolean", "large_binary"))
"""Types that are named alike, or are named below."""


class _Types(GenericTypeCompiler):
    """The types whose names we know."""

    def process(self, type_: TypeEngine[Any], **kw: Any) -> str:
        """Return the name; raises UnsupportedCompilationError for every other type."""
        if type_.__visit_name__.lower() not in _SAME:
            raise UnsupportedCompilationError(self, type(type_))  # type: ignore[arg-type]
        return super().process(type_, **kw)

    def visit_large_binary(self, type_: Any, **kw: Any) -> str:
        """Return the type of bytes."""
        del type_, kw
        return "BYTEA"


class _Compiler(SQLCompiler):
    """What the real dialect writes in another way is left to it."""

    def get_select_precolumns(self, select: Select[Any], **kw: Any) -> str:
        """Leave `DISTINCT ON` alone."""
        if getattr(select, "_distinct_on", ()):
            raise UnsupportedCompilationError(self, type(select))
        return super().get_select_precolumns(select, **kw)

    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **kw: Any) -> str:
        """Leave parameters that have a type alone: the real dialect writes a cast beside them."""
        if not isinstance(bindparam.type, NullType):
            raise UnsupportedCompilationError(self, type(bindparam))
        text: str = super().visit_bindparam(bindparam, *args, **kw)  # type: ignore[no-untyped-call]
        return text


class PlainDialect(DefaultDialect):
    """Enough of PostgreSQL for statements of columns, comparisons, functions and casts."""

    name = "postgresql"
    supports_native_boolean = True
    supports_statement_cache = True
    statement_compiler = _Compiler
    type_compiler_cls = _Types

    def __init__(self) -> None:
        """Take psycopg's way of writing parameters."""
        super().__init__(paramstyle="pyformat")
