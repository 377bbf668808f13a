"""Random stories of a log: written, rotated, compressed, followed, crashed and restarted in any order."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.io.follow import Tail
from smtpq_exporter.io.source import Position
from tests.io.growing import GrowingLog, number_of

EVENTS = ("write", "burst", "poll", "nibble", "save", "crash", "rename", "late", "copytruncate", "compress")


class Story:
    """One log and its follower, which may only fall back to what it saved."""

    def __init__(self, directory: Path) -> None:
        self.log = GrowingLog(directory / "mail.log")
        self.tail = Tail(str(self.log.path), start="beginning")
        self.tail.poll(1)
        self.counted: list[int] = []
        self.saved: tuple[Position, list[int]] = (self.tail.position(), [])

    def happen(self, event: str) -> None:
        if event in {"write", "burst"}:
            self.log.write(1 if event == "write" else 30)
        elif event in {"poll", "nibble"}:
            self.counted += map(number_of, self.tail.poll(1 << 20 if event == "poll" else 300))
        elif event == "save":
            self.saved = (self.tail.position(), list(self.counted))
        elif event == "crash":
            self.tail.close()
            position, counted = self.saved
            self.tail, self.counted = Tail(str(self.log.path), position), list(counted)
        elif event == "late":
            self.log.rename(keep_writing=True)
            self.log.write(2)
            self.log.reopen()
        elif event == "compress":
            if Path(f"{self.log.path}.1").exists():
                self.log.compress()
        else:
            getattr(self.log, event)()

    def end(self) -> None:
        """Read everything that is left."""
        quiet = 0
        while quiet < 3:
            lines = self.tail.poll(1 << 20)
            self.counted += map(number_of, lines)
            quiet = 0 if lines or self.tail.behind else quiet + 1
        self.tail.close()
        self.log.file.close()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_each_line_counts_once(events: list[str]) -> None:
    """Whatever happens in whatever order, after a last reading each written line was counted once."""
    with tempfile.TemporaryDirectory() as directory:
        story = Story(Path(directory))
        for event in events:
            story.happen(event)
        story.end()
        assert sorted(story.counted) == list(range(story.log.written))
