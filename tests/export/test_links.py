"""Links come from the configuration; what fills their placeholders can't leave its place."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from sagadoctor.export.links import links

from .made import ODD_TEXTS, a_finding

TEMPLATE = "https://traces.example/search?q={saga_id}&b={business_key}"


@pytest.mark.parametrize("text", [*ODD_TEXTS, "a/b?c=d&e#f", "@evil.example", "//evil.example"], ids=str.__len__)
def test_outside_text_is_encoded_and_stays_in_its_place(text: str) -> None:
    (url,) = links(a_finding(saga_id=text, business_key="A-1"), {"trace": TEMPLATE}).values()
    assert url.isascii()
    assert url.isprintable()
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "traces.example", "/search", "")
    assert parts.query.count("&") == 1
    assert unquote(parts.query[2 : parts.query.index("&")], errors="surrogatepass") == text


def test_a_placeholder_inside_a_value_is_not_filled_again() -> None:
    (url,) = links(a_finding(saga_id="{business_key}"), {"trace": TEMPLATE}).values()
    assert "%7Bbusiness_key%7D" in url


def test_a_link_that_cannot_be_filled_is_left_out() -> None:
    assert links(a_finding(), {"trace": "https://t/{trace_id}", "saga": "https://t/{saga_id}"}) == {
        "saga": "https://t/7d1c"
    }
