"""One file that carries lines of a log, from the first byte that is not counted yet to its end.

A log is a row of such files: a rotation ends one and begins the next. What is read is checked against the
size and the first bytes of the file afterwards, so one that is truncated while it is read yields nothing
false.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import BinaryIO, Protocol

from smtpq_exporter.io.lines import LINE_LIMIT, LineSplitter
from smtpq_exporter.io.mark import HEAD, TAIL, UNREADABLE, Mark, digest, open_stream
from smtpq_exporter.io.rotated import LogFile


class TruncatedError(Exception):
    """The file became shorter, or another one under our feet; what was not read yet may live on in a copy."""


class Generation(Protocol):
    """What a log asks of one of its files."""

    base: str
    dev: int
    ino: int
    splitter: LineSplitter
    head: bytes
    """The first bytes that were seen, at most HEAD. Until there is one, a truncation leaves no trace."""
    at_end: bool
    """Whether the last reading came to the end of what there is."""
    taken: int
    """Bytes that the last reading took."""

    def read(self, max_bytes: int) -> list[bytes]:
        """Lines that are complete by now, of at most `max_bytes` more. Raises TruncatedError or OSError."""

    def intact(self) -> bool:
        """Whether the file is still the one that was read; `head` is what is there by now."""

    def begins_with(self, other: Generation) -> bool:
        """Whether `other` is a copy of this file, whole or still being written: what there is of it stands
        at the beginning of this file too.
        """

    def end(self) -> tuple[int, bytes] | None:
        """Where bytes begin that tell this file from others, the last that can be had, and these; or None."""

    def grown(self) -> bool:
        """Whether reading on may bring something."""

    def mark(self) -> Mark:
        """Where reading stands."""

    def lag(self) -> int:
        """Bytes that were seen and not read yet; 0 where that cannot be known."""

    def close(self) -> None:
        """Give back the file."""


def open_generation(
    file: LogFile, base: str, mark: Mark | None = None, limit: int = LINE_LIMIT
) -> Generation:
    """Open a listed file at `mark`, or at its start. OSError if it is gone, or is another one by now.

    Lines longer than `limit` bytes are cut.

    """
    return (Archive if file.compression else PlainFile)(file, base, mark, limit)


def close_all(generations: Iterable[Generation]) -> None:
    """Close what was opened in vain."""
    for generation in generations:
        generation.close()


class PlainFile:
    """A file that may still grow."""

    def __init__(self, file: LogFile, base: str, mark: Mark | None = None, limit: int = LINE_LIMIT) -> None:
        self._fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._fd)
        if (status.st_dev, status.st_ino) != (file.dev, file.ino):
            os.close(self._fd)
            raise FileNotFoundError(f"{file.path} was renamed while it was opened")
        self.base, self.dev, self.ino = base, file.dev, file.ino
        self.splitter = LineSplitter(limit)
        self.head = os.pread(self._fd, HEAD, 0)
        if mark and not mark.begins(self.head):
            os.close(self._fd)
            raise FileNotFoundError(f"{file.path} was truncated while it was opened")
        self.at_end, self.taken = not self.head, 0
        self._size = status.st_size
        self._reach = min(mark.offset, self._size) if mark else 0
        self._tail_end, self._tail_size, self._tail = 0, 0, ""
        if mark:
            self._tail_end, self._tail_size, self._tail = mark.tail_end, mark.tail_size, mark.tail
        self._last = b""

    def read(self, max_bytes: int) -> list[bytes]:
        """Read on. The order matters: the data first, then whether the file is still the same."""
        data = os.pread(self._fd, max_bytes, self._reach)
        if not self.intact() or self._size < self._reach + len(data):
            raise TruncatedError
        self.taken = len(data)
        self._reach += len(data)
        self.at_end = not data or self._reach >= self._size
        lines = self.splitter.feed(data)
        delivered = len(data) - self.splitter.held
        if delivered > 0:
            self._last = data[max(0, delivered - TAIL) : delivered]
            self._tail_end = self._reach - self.splitter.held
        return lines

    def intact(self) -> bool:
        """Whether the file is still the one that was read, as far as its size and its head tell."""
        self._size = os.fstat(self._fd).st_size
        head = os.pread(self._fd, HEAD, 0)
        if self._size < self._reach or not head.startswith(self.head):
            return False
        self.head = head
        self.at_end = self.at_end and self._reach == self._size  # what came since may be truncated unread
        return True

    def begins_with(self, other: Generation) -> bool:
        """Compare both ends of the copy; it is looked at first, as this file may grow meanwhile."""
        end = other.end()
        if end is None or not other.head or not self.intact():
            return False
        start, last = end
        return self.head.startswith(other.head) and os.pread(self._fd, len(last), start) == last

    def end(self) -> tuple[int, bytes]:
        """The last TAIL bytes of what there is now."""
        start = max(0, os.fstat(self._fd).st_size - TAIL)
        return start, os.pread(self._fd, TAIL, start)

    def grown(self) -> bool:
        """Whether there is more to read, or less than there was; one system call."""
        return os.fstat(self._fd).st_size != self._reach

    def seek_end(self) -> None:
        """Begin with the line that is not complete yet, if there is one, else at the end."""
        start = max(0, self._size - 2 * LINE_LIMIT)
        newline = os.pread(self._fd, self._size - start, start).rfind(b"\n")
        if newline >= 0:
            self._reach = start + newline + 1
        elif start:
            self._reach = self._size
        self.at_end = self._reach >= self._size

    def mark(self) -> Mark:
        """Made from what was read, not from what the file holds now: it may have been truncated since."""
        if self._last:
            self._tail_size, self._tail, self._last = len(self._last), digest(self._last), b""
        offset = self._reach - self.splitter.held
        tail = (self._tail_end, self._tail_size, self._tail)
        return Mark(self.base, self.ino, offset, len(self.head), digest(self.head), *tail)

    def lag(self) -> int:
        """Bytes between what was read and the end that was seen."""
        return max(0, self._size - self._reach)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class Archive:
    """A predecessor that was compressed before all of it was read. It does not change any more."""

    def __init__(self, file: LogFile, base: str, mark: Mark | None = None, limit: int = LINE_LIMIT) -> None:
        self.base, self.dev, self.ino = base, file.dev, file.ino
        self.splitter = LineSplitter(limit)
        self.at_end = self.damaged = False
        self.taken = 0
        self._skip = self._reach = mark.offset if mark else 0
        self._stream: BinaryIO = open_stream(file)
        if os.fstat(self._stream.fileno()).st_ino != file.ino:
            self._stream.close()
            raise FileNotFoundError(f"{file.path} was renamed while it was opened")
        try:
            self.head = self._stream.read(HEAD)
            self._stream.seek(0)
        except UNREADABLE:
            self.head, self.damaged = b"", True

    def read(self, max_bytes: int) -> list[bytes]:
        """Read on; the way to the first unread line is gone in steps of `max_bytes` too."""
        try:
            data = self._stream.read(min(max_bytes, self._skip) if self._skip else max_bytes)
        except UNREADABLE:
            data, self.damaged = b"", True
        self.taken = len(data)
        if not data:
            self.at_end = True
            return []
        if self._skip:
            self._skip -= len(data)
            return []
        self._reach += len(data)
        return self.splitter.feed(data)

    def grown(self) -> bool:
        """Whether its end was not reached yet."""
        return not self.at_end

    def intact(self) -> bool:
        """It does not change."""
        return True

    def begins_with(self, other: Generation) -> bool:
        """Compare the heads, as all else would cost effort."""
        return self.end() is not None and bool(other.head) and self.head.startswith(other.head)

    def end(self) -> tuple[int, bytes] | None:
        """The head, unless it is only the hole that a writer without O_APPEND leaves: None."""
        return (0, self.head) if self.head.strip(b"\0") else None

    def mark(self) -> Mark:
        """Found again by its first bytes."""
        offset = self._reach - self.splitter.held
        return Mark(self.base, self.ino, offset, len(self.head), digest(self.head))

    def lag(self) -> int:
        """Not known before the end was reached."""
        return 0

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
