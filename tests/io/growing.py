"""A log that is written, rotated and compressed by a test, and counters that tell whether each line counted
once.

What takes several system calls can be had in steps, so that a follower may look between any two of them.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from smtpq_exporter.model import LogTally

COMPRESS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


def line(number: int) -> bytes:
    """A log line that says which one it is."""
    return b"Nov 24 06:50:%02d mx postfix/smtp[12]: %010d: to=<a@example.org>, status=sent" % (
        number % 60,
        number,
    )


def number_of(text: bytes) -> int:
    """The number in such a line."""
    return int(text.split(b": ")[1])


class GrowingLog:
    """Writes numbered lines into `path` and rotates it."""

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, 0
        self.file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, count: int = 1) -> None:
        """Append so many lines."""
        self.file.write(b"".join(line(self.written + i) + b"\n" for i in range(count)))
        self.written += count

    def write_text(self, text: bytes) -> None:
        """Append bytes as they are."""
        self.file.write(text)

    def rename(self, *, keep_writing: bool = False) -> None:
        """Rotate like logrotate's `create`; with `keep_writing` the writer is not told yet."""
        _run(self.renaming())
        if not keep_writing:
            self.reopen()

    def renaming(self) -> Iterator[bool]:
        """The steps of a rotation of which the writer is not told. Each says that lines may be written."""
        yield from self._shifting()
        os.rename(self.path, f"{self.path}.1")
        yield True
        self.path.open("ab").close()
        yield True

    def reopen(self) -> None:
        """Do what the writer does when it is told of the rotation."""
        self.file.close()
        self.file = self.path.open("ab", buffering=0)

    def rename_dated(self, stamp: str) -> None:
        """Rotate like logrotate's `dateext`."""
        os.rename(self.path, f"{self.path}-{stamp}")
        self.reopen()

    def copytruncate(self) -> None:
        """Rotate like logrotate's `copytruncate`, with nothing written between the two."""
        _run(self.copytruncating())

    def copytruncating(self, piece: int = 1 << 20) -> Iterator[bool]:
        """The steps; the first piece has so many bytes. Each says whether what is written after it is copied."""
        yield from self._shifting()
        status = self.path.stat()
        with self.path.open("rb", buffering=0) as source, open(f"{self.path}.1", "wb", buffering=0) as copy:
            yield True
            while data := source.read(piece):
                copy.write(data)
                piece = min(piece * 8, 1 << 20)
                yield True
        os.utime(f"{self.path}.1", ns=(status.st_atime_ns, status.st_mtime_ns))
        yield False
        os.truncate(self.path, 0)
        yield True

    def compress(self, name: str = ".1", kind: str = "gz") -> None:
        """Compress a predecessor as gzip does: the new file is complete before the old one goes."""
        _run(self.compressing(name, kind))

    def compressing(self, name: str = ".1", kind: str = "gz") -> Iterator[bool]:
        """The steps. Lines may be written after each."""
        source = Path(f"{self.path}{name}")
        target = Path(f"{source}.{kind}")
        status, data = source.stat(), COMPRESS[kind](source.read_bytes())
        with target.open("wb", buffering=0) as file:
            yield True
            for part in (data[: len(data) // 2], data[len(data) // 2 :]):
                file.write(part)
                yield True
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        yield True
        source.unlink()
        yield True

    def _shifting(self) -> Iterator[bool]:
        names = sorted(self.path.parent.glob(f"{self.path.name}.*"), key=_number, reverse=True)
        for name in names:
            parts = name.name[len(self.path.name) + 1 :].split(".")
            parts[0] = str(int(parts[0]) + 1)
            name.rename(f"{self.path}.{'.'.join(parts)}")
            yield True


def _run(steps: Iterable[bool]) -> None:
    for _ in steps:
        pass


def _number(path: Path) -> int:
    return next(int(part) for part in reversed(path.name.split(".")) if part.isdigit())


class TinyTally:
    """Counts numbered lines so that one that is missing or counts twice shows."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        if state is not None and state["tiny"] != 1:
            raise ValueError("not a tiny tally")
        self.count, self.total, self.squares = state["sums"] if state else (0, 0, 0)

    def state(self) -> dict[str, Any]:
        return {"tiny": 1, "sums": [self.count, self.total, self.squares]}

    def freeze(self, now: float, **facts: Any) -> LogTally:
        return LogTally(now, received=self.count, removed=self.total, expired=self.squares, **facts)


class TinyParser:
    """Feeds a TinyTally."""

    def __init__(self, tally: TinyTally) -> None:
        self.tally = tally

    def feed(self, lines: Sequence[bytes]) -> None:
        for text in lines:
            number = number_of(text)
            self.tally.count += 1
            self.tally.total += number
            self.tally.squares += number * number


def sums(count: int) -> tuple[int, int, int]:
    """What a TinyTally counts if each of the first `count` lines counts once."""
    return count, sum(range(count)), sum(i * i for i in range(count))
