"""What must not leave: secrets are masked everywhere, payloads and error texts before they are shown or kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, quote_plus

MASK = "«redacted»"

_NAMES: Final = (
    r"(?:password|passwd|passphrase|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|authorization|credentials?)"
)
_URL_PASSWORD: Final = re.compile(
    # A port is no password; a password may hold an @ itself, so that the last one counts.
    r"(?P<head>://[^\s/:@\"'<>]{0,256}):(?!\d+(?:[/?#\s\"'<>]|$))[^\s\"<>]{1,4096}@"
)
_KEY_VALUE: Final = re.compile(
    rf"(?is)(?P<key>{_NAMES}\\*[\"']?\s*(?:=>|[=:])\s*)"
    r"(?P<value>\\+[\"'](?:(?!\\+[\"']).){0,4096}|\"(?:[^\"\\]|\\.)*+|'(?:[^'\\]|\\.)*+"
    r"|(?:(?:bearer|basic|digest|token)\s+)?(?:[^\s\"'&;]*[^\s\"'&;,.)}\]]|[^\s\"'&;]+))"
)
_BEARER: Final = re.compile(r"\b(?P<kind>(?i:bearer|basic))\s+(?=\S*(?:[0-9=+/._~]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}")
_JWT: Final = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
_DIGITS: Final = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,}(?![\w-])")
_LOCAL: Final = r"[\w.!#$%&*+?^`{|}~-]"
_EMAIL: Final = re.compile(rf"(?:(?<!{_LOCAL}){_LOCAL}++|[/='])@[\w-]++(?:\.[\w-]++)+")
_SECRET_KEY: Final = re.compile(rf"(?i)(?:{_NAMES}|cvv2?|cvc2?)\Z")
_DEEPEST: Final = 100
"""A payload nested deeper than this is masked from there on: nobody reads it, and nothing slips through."""


def _luhn(digits: str) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char)
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def _mask_cards(found: re.Match[str]) -> str:
    """Mask every card number within a run of digits; it may stand beside an expiry date or a check number."""
    run = found.group()
    groups = [(each.start(), each.end()) for each in re.finditer(r"\d+", run)]
    masked, done = "", 0
    for place, (start, _) in enumerate(groups):
        if start < done:
            continue
        end = _end_of_card(run, start, [end for _, end in groups[place : place + 19]])
        if end is not None:
            masked += run[done:start] + MASK
            done = end
    return masked + run[done:]


def _end_of_card(run: str, start: int, ends: list[int]) -> int | None:
    for end in reversed(ends):
        if end - start < 13:
            break
        digits = run[start:end].replace(" ", "").replace("-", "")
        if 13 <= len(digits) <= 19 and _luhn(digits):
            return end
    return None


def _mask_value(found: re.Match[str]) -> str:
    quoted = re.match(r"\\*[\"']", found["value"])
    return found["key"] + (quoted.group() if quoted else "") + MASK


def mask_url(url: str) -> str:
    """Return `url` without the password in it."""
    return _URL_PASSWORD.sub(rf"\g<head>:{MASK}@", url)


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without known secrets, URL passwords, tokens, card numbers (Luhn) and e-mail addresses."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, MASK)
    text = mask_url(text)
    text = _KEY_VALUE.sub(_mask_value, text)
    text = _BEARER.sub(rf"\g<kind> {MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _DIGITS.sub(_mask_cards, text)
    return _EMAIL.sub(MASK, text)


@dataclass(slots=True)
class Redactor:
    """Masks texts and decoded payloads by patterns, by paths and by the secrets it was told of."""

    paths: tuple[str, ...] = ()
    secrets: set[str] = field(default_factory=set)

    def learn(self, secret: str) -> None:
        """Mask this secret wherever it turns up from now on, also as URLs and JSON spell it.

        Texts under 4 characters would mask everything.
        """
        if len(secret) >= 4:
            plain = secret.encode("utf-8", "replace").decode("utf-8")
            in_urls = (quote(plain, safe=""), quote_plus(plain))
            in_json = (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
            self.secrets.update((secret, *in_urls, *in_json))

    def text(self, text: str) -> str:
        """Return `text` fit to be shown, logged or stored."""
        return mask_text(text, self.secrets)

    def payload(self, value: object) -> object:
        """Return a copy of a decoded JSON value with the configured paths and all texts masked."""
        paths = [_steps(path) for path in self.paths]
        return MASK if () in paths else self._walk(value, paths, 0)

    def _walk(self, value: object, paths: list[tuple[str, ...]], depth: int) -> object:
        if isinstance(value, Mapping):
            return MASK if depth > _DEEPEST else self._mapping(value, paths, depth)
        if isinstance(value, list | tuple):
            if depth > _DEEPEST:
                return MASK
            below = _below(paths, "*")
            if () in below:
                return [MASK for _ in value]
            inside = below + _anywhere(paths)
            return [self._walk(inner, inside, depth + 1) for inner in value]
        if isinstance(value, str):
            return self.text(value)
        return MASK if _is_card(value) else value

    def _mapping(self, value: Mapping[object, object], paths: list[tuple[str, ...]], depth: int) -> dict[str, object]:
        out: dict[str, object] = {}
        for key, inner in value.items():
            name = str(key)
            shown = self.text(name)
            while shown in out:
                shown += "'"
            below = _below(paths, name)
            hidden = () in below or _SECRET_KEY.search(name) is not None
            out[shown] = MASK if hidden else self._walk(inner, below, depth + 1)
        return out


def _is_card(value: object) -> bool:
    """Say whether a number is a card's: 15 or 16 digits that Luhn agrees with (ids made of clocks have more)."""
    return type(value) is int and 10**14 <= value < 10**16 and _luhn(str(value))


def _steps(path: str) -> tuple[str, ...]:
    """Split `$.card`, `$..email`, `$.items[*].pan`, `$['card']` into steps; `..` becomes `**`, an index `*`."""
    body = re.sub(r"\[\s*(['\"])(.*?)\1\s*\]", r".\2", path.removeprefix("$"))
    body = re.sub(r"\[[^\]]*\]", ".*", body).replace("..", ".**.")
    return tuple(step for step in body.split(".") if step)


def _below(paths: list[tuple[str, ...]], key: str) -> list[tuple[str, ...]]:
    rest: list[tuple[str, ...]] = []
    for path in paths:
        if not path:
            continue
        head, tail = path[0], path[1:]
        if head == "**":
            rest.append(path)
            if tail and tail[0] in (key, "*"):
                rest.append(tail[1:])
        elif head in (key, "*"):
            rest.append(tail)
    return rest


def _anywhere(paths: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Paths that name no list step look through lists all the same: `$.items.pan` means each item's pan."""
    return [path for path in paths if path and path[0] not in ("*", "**")]
