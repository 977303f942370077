"""The configuration that lets sagadoctor read the demo's company."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

_LETTERS: Final = """
[queues.demo-letters]
plugin = "sql"
url = "{url}"
table = "dead_letters"
saga_id = "$.saga_id"
park = "dead_letters_parked"

[queues.demo-letters.columns]
id = "id"
origin = "original_topic"
key = "msg_key"
body = "payload"
headers = "headers"
error = "error"
failed_at = "failed_at"
attempts = "attempts"
"""


def config_text(url: str, *, letters: bool = False) -> str:
    """Return the demo's configuration for the database at `url`, with its table of dead letters when asked."""
    template = files("sagadoctor.demo").joinpath("demo.toml").read_text(encoding="utf-8")
    if letters:
        template += _LETTERS
    # A TOML basic string is written as JSON writes one: that is what keeps a Windows path or a quote harmless.
    return template.replace('"{url}"', json.dumps(url))
