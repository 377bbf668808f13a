"""Running a program of the mail server: a fixed PATH, its own process group, a deadline, a cap on its output.

Law: the program never outlives the reading, nor this process. PR_SET_PDEATHSIG would not do: the kernel
forgets it when a set-group-id program such as postqueue starts. So a small shell stands between: it holds
the reading end of a pipe whose other end is ours, and when that closes, for whatever reason, it kills the
whole group.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import IO

from smtpq_exporter.errors import SourceError

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
#: Output beyond this is not read: a listing of ten million messages has about 5 GB.
MOST = 8 * 1024**3
#: Of what a program says on standard error, this much is kept for people.
_COMPLAINT = 2000
_CHUNK = 1 << 18
#: fd 0 is our pipe. The program runs beside a watcher; the shell gives its exit code on.
_SUPERVISOR = """
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
{ read -r nothing <&3; kill -s KILL 0; } >/dev/null 2>&1 &
watcher=$!
wait "$program"; code=$?
kill -s KILL "$watcher" 2>/dev/null
exit "$code"
"""


class Command:
    """One run of a program. Iterating gives its output in pieces; afterwards `code` is its exit code.

    Raises SourceError: "timeout" at the deadline, "truncated" at the cap, "unavailable" if it is not
    installed.
    """

    def __init__(self, argv: Sequence[str], deadline: float, *, most: int = MOST) -> None:
        """`argv` without a shell; `deadline` on time.monotonic()."""
        self.argv = tuple(argv)
        self.code: int | None = None
        self.complaint = b""
        self._deadline, self._most = deadline, most
        self._process: subprocess.Popen[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        if not _which(self.argv[0]):
            raise SourceError("unavailable", f"{self.argv[0]}: not installed", f"looked in {PATH}")
        process = self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISOR, "sh", *self.argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": PATH, "LC_ALL": "C", "LANG": "C"} | _kept(), cwd="/", start_new_session=True,
        )
        try:
            yield from self._pieces(process)
            self.code = process.wait(max(0.05, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise self._late() from None
        finally:
            self.kill()

    def kill(self) -> None:
        """End the program and all its children; nothing happens if it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def _pieces(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        read = 0
        with selectors.DefaultSelector() as selector:
            for stream in (process.stdout, process.stderr):
                selector.register(_present(stream), selectors.EVENT_READ)
            while selector.get_map():
                left = self._deadline - time.monotonic()
                ready = selector.select(max(0.0, left)) if left > 0 else []
                if not ready:
                    raise self._late()
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stderr:
                        self.complaint = (self.complaint + data)[:_COMPLAINT]
                    else:
                        read += len(data)
                        if read > self._most:
                            raise SourceError(
                                "truncated", f"{self.argv[0]} wrote more than {self._most} bytes",
                            )
                        yield data

    def _late(self) -> SourceError:
        return SourceError(
            "timeout", f"{self.argv[0]} did not end in time and was killed",
            "a longer timeout, or another source, helps",
        )


def output(argv: Sequence[str], *, seconds: float, most: int = 1 << 20) -> bytes:
    """The whole output of a small program; SourceError if it fails."""
    command = Command(argv, time.monotonic() + seconds, most=most)
    text = b"".join(command)
    if command.code:
        raise SourceError("unavailable", f"{argv[0]}: exit code {command.code}: {said(command.complaint)}")
    return text


def said(complaint: bytes) -> str:
    """What a program wrote on standard error, in one printable line."""
    line = " ".join(complaint.decode("utf-8", "replace").split())[:300]
    return "".join(c if c.isprintable() else "?" for c in line)


def _which(program: str) -> bool:
    if "/" in program:
        return os.access(program, os.X_OK)
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in PATH.split(":"))


def _kept() -> dict[str, str]:
    """TZ decides the local times that some listings print."""
    return {"TZ": os.environ["TZ"]} if "TZ" in os.environ else {}


def _present(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("a pipe was asked for and not made")
    return stream
