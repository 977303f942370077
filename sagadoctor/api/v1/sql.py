"""The guest connection to SQL databases, for the SQL adapter and for plugins; loads SQLAlchemy on first use."""

from sagadoctor.api.sql.address import MARIADB, POSTGRESQL, SQLITE, Address, beside, parse_address
from sagadoctor.api.sql.catalog import Catalog, Column, Index, Kind, Table, fitting, nearest
from sagadoctor.api.sql.driver import Limits, Row
from sagadoctor.api.sql.guest import Guest
from sagadoctor.api.sql.lanes import CONNECTIONS
from sagadoctor.api.sql.pages import beyond
from sagadoctor.api.sql.plans import Access, access
from sagadoctor.api.sql.session import Session
from sagadoctor.api.sql.statement import bound, quoted, statement
from sagadoctor.api.sql.troubles import CellUnreadable

__all__ = [
    "CONNECTIONS",
    "MARIADB",
    "POSTGRESQL",
    "SQLITE",
    "Access",
    "Address",
    "Catalog",
    "CellUnreadable",
    "Column",
    "Guest",
    "Index",
    "Kind",
    "Limits",
    "Row",
    "Session",
    "Table",
    "access",
    "beside",
    "beyond",
    "bound",
    "fitting",
    "nearest",
    "parse_address",
    "quoted",
    "statement",
]
