"""`check`, `config` and `plugins`: what is reached, what is read, what is installed."""

from __future__ import annotations

import json
import re

import pytest

from sagadoctor.cli.main import program

from .conftest import Company, Opened
from .running import Home
from .stores import change, stuck, well

# check


def test_every_backend_is_reached_and_timed(company: Company) -> None:
    done = company.home.run("check")
    assert done.code == 0
    assert done.said == ""
    assert re.match(r"demo\n  ✔ ok      reached: SQLite [^(]*\(\d+\s+ms\)\n", done.text), done.text
    assert "\nledger\n" in done.text


def test_a_check_as_json(company: Company) -> None:
    document = company.home.call("check", "-o", "json").document
    assert document["schema"] == "sagadoctor.check/1"
    assert [each["source"] for each in document["checks"]] == ["demo", "ledger"]
    for each in document["checks"]:
        assert set(each) == {"source", "level", "lines", "capabilities"}
        assert each["level"] in ("ok", "warning", "failed")
        for line in each["lines"]:
            assert set(line) == {"about", "level", "text", "todo", "seconds"}


def test_a_store_that_cannot_be_reached_is_three_and_the_others_are_told(opened: Opened) -> None:
    home = opened(well("w"), gone=[])
    (home.folder / "gone.db").unlink()
    done = home.call("check")
    assert done.code == 3
    assert re.search(r"gone\n  ✖ failed  reached: ", done.text)
    assert re.search(r"orders\n  ✔ ok      reached: ", done.text)
    assert home.call("check", "--store", "orders").code == 0
    assert not re.search(r"^gone$", home.call("check", "--store", "orders").text, re.MULTILINE)
    assert home.call("check", "--store", "nope").code == 2


def test_a_warning_is_no_failure(opened: Opened) -> None:
    home = opened(well("w"), more=["[sagas.Oder]"])
    done = home.call("check")
    assert done.code == 0
    assert "▲ warning sagas: type declared but not seen in the 1 row that was looked at: Oder (nearest:" in done.text


def test_a_missing_column_is_named_with_what_is_there(opened: Opened) -> None:
    home = opened(stuck("s"))
    change(home.folder / "orders.db", "ALTER TABLE sagas RENAME COLUMN steps TO stepz")
    done = home.call("check")
    assert done.code == 3
    assert "'steps'" in done.text
    assert "did you mean 'stepz'?" in done.text


def test_a_ledger_that_cannot_be_used_is_a_failure(opened: Opened) -> None:
    home = opened(well("w"))
    (home.folder / "state").write_text("no folder")
    done = home.call("check")
    assert done.code == 3
    assert re.search(r"ledger\n  ✖ failed  ledger: ", done.text)


# config


def test_a_good_configuration(company: Company) -> None:
    done = company.home.run("config", "validate")
    assert (done.code, done.said) == (0, "")
    assert done.text == f"{company.home.config} is good: environment demo, stores demo\n"


def test_every_problem_is_told_at_once_with_its_line(bare: Home) -> None:
    config = bare.folder / "bad.toml"
    config.write_text(
        'config_version = 1\n[environment]\nnam = "x"\nread_only = "yes"\n[stores.a]\nplugin = "sqll"\nurl = "sqlite:///x"\n'
    )
    done = bare.call("config", "validate", "--config", str(config))
    assert (done.code, done.out) == (2, b"")
    lines = done.said.splitlines()
    assert all(line.startswith(f"sagadoctor: {config}:") for line in lines)
    assert any("name" in line and "nam" in line for line in lines)
    assert any("read_only" in line for line in lines)
    assert any("sqll" in line for line in lines)
    assert "Traceback" not in done.said


def test_a_bad_configuration_stops_every_verb_before_anything_is_contacted(opened: Opened) -> None:
    home = opened(stuck("s"), more=["[environment2]"])
    for words in (["scan"], ["show", "s"], ["check"], ["ack", "f-0123456789abcdef", "--until", "1h"]):
        done = home.call(*words)
        assert (done.code, done.out) == (2, b""), words
    assert not home.ledger.exists()


def test_showing_the_configuration_says_where_each_value_is_from(company: Company) -> None:
    done = company.home.call("config", "show", "--read-only")
    assert done.code == 0
    assert re.search(r"^read_only = true +# --read-only$", done.text, re.MULTILINE)
    assert re.search(r"^read_only = true +# default$", company.home.call("config", "show").text, re.MULTILINE)
    assert f"# {company.home.config}:" in done.text
    assert "# default" in done.text
    assert "# preset saga-template" in done.text


def test_showing_the_configuration_as_json(company: Company) -> None:
    document = company.home.call("config", "show", "-o", "json").document
    assert document["schema"] == "sagadoctor.config/1"
    assert document["settings"]


def test_the_schema_is_json_for_editors(bare: Home) -> None:
    done = bare.call("config", "schema")
    assert done.code == 0
    assert done.out.isascii()
    schema = json.loads(done.out)
    assert "stores" in schema["properties"]


def test_the_example_is_there_without_a_source_tree_and_loads(bare: Home) -> None:
    done = bare.run("config", "example")
    assert (done.code, done.said) == (0, "")
    config = bare.folder / "config.toml"
    config.write_bytes(done.out)
    passwords = {"ORDERS_RO_PASSWORD": "a", "BOOKINGS_RO_PASSWORD": "b"}
    assert bare.call("config", "validate", "--config", str(config), environ=passwords).code == 0


def test_the_path_alone_is_data(company: Company) -> None:
    done = company.home.call("config", "path")
    assert (done.code, done.text) == (0, f"{company.home.config}\n")
    assert done.said == "chosen by --config\n"
    assert company.home.call("config", "path", "-q").said == ""


def test_a_file_in_the_current_folder_is_never_read_by_itself(bare: Home) -> None:
    (bare.folder / "sagadoctor.toml").write_text("config_version = 1")
    done = bare.run("config", "path")
    assert (done.code, done.out) == (2, b"")
    assert "--config ./sagadoctor.toml" in done.said


# plugins


def test_what_is_installed_and_used(company: Company, bare: Home) -> None:
    done = company.home.call("plugins", "list")
    assert done.code == 0
    row = r"sagadoctor\.v1\.stores +sql +API 1 +sagadoctor \S+ +"
    assert re.search(rf"^{row}used by demo$", done.text, re.MULTILINE)
    alone = bare.call("plugins", "list")
    assert (alone.code, alone.said) == (0, "")
    assert re.search(rf"^{row}no configuration$", alone.text, re.MULTILINE)


def test_what_is_installed_as_json(company: Company, bare: Home) -> None:
    for home, used in ((bare, None), (company.home, ["demo"])):
        document = home.call("plugins", "list", "-o", "json").document
        assert document["schema"] == "sagadoctor.plugins/1"
        (sql,) = [each for each in document["plugins"] if each["name"] == "sql"]
        assert sql["distribution"] == "sagadoctor"
        assert sql["problem"] is None
        assert sql["api_version"] == 1
        assert sql["used_by"] == used


def test_plugins_are_listed_whatever_is_wrong_with_the_configuration(bare: Home) -> None:
    config = bare.folder / "bad.toml"
    config.write_text('zzz = 1\n[stores.a]\nplugin = "sql"\n[stores.b]\nplugin = "nosql"\n[stores.c]\n')
    done = bare.call("plugins", "list", "--config", str(config))
    assert done.code == 0
    assert "used by a\n" in done.text
    assert done.said == "not installed: plugin nosql, named by b\n"
    config.write_text("not toml")
    done = bare.call("plugins", "list", "--config", str(config))
    assert done.code == 0
    assert done.said.startswith(f"which are used is not known: {config}:1: ")


@pytest.mark.parametrize("verb", [["config", "show"], ["plugins", "list"]])
def test_an_unknown_format_is_refused(company: Company, verb: list[str]) -> None:
    done = company.home.call(*verb, "-o", "xml")
    assert (done.code, done.out) == (2, b"")


def test_every_verb_of_the_program_is_tried_here_or_beside() -> None:
    app = program()
    verbs = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert verbs == {"scan", "show", "check", "ack", "init", "demo", "config", "plugins"}
