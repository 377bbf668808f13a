"""Copies of the live file that stand beside it: copytruncate makes them before it truncates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from smtpq_exporter.io import rotated
from smtpq_exporter.io.follow import Tail
from smtpq_exporter.io.generation import PlainFile
from tests.io.growing import GrowingLog, line
from tests.io.test_follow import again, drain, numbers


@pytest.fixture
def log(tmp_path: Path) -> Iterator[GrowingLog]:
    with GrowingLog(tmp_path / "mail.log") as made:
        yield made


@pytest.mark.parametrize("known", [0, 1, 30], ids=["unknown", "short", "long"])
@pytest.mark.parametrize("made", [2, 3, 4, 5], ids=["empty", "half", "whole", "not truncated yet"])
def test_restart_while_a_copy_is_made(log: GrowingLog, known: int, made: int) -> None:
    """However much of the file was known and however far the copy is: what is in both counts once, before the
    truncation and after it.
    """
    log.write(1)
    log.copytruncate()
    tail = Tail(str(log.path), start="beginning")
    drain(tail)
    log.write(known)
    drain(tail)
    log.write(70)
    rotation = log.copytruncating(piece=4000)
    for _ in islice(rotation, made):
        pass
    tail = again(tail)
    assert numbers(drain(tail)) == list(range(1 + known, 71 + known))
    for _ in rotation:
        pass
    log.write(2)
    assert numbers(drain(tail)) == [71 + known, 72 + known]
    assert drain(again(tail)) == []


def test_copies_that_are_not_followed_by_a_truncation(log: GrowingLog) -> None:
    """Logrotate's `copy`, or a logrotate that is killed, leaves copies; they never count, compressed or not."""
    tail = Tail(str(log.path), start="beginning")
    drain(tail)
    for compressed in (False, True, False):
        log.write(40)
        for kept in log.copytruncating():
            if not kept:
                break
        if compressed:
            log.compress()
        tail = again(tail)
        assert numbers(drain(tail)) == list(range(log.written - 40, log.written))


def test_lines_between_copy_and_truncation(log: GrowingLog) -> None:
    """They are lost to who did not look in time; who did finds his place in the copy, which is shorter."""
    tail = Tail(str(log.path), start="beginning")
    log.write(30)
    drain(tail)
    for kept in log.copytruncating():
        if not kept:
            log.write(1)
            assert numbers(drain(tail)) == [30]
    log.write(1)
    assert numbers(drain(again(tail))) == [31]


def test_late_lines_of_an_empty_predecessor(log: GrowingLog) -> None:
    """A file that was empty when it was renamed is no copy: what its writer still writes into it counts."""
    tail = Tail(str(log.path), start="beginning")
    drain(tail)
    log.rename(keep_writing=True)
    tail = again(tail)
    assert drain(tail) == []
    assert tail.rotations == 0
    log.write(2)
    assert numbers(drain(tail)) == [0, 1]
    log.reopen()
    log.write(1)
    assert numbers(drain(tail)) == [2]


def test_holes_make_no_copies(log: GrowingLog) -> None:
    """Files of a writer without O_APPEND all begin with the same NULs, and are different files."""
    tail = Tail(str(log.path), start="beginning")
    log.write(50)
    drain(tail)
    for first in (50, 51):
        size = log.path.stat().st_size
        log.copytruncate()
        with log.path.open("r+b") as file:
            file.seek(size)
            file.write(line(first) + b"\n")
    log.compress()
    assert numbers(drain(again(tail))) == [50, 51]


def test_first_look_while_a_copy_is_made(log: GrowingLog) -> None:
    """The copy that stands there at the first start is no predecessor: what is older than that is."""
    log.write(1)
    log.rename()
    os.utime(f"{log.path}.1", (1, 1))
    log.write(70)
    rotation = log.copytruncating(piece=1000)
    for _ in islice(rotation, 3):
        pass
    tail = Tail(str(log.path))
    assert drain(tail) == []
    tail = again(tail)
    log.write(1)
    for _ in rotation:
        pass
    log.write(1)
    assert numbers(drain(tail)) == [71, 72]


def test_what_was_written_since_the_last_look_is_known_to_be_unread(log: GrowingLog) -> None:
    """A file that was read to its end and has grown is not at its end any more, even if it is only looked at:
    lines that nobody has read would otherwise pass for read when it is truncated next.
    """
    log.write(3)
    (file,) = rotated.listing(str(log.path))
    generation = PlainFile(file, file.path)
    assert numbers(generation.read(1 << 20)) == [0, 1, 2]
    assert generation.intact()
    assert generation.at_end
    log.write(1)
    assert generation.intact()
    assert not generation.at_end
    generation.close()
