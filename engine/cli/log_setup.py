"""Logs of the host, on standard error: lines for people, or objects for machines."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec

LINES = "%(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """A line of JSON each: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message`` and ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


def set_up(*, verbose: bool, structured: bool) -> None:
    """Sends logs to standard error, warnings and above unless ``verbose``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if structured else logging.Formatter(LINES))
    logging.basicConfig(handlers=[handler], level=logging.INFO if verbose else logging.WARNING)
