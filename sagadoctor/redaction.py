"""What must not leave: secrets are masked everywhere, payloads and error texts before they are shown or kept."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

import msgspec

from .late import LatePattern

MASK = "«redacted»"

_NAMES: Final = (
    r"(?:password|passwd|passphrase|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|authorization|credentials?)"
)
_URL_PASSWORD: Final = LatePattern(
    # A port is no password; a password may hold an @ itself, so that the last one counts.
    r"(?P<head>://[^\s/:@\"'<>]{0,256}):(?!\d+(?:[/?#\s\"'<>]|$))[^\s\"<>]{1,4096}@"
)
_QUOTED: Final = r"\\+[\"'](?:(?!\\+[\"']).){0,4096}|\"[^\"\\]*(?:\\.[^\"\\]*)*|'[^'\\]*(?:\\.[^'\\]*)*"
_BARE: Final = r"[^\s\"'&;]*[^\s\"'&;,.)}\]]|[^\s\"'&;]+"
_KEY_VALUE: Final = LatePattern(
    rf"(?is)(?P<key>{_NAMES}\\*[\"']?\s*(?:=>|[=:])\s*)"
    rf"(?P<value>{_QUOTED}|(?:(?:bearer|basic|digest|token)\s+)?(?:{_BARE}))"
)
_PASS: Final = LatePattern(
    # A word of its own: tests "pass: 12" too, and whoever is let through has a pass.
    r"(?is)(?P<key>(?<![a-z])(?:db|user)?pass(?:=>?|\\*[\"']\s*(?:=>|[=:])\s*|\s{1,4}=>?\s{0,4}))"
    rf"(?!(?:\d+|true|false|yes|no|ok|null|none)\b)(?P<value>{_QUOTED}|{_BARE})"
)
_SQL_PASSWORD: Final = LatePattern(
    r"(?is)(?P<key>\b(?:identified\s{1,9}(?:with\s{1,9}\S{1,99}\s{1,9})?(?:by|as)(?:\s{1,9}password)?|password)\s{1,9})"
    r"(?P<value>\"[^\"\\]*(?:\\.[^\"\\]*)*|'[^'\\]*(?:(?:\\.|'')[^'\\]*)*)"
)
_COOKIE: Final = LatePattern(
    r"(?i)(?P<key>\b(?:set-)?cookie\\*[\"']?\s{0,9}[:=]\s{0,9}\\*[\"']?)(?P<value>[^\s=;,\"']{1,256}=[^\r\n\"']{1,4096})"
)
_ELEMENT: Final = LatePattern(
    rf"(?is)(?P<key>(?:<|&lt;)(?:[\w:.-]{{0,40}}[:._-])?{_NAMES}(?:\s[^<>]{{0,200}})?(?:>|&gt;)\s{{0,9}})"
    r"(?P<value><!\[CDATA\[(?:(?!\]\]>).){0,4096}|[^<&\s](?:[^<&]|&(?!lt;)){0,4096})"
)
_ENCODED: Final = LatePattern(
    rf"(?i)(?P<key>{_NAMES}(?:%2[27])?%(?:25)?3[ad](?:%2[27])?)(?P<value>(?:%(?!2[267]|0[ad])[0-9a-f]{{2}}|[^\s\"'&;%])+)"
)
_SHELL: Final = LatePattern(
    r"(?P<key>\b(?:(?:mysql|mariadb)[\w-]{0,20}\s(?:[^\n|;]{0,300}?\s)?-p|sshpass\s{1,9}-p\s{0,9}))(?P<value>'[^']*'|\"[^\"]*\"|[^\s\"']+)"
)
_LOGIN: Final = LatePattern(
    # No address of mail or chat, no number (of a process, of a port), no image with a digest.
    r"(?<![\w/:.@%-])(?P<key>(?!(?:mailto|sips?|xmpp|image):)[\w.+-]{1,64}:)(?!\d+@)[^\s:@/\"'<>«]{1,256}"
    r"(?=@(?!sha\d)[A-Za-z][\w.-]*)"
)
_TOKEN: Final = LatePattern(
    r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_[A-Za-z0-9]{20,}"
    r"|xox[abceoprs]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|[spr]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{8,}"
    r"|sk-(?:proj|ant|svcacct)-[\w-]{16,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|hvs\.[\w-]{20,})"
)
_BEARER: Final = LatePattern(r"\b(?P<kind>(?i:bearer|basic))\s+(?=\S*(?:[0-9=+/._~]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{8,}")
_JWT: Final = LatePattern(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
_GAPS: Final = " \u00a0\u2007\u2009\u202f\u2010-\u2015\u2212-"
"""What stands between the groups of a card's number: spaces and dashes, those that don't break among them."""
_DIGITS: Final = LatePattern(rf"(?<![\w-])\d(?:[{_GAPS}]?\d){{12,}}(?![\w-])")
_LOCAL: Final = r"[\w.!#$%&*+?^`{|}~-]"
_EMAIL: Final = LatePattern(rf"(?:(?<!{_LOCAL}){_LOCAL}++|[/='])@[\w-]++(?:\.[\w-]++)+")
_SECRET_KEY: Final = LatePattern(rf"(?i)(?:{_NAMES}|cvv2?|cvc2?|(?:\A|[_.-])(?:db|user)?pass|(?:\A|set-|_)cookies?)\Z")
_RUN: Final = LatePattern(r"\S{1,512}\Z")
_NUMBER: Final = LatePattern(rf"[\d{_GAPS}]{{1,40}}\Z")
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
    digits = "".join(run[start:end] for start, end in groups)
    before = [0, *itertools.accumulate(end - start for start, end in groups)]
    masked, done = "", 0
    for place, (start, _) in enumerate(groups):
        if start < done:
            continue
        last = _last_of_card(digits, before, place)
        if last is not None:
            masked += run[done:start] + MASK
            done = groups[last][1]
    return masked + run[done:]


def _last_of_card(digits: str, before: list[int], first: int) -> int | None:
    """Return the last group of a card's number that begins with this group; `before` counts the digits before each."""
    for last in range(min(first + 19, len(before) - 1) - 1, first - 1, -1):
        count = before[last + 1] - before[first]
        if count < 13:
            break
        if count <= 19 and _luhn(digits[before[first] : before[last + 1]]):
            return last
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
    text = _rarer(_KEY_VALUE.sub(_mask_value, text))
    text = _BEARER.sub(rf"\g<kind> {MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _DIGITS.sub(_mask_cards, text)
    return _EMAIL.sub(MASK, text)


def _rarer(text: str) -> str:
    """Mask the forms that few texts can hold: each is looked for only where a sign of it stands."""
    lower = text.lower()
    if "pass" in lower:
        text = _SQL_PASSWORD.sub(_mask_value, _PASS.sub(_mask_value, text))
        text = _SHELL.sub(_mask_value, text) if " -p" in text else text
    elif "identified" in lower:
        text = _SQL_PASSWORD.sub(_mask_value, text)
    elif " -p" in text:
        text = _SHELL.sub(_mask_value, text)
    if "cookie" in lower:
        text = _COOKIE.sub(_mask_value, text)
    if "%3" in text or "%253" in text:
        text = _ENCODED.sub(_mask_value, text)
    if "<" in text or "&lt;" in text:
        text = _ELEMENT.sub(_mask_value, text)
    if "@" in text:
        text = _LOGIN.sub(rf"\g<key>{MASK}", text)
    return _TOKEN.sub(MASK, text)


def without_stump(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text that somebody cut, without what may be the first part of a secret at its end.

    That is what begins like a known secret, the last word (or the last 512 characters of one without end), and the
    first digits of a card number.
    """
    whole = text.removesuffix("…")
    kept = len(whole)
    for secret in secrets:
        for length in range(min(len(secret) - 1, len(whole)), 0, -1):
            if whole.endswith(secret[:length]):
                kept = min(kept, len(whole) - length)
                break
    return _NUMBER.sub("", _RUN.sub("", whole[:kept])).rstrip()


def clipped(text: str, most: int) -> str:
    """Return a text that is masked already, cut to a bound; half a mask, or half of what none knew, doesn't stay."""
    return text if len(text) <= most else without_stump(text[:most]) + "…"


class Redactor(msgspec.Struct):
    """Masks texts and decoded payloads by patterns, by paths and by the secrets it was told of."""

    paths: tuple[str, ...] = ()
    secrets: set[str] = msgspec.field(default_factory=set)

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

    def cut(self, text: str, most: int) -> str:
        """Return `text` fit to be shown, and not longer than `most` characters and a mark.

        Masks before it cuts. A longer text may have been cut before, within a secret: its last part is dropped.
        """
        if len(text) <= most:
            return self.text(text)
        return without_stump(self.text(text), self.secrets)[:most] + "…"

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
