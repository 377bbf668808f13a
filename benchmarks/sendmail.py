"""Sendmail: what reading its queue and its log costs, beside its own mailq, in one run.

python -m benchmarks.sendmail [--sizes 1000,10000,100000] [--lines N] [--runs N] [--write]

A private real Sendmail is filled with deferred mail of many kinds; long queues are copies of its qf and df
files under new ids. Everything is made in a temporary directory and removed.
"""

from __future__ import annotations

import os
import random
import re
import sys
from pathlib import Path

from benchmarks import servers
from benchmarks.servers import Bench, Found
from tests.servers.sendmail import SendmailServer

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: Letters of a file name of this release; those that arrive have more.
USUAL = 16
#: The process number at the end of an id.
_ROUND = re.compile(rb"(?<=: [0-9A-Za-z]{8})\d{6}(?=: )")


def renumber(text: bytes, number: int) -> bytes:
    """A log whose ids are other ones."""
    return _ROUND.sub(lambda found: b"%06d" % ((int(found[0]) + number * 997) % 1_000_000), text)


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


def change(path: Path, number: int) -> None:
    """One message is tried again, another one comes."""
    attempt(path)
    arrive(path, number)


def queue(server: SendmailServer, copies: Copies, size: int, runs: int) -> Found:
    """All contestants over a queue of this length."""
    copies.add(max(0, size - server.count()))
    files = sorted(server.spool.glob("qf*"))
    for surplus in files[size:]:
        surplus.unlink()
        surplus.with_name(f"df{surplus.name[2:]}").unlink()
    found = servers.tools(BENCH, server, runs)
    total = int(server.run("sendmail", "-bp").rsplit("Total requests: ", 1)[1])
    order = {"spool": str(server.spool), "program": str(server.bin / "sendmail")}
    found[BENCH.asking], asked = servers.asking(BENCH, order, "mailq")
    chosen = random.Random(3).sample(files[:size], max(runs, runs * (size // 1000)))
    rows, steady = servers.readings(BENCH, order, chosen, runs)
    for path in server.spool.glob("[qd]f*"):
        if len(path.name) > USUAL:  # what arrived while we measured
            path.unlink()
    if steady["seen"]["messages"] != total or steady["seen"] != asked["seen"]:
        raise RuntimeError(f"the readers do not agree: {steady}, {asked}, mailq {total}")
    if steady["later"]["messages"] != total + len(chosen) // runs * runs:
        raise RuntimeError(f"{len(chosen)} messages came to {total}, and {steady['later']} are seen")
    return found | rows | {"words": f"{total:,} messages"}


BENCH = Bench(
    mta="sendmail",
    title="Sendmail",
    server=SendmailServer,
    inject=servers.deferred_and_mixed(1500),
    copies=Copies,
    queue=queue,
    sizes=(1000, 10_000, 100_000),
    tools={"sendmail -bp": ("sendmail", "-bp"), "sendmail -bp -v": ("sendmail", "-bp", "-v")},
    changed="again, 1 in 1000 tried, 1 in 1000 new",
    asking="our mailq reader (asks three listings)",
    options=lambda order: (
        ("sendmail_path", order["program"]), ("client_queue_directory", order["spool"] + "/none"),
    ),
    change=change,
    renumber=renumber,
    note="Tools run in Sendmail's own world. The first reading knows nothing: it reads each qf, the size of every df, "
    "and classifies the reason of every recipient.",
)

if __name__ == "__main__":
    sys.exit(servers.main(BENCH, __doc__, sys.argv[1:]))
