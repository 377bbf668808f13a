"""The file operations of the spool engine, and a shipped double that fails where it is told to.

Only what the engine uses, with the signatures of os. A test sets a FaultyFiles beside real directories: no
monkeypatching, and the same as root.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from smtpq_exporter.errors import SourceError

#: Never through a link, never waiting for the other end of a pipe.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Files:
    """The operating system's files. Paths are bytes."""

    listdir: Callable[[bytes], list[bytes]] = staticmethod(os.listdir)  # type: ignore[assignment]
    stat: Callable[..., os.stat_result] = staticmethod(os.stat)
    open: Callable[[bytes, int], int] = staticmethod(os.open)
    fstat: Callable[[int], os.stat_result] = staticmethod(os.fstat)
    pread: Callable[[int, int, int], bytes] = staticmethod(os.pread)
    close: Callable[[int], None] = staticmethod(os.close)
    clock: Callable[[], float] = staticmethod(time.time)


class OpenFile:
    """What a layout may ask for while one message file is open (mta.base.SpoolFile)."""

    def __init__(self, files: Files) -> None:
        """`descriptor` is set anew for each message."""
        self.descriptor = -1
        self._files = files

    def more(self, offset: int, length: int) -> bytes:
        """Bytes of the message file."""
        return self._files.pread(self.descriptor, length, offset) if length > 0 else b""

    def beside(self, path: bytes, limit: int) -> bytes | None:
        """First bytes of another file."""
        files = self._files
        try:
            descriptor = files.open(path, FLAGS)
        except FileNotFoundError:
            return None
        try:
            return files.pread(descriptor, limit, 0)
        finally:
            files.close(descriptor)

    def size_beside(self, path: bytes) -> int | None:
        """Size of another file."""
        try:
            return self._files.stat(path).st_size
        except FileNotFoundError:
            return None


def fault(error: OSError, path: bytes) -> SourceError:
    """An error of the system as the reading's own."""
    if isinstance(error, PermissionError):
        return SourceError(
            "permission", f"{readable(path)}: permission denied",
            "run as the owner of the queue directories, with CAP_DAC_READ_SEARCH, or let another source be used",
        )
    return SourceError("unavailable", f"{readable(path)}: {error.strerror or error}")


def readable(path: bytes) -> str:
    """A path for people."""
    return path.decode("utf-8", "backslashreplace")


class FaultyFiles(Files):
    """Files that raise what `faults` says for a path, count what is opened, and call `before` ahead of each open."""

    def __init__(self, faults: dict[bytes, OSError] | None = None) -> None:
        """Wrap the real files."""
        self.faults = faults if faults is not None else {}
        self.opened: list[bytes] = []
        self.listed: list[bytes] = []
        self.before: Callable[[bytes], object] = len
        self.listdir, self.stat, self.open = self._listdir, self._stat, self._open

    def _check(self, path: bytes) -> None:
        if path in self.faults:
            raise self.faults[path]

    def _listdir(self, path: bytes) -> list[bytes]:
        self._check(path)
        self.listed.append(path)
        return os.listdir(path)

    def _stat(self, path: bytes, **options: object) -> os.stat_result:
        self._check(path)
        return os.stat(path, **options)  # type: ignore[arg-type]

    def _open(self, path: bytes, flags: int) -> int:
        self.before(path)
        self._check(path)
        self.opened.append(path)
        return os.open(path, flags)
