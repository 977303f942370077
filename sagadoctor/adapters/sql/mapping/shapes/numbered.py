"""Steps by their numbers or their names.

Annotations in here are no texts, as they are elsewhere: pydantic would work out each of them at every start.
"""

from typing import Annotated

from pydantic import StrictInt

from ..columns import NoConst, Short, TextColumn


class Numbered(TextColumn):
    """A step, or several, by number or by name; `base` is the number of the first step."""

    const: NoConst = None
    base: StrictInt = 0


MaybeNumbered = Annotated[Numbered | None, Short()]
