"""The configuration that lets sagadoctor read the demo's company."""

from __future__ import annotations

import json
from importlib.resources import files


def config_text(url: str) -> str:
    """Return the demo's configuration for the database at `url`."""
    template = files("sagadoctor.demo").joinpath("demo.toml").read_text(encoding="utf-8")
    # A TOML basic string is written as JSON writes one: that is what keeps a Windows path or a quote harmless.
    return template.replace('"{url}"', json.dumps(url))
