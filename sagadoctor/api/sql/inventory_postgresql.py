"""The inventory of a PostgreSQL database, from pg_catalog alone: no table of the application is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from .catalog import Column, Index, Table
from .inventory import MOST_COLUMNS, MOST_TABLES, ForeignKey, Inventory, Listed, TableKind

_OURS: Final = """
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
                  and d.objid = c.oid and d.deptype = 'e')
"""
"""Partitions and temporary tables are left out, and what an extension brought."""
_TABLES: Final = f"""
select c.oid, n.nspname, c.relname, c.relkind::text, c.reltuples::bigint,
       case when c.relkind in ('r', 'm') then pg_catalog.pg_relation_size(c.oid) else 0 end,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
       pg_catalog.pg_table_is_visible(c.oid)
{_OURS} order by n.nspname, c.relname limit {MOST_TABLES + 1}
"""
_COLUMNS: Final = f"""
select c.oid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atttypmod,
       coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype)::text,
       coalesce(b.typcategory, t.typcategory)::text,
       coalesce(b.oid, t.oid), coalesce(not l.collisdeterministic, false)
from (select c.oid {_OURS} order by n.nspname, c.relname limit {MOST_TABLES}) c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
left join pg_catalog.pg_collation l on l.oid = a.attcollation
where pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
order by c.oid, a.attnum limit {MOST_COLUMNS + 1}
"""  # noqa: S608 - all of it is written here
_LABELS: Final = "select enumtypid, enumlabel from pg_catalog.pg_enum order by enumtypid, enumsortorder limit 100000"
_INDEXES: Final = f"""
select x.indrelid, i.relname, x.indisunique, x.indisprimary, pg_catalog.pg_get_expr(x.indpred, x.indrelid),
       array(select a.attname from unnest(x.indkey::int2[]) with ordinality as k(attnum, at)
             left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.attnum and k.attnum > 0
             where k.at <= x.indnkeyatts order by k.at)
from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_am m on m.oid = i.relam
where x.indrelid in (select c.oid {_OURS}) and x.indisvalid and x.indisready and m.amname = 'btree'
"""  # noqa: S608 - all of it is written here
_FOREIGN: Final = f"""
select k.conrelid, n.nspname, o.relname,
       array(select a.attname from unnest(k.conkey) with ordinality as u(attnum, at)
             join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum order by u.at),
       array(select a.attname from unnest(k.confkey) with ordinality as u(attnum, at)
             join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum order by u.at)
from pg_catalog.pg_constraint k join pg_catalog.pg_class o on o.oid = k.confrelid
join pg_catalog.pg_namespace n on n.oid = o.relnamespace
where k.contype = 'f' and k.conrelid in (select c.oid {_OURS})
"""  # noqa: S608 - all of it is written here
_KINDS: Final = {
    "r": TableKind.TABLE,
    "p": TableKind.PARTITIONED,
    "v": TableKind.VIEW,
    "m": TableKind.MATERIALISED,
    "f": TableKind.FOREIGN,
}
_ROW_BYTES: Final = 200
"""What a row takes, about: for tables that were never analysed."""


def inventory(rows: Callable[[str], list[Any]], column: Callable[..., Column]) -> Inventory:
    """Return the inventory; `rows` asks a text, `column` makes a column of what the catalogue says of one."""
    tables = rows(_TABLES)
    labels: dict[int, list[str]] = defaultdict(list)
    for type_oid, label in rows(_LABELS):
        labels[type_oid].append(label)
    listed = rows(_COLUMNS)
    columns: dict[int, list[Column]] = defaultdict(list)
    for oid, *told in listed[:MOST_COLUMNS]:
        columns[oid].append(column(told, lambda type_oid: tuple(labels[type_oid])))
    indexes: dict[int, list[Index]] = defaultdict(list)
    for oid, name, unique, primary, predicate, names in rows(_INDEXES):
        indexes[oid].append(Index(name, tuple(names), unique, primary, predicate))
    keys: dict[int, list[ForeignKey]] = defaultdict(list)
    for oid, schema, other, own, others in rows(_FOREIGN):
        keys[oid].append(ForeignKey(tuple(own), schema, other, tuple(others)))
    found = [
        Listed(
            Table(
                schema,
                name,
                tuple(columns[oid]),
                tuple(indexes[oid]),
                int(count) if count >= 0 else int(size) // _ROW_BYTES,
                is_view=kind == "v",
            ),
            _KINDS[kind],
            readable,
            at_hand,
            tuple(keys[oid]),
        )
        for oid, schema, name, kind, count, size, readable, at_hand in tables[:MOST_TABLES]
    ]
    return Inventory(found, cut=len(tables) > MOST_TABLES or len(listed) > MOST_COLUMNS)
