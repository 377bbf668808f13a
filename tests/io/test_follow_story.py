"""Random stories of a log: written, rotated, compressed, followed, crashed and restarted in any order, and
between any two system calls of its follower.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.follow import Tail
from tests.io.growing import COMPRESS, GrowingLog, number_of

#: Stories that are told of each way of rotating.
STORIES = 100
#: Things that happen in one story; most of them are one system call.
LENGTH = 80
#: Before these calls of the follower the others may do something.
CALLS = (os.stat, os.fstat, os.open, os.pread, os.listdir, open)
#: What follows the last step must come to an end within so many polls.
POLLS = 1000


class Story:
    """One log and its follower, which may only fall back to what it saved."""

    def __init__(self, directory: str, dice: random.Random, rotations: tuple[str, ...]) -> None:
        self.dice, self.rotations = dice, rotations
        self.log = GrowingLog(Path(directory, "mail.log"))
        self.haste = dice.choice((0.0, 0.05, 0.2))  # how often something happens while the follower works
        self.steps, self.left = self._steps(), LENGTH
        self.counted: list[int] = []
        self.tail = Tail(str(self.log.path), start="beginning")
        self.tail.poll(1)
        self.saved = (self.tail.position(), self.counted[:])

    def tell(self) -> None:
        """The whole story; then the last rotation is completed, and everything is read that is left."""
        events = (self._happen, self._poll, self._save, self._crash)
        while self.left > 0:
            self.dice.choices(events, (7, 8, 3, 2))[0]()
        self.haste = 0.0
        for _ in self.steps:
            pass
        quiet = 0
        for _ in range(POLLS):
            before = len(self.counted)
            self._poll()
            quiet = 0 if len(self.counted) > before or self.tail.behind else quiet + 1
            if quiet == 3:
                break
        else:
            pytest.fail("the follower does not come to an end")
        self.tail.close()
        self.log.file.close()

    def _steps(self) -> Iterator[object]:
        """What the writer and logrotate do, one system call a step."""
        while self.left > 0:
            yield self._write()
            yield self._write()
            rotation = self.dice.choice(self.rotations)
            if rotation == "rename":
                yield from self._beside(self.log.renaming())
                self.log.reopen()
                yield
            else:
                copied = self.log.copytruncating(self.dice.choice((10, 1000, 1 << 20)))
                yield from self._beside(copied, killed=rotation == "copy" and self.dice.random() < 0.3)
            if self.dice.random() < 0.6 and Path(f"{self.log.path}.1").exists():
                yield from self.log.compressing(kind=self.dice.choice(sorted(COMPRESS)))

    def _beside(self, steps: Iterator[bool], *, killed: bool = False) -> Iterator[object]:
        """Steps of logrotate; lines are written as well where they do not get lost, and it may be killed."""
        for kept in steps:
            yield
            if kept and self.dice.random() < 0.2:
                yield self._write()
            elif not kept and killed:
                return

    def _write(self) -> None:
        self.log.write(self.dice.choice((0, 1, 1, 5, 20, 200)))

    def _happen(self) -> None:
        for _ in range(self.dice.choice((1, 1, 2, 4, 8))):
            self.left -= 1
            next(self.steps, None)

    def _poll(self) -> None:
        if self.haste:
            sys.setprofile(self._between)
        try:
            lines = self.tail.poll(self.dice.choice((300, 1 << 20)))
        except SourceError:
            lines = []  # nothing stands at the path for a moment, and the process has just started
        finally:
            sys.setprofile(None)
        self.counted += map(number_of, lines)

    def _between(self, _frame: FrameType, event: str, what: Any) -> None:
        if event == "c_call" and what in CALLS and self.dice.random() < self.haste:
            sys.setprofile(None)
            self._happen()
            sys.setprofile(self._between)

    def _save(self) -> None:
        self.saved = (self.tail.position(), self.counted[:])

    def _crash(self) -> None:
        self.tail.close()
        position, counted = self.saved
        self.tail, self.counted = Tail(str(self.log.path), position), counted[:]


@pytest.mark.parametrize(
    "rotations",
    [("rename",), ("copytruncate",), ("copytruncate", "copy"), ("rename", "copytruncate", "copy")],
    ids="-".join,
)
def test_each_line_counts_once(rotations: tuple[str, ...]) -> None:
    """Whatever happens in whatever order, after a last reading each written line was counted once.

    "copy" is a copytruncate that may be killed when all is copied and nothing truncated yet.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    for number in range(STORIES):
        seed = f"{os.environ.get('SMTPQ_SEED', '7')} {number}"
        with tempfile.TemporaryDirectory(dir=memory) as directory:
            story = Story(directory, random.Random(seed), rotations)
            story.tell()
            times = Counter(story.counted)
            assert {line: times[line] for line in range(story.log.written) if times[line] != 1} == {}, seed
            assert len(times) == story.log.written
