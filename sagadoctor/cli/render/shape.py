"""What a person asked of the output, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec


class Shape(msgspec.Struct, frozen=True):
    """`limit`: at most that many findings (or groups) are printed, the rest are counted; `options`: global options
    that a printed command has to repeat (`--config …`); `as_of`: the moment of the report; `nothing`: what to say
    when nothing was found, for a part of the answer must not sound like the whole.
    """

    as_of: datetime
    limit: int | None = None
    by_group: bool = False
    templates: Mapping[str, str] = msgspec.field(default_factory=dict)
    options: tuple[str, ...] = ()
    nothing: str = "nothing wrong"
