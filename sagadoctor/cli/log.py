"""A log of JSON lines for `--log-file`: outside text is escaped by JSON, secrets are masked before."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from sagadoctor.errors import UsageError
from sagadoctor.redaction import mask_text


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "from": record.name,
            "text": mask_text(record.getMessage()),
        }
        for key in ("saga_id", "operation_id", "store"):
            if (value := getattr(record, key, None)) is not None:
                line[key] = str(value)
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["error"] = mask_text(self.formatException(record.exc_info))
        return json.dumps(line)


def write_log_to(path: Path) -> None:
    """Append everything that sagadoctor logs to this file (mode 0600); raises UsageError when it can't be opened."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {path}: {error.strerror}") from None
    handler.setFormatter(_Lines())
    logging.raiseExceptions = False  # a log that can't be written must not print a traceback
    logger = logging.getLogger("sagadoctor")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
