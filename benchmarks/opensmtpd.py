"""OpenSMTPD: what reading its queue and its log costs, beside its own tool, in one run.

python -m benchmarks.opensmtpd [--sizes 9200] [--lines N] [--runs N] [--write]

A private real OpenSMTPD is filled with deferred mail of many kinds; a long queue (sizes are envelopes) is copies of
its messages under new ids, put in place while it is stopped.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from benchmarks import servers
from benchmarks.measure import cpu_of, progress
from benchmarks.servers import Bench, Found
from smtpq_exporter.mta.opensmtpd.stats import read_stats
from tests.mta.opensmtpd.server import LocalServer

SEED = 700
#: The first letters of a session, an envelope, a message.
_ROUND = re.compile(rb"\b[0-9a-f]{4}(?=[0-9a-f]{4}\b|[0-9a-f]{12}\b)")


def renumber(text: bytes, number: int) -> bytes:
    """A log whose ids are other ones."""
    return _ROUND.sub(lambda found: b"%04x" % (int(found[0], 16) ^ number), text)


class Copies:
    """Copies of whole messages of a queue under new ids."""

    def __init__(self, server: LocalServer) -> None:
        """Learn the real messages by heart."""
        self.queue, self.number = server.spool / "queue", 0
        folders = [sorted(path.iterdir()) for path in sorted(self.queue.glob("*/*"))]
        self.seeds = [[(path.name, path.read_bytes()) for path in folder] for folder in folders]
        self.have = sum(len(seed) - 1 for seed in self.seeds)
        self.owner = self.queue.stat()

    def add(self, envelopes: int) -> list[Path]:
        """More, until there are so many envelopes; all message directories."""
        while self.have < envelopes:
            seed = self.seeds[self.number % len(self.seeds)]
            self.number += 1
            name = f"{0x10000000 + self.number * 0x9E3779B1 % 0xE0000000:08x}"
            folder = self.queue / name[:2] / name
            folder.mkdir(parents=True, exist_ok=True)
            for old, content in seed:
                (folder / (old if old == "message" else name + old[8:])).write_bytes(content)
            for path in (folder.parent, folder, *folder.iterdir()):
                os.chown(path, self.owner.st_uid, self.owner.st_gid)
                path.chmod(0o700 if path.is_dir() else 0o600)
            self.have += len(seed) - 1
        return sorted(self.queue.glob("*/*"))


def touch(folder: Path) -> None:
    """Replace an envelope as smtpd does after a retry."""
    envelope = next(path for path in folder.iterdir() if path.name != "message")
    part = folder.parent / "part"
    part.write_bytes(envelope.read_bytes().replace(b"errorline: 4", b"errorline: 451 4.3.0 x 4", 1))
    part.rename(envelope)


def loading(server: LocalServer, envelopes: int) -> float:
    """Start smtpd; how many envelopes a second it reads from its queue."""
    server.start()
    start = time.monotonic()
    while (
        known := read_stats(server.run("smtpctl", "show", "stats").encode()).get("scheduler.envelope", 0)
    ) < envelopes:
        if time.monotonic() - start > 300:
            raise RuntimeError(f"smtpd knows {known} of {envelopes} envelopes after 300 s")
        time.sleep(0.05)
    return envelopes / (time.monotonic() - start)


def queue(server: LocalServer, copies: Copies, size: int, runs: int) -> Found:
    """All contestants over a queue of this length."""
    server.stop()
    folders = copies.add(size)
    count = len(list(server.spool.glob("queue/*/*/*"))) - len(folders)
    speed = loading(server, count)
    progress(f"smtpd loads {speed:,.0f} envelopes a second")
    found = servers.tools(BENCH, server, runs, lambda: cpu_of(server.processes()))
    order = {"spool": str(server.spool), "program": str(server.bin / "smtpctl")}
    share = max(1, len(folders) // 1000) * runs
    rows, steady = servers.readings(BENCH, order, folders[:: len(folders) // share][:share], runs)
    while BENCH.asking not in found:  # until smtpd is up for so long that its listing is believed
        before = cpu_of(server.processes())
        try:
            row, asked = servers.asking(BENCH, order, "smtpctl")
        except RuntimeError as failure:
            if "may still be reading" not in str(failure):
                raise
            time.sleep(2)
        else:
            served = max(0.0, cpu_of(server.processes()) - before)
            found[BENCH.asking] = row | {"cpu": row["own"] + served, "server": served}
    same = {"messages": len(folders), "recipients": count}
    if not same.items() <= steady["seen"].items() or not same.items() <= asked["seen"].items():
        raise RuntimeError(f"the readers do not agree: {steady}, {asked}, {count} envelopes")
    return found | rows | {"words": f"{len(folders):,} messages with {count:,} envelopes", "loading": speed}


BENCH = Bench(
    mta="opensmtpd",
    title="OpenSMTPD",
    server=LocalServer,
    inject=lambda server: server.inject(SEED, "stay"),
    copies=Copies,
    queue=queue,
    sizes=(9200,),
    tools={
        "smtpctl show queue": ("smtpctl", "show", "queue"),
        "smtpctl show stats (counts only)": ("smtpctl", "show", "stats"),
        "find queue -type f, wc": ("sh", "-c", "find /var/spool/smtpd/queue -type f | wc -l"),
    },
    changed="again, 1 in 1000 changed",
    asking="our smtpctl reader (asks show queue, show stats)",
    options=lambda order: (("smtpctl_path", order["program"]),),
    change=lambda path, _: touch(path),
    renumber=renumber,
    note="smtpctl runs in OpenSMTPD's own world; the CPU is smtpd's as well. After a start smtpd read {loading:,.0f} "
    "envelopes a second from its queue.",
)

if __name__ == "__main__":
    sys.exit(servers.main(BENCH, __doc__, sys.argv[1:]))
