"""What the sampler asks of every way to read a queue, whatever the mail server.

A reader belongs to one instance and one thread at a time; it may keep what it learnt between readings (law 5:
what can be cached by identity is never read twice). It measures nothing and retries nothing: the sampler does.
"""

from __future__ import annotations

from typing import Protocol

from smtpq_exporter.model import QueueSnapshot


class QueueReader(Protocol):
    """One way to read the queue of one mail server instance."""

    source: str
    """The label value: spool, showq, postqueue, ..."""
    why: str
    """Why this way was chosen, in words."""

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """Read the whole queue as it is at `now` (epoch); give up at `deadline` (time.monotonic()).

        Raises SourceError (kind permission, timeout, unavailable, truncated) or ParseError; never returns a part
        of the queue without `truncated` set.
        """

    def up(self) -> bool | None:
        """Whether the mail system itself runs; None if this process may not see it."""

    def version(self) -> str | None:
        """The mail server's version, None if it cannot be known."""

    def close(self) -> None:
        """Give back what is held open; end children."""
