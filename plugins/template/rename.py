"""Make a plugin of your own of this copy: `python rename.py NAME`, once. NAME is a word in small letters."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLD = "example"


def main(words: list[str]) -> str | None:
    """Rename words and files; return what is wrong, None where nothing is."""
    if len(words) != 1 or re.fullmatch(r"[a-z][a-z0-9]*", words[0]) is None:
        return __doc__
    name = words[0]
    package = HERE / f"sagadoctor_{OLD}"
    if not package.is_dir():
        return "this copy has its name already"
    for path in sorted(HERE.rglob("*")):
        if path.suffix in (".py", ".toml", ".md") and path != Path(__file__).resolve():
            text = path.read_text(encoding="utf-8")
            for before in ("sagadoctor-{}", "sagadoctor_{}", '"{}"', "\n{} = ", "test_{}", '"{}-'):
                text = text.replace(before.format(OLD), before.format(name))
            text = text.replace(OLD.capitalize(), name.capitalize())
            path.write_text(text, encoding="utf-8")
    test = HERE / "tests" / f"test_{OLD}_store.py"
    test.rename(test.with_name(f"test_{name}_store.py"))
    package.rename(package.with_name(f"sagadoctor_{name}"))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
