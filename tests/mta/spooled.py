"""A golden spool tree on disk and in memory, and a stand-in for the open file that a layout reads."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple


class Status(NamedTuple):
    """What a layout looks at in os.stat_result."""

    st_mode: int
    st_size: int
    st_mtime_ns: int


class File:
    """mta.base.SpoolFile in memory: `data` is the open file, `others` what lies beside it by path.

    `folder` is the path of a message that is a directory.
    """

    half = False

    def __init__(self, data: bytes, others: dict[bytes, bytes] | None = None, folder: bytes = b"") -> None:
        self.data, self.others, self.folder = data, others or {}, folder

    def names(self) -> list[bytes]:
        return [path.rpartition(b"/")[2] for path in self.others if path.rpartition(b"/")[0] == self.folder]

    def status_beside(self, folder: bytes, name: bytes) -> Status | None:
        data = self.beside(folder, name, 1 << 40)
        return None if data is None else Status(0o100600, len(data), 10**18)

    def status(self, folder: bytes, name: bytes) -> Status:
        found = self.status_beside(folder, name)
        if found is None:
            raise FileNotFoundError(name)
        return found

    def more(self, offset: int, length: int) -> bytes:
        return self.data[max(0, offset) : max(0, offset) + max(0, length)]

    def beside(self, folder: bytes, name: bytes, limit: int) -> bytes | None:
        data = self.others.get((folder or self.folder).rstrip(b"/") + b"/" + name)
        return None if data is None else data[:limit]

    def end_beside(self, folder: bytes, name: bytes, limit: int) -> bytes | None:
        data = self.beside(folder, name, 1 << 40)
        return None if data is None else data[-limit:]

    def size_beside(self, folder: bytes, name: bytes) -> int | None:
        data = self.beside(folder, name, 1 << 40)
        return None if data is None else len(data)


class Class:
    """A classifier that shows what it was asked: the first word of each text."""

    wants_addresses = False

    def reason(self, text: bytes, dsn: bytes = b"") -> str:
        return text.split(b" ", 1)[0].decode("utf-8", "replace")[:20] or "unknown"


def copy_spool(golden: Path, to: Path) -> Path:
    """A golden spool with the modes and mtimes of its manifest, which git does not keep."""
    manifest = json.loads((golden / "manifest.json").read_text())
    for name, (mode, mtime) in manifest.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(golden / name, to / name)
        (to / name).chmod(mode)
        os.utime(to / name, (mtime, mtime))
    return to
