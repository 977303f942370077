"""The table where messages end that no handler could take."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import insert

from sagadoctor.clock import Clock

from .database import Database, naive
from .schema import DEAD_LETTERS


class DeadLetters:
    """Keeps a message as text (what is not UTF-8 is escaped), its last error and how often it was tried."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Write to the company's database."""
        self._database = database
        self._clock = clock

    def add(
        self,
        topic: str,
        key: str | None,
        body: bytes,
        headers: Mapping[str, str],
        error: Exception,
        attempts: int,
    ) -> None:
        """Put the message aside."""
        with self._database.transaction() as connection:
            connection.execute(
                insert(DEAD_LETTERS).values(
                    original_topic=topic,
                    msg_key=key,
                    payload=body.decode(errors="backslashreplace"),
                    headers=json.dumps(dict(headers)),
                    error=str(error),
                    failed_at=naive(self._clock.now()),
                    attempts=attempts,
                )
            )
