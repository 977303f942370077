"""What pg_catalog says of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from .address import POSTGRESQL
from .catalog import Catalog, Column, Index, Kind, Query, Table, no_such_table

if TYPE_CHECKING:
    from sqlalchemy import Select

    from .driver import Driver, Link
    from .inventory import Inventory

_KINDS: Final = {
    "text": Kind.TEXT,
    "varchar": Kind.TEXT,
    "bpchar": Kind.TEXT,
    "name": Kind.TEXT,
    "json": Kind.JSON,
    "jsonb": Kind.JSONB,
    "uuid": Kind.UUID,
    "int2": Kind.INT,
    "int4": Kind.INT,
    "int8": Kind.INT,
    "oid": Kind.INT,
    "float4": Kind.FLOAT,
    "float8": Kind.FLOAT,
    "numeric": Kind.DECIMAL,
    "bool": Kind.BOOL,
    "timestamp": Kind.TIMESTAMP,
    "timestamptz": Kind.TIMESTAMPTZ,
    "date": Kind.DATE,
    "bytea": Kind.BYTES,
}
_TABLES: Final = """
select c.oid, n.nspname, c.relname, c.relkind, n.nspname = any(current_schemas(false)),
       array_position(current_schemas(false), n.nspname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
  and (%(all)s or lower(c.relname) = lower(%(name)s))
"""
_COLUMNS: Final = """
select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atttypmod,
       coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype), coalesce(b.typcategory, t.typcategory),
       coalesce(b.oid, t.oid), coalesce(not l.collisdeterministic, false)
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
left join pg_catalog.pg_collation l on l.oid = a.attcollation
where a.attrelid = %(oid)s and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
_INDEXES: Final = """
select i.relname, x.indisunique, x.indisprimary, pg_catalog.pg_get_expr(x.indpred, x.indrelid),
       array(select a.attname from unnest(x.indkey::int2[]) with ordinality as k(attnum, at)
             left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum and k.attnum > 0
             where k.at <= x.indnkeyatts order by k.at)
from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_am m on m.oid = i.relam
where x.indrelid = %(oid)s and x.indisvalid and x.indisready and m.amname = 'btree'
"""
_LEAVES: Final = """
select n.nspname, c.relname from pg_catalog.pg_partition_tree(%(oid)s) p
join pg_catalog.pg_class c on c.oid = p.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where p.isleaf
"""
_TYPES: Final = """
select c.name, pg_catalog.format_type(c.oid, c.modifier), false, c.modifier, coalesce(b.typname, t.typname),
       coalesce(b.typtype, t.typtype), coalesce(b.typcategory, t.typcategory), coalesce(b.oid, t.oid), false
from unnest(%(names)s::text[], %(oids)s::oid[], %(modifiers)s::int[]) with ordinality as c(name, oid, modifier, at)
join pg_catalog.pg_type t on t.oid = c.oid
left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
order by c.at
"""
_NAMED_COLLATIONS: Final = 130_000
"""The PostgreSQL that can read the name of a collation."""
_EXCESS: Final = """
select word from (values ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) as w(word)
where pg_catalog.has_table_privilege(%(oid)s::oid, word)
"""
_MIGHTY: Final = "select rolsuper, rolbypassrls from pg_catalog.pg_roles where rolname = current_user"


class PostgresqlCatalog(Catalog):
    """Reads pg_catalog."""

    def __init__(self, driver: Driver, link: Link) -> None:
        """Keep the connection."""
        self._driver, self._link = driver, link

    def _rows(self, text: str, **parameters: Any) -> list[Any]:
        return list(self._driver.rows(self._link, text, parameters))

    def _find(self, parts: Sequence[str]) -> tuple[int, str, str, str]:
        """Return oid, schema, name and kind: exact before loose, the search path before other schemas."""
        found = self._rows(_TABLES, name=parts[-1], all=False)
        if len(parts) > 1:
            found = [row for row in found if row[1] == parts[0]] or [
                row for row in found if row[1].casefold() == parts[0].casefold()
            ]
        else:
            found = [row for row in found if row[4]]
        exact = [row for row in found if row[2] == parts[-1]]
        chosen = sorted(exact, key=lambda row: row[5] or 0)[:1] or (found if len(found) == 1 else [])
        if not chosen:
            raise no_such_table(parts, [(row[1], row[2]) for row in self._rows(_TABLES, name="", all=True)])
        oid, schema, name, kind = chosen[0][:4]
        return oid, schema, name, kind if isinstance(kind, str) else kind.decode()

    def table(self, parts: Sequence[str]) -> Table:
        """Return the table called so."""
        oid, schema, name, kind = self._find(parts)
        columns = tuple(self._column(row) for row in self._rows(_COLUMNS, oid=oid))
        indexes = tuple(Index(row[0], tuple(row[4]), row[1], row[2], row[3]) for row in self._rows(_INDEXES, oid=oid))
        leaves = tuple((row[0], row[1]) for row in self._rows(_LEAVES, oid=oid)) if kind == "p" else ()
        found = Table(schema, name, columns, indexes, is_view=kind == "v", leaves=leaves)
        rows = self._estimate(found) if self.may_read(found) else 0
        return Table(schema, name, columns, indexes, rows, is_view=kind == "v", leaves=leaves)

    def query(self, text: str, key: Sequence[str], place: str, bearable: int) -> Table:
        """Return a query as a table."""
        from .queries import query_table, telling
        from .query_plans import reading
        from .written import selected

        with telling(place, self._driver):
            columns = self._columns_of(text)
            plan = self._driver.rows(self._link, f"explain (verbose, format json) {selected(text)}", None)
            tables = tuple(self._behind(plan[0][0][0]["Plan"]))
            names = tuple((table.name, table.rows) for table in tables)
            query = Query(text, tables, names, bearable)
            whole = reading(plan, query, POSTGRESQL)
            return query_table(place, columns, key, query, max(whole.rows, int(plan[0][0][0]["Plan"]["Plan Rows"])))

    def _columns_of(self, text: str) -> tuple[Column, ...]:
        """Return the columns of a query, which is not run for them."""
        from .written import selected

        with self._link.raw.cursor() as cursor:
            cursor.execute(f"{selected(text)} where false")
            told = cursor.pgresult
            places = range(told.nfields if told is not None else 0)
            names = [told.fname(at).decode("utf-8", "replace") for at in places]
            oids, modifiers = [told.ftype(at) for at in places], [told.fmod(at) for at in places]
        columns = [self._column(row) for row in self._rows(_TYPES, names=names, oids=oids, modifiers=modifiers)]
        loose = self._loose_among(text, columns)
        return tuple(replace(column, loose=column.loose or column.name in loose) for column in columns)

    def _loose_among(self, text: str, columns: Sequence[Column]) -> set[str]:
        """Return the texts of a query that compare by more than their bytes."""
        from .written import ALIAS

        texts = [column.name for column in columns if column.kind is Kind.TEXT]
        if not texts or self._link.version_number < _NAMED_COLLATIONS:
            return set()
        quoted = (name.replace('"', '""') for name in texts)
        told = ", ".join(
            f"(select not collisdeterministic from pg_catalog.pg_collation "  # noqa: S608 - quoted names
            f'where oid = pg_catalog.pg_collation_for({ALIAS}."{name}")::regcollation)'
            for name in quoted
        )
        row = self._driver.rows(
            self._link,
            f"select {told} from (select 1) one left join ({text}\n) as {ALIAS} on false",  # noqa: S608 - the mapping's own
            None,
        )[0]
        return {name for name, is_loose in zip(texts, row, strict=True) if is_loose}

    def _behind(self, plan: dict[str, Any]) -> Iterator[Table]:
        """Yield the tables that a plan reads, each once."""
        seen: set[tuple[str, str]] = set()
        left = [plan]
        while left:
            node = left.pop()
            left.extend(node.get("Plans", ()))
            place = (str(node.get("Schema")), str(node.get("Relation Name")))
            if "Relation Name" in node and place not in seen:
                seen.add(place)
                yield self.table(place)

    def _estimate(self, found: Table) -> int:
        from sqlalchemy import literal_column, select

        every: Select[Any] = select(literal_column("1")).select_from(found.clause())
        plan = self._driver.explain(self._link, *self._driver.compiled(every, plain=True))
        return int(plan[0][0][0]["Plan"]["Plan Rows"])

    def _column(self, row: Any) -> Column:
        return _column(row, self._labels)

    def _labels(self, type_oid: int) -> tuple[str, ...]:
        listed = self._rows(
            "select enumlabel from pg_catalog.pg_enum where enumtypid = %(oid)s order by enumsortorder", oid=type_oid
        )
        return tuple(label for (label,) in listed)

    def inventory(self, schema: str | None = None) -> Inventory:
        """Return every table, but partitions, temporary tables and those of extensions."""
        del schema  # all of them cost little
        from .inventory_postgresql import inventory

        return inventory(self._rows, _column)

    def may_read(self, found: Table) -> bool:
        """Say whether this user may read the table."""
        if found.query is not None:
            return True  # else its columns would not have been told
        rows = self._rows(
            "select pg_catalog.has_schema_privilege(%(schema)s, 'USAGE')"
            " and pg_catalog.has_any_column_privilege(pg_catalog.quote_ident(%(schema)s) || '.'"
            " || pg_catalog.quote_ident(%(name)s), 'SELECT')",
            schema=found.schema,
            name=found.name,
        )
        return bool(rows[0][0])

    def excess(self, found: Table) -> tuple[str, ...]:
        """Return superuser, BYPASSRLS and every privilege to write."""
        if found.query is not None:
            return tuple(dict.fromkeys(word for table in found.query.tables for word in self.excess(table)))
        extra: list[str] = []
        mighty = self._rows(_MIGHTY)
        if mighty and mighty[0][0]:
            extra.append("superuser")
        if mighty and mighty[0][1]:
            extra.append("BYPASSRLS")
        oid, *_ = self._find([found.schema or "public", found.name])
        extra.extend(f"{word} on {found.place}" for (word,) in self._rows(_EXCESS, oid=oid))
        return tuple(extra)


def _column(row: Sequence[Any], labels_of: Callable[[int], tuple[str, ...]]) -> Column:
    """Return a column of what pg_attribute and pg_type say; `labels_of` gives the words of an enum's type."""
    name, type_text, not_null, modifier, type_name, type_kind, category, type_oid, loose = row
    kind_letter = type_kind if isinstance(type_kind, str) else type_kind.decode()
    category_letter = category if isinstance(category, str) else category.decode()
    labels: tuple[str, ...] = ()
    if kind_letter == "e":
        kind = Kind.ENUM
        labels = labels_of(type_oid)
    elif category_letter == "A":
        kind = Kind.ARRAY
    else:
        kind = _KINDS.get(type_name, Kind.OTHER)
    bounded = type_name in ("varchar", "bpchar") and modifier > 4
    return Column(
        name, kind, type_text, not not_null, modifier - 4 if bounded else None, labels, loose or type_name == "citext"
    )
