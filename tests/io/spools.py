"""A Postfix spool on disk for tests: messages come, move and go as Postfix does it, and stamps are chosen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from smtpq_exporter.io.files import FaultyFiles
from smtpq_exporter.mta.postfix.queue_id import hash_path, long_id
from smtpq_exporter.mta.postfix.write import Deferral, defer_log, queue_file

NOW = 1_795_500_000
"""The clock of the tests. Directories get older stamps from a counter, each of its own."""


class Files(FaultyFiles):
    """Files whose clock shows NOW, or what it is set to."""

    def __init__(self, faults: dict[bytes, OSError] | None = None) -> None:
        super().__init__(faults)
        self.time = float(NOW)
        self.clock = lambda: self.time


class Spool:
    """A queue directory under `root`; `depth` is hash_queue_depth."""

    def __init__(self, root: Path, depth: int = 1) -> None:
        self.root, self.depth = root, depth
        self._count = 0
        self._stamp = (NOW - 100_000) * 10**9
        for queue in ("maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer"):
            (root / queue).mkdir()
            self.settle(root / queue)

    def settle(self, directory: Path) -> None:
        """Give a directory a stamp that it never had, long ago."""
        self._stamp += 1_000_000
        os.utime(directory, ns=(self._stamp, self._stamp))

    def path(self, queue: str, name: bytes) -> Path:
        """Where the file of a message is in a queue."""
        hashed = hash_path(name, self.depth).decode() if queue in ("deferred", "defer") else ""
        return self.root / queue / hashed / name.decode()

    def new_id(self, at: float = NOW - 1000) -> bytes:
        """A long queue id that no other message has."""
        self._count += 1
        return long_id(int(at), self._count * 7919 % 1_000_000, 5000 + self._count)

    def add(
        self, queue: str = "deferred", name: bytes = b"", *,
        arrival: float = NOW - 1000, sender: bytes = b"s@sender.example", size: int = 700,
        recipients: Sequence[bytes] = (b"r@relay.example",), reason: bytes = b"greylisted today",
        retry: int = NOW + 500, mode: int = 0o700, done: Sequence[int] = (), behind: Sequence[int] = (),
    ) -> bytes:
        """Put a message into a queue and return its id; with a reason each waiting recipient has a block."""
        name = name or self.new_id(arrival)
        made = queue_file(arrival, sender, recipients, size, queue_id=name, done=done, behind=behind)
        self.put(queue, name, made.data, mode, retry)
        if reason and queue not in ("maildrop", "incoming"):
            log = [
                Deferral(recipients[i], made.offsets[i], b"4.2.0", reason)
                for i in range(len(recipients)) if i not in done
            ]
            self.put("defer", name, defer_log(log), 0o600, NOW)
        return name

    def put(self, queue: str, name: bytes, data: bytes, mode: int = 0o700, mtime: int = NOW) -> None:
        """Write a file of any content."""
        path = self.path(queue, name)
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            for parent in path.parents:
                self.settle(parent)
                if parent == self.root:
                    break
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        os.utime(path, (mtime, mtime))
        self.settle(path.parent)

    def move(self, name: bytes, source: str, target: str) -> None:
        """Rename a queue file from one queue to another."""
        self.path(target, name).parent.mkdir(parents=True, exist_ok=True)
        self.path(source, name).rename(self.path(target, name))
        self.settle(self.path(source, name).parent)
        self.settle(self.path(target, name).parent)

    def remove(self, name: bytes, queue: str = "deferred") -> None:
        """Delete a queue file and its defer log."""
        self.path(queue, name).unlink()
        self.path("defer", name).unlink(missing_ok=True)
        self.settle(self.path(queue, name).parent)

    def touch(self, name: bytes, retry: int, queue: str = "deferred") -> None:
        """Set the next retry, as a retry that defers again does; the directory changes too."""
        os.utime(self.path(queue, name), (retry, retry))
        self.settle(self.path(queue, name).parent)

    def reason(self, name: bytes, recipient: bytes, offset: int, text: bytes) -> None:
        """Write the defer log of a message with one recipient anew."""
        self.path("defer", name).write_bytes(defer_log([Deferral(recipient, offset, b"4.0.0", text)]))
