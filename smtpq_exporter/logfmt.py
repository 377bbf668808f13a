"""The program's own log: one line an event, `time=… level=INFO msg="…" key=value`, or JSON; on standard
error.

Under systemd the journal has the time already: there a line begins with its priority, "<4>" (sd-daemon(3)).
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("logfmt", "json")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_BARE = re.compile(r"[^\s\"=\x00-\x1f]+")
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class Formatter(logging.Formatter):
    """One record on one line; what was given as `extra` becomes keys, empty values are left out."""

    def __init__(self, *, as_json: bool = False, journal: bool = False) -> None:
        super().__init__()
        self._json, self._journal = as_json, journal

    def format(self, record: logging.LogRecord) -> str:
        """The line without its newline."""
        fields: dict[str, Any] = {}
        if not self._journal:
            fields["time"] = (
                datetime.fromtimestamp(record.created, UTC)
                .isoformat("T", "milliseconds")
                .replace("+00:00", "Z")
            )
        fields["level"] = record.levelname
        fields["msg"] = record.getMessage()
        fields.update(
            {
                name: value
                for name, value in vars(record).items()
                if name not in _STANDARD and value not in ("", None)
            }
        )
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        line = (
            json.dumps(fields, default=str)
            if self._json
            else " ".join(f"{name}={_value(str(value))}" for name, value in fields.items())
        )
        return f"<{_PRIORITY.get(record.levelno, 5)}>{line}" if self._journal else line


def _value(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def setup(level: str, form: str) -> None:
    """Send all logging of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json=form == "json", journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
