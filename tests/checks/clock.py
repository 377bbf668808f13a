"""A real exporter whose clock a test sets forward, so that minutes of its history pass in a second.

Everything else is real: only time.time() of that process and its workers is ahead, by the number in a file.
Monotonic time, by which it waits, is untouched; time never goes back.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from typing import Any

from tests.e2e.process import Exporter
from tests.wait import wait_for

AHEAD = """
import mmap, struct, sys, time
with open(sys.argv.pop(1), "rb") as file:
    shared = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
real = time.time
time.time = lambda: real() + struct.unpack("d", shared)[0]
from smtpq_exporter.cli import main
sys.exit(main())
"""


class AheadExporter(Exporter):
    """smtpq-exporter with a clock that `passes` sets forward; it outlives stop and start."""

    _ahead = 0.0

    def argv(self) -> list[str]:
        """The command line."""
        _, _, _, *flags = super().argv()
        self._write()
        return [sys.executable, "-c", AHEAD, str(self.directory / "ahead"), *flags]

    def passes(self, seconds: float, *, step: float = 61.0) -> None:
        """Let so much time pass; at each step a moment of history is kept and everything is read once more."""
        while seconds > 0:
            kept = self.moments()
            self._ahead += min(step, seconds)
            seconds -= step
            self._write()
            now = time.time() + self._ahead
            wait_for(lambda: self.moments() > kept and self.read_since(now), 30)  # noqa: B023  # waits within this turn

    def moments(self) -> int:
        """How many moments of history its only mail server has."""
        return len(self.sample()["mtas"][0]["history"])

    def read_since(self, moment: float) -> bool:
        """Whether each source that works has been read since `moment` of its clock."""
        sources = self.sample()["mtas"][0]["sources"]
        return all(each["last_success"] >= moment for each in sources if each["success"])

    def sample(self) -> dict[str, Any]:
        """What it serves now."""
        found: dict[str, Any] = json.loads(self.get("/api/v1/sample"))
        return found

    def _write(self) -> None:
        # written in place: the process has this very file in its memory
        path = self.directory / "ahead"
        with path.open("r+b" if path.exists() else "wb") as file:
            file.write(struct.pack("d", self._ahead))
