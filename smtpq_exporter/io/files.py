"""The file operations of the spool engine, and a shipped double that fails where it is told to.

Only what the engine uses, with the signatures of os. A test sets a FaultyFiles beside real directories: no
monkeypatching, and the same as root.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from smtpq_exporter.errors import SourceError

#: Never through a link, never waiting for the other end of a pipe.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC | os.O_DIRECTORY
_MOST_FOLDERS = 64
#: The entries of a directory, one after the other.
Scan = AbstractContextManager[Iterator[os.DirEntry[bytes]]]


class Files:
    """The operating system's files. Paths are bytes."""

    listdir: Callable[[bytes], list[bytes]] = staticmethod(os.listdir)  # type: ignore[assignment]
    scandir: Callable[[bytes], Scan] = staticmethod(os.scandir)  # type: ignore[assignment]
    stat: Callable[..., os.stat_result] = staticmethod(os.stat)
    open: Callable[..., int] = staticmethod(os.open)
    fstat: Callable[[int], os.stat_result] = staticmethod(os.fstat)
    pread: Callable[[int, int, int], bytes] = staticmethod(os.pread)
    close: Callable[[int], None] = staticmethod(os.close)
    clock: Callable[[], float] = staticmethod(time.time)


class Folders:
    """Open directories: files are opened and looked at relative to them, which saves a third of each open."""

    def __init__(self, files: Files) -> None:
        """Nothing is open yet."""
        self._files = files
        self.open: dict[bytes, int] = {}
        self._kept = b""

    def at(self, path: bytes) -> int:
        """Descriptor of a directory, for one operation: another directory may take its place; OSError."""
        descriptor = self.open.get(path)
        if descriptor is None:
            if len(self.open) >= _MOST_FOLDERS:
                oldest = next(one for one in self.open if one != self._kept)
                self._files.close(self.open.pop(oldest))
            descriptor = self.open[path] = self._files.open(path, _FOLDER)
        return descriptor

    def keep(self, path: bytes) -> int:
        """The same, and it stays open until another one is kept."""
        self._kept = path
        return self.at(path)

    def of(self, path: bytes) -> int | None:
        """The same, for a directory that need not be there."""
        try:
            return self.at(path)
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Close all."""
        self._kept = b""
        while self.open:
            self._files.close(self.open.popitem()[1])


class OpenFile:
    """What a layout may ask for while one message file is open (mta.base.SpoolFile)."""

    def __init__(self, files: Files, folders: Folders) -> None:
        """`descriptor` is set anew for each message; `pulse` is the mtime of what `end_beside` has read.
        `half` is set while that file shall not be read.
        """
        self.descriptor = -1
        self.pulse = 0
        self.half = False
        self._files, self._folders = files, folders

    def names(self) -> list[bytes]:
        """Names in the message, where it is a directory."""
        return [os.fsencode(name) for name in os.listdir(self.descriptor)]

    def more(self, offset: int, length: int) -> bytes:
        """Bytes of the message file."""
        return self._files.pread(self.descriptor, length, offset) if length > 0 else b""

    def beside(self, folder: bytes, name: bytes, limit: int) -> bytes | None:
        """First bytes of another file."""
        files = self._files
        try:
            descriptor = files.open(name, FLAGS, dir_fd=self._folders.at(folder) if folder else self.descriptor)
        except FileNotFoundError:
            return None
        try:
            return files.pread(descriptor, limit, 0)
        finally:
            files.close(descriptor)

    def end_beside(self, folder: bytes, name: bytes, limit: int) -> bytes | None:
        """Last bytes of another file; its mtime becomes the pulse."""
        files = self._files
        try:
            descriptor = files.open(name, FLAGS, dir_fd=self._folders.at(folder))
        except FileNotFoundError:
            return None
        try:
            status = files.fstat(descriptor)
            self.pulse = status.st_mtime_ns
            return files.pread(descriptor, limit, max(0, status.st_size - limit))
        finally:
            files.close(descriptor)

    def size_beside(self, folder: bytes, name: bytes) -> int | None:
        """Size of another file."""
        status = self.status_beside(folder, name)
        return None if status is None else status.st_size

    def status_beside(self, folder: bytes, name: bytes) -> os.stat_result | None:
        """Status of another file."""
        try:
            return self.status(folder, name)
        except FileNotFoundError:
            return None

    def status(self, folder: bytes, name: bytes) -> os.stat_result:
        """The same; FileNotFoundError."""
        return self._files.stat(name, dir_fd=self._folders.at(folder) if folder else self.descriptor)


def fault(error: OSError, path: bytes) -> SourceError:
    """An error of the system as the reading's own."""
    if isinstance(error, PermissionError):
        return SourceError(
            "permission", f"{readable(path)}: permission denied",
            "run as the owner of the queue directories or with CAP_DAC_READ_SEARCH, or use another source",
        )
    return SourceError("unavailable", f"{readable(path)}: {error.strerror or error}")


def readable(path: bytes) -> str:
    """A path for people."""
    return path.decode("utf-8", "backslashreplace")


class FaultyFiles(Files):
    """Files that raise what `faults` says for a path, tell what was opened, and call `before` each open."""

    def __init__(self, faults: dict[bytes, OSError] | None = None) -> None:
        """Wrap the real files."""
        self.faults = faults if faults is not None else {}
        self.opened: list[bytes] = []
        self.listed: list[bytes] = []
        self.before: Callable[[bytes], object] = len
        self._folders: dict[int, bytes] = {}
        self.listdir, self.stat, self.open, self.close = self._listdir, self._stat, self._open, self._close

    def _path(self, path: bytes, dir_fd: int | None) -> bytes:
        path = path if dir_fd is None else self._folders[dir_fd] + b"/" + path
        if path in self.faults:
            raise self.faults[path]
        return path

    def _listdir(self, path: bytes) -> list[bytes]:
        self.listed.append(self._path(path, None))
        return os.listdir(path)

    def _stat(
        self, path: bytes, *, dir_fd: int | None = None, follow_symlinks: bool = True,
    ) -> os.stat_result:
        return os.stat(self._path(path, dir_fd), follow_symlinks=follow_symlinks)

    def _open(self, path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
        if flags & os.O_DIRECTORY:
            descriptor = os.open(self._path(path, dir_fd), flags)
            self._folders[descriptor] = path
            return descriptor
        self.before(path if dir_fd is None else self._folders[dir_fd] + b"/" + path)
        self.opened.append(self._path(path, dir_fd))
        descriptor = os.open(self.opened[-1], flags)
        self._folders[descriptor] = self.opened[-1]  # it may be a directory, and looked into
        return descriptor

    def _close(self, descriptor: int) -> None:
        self._folders.pop(descriptor, None)
        os.close(descriptor)
