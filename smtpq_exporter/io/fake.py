"""A queue reader without a mail server: for tests of everything that stands behind a reader.

Shipped in the package, so that no test has to patch anything. It shows what it was given, fails when told to,
and hangs until it is released.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from smtpq_exporter.model import QueueSnapshot


class FakeReader:
    """Shows the snapshot that `make(now)` returns; raises what `make` raises."""

    def __init__(
        self, make: Callable[[float], QueueSnapshot], source: str = "fake", why: str = "a test asked for it"
    ) -> None:
        self.source, self.why = source, why
        self.readings = 0
        self.closed = False
        self.running: bool | None = True
        self.gate = threading.Event()
        """Clear it to make readings hang; they go on when it is set."""
        self.gate.set()
        self._make = make

    def read(self, now: float, deadline: float) -> QueueSnapshot:  # noqa: ARG002  (a hanging reader keeps no deadline)
        """Wait for the gate, count, make a snapshot."""
        self.gate.wait(60.0)
        self.readings += 1
        return self._make(now)

    def up(self) -> bool | None:
        """What `running` was set to."""
        return self.running

    def version(self) -> str | None:
        """A version."""
        return "1.0"

    def close(self) -> None:
        """Remember it."""
        self.closed = True
        self.gate.set()
