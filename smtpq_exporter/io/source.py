"""What the pump asks of every place that log lines come from.

A log source belongs to one thread. It delivers each line once: what it delivered is in its position; what is
not in its position will be delivered, also after a restart, as far as the place keeps its lines (a socket
does not).
"""

from __future__ import annotations

from typing import Any, Protocol

#: Where a source begins that has no stored position. All of them go on where a position is stored.
STARTS = ("end", "beginning", "stored")
#: The kinds of sources; with several kinds at one mail server the label `source` is "log:<kind>".
KINDS = ("file", "journal", "docker", "cri", "stdin", "syslog")

#: A read position, JSON-able. Only the source that made it understands it.
Position = dict[str, Any]


class LogSource(Protocol):
    """One configured place of log lines: files, the journal, a socket, standard input."""

    @property
    def behind(self) -> bool:
        """Whether the last poll stopped because it had delivered enough."""

    @property
    def rotations(self) -> int:
        """Files that were ended by rotation or truncation since the source was opened."""

    @property
    def cut(self) -> int:
        """Lines that were too long and were cut since the source was opened."""

    @property
    def lost(self) -> int:
        """How often lines may have been lost since the source was opened: their file is gone."""

    def poll(self, max_bytes: int) -> list[bytes]:
        """Complete lines that came since the last poll, of about `max_bytes`. Never blocks.

        Raises SourceError (permission, unavailable, parse) only when there is nothing to deliver. Polling
        again is always allowed, and notices by itself when the place is back.
        """

    def position(self) -> Position:
        """The position after the lines that poll delivered."""

    def lag(self) -> int | None:
        """Bytes that are known to wait; None if that cannot be known."""

    def fileno(self) -> int | None:
        """A descriptor that becomes readable when there is something; None for what must be looked at."""

    def close(self) -> None:
        """Give back what is held open; end children."""
