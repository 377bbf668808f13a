"""Exim: what reading its queue and its log costs, beside its own tools, in one run.

python -m benchmarks.exim [--sizes 1000,10000,100000] [--lines N] [--runs N] [--write]

A private real Exim is filled with deferred mail of many kinds; long queues are copies of its -H and -D
files and message logs under new ids. Everything is made in a temporary directory and removed.
"""

from __future__ import annotations

import os
import random
import re
import sys
from itertools import islice
from pathlib import Path

from benchmarks import servers
from benchmarks.servers import Bench, Found
from smtpq_exporter.io.spool import EXACT
from smtpq_exporter.mta.exim.message_id import arrival
from tests.servers.exim import EximServer

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: The first two characters of an id behind its time.
_ROUND = re.compile(rb"(?<=[ =][0-9A-Za-z]{6}-)[0-9A-Za-z]{2}(?=[0-9A-Za-z]{4}-[0-9A-Za-z]{2}[ \n])")


def name_of(moment: int, number: int) -> str:
    """A message id of a moment."""
    head = ""
    for _ in range(6):
        head, moment = DIGITS[moment % 62] + head, moment // 62
    return f"{head}-9{number:05d}-00"


class Copies:
    """Copies of the real messages of a spool (input split) until it holds as many as wanted."""

    def __init__(self, server: EximServer) -> None:
        """Learn the real messages by heart."""
        self.spool, self.made = server.spool, 0
        self.seeds = []
        for path in sorted(self.spool.glob("input/*/*-H")):
            old = path.name[:-2]
            log = self.spool / "msglog" / old[5] / old
            data = path.with_name(f"{old}-D")
            self.seeds.append(
                (
                    old.encode(),
                    path.read_bytes(),
                    data.read_bytes(),
                    log.read_bytes() if log.exists() else b"",
                )
            )
        self.owner = self.spool.stat()

    def add(self, count: int) -> list[Path]:
        """That many more; their -H files."""
        added = []
        for _ in range(count):
            old, head, data, log = self.seeds[self.made % len(self.seeds)]
            new = name_of(arrival(old) - 60 - self.made % 86400, self.made % 100_000)
            self.made += 1
            place, logs = self.spool / "input" / new[5], self.spool / "msglog" / new[5]
            for folder in (place, logs):
                if not folder.exists():
                    folder.mkdir()
                    os.chown(folder, self.owner.st_uid, self.owner.st_gid)
            for path, content in (
                (logs / new, log),
                (place / f"{new}-D", data.replace(old, new.encode(), 1)),
                (place / f"{new}-H", head.replace(old, new.encode(), 1)),
            ):
                path.write_bytes(content)
                os.chown(path, self.owner.st_uid, self.owner.st_gid)
            added.append(path)
        return added


def freeze(path: Path) -> None:
    """Replace a -H as Exim does when it freezes a message."""
    part = path.with_name("hdr.0")
    part.write_bytes(path.read_bytes().replace(b"\nXX\n", b"\n-frozen 1700000000\nXX\n", 1))
    part.rename(path)


def thawed(server: EximServer, count: int) -> list[Path]:
    """Messages that `freeze` changes, from all over the queue."""
    heads = sorted(server.spool.glob("input/*/*-H"))
    random.Random(3).shuffle(heads)
    fit = (path for path in heads if b"\nXX\n" in (text := path.read_bytes()) and b"\n-frozen" not in text)
    return list(islice(fit, count))


def renumber(text: bytes, number: int) -> bytes:
    """A log whose ids are other ones."""
    return _ROUND.sub(f"{DIGITS[number // 62 % 62]}{DIGITS[number % 62]}".encode(), text)


def queue(server: EximServer, copies: Copies, size: int, runs: int) -> Found:
    """All contestants over a queue of this length."""
    copies.add(max(0, size - server.count()))
    changing = thawed(server, max(runs, runs * (size // 1000)))
    found = servers.tools(BENCH, server, runs)
    order = {"spool": str(server.spool), "program": str(server.bin / "exim")}
    rows, steady = servers.readings(BENCH, order, changing, runs)
    found[BENCH.asking], asked = servers.asking(BENCH, order, "exim")
    count = int(server.run("exim4", "-bpc"))
    seen, later, frozen = steady["seen"], steady["later"], len(changing) // runs * runs
    if (
        not seen["messages"] == asked["seen"]["messages"] == count
        or seen["recipients"] != asked["seen"]["recipients"]
        or not seen["held"] < later["held"] <= seen["held"] + frozen  # of a long queue a sample is compared
        or (count <= EXACT and later["held"] != seen["held"] + frozen)
    ):
        raise RuntimeError(f"the readers do not agree: {steady}, {asked}, exim -bpc {count}, {frozen} were frozen")
    return found | rows | {"words": f"{count:,} messages"}


BENCH = Bench(
    mta="exim",
    title="Exim",
    server=EximServer,
    inject=servers.deferred_and_mixed(1000),
    copies=Copies,
    queue=queue,
    sizes=(1000, 10_000, 100_000),
    tools={
        "exim -bp": ("exim4", "-bp"),
        "exim -bpr": ("exim4", "-bpr"),
        "exim -bpc (count only)": ("exim4", "-bpc"),
        "exim -bp, exiqsumm": ("sh", "-c", "exim4 -bp | exiqsumm"),
        "exiqgrep -c": ("exiqgrep", "-c"),
    },
    changed="again, 1 in 1000 changed",
    asking="our exim reader (asks exim -bpr)",
    options=lambda order: (("exim_path", order["program"]),),
    change=lambda path, _: freeze(path),
    renumber=renumber,
    note="Tools run in Exim's own world. The first reading knows nothing; it reads every -H, the size of every -D, and "
    "the message logs of 300 messages, and each reading after it those of 1,000; the listing tools read -H and -D and "
    "give no reasons.",
    log_note=", with queue_time, deliver_time, smtp_confirmation",
    peers={
        "eximstats": ("eximstats",),
        "eximstats -nr -ne -h0 -q0 -t0": ("eximstats", "-nr", "-ne", "-h0", "-q0", "-t0"),
    },
)

if __name__ == "__main__":
    sys.exit(servers.main(BENCH, __doc__, sys.argv[1:]))
