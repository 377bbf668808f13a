"""Counters and read positions on disk, saved together: after any crash they tell of the same lines.

One file for each mail server instance. It is replaced as a whole (temporary file, fsync, rename, fsync of the
directory), carries a checksum, and is locked while a process uses it. A file that is damaged or not ours is
never fatal: it is set aside as NAME.corrupt-N for people to look at, and reported.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from typing import Any
from urllib.parse import quote

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.permission import denied

FORMAT = "smtpq-exporter log state"
VERSION = 1
#: So many damaged files are kept; then the oldest one is replaced.
MAX_CORRUPT = 5
#: A state file is some ten KiB; what is larger than this is not read.
MAX_BYTES = 64 * 1024 * 1024


class CorruptError(Exception):
    """The state file cannot be used; the text says why."""


class Checkpoint:
    """The state file of one instance in `directory`, which is made if it can be. Use `lock` first."""

    def __init__(self, directory: str, mta: str, instance: str) -> None:
        self._identity = {"format": FORMAT, "version": VERSION, "mta": mta, "instance": instance}
        self.directory = directory
        self.path = os.path.join(directory, f"log-{quote(mta, safe='')}-{quote(instance, safe='')}.json")
        self._lock: int | None = None

    def lock(self) -> bool:
        """Take the file for this process; False while another one has it. Raises SourceError."""
        if self._lock is not None:
            return True
        try:
            os.makedirs(self.directory, mode=0o750, exist_ok=True)
            fd = os.open(self.path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except PermissionError:
            raise denied(self.directory, "may not keep state in") from None
        except OSError as reason:
            raise self._unusable(reason) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._lock = fd
        return True

    def load(self) -> dict[str, Any] | None:
        """What save wrote last, None if there is nothing. Raises CorruptError; SourceError if unreadable."""
        try:
            with open(self.path, "rb") as file:
                text = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise denied(self.path) from None
        except OSError as reason:
            raise self._unusable(reason) from None
        if len(text) > MAX_BYTES:
            raise CorruptError("it is too large")
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError):
            raise CorruptError("it is not JSON") from None
        if not isinstance(whole, dict) or not isinstance(whole.get("state"), dict):
            raise CorruptError("it is not of this program")
        for key, expected in self._identity.items():
            if whole.get(key) != expected:
                raise CorruptError(f"its {key} is {str(whole.get(key))[:60]!r}, not {expected!r}")
        state: dict[str, Any] = whole["state"]
        if whole.get("checksum") != hashlib.sha256(_text(state)).hexdigest():
            raise CorruptError("its checksum does not fit")
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file; the old one stays whole if anything fails. Raises SourceError."""
        body = _text(state)
        head = _text(self._identity | {"checksum": hashlib.sha256(body).hexdigest()})
        temporary = self.path + ".new"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
            with open(fd, "wb") as file:
                file.write(head[:-1] + b',"state":' + body + b"}\n")
                file.flush()
                os.fsync(fd)
            os.replace(temporary, self.path)
            self._sync_directory()
        except PermissionError:
            raise denied(self.directory, "may not keep state in") from None
        except OSError as reason:
            raise self._unusable(reason) from None

    def set_aside(self) -> str:
        """Rename the file out of the way, and return its new name. Raises SourceError."""
        names = [f"{self.path}.corrupt-{number}" for number in range(1, MAX_CORRUPT + 1)]
        try:
            free = [name for name in names if not os.path.exists(name)]
            name = free[0] if free else min(names, key=os.path.getmtime)
            os.replace(self.path, name)
        except OSError as reason:
            raise self._unusable(reason) from None
        return name

    def close(self) -> None:
        """Give the file free for other processes."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _sync_directory(self) -> None:
        fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # some file systems cannot
                os.fsync(fd)
        finally:
            os.close(fd)

    def _unusable(self, reason: OSError) -> SourceError:
        what = f"cannot keep state in {self.directory}: {reason.strerror}"
        hint = "is the disk full or read-only? Set logs.state_directory to another place"
        return SourceError("unavailable", what, hint)


def _text(value: dict[str, Any]) -> bytes:
    """The same for a value and for what is read of it again; so the checksum is one of the value."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")
