"""A program that is read while it runs, for as long as this process lives.

The child cannot outlive us: a shell stands beside it, and ends its group when the pipe from us closes, for
whatever reason. Reading never blocks.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence

from smtpq_exporter.errors import SourceError

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
#: So much of what the program said last on standard error is kept for people.
_COMPLAINT = 2000
_SUPERVISOR = '"$@" </dev/null & exec >/dev/null 2>&1; read -r nothing; kill -s KILL 0'


class Child:
    """Starts `argv` (no shell, fixed PATH). SourceError "unavailable" if it is not installed."""

    def __init__(self, argv: Sequence[str]) -> None:
        if shutil.which(argv[0], path=PATH) is None:
            raise SourceError("unavailable", f"{argv[0]} is not installed", f"looked in {PATH}")
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISOR, "sh", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": PATH, "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
        )
        if self._process.stdout is None or self._process.stderr is None:
            raise RuntimeError("pipes were asked for and not made")
        self._out, self._err = self._process.stdout.fileno(), self._process.stderr.fileno()
        for fd in (self._out, self._err):
            os.set_blocking(fd, False)
        self._complaint = b""

    @property
    def complaint(self) -> str:
        """What the program said last on standard error, in one printable line."""
        self._complaint = (self._complaint + (_read(self._err, _COMPLAINT) or b""))[-_COMPLAINT:]
        text = " ".join(self._complaint.decode("utf-8", "replace").split())
        return "".join(c if c.isprintable() else "?" for c in text)

    def read(self, max_bytes: int) -> bytes | None:
        """Return what it wrote since the last call, at most `max_bytes`; None once it has ended."""
        data = _read(self._out, max_bytes)
        return None if data == b"" else data or b""

    def fileno(self) -> int:
        """Becomes readable when there is something to read."""
        return self._out

    def close(self) -> None:
        """End it, and everything that it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _read(fd: int, max_bytes: int) -> bytes | None:
    """None if there is nothing now, empty at the end."""
    try:
        return os.read(fd, max_bytes)
    except BlockingIOError:
        return None
