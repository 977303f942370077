"""What is made when it is first wanted: compiling every regular expression would take 3 ms of each start."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final


class LatePattern:
    """A regular expression that is compiled at its first use."""

    def __init__(self, text: str) -> None:
        """Keep the text; a mistake in it shows at the first use, so each of these has a test that uses it."""
        self.text: Final = text
        self._made: re.Pattern[str] | None = None

    @property
    def _pattern(self) -> re.Pattern[str]:
        if self._made is None:
            self._made = re.compile(self.text)
        return self._made

    def sub(self, by: str | Callable[[re.Match[str]], str], text: str) -> str:
        """Return the text with every match replaced."""
        return self._pattern.sub(by, text)

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match anywhere."""
        return self._pattern.search(text)
