"""What happens in the demonstration, written to disk as Postfix does: queue files, defer logs, log lines.

Source of truth: mta/postfix/write.py for the files; the log lines are those of Postfix 3.7. A file is moved
between queues by rename, appears only when it is complete, and its mtime in `deferred` is its next retry.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from smtpq_exporter.demo.world import Happening, Letter
from smtpq_exporter.mta.postfix.queue_id import hash_path
from smtpq_exporter.mta.postfix.write import Deferral, defer_log, queue_file

#: Postfix' default hash_queue_depth, for deferred and defer.
_DEPTH = 1
#: The log is rotated at this size, and one old one is kept.
LARGEST_LOG = 2_000_000
_QUEUES = (
    "maildrop",
    "incoming",
    "active",
    "deferred",
    "hold",
    "corrupt",
    "defer",
    "bounce",
    "pid",
    "public",
)
_PIDS = {"smtpd": 311, "cleanup": 312, "qmgr": 120, "smtp": 330}


class Disk:
    """A queue directory and a log under `base`."""

    def __init__(self, base: Path) -> None:
        self.spool, self.log = base / "spool", base / "mail.log"
        for name in _QUEUES:
            (self.spool / name).mkdir(parents=True, mode=0o700)
        self._lock = self._hold_lock()
        self._file: TextIO = self.log.open("a", encoding="ascii")
        self._offsets: dict[bytes, int] = {}

    def show(self, happening: Happening) -> None:
        """Make one happening visible."""
        letter, at = happening.letter, happening.at
        if happening.what in ("backlog", "hold"):
            self._new_file(letter, letter.queue)
        elif happening.what == "arrived":
            self._arrived(letter, at)
        else:
            self._attempted(letter, at, happening.took)

    def flush(self) -> None:
        """Hand the log lines to the system, and rotate the log when it is large."""
        self._file.flush()
        if self._file.tell() > LARGEST_LOG:
            self._file.close()
            self.log.replace(self.log.with_suffix(".log.1"))
            self._file = self.log.open("a", encoding="ascii")

    def close(self) -> None:
        """Close what is open."""
        self._file.close()
        os.close(self._lock)

    def _arrived(self, letter: Letter, at: float) -> None:
        name = letter.queue_id.decode()
        self._new_file(letter, "active")
        self._say(at, "smtpd", "connect from client.demo.example[192.0.2.10]")
        self._say(at, "smtpd", f"{name}: client=client.demo.example[192.0.2.10]")
        self._say(at, "cleanup", f"{name}: message-id=<{name}@demo.example>")
        self._say(at, "qmgr", f"{name}: from=<{letter.sender}>, size={letter.size}, nrcpt=1 (queue active)")

    def _attempted(self, letter: Letter, at: float, took: float) -> None:
        outcome = letter.outcome
        if outcome is None:
            return
        name, delay = letter.queue_id.decode(), at - letter.arrival
        connect, transmit = (took, 0.0) if outcome.relay == "none" else (took * 0.6, took * 0.4)
        before = min(0.1, delay)
        waited = max(0.0, delay - before - connect - transmit)
        self._say(
            at,
            "smtp",
            f"{name}: to=<{letter.recipient}>, relay={outcome.relay}, delay={_number(delay)}, delays="
            f"{_number(before)}/{_number(waited)}/{_number(connect)}/{_number(transmit)},"
            f" dsn={outcome.dsn}, status={outcome.status} ({outcome.text})",
        )
        path = self._path(letter, "deferred")
        if not path.exists():
            path = self._path(letter, "active")
        if outcome.status == "deferred":
            self._defer(letter, path)
            return
        self._say(at, "qmgr", f"{name}: removed")
        for gone in (path, self._path(letter, "defer")):
            with suppress(FileNotFoundError):
                gone.unlink()
        self._offsets.pop(letter.queue_id, None)

    def _new_file(self, letter: Letter, queue: str) -> None:
        made = queue_file(
            letter.arrival,
            letter.sender.encode(),
            [letter.recipient.encode()],
            letter.size,
            queue_id=letter.queue_id,
            subject=b"invented mail of a demonstration",
        )
        self._offsets[letter.queue_id] = made.offsets[0]
        path = self.spool / "incoming" / letter.queue_id.decode()
        path.write_bytes(made.data)
        path.chmod(0o700)
        os.utime(path, (letter.arrival, letter.arrival))
        if queue == "deferred":
            self._defer(letter, path)
        else:
            path.rename(self._path(letter, queue))

    def _defer(self, letter: Letter, path: Path) -> None:
        outcome = letter.outcome
        if outcome is None:
            return
        log = self._path(letter, "defer")
        log.write_bytes(
            defer_log(
                [
                    Deferral(
                        letter.recipient.encode(),
                        self._offsets[letter.queue_id],
                        outcome.dsn.encode(),
                        outcome.text.encode(),
                        outcome.reply.encode(),
                        outcome.relay.split("[")[0].encode() if outcome.reply else b"",
                    )
                ]
            )
        )
        log.chmod(0o600)
        os.utime(path, (letter.due, letter.due))
        path.rename(self._path(letter, "deferred"))

    def _path(self, letter: Letter, queue: str) -> Path:
        hashed = hash_path(letter.queue_id, _DEPTH if queue in ("deferred", "defer") else 0).decode()
        directory = self.spool / queue / hashed
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory / letter.queue_id.decode()

    def _say(self, at: float, program: str, text: str) -> None:
        time = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
        self._file.write(f"{time} demo postfix/{program}[{_PIDS[program]}]: {text}\n")

    def _hold_lock(self) -> int:
        """Lock as Postfix' master does: so it is seen to be running."""
        descriptor = os.open(self.spool / "pid" / "master.pid", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, b"%10d\n" % os.getpid())
        return descriptor


def _number(seconds: float) -> str:
    """Seconds as Postfix writes them: two digits that mean something."""
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"
