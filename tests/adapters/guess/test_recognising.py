"""Every preset that ships is met again by the tables that its own file names; whichever others are added, too."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sagadoctor.adapters.sql import presets
from sagadoctor.adapters.sql.guess.names import is_mappable
from sagadoctor.adapters.sql.guess.recognising import Known, in_full, known_presets, preset_draft, recognise
from sagadoctor.adapters.sql.guess.verdicts import plugin_table
from sagadoctor.adapters.sql.options import SqlOptions
from sagadoctor.api.v1.proposing import Listed
from sagadoctor.api.v1.sql import Column, Kind, Table

KNOWN = known_presets()
BY_TABLES = [known for known in KNOWN if not known.tables[0].within]


def tables_of(known: Known, schema: str | None = None, prefix: str = "", *, at_hand: bool = True) -> list[Listed]:
    """The tables that a preset names, with the columns that it reads and one more each."""
    columns: dict[str, set[str]] = {}
    for wanted in known.tables:
        for name in wanted.within or (wanted.name[-1],):
            columns.setdefault(name, set()).update(wanted.columns)
    return [
        Listed(
            Table(schema, prefix + name, tuple(Column(each, Kind.TEXT, "text") for each in (*sorted(own), "one_more"))),
            at_hand=at_hand,
        )
        for name, own in columns.items()
    ]


NOISE = [
    Listed(Table(None, "orders", (Column("id", Kind.INT, "int"), Column("status", Kind.TEXT, "text")))),
    Listed(Table(None, "message", (Column("id", Kind.INT, "int"), Column("text", Kind.TEXT, "text")))),
]


def test_every_preset_is_tried() -> None:
    assert {known.name for known in KNOWN} == set(presets.names())
    assert {"saga-template", "dtm", "eventuate-tram"} <= {known.name for known in BY_TABLES}


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_it_is_met_by_its_own_tables_and_no_other_is(known: Known) -> None:
    there = [*tables_of(known), *NOISE]
    met = {each.name: found for each in KNOWN if (found := recognise(each, there))}
    assert set(met) == {known.name}
    (found,) = met[known.name]
    assert found.missing == ()
    assert plugin_table(preset_draft(found, ())) == {"preset": known.name}


@pytest.mark.parametrize("known", BY_TABLES, ids=lambda known: known.name)
@pytest.mark.parametrize(("schema", "prefix"), [("shop", ""), ("shop", "my_"), (None, "app_")])
def test_another_schema_or_prefix_is_written_down(known: Known, schema: str | None, prefix: str) -> None:
    (found,) = recognise(known, [*tables_of(known, schema, prefix, at_hand=schema is None), *NOISE])
    table = plugin_table(preset_draft(found, ()))
    place = ".".join(filter(None, (schema, prefix + known.tables[0].name[-1])))
    assert table["saga"] == {"table": place}
    expanded = presets.expand(table)
    SqlOptions.model_validate({"url": "sqlite:////x", **expanded})


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_capitals_make_no_difference_and_nothing_is_met_without_the_sagas(known: Known) -> None:
    shouting = [
        replace(
            each,
            table=replace(
                each.table, columns=tuple(replace(column, name=column.name.upper()) for column in each.table.columns)
            ),
        )
        for each in tables_of(known)
    ]
    assert recognise(known, shouting)
    assert not recognise(known, NOISE)
    assert not recognise(known, tables_of(known)[1:])


@pytest.mark.parametrize("known", BY_TABLES, ids=lambda known: known.name)
def test_one_column_less_and_it_is_not_met(known: Known) -> None:
    first, *others = tables_of(known)
    for gone in known.tables[0].columns:
        kept = tuple(column for column in first.table.columns if column.name != gone)
        assert not recognise(known, [replace(first, table=replace(first.table, columns=kept)), *others])


@pytest.mark.parametrize(
    "known", [known for known in BY_TABLES if known.tables[-1].optional], ids=lambda known: known.name
)
def test_without_the_tables_around_it_the_rest_is_said_in_full(known: Known) -> None:
    needed = {known.tables[0].name[-1]} | {wanted.name[-1] for wanted in known.tables if not wanted.optional}
    (found,) = recognise(known, [each for each in tables_of(known) if each.table.name in needed])
    assert found.missing
    SqlOptions.model_validate({"url": "sqlite:////x", **in_full(found)})


def test_tables_of_queries_are_found_in_their_texts() -> None:
    (seata,) = [known for known in KNOWN if known.name == "seata"]
    named = {"seata_state_machine_inst", "seata_state_machine_def", "seata_state_inst"}
    assert {name for wanted in seata.tables for name in wanted.within} == named
    (found,) = recognise(seata, tables_of(seata))
    assert found.place.table.name == "seata_state_machine_inst"


def test_names_in_presets_can_be_mapped() -> None:
    assert all(is_mappable(name) for known in KNOWN for wanted in known.tables for name in wanted.columns)
