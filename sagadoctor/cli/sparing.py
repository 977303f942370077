"""Making only those options of a verb that a command line names: making all of them takes longer than parsing does.

Of a scan's 31 options cron names three; the others keep their defaults. That is 7 ms of each start.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import wraps

from typer.models import OptionInfo


def sparing(function: Callable[..., None], words: Sequence[str]) -> Callable[..., None]:
    """Return the function with those options only that may occur among the words; what it is called with is the same.

    All of them stay where a word may be an option and is none of them: the parser then says what there is.
    """
    parameters = inspect.signature(function, eval_str=True).parameters
    options = {word: name for name, parameter in parameters.items() for word in _words_of(parameter)}
    said = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    if not said <= options.keys():
        return function
    left_out = set(options.values()) - {options[word] for word in said}
    kept = [parameter for name, parameter in parameters.items() if name not in left_out]

    @wraps(function)
    def called(**given: object) -> None:
        function(**given)

    called.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in kept}
    return called


def _words_of(parameter: inspect.Parameter) -> Iterator[str]:
    """Yield how an option is spelt on the command line; nothing for what isn't an option, or has to be given."""
    if parameter.default is parameter.empty:
        return
    for told in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(told, OptionInfo):
            spelt = [word for word in (told.default, *(told.param_decls or ())) if isinstance(word, str)]
            yield from spelt or [f"--{parameter.name.replace('_', '-')}"]
