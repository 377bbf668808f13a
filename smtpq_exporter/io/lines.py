"""Bytes as they come -> complete lines. A line is never split and never costs more memory than LINE_LIMIT.

Lines are bytes: NUL and invalid UTF-8 pass. A longer line is delivered once, cut to the limit, when its
newline comes; what is beyond is dropped as it arrives, and the cut is counted. NULs before a line are the
hole that a writer without O_APPEND leaves behind after copytruncate: they are passed over.
"""

from __future__ import annotations

#: Longest line that is delivered whole, in bytes without the newline.
LINE_LIMIT = 65536


class LineSplitter:
    """Splits one stream. The result does not depend on how the stream is divided into calls."""

    __slots__ = ("_limit", "_pending", "cut", "held")

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._pending, self._limit = b"", limit
        self.held = 0
        """Bytes of the stream since its last newline: they belong to no delivered line yet."""
        self.cut = 0
        """Lines that were longer than the limit."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their newlines."""
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines:
            lines[0] = self._pending + lines[0]
            self._pending, self.held = b"", 0
            if b"\0" in data:
                lines = [line.lstrip(b"\0") if line[:1] == b"\0" else line for line in lines]
            if max(map(len, lines)) > self._limit:
                lines = [self._bounded(line) for line in lines]
        self.held += len(rest)
        # One byte more than the limit is kept: it tells that the line was longer.
        if len(self._pending) <= self._limit:
            self._pending = (self._pending + rest).lstrip(b"\0")[: self._limit + 1]
        return lines

    def end(self) -> list[bytes]:
        """State that the stream ended: a last line without its newline is a line too."""
        lines = [self._bounded(self._pending)] if self._pending else []
        self._pending, self.held = b"", 0
        return lines

    def _bounded(self, line: bytes) -> bytes:
        if len(line) <= self._limit:
            return line
        self.cut += 1
        return line[:self._limit]
