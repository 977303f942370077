"""The effective configuration, with origins and without secrets."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sagadoctor.api.v1 import Redactor
from sagadoctor.config import resolve
from sagadoctor.config.show import entries, lines, settings, written

from .samples import STORE, loaded

TEXT = f"""config_version = 1
[environment]
name = "prod"
{STORE}password = {{ env = "PW" }}
token = {{ cmd = ["vault", "read", "canary-argument"] }}
preset = "plain"
saga.created_at = "made"
headers = {{ auth = {{ file = "/run/x" }} }}
[sagas.Order]
steps = [
  {{ name = "pay", timeout = "90s" }},
]
[policy]
attempts = 3
[links]
trace = "https://x/{{trace_id}}"
"""


def test_every_value_says_where_it_is_from_and_no_secret_is_shown(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, TEXT)
    found = "\n".join(lines(settings(configuration))).replace(f"{tmp_path}/", "")
    assert (
        found
        == """\
config_version = 1  # c.toml:1

[environment]
name = "prod"       # c.toml:3
production = false  # default
read_only = true    # default
tz = "UTC"          # default

[stores.orders]
plugin = "fake"                     # c.toml:5
url = "postgresql://ro@db/orders"   # c.toml:6
password = { env = "PW" }           # c.toml:7
token = { cmd = ["vault", "…"] }    # c.toml:8
preset = "plain"                    # c.toml:9
saga.table = "sagas"                # preset plain
saga.created_at.column = "made"     # c.toml:10
saga.created_at.tz = "UTC"          # preset plain
headers.auth = { file = "/run/x" }  # c.toml:11
statement_timeout = "5s"            # default
chunk = 1000                        # default
ratio = 0.5                         # default
tls = true                          # default
mode = "slow"                       # default

[sagas.Order]
compensation_order = "any"   # default
parallel = false             # default
steps[0].name = "pay"        # c.toml:14
steps[0].timeout = "1m 30s"  # c.toml:14

[policy]
no_progress = "15m"    # default
compensation = "10m"   # default
attempts = 3           # c.toml:17
skew = "30s"           # default
lease_grace = "1m"     # default
max_wait = "7d"        # default
wake_up = "5m"         # default
outbox = "1m"          # default
letter_expiry = "12h"  # default
big_table = 100000     # default
live_cap = 200000      # default

[redaction]
paths = []  # default

[links]
trace = "https://x/{trace_id}"  # c.toml:19"""
    )


def test_a_resolved_secret_is_not_shown_either(tmp_path: Path) -> None:
    text = TEXT.replace('{ cmd = ["vault", "read", "canary-argument"] }', '{ env = "PW" }')
    configuration = loaded(tmp_path, text.replace('{ file = "/run/x" }', '{ env = "PW" }'))
    resolve(configuration, Redactor(), {"PW": "canary-value"})
    found = settings(configuration)
    assert "canary" not in "\n".join(lines(found))
    assert "canary" not in json.dumps(entries(found))


def test_the_same_for_a_program(tmp_path: Path) -> None:
    found = entries(settings(loaded(tmp_path, TEXT)))
    assert {"key": "policy.attempts", "value": 3, "origin": f"{tmp_path}/c.toml:17"} in found
    assert {"key": "stores.orders.password", "value": {"env": "PW"}, "origin": f"{tmp_path}/c.toml:7"} in found
    json.dumps(found)


@given(
    st.recursive(
        st.one_of(st.booleans(), st.integers(0, 9), st.text(st.characters(exclude_categories=["C", "Z"]), max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
    )
)
def test_values_are_written_as_toml(value: object) -> None:
    assert tomllib.loads(f"x = {written(value)}") == {"x": value}
