"""How the source is written: said what it is for, small, named by what it does, and quiet on stdout."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .tree import FILES, PACKAGE, ROOT, Definition, definitions, parsed, place, public

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 80
LINES_OF_A_SIGNATURE = 60
"""A verb's options are its signature; what stands below it counts as the function."""
HIDES_MEANING = frozenset(
    ("manager", "managers", "helper", "helpers", "util", "utils", "common", "base", "data", "info", "infos", "misc")
) | frozenset(("item", "items", "object", "objects"))
KNOWN_WORDS: dict[str, str] = dict.fromkeys(
    ("json_object", "JsonObject", "JsonObjectSteps"), "what JSON calls it, and the mapping language after it"
)


def words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def test_there_is_source_to_look_at() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize(
    "room", sorted(path for path in PACKAGE.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_everything_public_says_what_it_is_for(room: Path) -> None:
    silent = [
        f"{place(file, node)} {getattr(node, 'name', '')}"
        for file in FILES
        if file.is_relative_to(room)
        for node in (parsed(file), *public(parsed(file)))
        if not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_every_stone_says_what_it_is_for() -> None:
    stones = [file for file in FILES if file.parent == PACKAGE]
    silent = [
        f"{place(file, node)} {getattr(node, 'name', '')}"
        for file in stones
        for node in (parsed(file), *public(parsed(file)))
        if not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_no_file_does_too_much() -> None:
    long = [f"{place(file)}: {count} lines" for file in FILES if (count := _lines(file)) >= LINES_OF_A_FILE]
    assert not long, "\n".join(long)


def _lines(file: Path) -> int:
    return file.read_text(encoding="utf-8").count("\n")


def test_no_function_does_too_much() -> None:
    long = [
        f"{place(file, node)} {node.name}: {_body(node)} lines"
        for file in FILES
        for node in definitions(file)
        if not isinstance(node, ast.ClassDef)
        and (_body(node) >= LINES_OF_A_FUNCTION or _head(node) > LINES_OF_A_SIGNATURE)
    ]
    assert not long, "\n".join(long)


def _head(node: Definition) -> int:
    return node.body[0].lineno - node.lineno


def _body(node: Definition) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.body[0].lineno + 1


def test_no_name_hides_what_it_means() -> None:
    hiding = []
    for file in FILES:
        names: list[tuple[str, Definition | None]] = [(file.stem, None), (file.parent.name, None)]
        names += [(node.name, node) for node in definitions(file)]
        for name, node in names:
            if words_of(name) & HIDES_MEANING and name not in KNOWN_WORDS:
                hiding.append(f"{place(file, node)} {name}")
    assert not hiding, "\n".join(sorted(set(hiding)))


def test_an_exception_to_the_names_is_still_needed() -> None:
    defined = {node.name for file in FILES for node in definitions(file)} | {file.stem for file in FILES}
    assert set(KNOWN_WORDS) <= defined


def test_words_are_taken_apart_as_people_read_them() -> None:
    assert words_of("BaseColumn") == {"base", "column"}
    assert words_of("list_items") == {"list", "items"}
    assert words_of("database") == {"database"}
    assert words_of("SQLData2") == {"sql", "data", "2"}


def test_nothing_is_printed_past_the_terminal() -> None:
    """Only the terminal, the renderers and the last line of defence write; a `print` would not be sanitised."""
    writers = {"sagadoctor/cli/terminal.py", "sagadoctor/__main__.py"}
    printing = [
        place(file, node)
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in ("print", "breakpoint"))
            or (ast.unparse(node.func) in ("sys.stdout.write", "sys.stderr.write") and str(place(file)) not in writers)
            or ast.unparse(node.func).startswith("traceback.print")
        )
    ]
    assert not printing, "\n".join(printing)


def test_tracebacks_are_formatted_for_the_log_only() -> None:
    allowed = {"sagadoctor/__main__.py", "sagadoctor/cli/log.py"}
    using = {
        place(file)
        for file in FILES
        for node in ast.walk(parsed(file))
        if (isinstance(node, ast.Import | ast.ImportFrom) and "traceback" in ast.unparse(node))
        or (isinstance(node, ast.Attribute) and node.attr in ("formatException", "format_exc", "exc_info"))
    }
    assert using <= allowed
    main = ast.unparse(parsed(PACKAGE / "__main__.py"))
    assert "format_tb" not in main
    assert "format_exc" not in main


def test_no_shell_is_ever_asked() -> None:
    asking = [
        place(file, node)
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call)
        and (
            ast.unparse(node.func) in ("os.system", "os.popen", "eval", "exec", "pickle.loads", "pickle.load")
            or any(word.arg == "shell" for word in node.keywords)
        )
    ]
    assert not asking, "\n".join(asking)


def test_every_rule_that_is_named_exists() -> None:
    from sagadoctor.diagnosis.rules import RANK, RULES, SURVEY_RULES

    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    names += [rule.name for rule in SURVEY_RULES]
    assert set(RANK) <= set(names)
    files = {file.stem.replace("_", "-") for file in (PACKAGE / "diagnosis" / "rules").glob("[a-z]*.py")}
    assert set(names) <= files
    assert len(names) == len(files), "a file of the rules is not asked"
    demo = (PACKAGE / "demo").glob("*.py")
    told = {
        keyword.value.value
        for file in demo
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "rule" and isinstance(keyword.value, ast.Constant) and keyword.value.value is not None
    }
    assert told
    assert told <= set(names)


@pytest.mark.skipif(not (ROOT / "docs" / "findings.md").exists(), reason="no page about findings here")
def test_the_page_about_findings_names_rules_that_exist() -> None:
    from sagadoctor.diagnosis.rules import RULES, SURVEY_RULES

    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    names = {*(rule.name for rule in RULES), *(rule.name for rule in SURVEY_RULES)}
    missing = [name for name in sorted(names) if not re.search(rf"^#+ .*`?{re.escape(name)}`?", page, re.MULTILINE)]
    assert not missing
