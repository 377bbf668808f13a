"""One configured log source and how it does: opened when it can be, tried again when it fails."""

from __future__ import annotations

import time
from collections import Counter

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.source import LogSource, Position
from smtpq_exporter.io.sources import kind, open_source
from smtpq_exporter.model import Fault

#: Seconds between two attempts to open a source.
RETRY_SECONDS = 5.0


class Feed:
    """A source with its health. Only the pump's thread polls; the plain attributes may be read by any."""

    def __init__(self, spec: str, position: Position | None, start: str, why: str) -> None:
        self.spec, self.kind, self.why = spec, kind(spec), why
        self.errors: Counter[str] = Counter()
        self.fault: Fault | None = None
        self.duration: float | None = None
        self.last_success: float | None = None
        self.last_attempt: float | None = None
        self.behind = False
        self.lag: int | None = None
        self.rotations = 0
        self._cut = self._lost = 0
        self._source: LogSource | None = None
        self._stored, self._start = position, start
        self._open_at = 0.0

    def poll(self, max_bytes: int) -> list[bytes]:
        """Lines that came. A failure becomes `fault`; it is over with the next success."""
        began = time.monotonic()
        if self._source is None and began < self._open_at:
            return []
        self.last_attempt = time.time()
        self.behind = False
        lines: list[bytes] = []
        try:
            self._source = source = self._source or self._open()
            lines = source.poll(max_bytes)
        except SourceError as reason:
            self.errors[reason.kind] += 1
            self.fault = Fault(reason.kind, reason.what, reason.hint)
            self._open_at = began + RETRY_SECONDS
        else:
            self.fault, self.last_success, self.behind = None, self.last_attempt, source.behind
        if self._source is not None:
            self._note(self._source)
        self.duration = time.monotonic() - began
        return lines

    def position(self) -> Position | None:
        """Where reading stands; what was stored while the source is not open; None if it never was."""
        return self._stored if self._source is None else self._source.position()

    def fileno(self) -> int | None:
        """What to wait for."""
        return self._source.fileno() if self._source is not None else None

    def close(self) -> None:
        """Close the source; its position stays."""
        if self._source is not None:
            self._stored = self._source.position()
            self._source.close()
            self._source = None

    def _open(self) -> LogSource:
        try:
            return open_source(self.spec, self._stored, self._start)
        except (ValueError, KeyError, TypeError, AttributeError):
            if self._stored is None:
                raise
            self.errors["parse"] += 1
            self.why += "; its stored position could not be used"
            self._stored = None
            return open_source(self.spec, None, self._start)

    def _note(self, source: LogSource) -> None:
        """Take over the figures, for other threads."""
        self.errors["truncated"] += source.cut - self._cut
        self.errors["unavailable"] += source.lost - self._lost
        self._cut, self._lost = source.cut, source.lost
        self.rotations, self.lag = source.rotations, source.lag()
