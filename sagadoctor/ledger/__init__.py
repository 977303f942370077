"""What was seen when and what was acknowledged, in one database: a SQLite file, or PostgreSQL for a team."""

from .opening import open_ledger
from .shelf import Shelf, place_of
from .sql_ledger import SqlLedger

__all__ = ["Shelf", "SqlLedger", "open_ledger", "place_of"]
