"""Where reading stands in one file of a log, and how that file is found again: after a restart, renamed,
copied, compressed.

Inodes are reused, copies have another inode, compressed files other bytes. So a file is known by its first
bytes; the inode only prefers one of several that agree, and without it the bytes before the position must
agree as well.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Self, cast

from smtpq_exporter.io.rotated import LogFile

#: First bytes that identify a file; fewer while it is shorter.
HEAD = 1024
#: Bytes before a position that are compared.
TAIL = 128
#: What reading a damaged or unfinished compressed file raises; gzip.BadGzipFile is an OSError.
UNREADABLE = (EOFError, OSError, lzma.LZMAError, zlib.error)


@dataclass(frozen=True, slots=True)
class Mark:
    """`offset` is the position after the last delivered line, in uncompressed bytes.

    `base` is the real path that the file had while it was live. `head` is the digest of the first
    `head_size` bytes, `tail` that of the `tail_size` bytes before `tail_end`.
    """

    base: str
    ino: int
    offset: int
    head_size: int
    head: str
    tail_end: int = 0
    tail_size: int = 0
    tail: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form in the state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what as_json wrote; ValueError for anything else."""
        try:
            mark = cls(**value)
        except TypeError:
            raise ValueError("not a read position") from None
        numbers = (mark.ino, mark.offset, mark.head_size, mark.tail_end, mark.tail_size)
        texts = (mark.base, mark.head, mark.tail)
        if not all(type(n) is int and n >= 0 for n in numbers) or not all(type(t) is str for t in texts):
            raise ValueError("not a read position")
        return mark

    def begins(self, head: bytes) -> bool:
        """Whether a file that begins with `head` (HEAD bytes or all of it) can be the one of this mark."""
        size = self.head_size
        return 0 < size <= len(head) and digest(head[:size]) == self.head


def digest(data: bytes) -> str:
    """Short name of some bytes; they are compared, not kept: log lines hold addresses."""
    return hashlib.sha256(data).hexdigest()[:32]


def find(files: Sequence[LogFile], mark: Mark, heads: dict[int, bytes]) -> int | None:
    """Index of the file that `mark` was made in, None if it is not there or cannot be read.

    Other files may begin alike, so the strongest evidence decides: the same inode; a rotated copy or archive;
    a copy that has less than was read; last, a copy put in the place of the live file, and only if all of
    HEAD agrees. `heads` keeps the first bytes by index from one call to the next.
    """
    for evidence in (_same_file, _rotated_copy, _short_copy, _live_copy):
        for place, file in enumerate(files):
            if evidence(file, mark):
                if place not in heads:
                    heads[place] = first_bytes(file)
                if mark.begins(heads[place]) and (evidence is _same_file or _tail_agrees(file, mark)):
                    return place
    return None


def first_bytes(file: LogFile) -> bytes:
    """The first HEAD bytes, uncompressed; empty if the file cannot be read (any more)."""
    try:
        with open_stream(file) as stream:
            return stream.read(HEAD)
    except UNREADABLE:
        return b""


def open_stream(file: LogFile) -> BinaryIO:
    """Open for reading from the start, uncompressed. Raises OSError; reading raises UNREADABLE."""
    if file.compression == "gz":
        return cast("BinaryIO", gzip.open(file.path, "rb"))
    if file.compression == "xz":
        return cast("BinaryIO", lzma.open(file.path, "rb"))
    if file.compression == "bz2":
        return cast("BinaryIO", bz2.open(file.path, "rb"))
    return open(file.path, "rb", buffering=0)


def _same_file(file: LogFile, mark: Mark) -> bool:
    return not file.compression and file.ino == mark.ino and file.size >= mark.offset


def _rotated_copy(file: LogFile, mark: Mark) -> bool:
    return not file.live and (file.compression != "" or file.size >= max(mark.tail_end, mark.offset))


def _short_copy(file: LogFile, mark: Mark) -> bool:
    return not file.live and not file.compression and file.size < mark.tail_end


def _live_copy(file: LogFile, mark: Mark) -> bool:
    enough = mark.head_size == HEAD and file.size >= max(mark.tail_end, mark.offset)
    return file.live and enough and file.ino != mark.ino


def _tail_agrees(file: LogFile, mark: Mark) -> bool:
    """Whether the bytes before the position are the same, as far as that can be seen without effort."""
    if file.compression or file.size < mark.tail_end or not mark.tail_size:
        return True
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return digest(os.pread(fd, mark.tail_size, mark.tail_end - mark.tail_size)) == mark.tail
    finally:
        os.close(fd)
