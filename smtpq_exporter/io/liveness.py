"""Whether a mail system runs, and which version it is, without starting or changing anything.

The daemon's lock tells most surely (``postfix status`` looks at the same). Where the lock file cannot be
read, a socket that accepts a connection tells; a refused one tells too; or the file with the daemon's
process id, and whether such a process runs. Otherwise nobody knows: None, never "down".
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import output
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.mail_server import Discovery

#: The version is asked for once in this time, seconds: packages are upgraded under a running exporter.
_VERSION_AGE = 600.0
#: The PID namespace of a host (include/linux/proc_ns.h).
_HOST = "pid:[4026531836]"


class Liveness:
    """One instance's daemon, as far as it can be seen from outside."""

    def __init__(self, instance: Instance, discovery: Discovery) -> None:
        """Nothing is looked at yet."""
        self._instance, self._discovery = instance, discovery
        self._version: str | None = None
        self._asked: float | None = None

    def up(self) -> bool | None:
        """True or False where it can be seen, else None."""
        directory = Path(self._instance.queue_directory)
        answer = is_locked(directory / self._discovery.lock) if self._discovery.lock else None
        if answer is None and self._discovery.socket:
            answer = self._listens(directory)
        if answer is None and self._discovery.pid:
            path = dict(self._instance.options).get(self._discovery.pid)
            answer = runs(Path(path), self._discovery.processes) if path else None
        return answer

    def _listens(self, directory: Path) -> bool | None:
        """What the socket says; one that is not there says nothing where the mail server is not installed."""
        named = dict(self._instance.options).get("control_socket")
        path = directory / (named or self._discovery.socket)
        elsewhere = not named and Path(self._discovery.socket).is_absolute() and not path.exists()
        if elsewhere and not any(map(os.path.exists, self._discovery.binaries)):
            return None
        return accepts(path)

    def version(self) -> str | None:
        """Version of the installed mail server, None if it does not tell."""
        now = time.monotonic()
        if self._asked is None or now - self._asked > _VERSION_AGE:
            self._asked = now
            self._version = self._ask()
        return self._version

    def _ask(self) -> str | None:
        if not self._discovery.version or self._instance.simulated:
            return None
        try:
            text = output(fill(self._discovery.version, self._instance), seconds=5.0)
        except SourceError:
            return None
        match = re.search(self._discovery.version_pattern, text)
        return match.group(1).decode("ascii", "replace")[:64] if match else None


def fill(argv: tuple[str, ...], instance: Instance) -> list[str]:
    """Put the directories of an instance into a command's words."""
    return [
        word.replace("{config_directory}", instance.config_directory)
        .replace("{queue_directory}", instance.queue_directory)
        for word in argv
    ]


def is_locked(path: Path) -> bool | None:
    """Whether somebody holds flock() on this file; None if this process may not see it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(descriptor)


def runs(path: Path, names: Sequence[str], proc: Path = Path("/proc")) -> bool | None:
    """Whether the process of a pid file runs under one of these names; None if that cannot be seen.

    The number may be that of another PID namespace (a container's): the last one in NSpid. Within a
    namespace of our own we do not see all processes, and one that is not found may still run.
    """
    try:
        number = path.read_bytes().partition(b"\n")[0].strip()  # Sendmail writes its command line below
    except FileNotFoundError:
        return False if path.parent.is_dir() else None
    except OSError:
        return None
    for status in proc.glob("[0-9]*/status"):
        try:
            lines = status.read_bytes().splitlines()
        except OSError:
            continue  # gone
        if lines[0][5:].strip().decode("latin-1") in names and any(
            line.startswith(b"NSpid:") and number in (line.split()[1:2] + line.split()[-1:]) for line in lines
        ):
            return True
    try:
        return False if os.readlink(proc / "self/ns/pid") == _HOST else None
    except OSError:
        return None


def accepts(path: Path, seconds: float = 1.0) -> bool | None:
    """Whether a Unix socket accepts a connection; None if this process may not try."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(seconds)
        try:
            client.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return None
    return True
