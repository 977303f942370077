"""Nothing secret survives: known secrets, passwords in addresses, tokens, cards, e-mails, configured paths."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sagadoctor.redaction import MASK, Redactor, clipped, mask_text, mask_url, without_stump
from tests.diagnosis.strategies import QUICK

EVERY = settings(QUICK, max_examples=200)
plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
passwords = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*()-_=+[]{};:,.<>/?|~ \"'\\",
    min_size=8,
    max_size=40,
)
CANARY = "c4n4ry-S3CRET"


@EVERY
@given(secret=passwords, before=plain, after=plain)
@example(secret='pa"ss\\word', before="", after="")
def test_a_known_secret_survives_in_no_spelling(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)

    for spelt in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret),
        json.dumps(json.dumps(secret)),
    ):
        text = redactor.text(f"{before} {spelt} {after}")
        if secret not in f"{before} {after}" and secret not in MASK:
            assert secret not in text
            assert json.dumps(secret)[1:-1] not in text


def test_a_secret_that_begins_like_another_one_hides_nothing_of_it() -> None:
    redactor = Redactor()
    for secret in ("hunter", "hunter22", "hunt"):
        redactor.learn(secret)

    assert redactor.text("it is hunter22!") == f"it is {MASK}!"


def test_texts_too_short_to_be_secrets_mask_nothing() -> None:
    redactor = Redactor()
    redactor.learn("abc")
    redactor.learn("")

    assert redactor.text("abc and d") == "abc and d"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (f"postgresql://app:{CANARY}@db:5432/orders", f"postgresql://app:{MASK}@db:5432/orders"),
        (f"redis://:{CANARY}@cache", f"redis://:{MASK}@cache"),
        (f"amqps://app:{CANARY}/with@sign@mq/%2f", f"amqps://app:{MASK}@mq/%2f"),
        (f"mysql+pymysql://app:{CANARY}#?@db/x", f"mysql+pymysql://app:{MASK}@db/x"),
        (f"could not connect to http://u:{CANARY}@h: refused", f"could not connect to http://u:{MASK}@h: refused"),
        (f"{{'url': 'http://u:{CANARY}@h'}}", f"{{'url': 'http://u:{MASK}@h'}}"),
    ],
)
def test_a_password_in_an_address_is_masked(url: str, clean: str) -> None:
    assert mask_url(url) == clean
    assert CANARY not in mask_text(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db:5432/orders",
        "http://localhost:8080/path?x=1",
        "http://localhost:8080",
        "postgresql://app@db/orders",
        "sqlite:////srv/app.db",
        "see https://example.com/a:b",
        "{'url': 'http://h:80', 'at': '@'}",
    ],
)
def test_an_address_without_a_password_stays(url: str) -> None:
    assert mask_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        f"password={CANARY}",
        f"password={CANARY},with,commas",
        f"db_password = {CANARY}",
        f"PGPASSWORD='{CANARY} with spaces'",
        f'"password": "{CANARY} \\" quoted"',
        f'{{"body": "{{\\"password\\": \\"{CANARY} twice\\"}}"}}',
        f"{{'clientSecret': '{CANARY}'}}",
        f"access_token: {CANARY}",
        f"X-Api-Key: {CANARY}",
        f"api_key={CANARY}&x=1",
        f"Authorization: Bearer {CANARY}",
        f"Authorization: Basic {CANARY}",
        f"aws_secret_access_key={CANARY}",
        f":password => '{CANARY}'",
        f"Server=db;Pwd={CANARY};Database=x",
        f'sasl.jaas.config=org.apache.Plain required username="app" password="{CANARY}";',
        f"bearer {CANARY}{CANARY}",
        f"invalid token eyJhbGciOiJIUzI1NiJ9.eyJ{CANARY.replace('-', '')}.c2ln",
        f"pass={CANARY}",
        f"DB_PASS = {CANARY}",
        f'{{"pass": "{CANARY} with spaces"}}',
        f"Cookie: session={CANARY}; theme=with",
        f"{{'Set-Cookie': 'id={CANARY}; Path=/'}}",
        f"CREATE USER x IDENTIFIED BY '{CANARY}''{CANARY}'",
        f"IDENTIFIED WITH mysql_native_password AS '{CANARY}'",
        f"ALTER ROLE x ENCRYPTED PASSWORD '{CANARY} with spaces'",
        f"<password>{CANARY} with spaces</password>",
        f'<ns:client-secret kind="x">{CANARY}</ns:client-secret>',
        f"<Password><![CDATA[{CANARY}<with>]]></Password>",
        f"&lt;password&gt;{CANARY}&lt;/password&gt;",
        f"body=user%3Dx%26password%3D{CANARY}%26a%3Db",
        f"%7B%22password%22%3A%22{CANARY}%22%7D",
        f"password%253D{CANARY}",
        f"mysql -h db -u root -p{CANARY} orders",
        f"mysqldump --all -p'{CANARY} with spaces' orders",
        f"sshpass -p {CANARY} ssh x",
        f"no connection to app:{CANARY}@db",
        f"app:{CANARY}@db.example.com:5432/x",
    ],
)
def test_what_is_named_a_secret_is_masked(text: str) -> None:
    clean = mask_text(text)

    assert MASK in clean
    for piece in (CANARY, CANARY.replace("-", ""), "with", "spaces", "quoted", "twice"):
        assert piece not in clean


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2_" * 9,
        "glpat-" + "a1B2" * 5,
        "xoxb-1234567890-abcDEF",
        "sk_live_a1B2c3D4",
        "rk_test_a1B2c3D4",
        "whsec_a1B2c3D4e5",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-ant-api03-a1B2c3D4e5f6",
    ],
)
@pytest.mark.parametrize("form", ["{}", "bad credentials ({})", "X={}&y=1", "said '{}'.", "_{}"])
def test_tokens_that_are_known_by_their_shape_are_masked(token: str, form: str) -> None:
    clean = mask_text(form.format(token))
    assert token[-6:] not in clean
    assert MASK in clean


@pytest.mark.parametrize(
    "text",
    [
        "pass: 12, fail: 3",
        "pass=5 fail=2",
        "pass=true",
        "bypass=on, compass: north, passenger=7",
        "mailto:jane",
        "image repo/app:1.2@sha256:deadbeef",
        "worker:17@host-a is gone",
        "celery@host",
        "a cookie was not set",
        "<order>17</order> x%3D1",
        "mysql -h db -u root",
        "psql -p 5432",
        "sk-1234, ghp_x, task-ghp",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "order ORD-2026-0001-17",
        "the owner is identified by its name",
        "order 7 is gone",
        "the basic authentication failed",
        "unexpected token in line 3",
        "a secret was not found",
        "timeout after 30s at 2026-11-20T03:00:00Z",
        "saga 550e8400-e29b-41d4-a716-446655440000",
        "key=value; other: thing",
        "tokenizer=fast",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_text(text) == text


CARDS = ("4111111111111111", "5555555555554444", "378282246310005", "4222222222222", "6011000990139424")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "form", ["{}", "card {} declined", "{} 12/27", "{} 123", "12 {}", "pan={}", '"{}"', "({})", "{}."]
)
def test_card_numbers_are_masked(card: str, form: str) -> None:
    spaced = " ".join(card[at : at + 4] for at in range(0, len(card), 4))
    for spelt in (card, *(spaced.replace(" ", gap) for gap in " -\u00a0\u202f\u2011\u2013")):
        clean = mask_text(form.format(spelt))
        assert spelt not in clean
        assert MASK in clean


@EVERY
@given(digits=st.integers(10**11, 10**15 - 1), before=st.sampled_from(("", "paid with ", "x=")))
def test_a_number_that_luhn_agrees_with_never_survives(digits: int, before: str) -> None:
    body = str(digits)
    check = next(str(last) for last in range(10) if _luhn(body + str(last)))
    card = body + check

    assert (card not in mask_text(f"{before}{card}")) == (len(card) >= 13)


def _luhn(digits: str) -> bool:
    doubled = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


@pytest.mark.parametrize("text", ["4111111111111112", "123456789012", "2026-11-20 03:00:00", "orders-4111111111111111"])
def test_other_numbers_stay(text: str) -> None:
    assert mask_text(text) == text


@EVERY
@given(email=st.emails(), before=st.sampled_from(("", "user ", "to=", "<")))
def test_e_mail_addresses_are_masked(email: str, before: str) -> None:
    assert email not in mask_text(f"{before}{email} is gone")


PAYLOAD = {
    "order_id": "A-10042",
    "amount": 12.5,
    "customer": {"email": CANARY, "name": CANARY, "addresses": [{"street": CANARY, "zip": "1"}]},
    "card": {"pan": CANARY, "cvv": 123},
    "items": [{"sku": "x", "pan": CANARY}, [{"pan": CANARY}]],
    "phones": [CANARY, CANARY],
    "accessToken": CANARY,
    "client_secret": [CANARY],
    "number": 4111111111111111,
    "snowflake": 1234567890123456789,
    "note": f"password={CANARY}",
    "jane@example.com": "a name",
    "ok": True,
    "none": None,
}
PATHS = (
    "$.customer.name",
    "$..email",
    "$.customer.addresses[*].street",
    "$['card']",
    "$.items.pan",
    "$.phones[*]",
)


def test_configured_paths_and_telling_names_are_masked_in_a_payload() -> None:
    clean: Any = Redactor(PATHS).payload(PAYLOAD)

    text = json.dumps(clean, ensure_ascii=False)
    assert CANARY not in text
    assert "jane@example.com" not in text
    assert "4111111111111111" not in text
    assert clean["card"] == MASK
    assert clean["customer"]["addresses"] == [{"street": MASK, "zip": "1"}]
    assert clean["items"] == [{"sku": "x", "pan": MASK}, [{"pan": MASK}]]
    assert clean["phones"] == [MASK, MASK]
    assert (clean["order_id"], clean["amount"], clean["snowflake"]) == ("A-10042", 12.5, 1234567890123456789)
    assert (clean["ok"], clean["none"]) == (True, None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", {"a": CANARY}),
        ("$.a", {"a": CANARY}),
        ("$.a", {"a": [CANARY, {"b": CANARY}]}),
        ("$.a", [{"a": CANARY}]),
        ("$.a.b", {"a": {"b": CANARY}}),
        ("$.a.b", {"a": [{"b": CANARY}]}),
        ("$.*.b", {"a": {"b": CANARY}, "c": {"b": CANARY}}),
        ("$..b", {"b": CANARY, "a": [{"b": CANARY}, {"c": {"b": CANARY}}]}),
        ("$..b.c", {"a": {"b": {"c": CANARY}}}),
        ("$..b[*].c", {"a": {"b": [{"c": CANARY}]}}),
        ("$.a[*]", {"a": [CANARY]}),
        ("$.a[0]", {"a": [CANARY]}),
        ("$.a[0].b", {"a": [{"b": CANARY}, {"b": CANARY}]}),
        ("$.a[*][*].b", {"a": [[{"b": CANARY}]]}),
        ("$.a['b.c']", {"a": {"b": {"c": CANARY}}}),
        ('$["a"]["b"]', {"a": {"b": CANARY}}),
        ("a.b", {"a": {"b": CANARY}}),
    ],
)
def test_a_path_reaches_what_it_names(path: str, value: object) -> None:
    assert CANARY not in json.dumps(Redactor((path,)).payload(value))


def test_a_path_reaches_nothing_else() -> None:
    value = {"a": {"b": "x", "c": "y"}, "b": "z", "list": ["u", {"d": "v"}]}

    assert Redactor(("$.a.b", "$.nothing", "$.list[*].e")).payload(value) == {**value, "a": {"b": MASK, "c": "y"}}
    assert Redactor().payload(value) == value


def test_keys_that_look_alike_once_masked_stay_apart() -> None:
    clean: Any = Redactor().payload({"jane@example.com": 1, "joe@example.com": 2})

    assert sorted(clean.values()) == [1, 2]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | plain | st.just(CANARY),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(plain | st.sampled_from(("a", "email")), inner, max_size=3)
    ),
    max_leaves=12,
)


@EVERY
@given(value=_json)
def test_a_known_secret_survives_nowhere_in_a_payload(value: object) -> None:
    redactor = Redactor(("$..email",))
    redactor.learn(CANARY)

    clean = redactor.payload({"a": value, CANARY: value, "email": value})

    assert CANARY not in json.dumps(clean)


def test_a_payload_may_be_very_deep() -> None:
    value: object = CANARY
    for _ in range(900):
        value = {"a": [value]}

    assert CANARY not in str(Redactor().payload(value))


LONG = {
    "dots": "a." * 50_000,
    "addresses": "://a:" * 20_000,
    "passwords": "password" * 12_000,
    "digits apart": "1 " * 50_000,
    "digits tied": "1-" * 50_000,
    "digits": "4" * 100_000,
    "quotes": 'password=\\"' * 10_000,
    "open quote": 'password="' + "\\" * 99_999,
    "ats": "a@" * 50_000,
    "mails": "x@a." * 25_000,
    "bearers": "bearer " * 14_000,
    "jwts": "eyJ" * 33_000,
    "spaces": "token" + " " * 99_999,
    "passes": "pass=" * 20_000,
    "shells": "mysql " * 16_000 + " -p",
    "shell": "mysql" + " -p" * 33_000,
    "elements": "<password " * 10_000,
    "open elements": "<password>" * 10_000,
    "names in elements": "<" + "a." * 50_000 + "%3",
    "data": "<password><![CDATA[" * 5_000,
    "encoded": "password%3D" * 9_000,
    "cookies": "cookie: " * 12_500,
    "cookie": "cookie: a=" * 10_000,
    "identified": "identified with " * 6_000,
    "logins": "a:" * 50_000 + "@",
    "login": "a:b@" * 25_000,
    "tokens": "ghp_" * 25_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()

    mask_text(text)

    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("the word hunter2hun", "the word"),
        ("the word hunter2hun…", "the word"),
        ("card 4111 1111 11", "card"),
        ("card 4111-1111-11", "card"),
        ("a\n\tat Foo.bar(Foo.ja", "a\n\tat"),
        ("x" * 2000, "x" * (2000 - 512)),
        ("known: correct horse ba", "known:"),
        ("it ends ", "it ends"),
        ("", ""),
    ],
)
def test_a_stump_is_what_may_be_the_first_part_of_a_secret(text: str, kept: str) -> None:
    assert without_stump(text, ("correct horse battery staple",)) == kept


def test_texts_within_their_bound_lose_nothing() -> None:
    assert Redactor().cut("waiting for order 42", 20) == "waiting for order 42"
    assert Redactor().cut("waiting for order 42…", 30) == "waiting for order 42…"
    assert clipped("waiting for order 42", 20) == "waiting for order 42"
    assert clipped("waiting for order 42", 15) == "waiting for…"


def test_what_is_cut_was_masked_as_a_whole() -> None:
    text = "the password=hunter2hunter2 of a long story " + "and so on " * 20
    for most in range(1, 60):
        told = Redactor().cut(text, most)
        assert "hun" not in told
        assert len(told) <= most + 1
