"""Standard input as a source: `tail -F LOG | smtpq-exporter`, or a container whose log is piped in.

A pipe keeps nothing: what was in it when this process died is gone, so there is no position to store.
"""

from __future__ import annotations

import os
import selectors

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.lines import LineSplitter
from smtpq_exporter.io.source import Position


class Stdin:
    """Reads file descriptor `fd`; see LogSource. Its end is a SourceError, once everything is delivered."""

    kind = "stdin"
    rotations = lost = 0

    def __init__(self, fd: int = 0) -> None:
        self._fd, self._splitter = fd, LineSplitter()
        self._selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.behind = self._ended = False
        try:
            self._selector.register(fd, selectors.EVENT_READ)
        except PermissionError:  # a regular file: always ready
            self._selector.close()
            self._selector = selectors.SelectSelector()
            self._selector.register(fd, selectors.EVENT_READ)

    @property
    def cut(self) -> int:
        """Lines that were cut."""
        return self._splitter.cut

    def poll(self, max_bytes: int) -> list[bytes]:
        """Lines that came; the descriptor itself may be shared and stays blocking, so it is asked first."""
        self.behind = False
        if not self._ended and self._selector.select(0):
            data = os.read(self._fd, max_bytes)
            self.behind = bool(data)
            if data:
                return self._splitter.feed(data)
            self._ended = True
            self._selector.unregister(self._fd)
            if last := self._splitter.end():
                return last
        if self._ended:
            raise SourceError("unavailable", "standard input has ended", "what writes into it has stopped")
        return []

    def position(self) -> Position:
        """Nothing to go back to."""
        return {}

    def lag(self) -> int | None:
        """Not known."""
        return None

    def fileno(self) -> int | None:
        """Standard input, until it ends."""
        return None if self._ended else self._fd

    def close(self) -> None:
        """Stop looking at it."""
        self._selector.close()
