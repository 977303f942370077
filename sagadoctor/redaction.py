"""What must not leave: secrets are masked everywhere, payloads and error texts before they are shown or kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MASK = "«redacted»"

_URL_PASSWORD = re.compile(r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*):[^\s/@]+@")
_KEY_VALUE = re.compile(
    r"(?i)(?P<key>\b(?:password|passwd|pwd|secret|token|api[_-]?key|authorization|sasl_password)\b)"
    r"(?P<between>[\"']?\s*[=:]\s*[\"']?)(?P<value>(?:bearer\s+|basic\s+)?[^\s\"',;&]+)"
)
_BEARER = re.compile(r"(?i)\b(?P<kind>bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_CARD = re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])")
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_SECRET_KEY = re.compile(r"(?i)(?:.*[_-])?(?:password|passwd|secret|token|api[_-]?key|authorization|cvv|cvc)")


def _luhn(digits: str) -> bool:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char)
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def _mask_card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found.group())
    return MASK if _luhn(digits) else found.group()


def mask_url(url: str) -> str:
    """Return `url` without the password in it."""
    return _URL_PASSWORD.sub(rf"\g<head>:{MASK}@", url)


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without known secrets, URL passwords, tokens, card numbers (Luhn) and e-mail addresses."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    text = _URL_PASSWORD.sub(rf"\g<head>:{MASK}@", text)
    text = _KEY_VALUE.sub(rf"\g<key>\g<between>{MASK}", text)
    text = _BEARER.sub(rf"\g<kind> {MASK}", text)
    text = _CARD.sub(_mask_card, text)
    return _EMAIL.sub(MASK, text)


@dataclass(slots=True)
class Redactor:
    """Masks texts and decoded payloads by patterns, by paths and by the secrets it was told of."""

    paths: tuple[str, ...] = ()
    secrets: set[str] = field(default_factory=set)

    def learn(self, secret: str) -> None:
        """Mask this secret wherever it turns up from now on; texts under 4 characters would mask everything."""
        if len(secret) >= 4:
            self.secrets.add(secret)

    def text(self, text: str) -> str:
        """Return `text` fit to be shown, logged or stored."""
        return mask_text(text, self.secrets)

    def payload(self, value: object) -> object:
        """Return a copy of a decoded JSON value with the configured paths and all texts masked."""
        return self._walk(value, [_steps(path) for path in self.paths])

    def _walk(self, value: object, paths: list[tuple[str, ...]]) -> object:
        if isinstance(value, Mapping):
            out: dict[str, object] = {}
            for key, inner in value.items():
                name = str(key)
                below = _below(paths, name)
                out[name] = MASK if () in below or _names_a_secret(name) else self._walk(inner, below)
            return out
        if isinstance(value, list | tuple):
            return [self._walk(inner, _below(paths, "*") + _anywhere(paths)) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def _names_a_secret(key: str) -> bool:
    return (
        re.fullmatch(r"(?i)(?:.*[_-])?(?:password|passwd|secret|token|api[_-]?key|authorization|cvv|cvc)", key)
        is not None
    )


def _steps(path: str) -> tuple[str, ...]:
    """Split `$.card`, `$..email`, `$.items[*].pan` into steps; `..` becomes the step `**`."""
    body = path.removeprefix("$").replace("[*]", ".*").replace("..", ".**.")
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
