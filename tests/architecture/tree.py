"""The source of the program as text and as syntax, for the tests that look at how it is built."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "sagadoctor"
FILES: Final = sorted(PACKAGE.rglob("*.py"))

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def parsed(file: Path) -> ast.Module:
    """Return the syntax of a file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def place(file: Path, node: ast.AST | None = None) -> str:
    """Say where something stands, as compilers do."""
    line = f":{node.lineno}" if isinstance(node, ast.stmt | ast.expr) else ""
    return f"{file.relative_to(ROOT)}{line}"


def definitions(file: Path) -> list[Definition]:
    """Return every class and function of a file, inner ones too."""
    return [node for node in ast.walk(parsed(file)) if isinstance(node, Definition)]


def public(tree: ast.Module | ast.ClassDef) -> list[Definition]:
    """Return what a reader from outside may use: public classes and functions, and the public methods of the former."""
    found: list[Definition] = []
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            found.append(node)
            if isinstance(node, ast.ClassDef):
                found += public(node)
    return found
