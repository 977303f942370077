"""What is said about a file that can't be used: every problem at once, each at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import model_validator

from sagadoctor.api.v1 import StorePlugin
from sagadoctor.config import load
from sagadoctor.errors import ConfigError

from .samples import STORE, FakeOptions, fake, loaded, open_nothing, refused, written


def test_row_04_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    text = (
        '[enviroment]\nname = "x"\n'
        f"{STORE}tiemout = '5s'\nsaga = {{ tabel = 'x', table = 'x' }}\n"
        "[policy]\nno_progres = '5m'\nzzz = 1\n"
        "[sagas.Order]\nsteps = [\n  { name = 'a', timout = '2m' },\n]\n"
        "[links]\ntrac = 'https://x/'\n"
    )
    assert refused(tmp_path, text) == [
        "c.toml:1: enviroment: unknown section; did you mean `environment`?",
        "c.toml:6: stores.orders.tiemout: unknown key; did you mean `statement_timeout`?",
        "c.toml:7: stores.orders.saga.tabel: unknown key; did you mean `table`?",
        "c.toml:9: policy.no_progres: unknown key; did you mean `no_progress`?",
        "c.toml:10: policy.zzz: unknown key; known here: attempts, big_table, compensation, lease_grace, "
        "letter_expiry, live_cap, max_wait, no_progress, outbox, skew, wake_up",
        "c.toml:13: sagas.Order.steps[0].timout: unknown key; did you mean `timeout`?",
        "c.toml:16: links.trac: unknown key; did you mean `trace`?",
    ]


def test_row_04_an_unknown_key_of_a_kind_names_what_that_kind_knows(tmp_path: Path) -> None:
    assert refused(tmp_path, f"{STORE}steps = {{ shape = 'list', column = 'x', colunm = 'x' }}\n") == [
        "c.toml:4: stores.orders.steps.colunm: unknown key; did you mean `column`?"
    ]


def test_row_04_an_unknown_key_with_odd_characters_is_shown_inert(tmp_path: Path) -> None:
    assert refused(tmp_path, f'"a\\u001b[31m b" = 1\n{STORE}') == [
        'c.toml:1: "a\\e[31m b": unknown key; known here: config_version, environment, ledger, links, policy, '
        "redaction, sagas, stores"
    ]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("[policy]\nattempts = '10'", 'attempts: a whole number is wanted, not the text "10"; write 10 without quotes'),
        ("[policy]\nattempts = 1.5", "attempts: a whole number is wanted, not the number 1.5"),
        ("[policy]\nattempts = true", "attempts: a whole number is wanted, not true"),
        ("[environment]\nproduction = 'yes'", 'production: true or false is wanted, not the text "yes"'),
        (
            "[environment]\nread_only = 'false'",
            'read_only: true or false is wanted, not the text "false"; write false without quotes',
        ),
        ("[environment]\nproduction = 1", "production: true or false is wanted, not the number 1"),
        ("[environment]\nname = 2024-01-01", "name: a text in quotes is wanted, not a date or time"),
        (
            "[policy]\nskew = 10",
            'skew: a duration is a string with a unit, such as "15m"; got 10',
        ),
        (
            "[policy]\nskew = '10'",
            "skew: not a duration: '10'; write a number and one of ms, s, m, h, d, such as \"15m\"",
        ),
        ("[redaction]\npaths = '$.card'", 'paths: a list in brackets is wanted, not the text "$.card"'),
    ],
)
def test_row_05_a_wrong_type_is_named(tmp_path: Path, key: str, said: str) -> None:
    section = key[1 : key.index("]")]
    assert refused(tmp_path, f"{STORE}{key}\n") == [f"c.toml:5: {section}.{said}"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("chunk = '10'", 'chunk: a whole number is wanted, not the text "10"; write 10 without quotes'),
        ("ratio = '0.5'", 'ratio: a number is wanted, not the text "0.5"; write 0.5 without quotes'),
        ("tls = 'yes'", 'tls: true or false is wanted, not the text "yes"'),
        ("tls = 0", "tls: true or false is wanted, not the number 0"),
        ("saga = { table = 'x', owner = 3 }", "saga.owner: a table or a list in brackets is wanted, not the number 3"),
        ("saga = { table = 'x', owner = ['a', 3] }", "saga.owner[1]: a text in quotes is wanted, not the number 3"),
        ("saga = { table = 'x', owner = { columm = 'a' } }", "saga.owner.columm: unknown key; did you mean `column`?"),
        ("saga = { attempts = 3 }", "saga.table: is missing"),
        ("mode = 'fats'", 'mode: one of slow, fast is wanted, not the text "fats"; did you mean `fast`?'),
        ("mode = 'x://u:s3cret@h'", 'mode: one of slow, fast is wanted, not the text "x://u:«redacted»@h"'),
        ("password = 3", 'password: a secret is a table that says where it is kept, such as { env = "NAME" }'),
        (
            "headers = { a = { env = 'A', b = 'B' } }",
            "headers.a.b: unknown key; known here: cmd, env, file, keyring, timeout",
        ),
    ],
)
def test_row_05_a_lenient_plugin_does_not_make_the_file_lenient(tmp_path: Path, key: str, said: str) -> None:
    assert refused(tmp_path, f"{STORE}{key}\n") == [f"c.toml:4: stores.orders.{said}"]


def test_row_05_a_text_for_a_number_is_told_together_with_other_mistakes(tmp_path: Path) -> None:
    assert refused(tmp_path, f"{STORE}tls = 'no'\nchunk = '7'\nmod = 1\n") == [
        'c.toml:4: stores.orders.tls: true or false is wanted, not the text "no"',
        'c.toml:5: stores.orders.chunk: a whole number is wanted, not the text "7"; write 7 without quotes',
        "c.toml:6: stores.orders.mod: unknown key; did you mean `mode`?",
    ]


def test_a_section_that_is_no_table_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, "policy = 1\nsagas = 2\nstores = []\n") == [
        "c.toml:1: policy: a table is wanted, such as [policy]",
        "c.toml:2: sagas: a table of named tables is wanted, such as [sagas.NAME]",
        "c.toml:3: stores: a table of named tables is wanted, such as [stores.orders]",
    ]
    assert refused(tmp_path, "stores.a = 1\nsagas.B = 2\n") == [
        "c.toml:1: stores.a: a table is wanted, such as [stores.a]",
        "c.toml:2: sagas.B: a table is wanted, such as [sagas.B]",
    ]


def test_row_07_an_unset_variable_is_named_and_no_value_is_shown(tmp_path: Path) -> None:
    text = (
        f"{STORE}password = {{ env = 'ORDERS_PW' }}\ntoken = {{ env = 'OTHER' }}\nheaders = {{ a = {{ env = 'X' }} }}\n"
    )
    environ = {"ORDERS_PASSWORD": "s3cret-value", "OTHER": "", "X": "x"}
    assert refused(tmp_path, text, environ=environ) == [
        "c.toml:4: stores.orders.password: environment variable ORDERS_PW is not set",
        "c.toml:5: stores.orders.token: environment variable OTHER is empty",
    ]
    assert loaded(tmp_path, text).stores[0].name == "orders"


def test_row_07_a_secret_in_place_of_a_variable_is_not_shown(tmp_path: Path) -> None:
    assert refused(tmp_path, f"{STORE}password = {{ env = 's3cret-value!' }}\n", environ={}) == [
        "c.toml:4: stores.orders.password: `env` names an environment variable: letters, digits and `_`; "
        "what stands there is not shown"
    ]


def test_row_07_an_unset_variable_is_told_together_with_other_mistakes(tmp_path: Path) -> None:
    text = f"{STORE}[ledger]\nurl = 'postgresql://db/l'\npassword = {{ env = 'L' }}\n[policy]\nattempts = 0\n"
    assert refused(tmp_path, text, environ={}) == [
        "c.toml:6: ledger.password: environment variable L is not set",
        "c.toml:8: policy.attempts: out of range: at least 1 is wanted, not the number 0",
    ]


def test_row_08_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = (
        'a secret is never written into the file: say where it is, such as { env = "NAME" }, '
        '{ file = "/run/secrets/x" }, { cmd = ["pass", "show", "x"] } or { keyring = "service/user" }'
    )
    text = f"{STORE}password = 's3cret-value'\n[ledger]\npassword = 's3cret-value'\n"
    assert refused(tmp_path, text) == [
        f"c.toml:4: stores.orders.password: {said}",
        f"c.toml:6: ledger.password: {said}",
    ]


@pytest.mark.parametrize("key", ["api_key", "sasl_password", "auth_token", "secret"])
def test_row_08_a_key_named_like_a_secret_is_no_place_for_a_text(tmp_path: Path, key: str) -> None:
    (problem,) = refused(tmp_path, f"{STORE}{key} = 's3cret-value'\n")
    assert problem.startswith(f"c.toml:4: stores.orders.{key}: unknown key")
    assert "s3cret" not in problem


def test_row_08_a_plugin_that_takes_a_secret_as_text_gets_none(tmp_path: Path) -> None:
    class Careless(FakeOptions):
        api_key: str = ""

    careless = StorePlugin(options=Careless, open=open_nothing)
    path = written(tmp_path, f"{STORE}api_key = 's3cret-value'\n")
    with pytest.raises(ConfigError) as error:
        load(path, plugin_of=lambda _: careless)
    assert str(error.value) == f"{path}:4: stores.orders.api_key: a secret is never written into the file"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_row_09_a_command_is_not_run_from_a_file_that_others_may_write(tmp_path: Path, mode: int) -> None:
    text = (
        f"{STORE}headers = {{ a = {{ env = 'A' }}, b = {{ cmd = ['x'] }} }}\n[ledger]\npassword = {{ cmd = ['x'] }}\n"
    )
    path = written(tmp_path, text)
    path.chmod(mode)
    with pytest.raises(ConfigError) as error:
        load(path, plugin_of=lambda _: fake)
    said = f"a command is not run from a file that others may write (mode {mode:04o}); chmod go-w {path}"
    assert [str(problem) for problem in error.value.problems] == [
        f"{path}:4: stores.orders.headers.b: {said}",
        f"{path}:6: ledger.password: {said}",
    ]


def test_row_09_a_file_that_everybody_may_read_is_fine_and_one_they_may_write_is_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, f"{STORE}password = {{ env = 'A' }}\n")
    path.chmod(0o644)
    assert load(path, plugin_of=lambda _: fake).warnings == ()
    path.chmod(0o666)
    (warning,) = load(path, plugin_of=lambda _: fake).warnings
    assert str(warning) == f"{path}: everybody on this machine may change this file (mode 0666); chmod o-w"


def test_row_11_an_unknown_plugin_names_the_nearest_and_what_is_installed(tmp_path: Path) -> None:
    assert refused(tmp_path, '[stores.a]\nplugin = "fak"\nx = 1\n[stores.b]\nplugin = "zzz"\n[stores.c]\nx = 1\n') == [
        "c.toml:2: stores.a.plugin: no plugin `fak`; did you mean `fake`?",
        "c.toml:5: stores.b.plugin: no plugin `zzz`; known here: fake, sql",
        "c.toml:6: stores.c.plugin: is missing: the plugin that reads this store; installed: fake, sql",
    ]


def test_row_15_numbers_and_durations_out_of_range(tmp_path: Path) -> None:
    text = (
        "[policy]\nattempts = -1\nbig_table = 0\nlive_cap = 100_000_000\nskew = '0s'\nmax_wait = '10000d'\n"
        "no_progress = '-5m'\n[sagas.A.policy]\nattempts = 0\n"
        f"{STORE}chunk = 0\n"
    )
    long = "a duration is at least 1ms and at most 3650d"
    unit = 'write a number and one of ms, s, m, h, d, such as "15m"'
    assert refused(tmp_path, text) == [
        "c.toml:2: policy.attempts: out of range: at least 1 is wanted, not the number -1",
        "c.toml:3: policy.big_table: out of range: at least 1 is wanted, not the number 0",
        "c.toml:4: policy.live_cap: out of range: at most 10000000 is wanted, not the number 100000000",
        f"c.toml:5: policy.skew: out of range: '0s'; {long}",
        f"c.toml:6: policy.max_wait: out of range: '10000d'; {long}",
        f"c.toml:7: policy.no_progress: not a duration: '-5m'; {unit}",
        "c.toml:9: sagas.A.policy.attempts: out of range: at least 1 is wanted, not the number 0",
        "c.toml:13: stores.orders.chunk: out of range: at least 1 is wanted, not the number 0",
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "config_version = 1\n", "[stores]\n", "[environment]\n"])
def test_row_18_an_empty_configuration_has_no_stores(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text) == [
        'c.toml: no stores: nothing to look at; add a section such as [stores.orders] with plugin = "sql"'
    ]


def test_row_19_a_url_needs_a_scheme_and_holds_no_password(tmp_path: Path) -> None:
    inside = 'a password in a URL: take it out and say password = { env = "NAME" }'
    text = (
        '[stores.a]\nplugin = "fake"\nurl = "db:5432/orders"\n'
        '[stores.b]\nplugin = "fake"\nurl = "postgresql://app:s3cret-value@db/orders"\n'
        '[stores.c]\nplugin = "fake"\nurl = "postgresql://db/orders?user=a&password=s3cret-value"\n'
        '[stores.d]\nplugin = "fake"\nurl = "postgresql://db"\nwriter = { url = "mysql://:s3cret-value@db/orders" }\n'
        '[ledger]\nurl = "ledger.db"\n'
    )
    assert refused(tmp_path, text) == [
        'c.toml:3: stores.a.url: a URL starts with a scheme, such as "postgresql+psycopg://" or "sqlite:///"',
        f"c.toml:6: stores.b.url: {inside}",
        f"c.toml:9: stores.c.url: {inside}",
        f"c.toml:13: stores.d.writer.url: {inside}",
        'c.toml:15: ledger.url: a URL starts with a scheme, such as "postgresql+psycopg://" or "sqlite:///"',
    ]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/app.db",
        "postgresql://user@db/x?sslmode=require",
        "postgresql:///?service=orders",
        "a+b://[::1]:1/x",
    ],
)
def test_row_19_addresses_without_a_password_are_fine(tmp_path: Path, url: str) -> None:
    assert loaded(tmp_path, STORE.replace("postgresql://ro@db/orders", url)).stores[0].line == 1


def test_row_19_a_ledger_is_sqlite_or_postgresql(tmp_path: Path) -> None:
    said = 'a ledger is a SQLite file, "sqlite:////absolute/path.db", or a PostgreSQL database'
    assert refused(tmp_path, f"{STORE}[ledger]\nurl = 'mysql://db/l'\n") == [f"c.toml:5: ledger.url: {said}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[queues.a]\nplugin = 'kafka'\n[queues.b]\nx = 1\n", "queues"),
        ("[senders.a]\n", "senders"),
        ("[[notify]]\n", "notify"),
        ("[sagas.A.messages]\n", "sagas.A.messages"),
        ("sagas.A.steps = [{ name = 'a', destination = 'x' }]\n", "sagas.A.steps[0].destination"),
    ],
)
def test_what_a_later_version_will_know_is_refused_with_a_clear_word(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, f"{text}{STORE}") == [
        f"c.toml:1: {said}: not supported by this version of sagadoctor; take it out"
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("2", "written for a newer version of sagadoctor; this one reads config_version = 1"),
        ("'1'", "not a version of this file's language; this one reads config_version = 1"),
        ("0", "not a version of this file's language; this one reads config_version = 1"),
        ("true", "not a version of this file's language; this one reads config_version = 1"),
    ],
)
def test_another_version_of_the_language_is_all_that_is_told(tmp_path: Path, given: str, said: str) -> None:
    assert refused(tmp_path, f"config_version = {given}\nnone = 1\n") == [f"c.toml:1: config_version: {said}"]


def test_time_zones_links_paths_and_names(tmp_path: Path) -> None:
    text = (
        "[environment]\nname = 'a/b'\ntz = 'Europe/Berln'\n"
        "[redaction]\npaths = ['$.card', 'card', '$..email', '$.items[*].pan', '$']\n"
        '[stores."my store"]\nplugin = "fake"\nurl = "x://y"\n'
        '[sagas." "]\n'
    )
    path = 'not a path; write it such as "$.card", "$..email" or "$.items[*].pan"'
    assert refused(tmp_path, text) == [
        "c.toml:2: environment.name: the name of an environment is made of letters, digits, spaces, `_`, `-` and `.`, "
        "at most 64",
        "c.toml:3: environment.tz: not a time zone; did you mean `Europe/Berlin`?",
        f"c.toml:5: redaction.paths[1]: {path}",
        f"c.toml:5: redaction.paths[4]: {path}",
        'c.toml:6: stores."my store": the name of a store is made of letters, digits, `_`, `-` and `.`, at most 64',
        'c.toml:9: sagas." ": a name must not be empty and must not hold control characters',
    ]


@pytest.mark.parametrize("tz", ["../../etc/passwd", "/etc/localtime", "", "Europe", "x" * 500, "a\0b"])
def test_a_time_zone_is_an_iana_name_and_no_path(tmp_path: Path, tz: str) -> None:
    quoted = tz.replace("\0", "\\u0000")
    (problem,) = refused(tmp_path, f'{STORE}[environment]\ntz = "{quoted}"\n')
    assert problem.startswith("c.toml:5: environment.tz: not a time zone; ")


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("https://x/{trace}", "unknown placeholder {trace}; did you mean `trace_id`?"),
        ("ftp://x/{trace_id}", 'a link starts with "https://" or "http://" and a host, and holds no spaces'),
        ("https:///{trace_id}", 'a link starts with "https://" or "http://" and a host, and holds no spaces'),
        ("https://{trace_id}.x/", "the host of a link is written out: no placeholder and no user name in it"),
        ("https://u@x/", "the host of a link is written out: no placeholder and no user name in it"),
        ("https://x/{trace_id", "a brace without its partner"),
    ],
)
def test_links_take_known_placeholders_and_a_fixed_host(tmp_path: Path, link: str, said: str) -> None:
    assert refused(tmp_path, f"{STORE}[links]\ntrace = '{link}'\n") == [f"c.toml:5: links.trace: {said}"]


def test_a_problem_in_a_preset_is_told_of_the_preset(tmp_path: Path) -> None:
    assert refused(tmp_path, f"{STORE}preset = 'broken'\nsaga = {{ owner = 3 }}\n") == [
        "c.toml:5: stores.orders.saga.owner: a table or a list in brackets is wanted, not the number 3",
        'preset broken: stores.orders.saga.attempts: a whole number is wanted, not the text "many"',
    ]
    assert refused(tmp_path, f"{STORE}preset = 'brokn'\n") == ["c.toml:4: stores.orders.preset: no preset 'brokn'"]


def test_what_the_file_says_shortly_over_a_preset_stands_in_its_line(tmp_path: Path) -> None:
    origins = loaded(tmp_path, f"{STORE}preset = 'plain'\nsaga = {{ created_at = 'made' }}\n").origins
    here = ("stores", "orders", "saga")
    assert origins.of((*here, "table")) == "preset plain"
    assert origins.of((*here, "created_at", "column")).endswith("c.toml:5")
    assert origins.of((*here, "created_at", "tz")) == "preset plain"


def test_what_a_plugin_doubts_is_a_warning_where_the_file_says_it(tmp_path: Path) -> None:
    class Doubtful(FakeOptions):
        def doubts(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
            return ((("chunk",), "is small"), (("saga", "table"), "is odd"), (("ratio",), "is a default"))

    text = f"{STORE}chunk = 1\npreset = 'plain'\n"
    found = load(written(tmp_path, text), plugin_of=lambda _: StorePlugin(Doubtful, open_nothing, fake.expand))
    said = [str(one).replace(f"{tmp_path}/", "") for one in found.warnings]
    assert said == ["c.toml:4: stores.orders.chunk: is small"]


def test_a_plugin_that_fails_to_doubt_is_blamed(tmp_path: Path) -> None:
    class Failing(FakeOptions):
        def doubts(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
            raise RuntimeError("oh")

    with pytest.raises(ConfigError, match="orders: the plugin failed on this table: RuntimeError: oh"):
        load(written(tmp_path, STORE), plugin_of=lambda _: StorePlugin(Failing, open_nothing))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("nothing fits"), "nothing fits"),
        (KeyError("x"), "the plugin failed on this table: KeyError: 'x'"),
        (RuntimeError("password=s3cret\x1b"), "the plugin failed on this table: RuntimeError: password=«redacted»"),
    ],
)
def test_a_plugin_that_fails_on_a_table_is_blamed_there_and_the_others_go_on(
    tmp_path: Path, error: Exception, said: str
) -> None:
    def fail(_: Any) -> Any:
        raise error

    class Failing(FakeOptions):
        @model_validator(mode="before")
        @classmethod
        def early(cls, given: Any) -> Any:
            return fail(given)

    path = written(tmp_path, f"{STORE}[policy]\nattempts = 0\n")
    for plugin in (StorePlugin(FakeOptions, open_nothing, fail), StorePlugin(Failing, open_nothing)):
        with pytest.raises(ConfigError) as raised:
            load(path, plugin_of=lambda _, plugin=plugin: plugin)  # type: ignore[misc]
        assert str(raised.value) == (
            f"{path}:1: stores.orders: {said}\n"
            f"{path}:5: policy.attempts: out of range: at least 1 is wanted, not the number 0"
        )
