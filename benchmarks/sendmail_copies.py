"""Long Sendmail queues to measure on: copies of the files of real messages, and what happens to them.

They are for readers: a queue runner would send the copies.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from tests.servers.sendmail import SendmailServer

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Copies:
    """Copies of the real messages of a queue directory under ids of the same day."""

    def __init__(self, server: SendmailServer) -> None:
        """Learn the real messages by heart."""
        self.spool, self.random = server.spool, random.Random(5)
        self.seeds = [
            (path.name[2:], path.read_bytes(), path.with_name(f"df{path.name[2:]}").read_bytes())
            for path in sorted(self.spool.glob("qf*"))
        ]
        self.owner = self.spool.stat()
        self.count = len(self.seeds)

    def add(self, count: int) -> list[Path]:
        """That many more; their qf files."""
        added = []
        for _ in range(count):
            old, envelope, body = self.seeds[self.count % len(self.seeds)]
            self.count += 1
            number = (
                f"{DIGITS[self.count % 60]}{DIGITS[self.count // 60 % 60]}{DIGITS[self.count // 3600 % 60]}"
            )
            name = (
                f"{old[:3]}{self.random.choice(DIGITS[:24])}{number}{DIGITS[self.count // 216_000]}{old[8:]}"
            )
            for kind, content in (("df", body), ("qf", envelope)):
                path = self.spool / f"{kind}{name}"
                path.write_bytes(content)
                os.chown(path, self.owner.st_uid, self.owner.st_gid)
                path.chmod(0o640)
            added.append(path)
        return added


def attempt(path: Path) -> None:
    """Replace a qf as an attempt does: a new file that is renamed over the old one."""
    part = path.with_name(f"tf{path.name[2:]}")
    part.write_bytes(path.read_bytes().replace(b"\nN1\n", b"\nN2\n", 1))
    part.rename(path)


def arrive(path: Path, number: int) -> None:
    """A new message, as another one."""
    new = f"{path.name[2:]}{number % 10000:04d}"
    for kind in ("df", "qf"):
        path.with_name(f"{kind}{new}").write_bytes(path.with_name(f"{kind}{path.name[2:]}").read_bytes())
