"""Followers are killed at random moments while lines are written and files are rotated: each line counts
once.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.io.growing import GrowingLog, sums
from tests.wait import wait_for

KILLS = 60
PREDECESSORS = 50
ROOT = Path(__file__).parents[2]


class Followers:
    """Starts and kills real follower processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _ask(self, command: str) -> int:
        assert self._process.stdin
        assert self._process.stdout
        print(command, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def start(self) -> int:
        return self._ask("start")

    def end(self, follower: int, number: signal.Signals) -> int:
        os.kill(follower, number)
        return self._ask(f"reap {follower}")


@contextmanager
def followers(log: Path, state: Path) -> Iterator[Followers]:
    argv = [sys.executable, "-m", "tests.io.follower_child", str(log), str(state)]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Followers(process)
        finally:
            process.kill()


def counted(state: Path) -> tuple[int, ...]:
    """The counters in the state file."""
    files = list(state.glob("*.json"))
    return tuple(json.loads(files[0].read_bytes())["state"]["tally"]["sums"]) if files else ()


def write_and_rotate(log: GrowingLog, dice: random.Random, rotation: str, seconds: float) -> None:
    """Write bursts for some time, and rotate once or twice, perhaps before anybody has read."""
    until = time.monotonic() + seconds
    turn, rotate_at = 0, {0, dice.randrange(30)} if dice.random() < 0.7 else {dice.randrange(30)}
    while True:
        log.write(dice.choice((1, 1, 5, 20, 200)))
        if turn in rotate_at:
            rotate(log, dice, rotation)
        turn += 1
        if time.monotonic() >= until:
            return
        time.sleep(dice.random() * 0.004)


def rotate(log: GrowingLog, dice: random.Random, rotation: str) -> None:
    """Rotate in one of the two ways, perhaps compress, keep a bounded number of predecessors."""
    if rotation == "rename":
        log.rename(keep_writing=True)
        log.write(dice.randrange(3))
        log.reopen()
    else:
        # In production lines written between the copy and the truncation are lost to everybody: none are
        # here.
        log.copytruncate()
    if dice.random() < 0.5:
        log.compress(kind=dice.choice(("gz", "xz", "bz2")))
    for name in log.path.parent.glob(f"{log.path.name}.{PREDECESSORS}*"):
        name.unlink()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory in memory where there is one: a kill does not need a disk, and many savings do not
    wait for it.
    """
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    ) as directory:
        yield Path(directory)


@pytest.mark.parametrize("rotation", ["rename", "copytruncate"])
def test_killed_at_any_moment(tmp_path: Path, state: Path, rotation: str) -> None:
    """After dozens of SIGKILLs and rotations, dead and alive, the counters equal one reading of all lines."""
    dice = random.Random(f"{rotation} {os.environ.get('SMTPQ_SEED', '7')}")
    with GrowingLog(tmp_path / "mail.log") as log, followers(log.path, state) as control:
        seen: set[tuple[int, ...]] = set()
        follower = control.start()
        wait_for(lambda: counted(state), 30)  # what is written before the first look of all need not count
        control.end(follower, signal.SIGKILL)
        for _ in range(KILLS):
            follower = control.start()
            write_and_rotate(log, dice, rotation, dice.random() * 0.25)
            assert control.end(follower, signal.SIGKILL) == -signal.SIGKILL
            seen.add(counted(state))
            if dice.random() < 0.7:
                write_and_rotate(log, dice, rotation, 0.0)
        assert len(seen) > KILLS // 2, "the followers were killed before they did anything"
        follower = control.start()
        wait_for(lambda: counted(state)[:1] >= (log.written,), 30)
        assert control.end(follower, signal.SIGTERM) == 0
        assert counted(state) == sums(log.written)
        assert not list(state.glob("*.corrupt-*"))
