"""Log files to be read once from end to end: plain, gzip, xz, bzip2, or standard input; in chunks of whole
lines.

What a file is decides its first bytes, not its name. A great plain file is divided at line ends, so that
several processes can read it. Lines of more than LONGEST bytes are cut: the rest of such a line is passed
over.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from itertools import accumulate, pairwise
from typing import Protocol, cast

from smtpq_exporter.errors import SourceError

#: Bytes read at once: what a batch costs beside its lines is spread over 7,000 of them. An eighth of it makes a report
#: take 7 % longer, four times as much 4 %.
CHUNK = 1 << 20
LONGEST = 1 << 16
#: A part of a file is not made smaller than this, nor greater than that, in bytes.
SMALLEST, GREATEST = 4 << 20, 256 << 20
#: How much more the process that puts the parts together reads itself: the others need the time to send what they read.
_MORE = 1.02
#: How compressed files begin; report/packed.py reads them.
GZIP, XZ, BZIP2 = _MAGIC = b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a file: the lines that begin in [start, end). `end` None = to the end; path "-" = standard
    input.

    `size` is what it adds to the progress, in bytes of the file; `mtime` dates stamps without a year.
    """

    path: str
    start: int
    end: int | None
    size: int
    mtime: float


class _Stream(Protocol):
    """What lines are read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end."""

    def readline(self, size: int, /) -> bytes:
        """Return the bytes up to the next newline, up to so many."""


class _Arriving:
    """Standard input: gives what is there."""

    def __init__(self, raw: BufferedReader) -> None:
        self.read, self.readline = raw.read1, raw.readline


def segments(path: str, now: float, divide: int = 0, readers: int = 1) -> list[Segment]:
    """Return the parts of one file, in order; raise SourceError if it cannot be read.

    If asked to `divide`, a plain file comes in parts of about so many bytes at most, as few as give each of the
    `readers` as many: putting parts together costs time. A compressed file cannot be divided.
    """
    if path == "-":
        return [Segment("-", 0, None, 0, now)]
    try:
        status = os.stat(path)  # noqa: PTH116 - as in `_opened`
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # read once only, perhaps without an end
            hint = "send it to standard input: ... | smtpq logs -"
            raise SourceError("unavailable", f"{path}: no regular file", hint)
        with _opened(path) as raw:
            plain = not raw.peek(len(XZ)).startswith(_MAGIC)
    except OSError as error:
        raise _fault(path, error) from None
    size = status.st_size
    if not plain or not divide:
        return [Segment(path, 0, None, size, status.st_mtime)]
    count = max(1, min(readers, size // SMALLEST))
    if size > divide:
        count = readers * -(-size // (divide * readers))
    weights = [1.0 if number % readers else _MORE for number in range(count)]
    unit = size / sum(weights)
    edges = [*(int(weight * unit) for weight in accumulate(weights[:-1], initial=0.0)), size]
    return [Segment(path, a, None if b == size else b, b - a, status.st_mtime) for a, b in pairwise(edges)]


def chunks(
    segment: Segment, advance: Callable[[int], None] = lambda _: None, *, ends: bool = False
) -> Iterator[list[bytes]]:
    """Yield the lines of a segment, some thousands at a time; raise SourceError.

    `advance` is told how many bytes of the file were read. With `ends` lines may have their newline at the end:
    to leave it there takes half of the time, for C looks for it 32 bytes at a time then.
    """
    try:
        with _opened(segment.path) as raw:
            if raw.peek(len(XZ)).startswith(_MAGIC):
                from smtpq_exporter.report.packed import Packed  # noqa: PLC0415 - three libraries, rarely needed

                yield from _compressed(Packed(raw), raw, advance, ends)
            elif segment.path == "-":  # whoever writes it may take his time: what is there is not kept waiting
                yield from _lines(_Arriving(raw), segment, advance, ends)
            else:
                if segment.start:
                    raw.seek(segment.start - 1)
                yield from _lines(raw, segment, advance, ends)
    except (OSError, EOFError) as error:
        raise _fault(segment.path, error) from None


def beginning(path: str, most: int) -> list[bytes]:
    """Return up to so many lines from the beginning of a file; raise SourceError.

    Of standard input those that are there by now, at least one if it has any; they will be read once more.
    """
    if path == "-":
        return _arrived()[:most]
    for segment in segments(path, 0.0)[:1]:
        for lines in chunks(segment):
            return lines[:most]
    return []


def _arrived() -> list[bytes]:
    """Return the lines that standard input has brought, and leave them there."""
    with _opened("-") as raw:
        there = raw.peek(1)
    if there.startswith(_MAGIC):
        from smtpq_exporter.report.packed import Packed  # noqa: PLC0415 - as above

        with suppress(OSError, EOFError):  # a piece of it always ends too early
            there = Packed(BufferedReader(BytesIO(there))).read(CHUNK)
    lines = there.split(b"\n")
    return lines[:-1] or lines  # the last one is not whole


def _opened(path: str) -> AbstractContextManager[BufferedReader]:
    """Open a file; standard input is the same stream each time, and stays open."""
    if path == "-":
        if sys.stdin is None:
            raise SourceError("unavailable", "standard input is closed", "give the path of a log file")
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return open(path, "rb")  # noqa: PTH123 - to import pathlib takes longer than many a report


def _compressed(
    stream: _Stream, raw: BufferedReader, advance: Callable[[int], None], ends: bool
) -> Iterator[list[bytes]]:
    whole = Segment("", 0, None, 0, 0.0)
    seen = 0
    for lines in _lines(stream, whole, lambda _: None, ends):
        yield lines
        at = raw.tell() if raw.seekable() else 0
        advance(at - seen)
        seen = at


def _lines(
    stream: _Stream, segment: Segment, advance: Callable[[int], None], ends: bool
) -> Iterator[list[bytes]]:
    """Yield whole lines; a line belongs to the segment in which it begins.

    `stream` stands one byte before the segment, if there is one.
    """
    left = None if segment.end is None else segment.end - segment.start
    if segment.start:
        skipped = _pass_over(stream)  # the rest of a line that begins before us, if only its newline
        if left is not None:
            left -= skipped - 1
    while left is None or left > 0:
        data = stream.read(CHUNK if left is None else min(CHUNK, left))
        if not data:
            break
        lines = BytesIO(data).readlines() if ends else data.split(b"\n")
        if _may_be_long(data):
            lines = [line[:LONGEST] for line in lines]
        read = len(data)
        if data[-1:] != b"\n":
            last, more = _rest(lines[-1], stream)
            lines[-1] = last if ends else last.rstrip(b"\n")
            read += more
        elif not ends:
            lines.pop()
        if left is not None:
            left -= read
        advance(read)
        yield lines


def _may_be_long(data: bytes) -> bool:
    """Say whether a line may be too long: such a one has no newline in at least one of these steps."""
    step = LONGEST // 2
    return any(data.find(b"\n", at, at + step) < 0 for at in range(0, len(data) - step + 1, step))


def _rest(line: bytes, stream: _Stream) -> tuple[bytes, int]:
    """Read the rest of a line: the line, cut if it is too long, and how many bytes more were read."""
    more = stream.readline(LONGEST)
    read = len(more)
    if more[-1:] != b"\n":
        read += _pass_over(stream)
    line += more
    return line if len(line) <= LONGEST else line[:LONGEST], read


def _pass_over(stream: _Stream) -> int:
    """Read to the end of a line, however long it is; how many bytes these were."""
    read = 0
    while more := stream.readline(LONGEST):
        read += len(more)
        if more[-1:] == b"\n":
            break
    return read


def _fault(path: str, error: BaseException) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceError(
            "permission", f"{path}: permission denied", "read it as root or as a member of its group"
        )
    if isinstance(error, FileNotFoundError):
        return SourceError("unavailable", f"{path}: no such file", "give the path of a log file")
    if isinstance(error, IsADirectoryError):
        return SourceError("unavailable", f"{path}: is a directory", "give the log files in it")
    if isinstance(error, OSError) and error.strerror:
        return SourceError("unavailable", f"{path}: {error.strerror}")
    return SourceError(
        "truncated", f"{path}: damaged or incomplete compressed file: {error}", "what came before was read"
    )
