"""The file operations of the spool engine, and a shipped double that fails where it is told to.

Only what the engine uses, with the signatures of os. A test sets a FaultyFiles beside real directories: no
monkeypatching, and the same as root.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable


class Files:
    """The operating system's files. Paths are bytes."""

    listdir: Callable[[bytes], list[bytes]] = staticmethod(os.listdir)  # type: ignore[assignment]
    stat: Callable[..., os.stat_result] = staticmethod(os.stat)
    open: Callable[[bytes, int], int] = staticmethod(os.open)
    fstat: Callable[[int], os.stat_result] = staticmethod(os.fstat)
    pread: Callable[[int, int, int], bytes] = staticmethod(os.pread)
    close: Callable[[int], None] = staticmethod(os.close)
    clock: Callable[[], float] = staticmethod(time.time)


class FaultyFiles(Files):
    """Files that raise what `faults` says for a path, count what is opened, and call `before` ahead of each open."""

    def __init__(self, faults: dict[bytes, OSError] | None = None) -> None:
        """Wrap the real files."""
        self.faults = faults if faults is not None else {}
        self.opened: list[bytes] = []
        self.listed: list[bytes] = []
        self.before: Callable[[bytes], None] = lambda path: None
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
