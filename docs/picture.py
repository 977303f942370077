"""Draws docs/scan.svg: what a scan of the demo's company looks like. Run with the environment's Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run the demo and the scan, and draw what they print."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-m", "sagadoctor"]
        subprocess.run([*program, "-q", "demo", "--folder", folder], stdout=subprocess.DEVNULL, check=False)
        scan = [*program, "--config", f"{folder}/demo.toml", "--color", "always", "-q", "scan", "--limit", "6"]
        environment = {**os.environ, "COLUMNS": "104", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(scan, capture_output=True, text=True, check=False, env=environment)
        printed = done.stdout.replace(folder, "~/.local/state/sagadoctor/demo")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=108, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text("$ sagadoctor scan", style="bold green"))
        console.print(Text.from_ansi(printed))
        drawn = console.export_svg(title="sagadoctor scan")
    # No font from elsewhere: the picture stands on its own, and whoever looks at it calls nobody.
    alone = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono")
    (ROOT / "docs" / "scan.svg").write_text(alone, encoding="utf-8")


if __name__ == "__main__":
    main()
