"""OpenSMTPD: what reading its queue and its log costs, beside its own tool, in one run.

python -m benchmarks.opensmtpd [--envelopes N] [--lines N] [--runs N] [--write]

A private real OpenSMTPD is filled with deferred mail of many kinds; a long queue is copies of its messages
under new ids, put in place while it is stopped. Every contestant reads the same files from the page cache.
`--job` is what this program starts itself: one of our readers in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import CLEAN, Cost, command, cpu_of, progress
from benchmarks.table import (
    PAGE,
    RESULTS,
    ROOT,
    Goal,
    Table,
    conditions,
    goals,
    mebibytes,
    seconds,
    times,
    write_section,
)
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.opensmtpd.stats import read_stats
from smtpq_exporter.reasons import Classifier
from tests.mta.opensmtpd.server import LocalServer
from tests.servers import needs
from tests.servers.packages import Unavailable
from tests.servers.sink import Sink

ENVELOPES, SEED, LINES = 9200, 700, 400_000
#: Longer than the time for which a changed directory is not trusted.
REST = 2.5
LISTING = "smtpctl show queue"
TOOLS: dict[str, tuple[str, ...]] = {
    LISTING: ("smtpctl", "show", "queue"),
    "smtpctl show stats (counts only)": ("smtpctl", "show", "stats"),
    "find queue -type f, wc": ("sh", "-c", "find /var/spool/smtpd/queue -type f | wc -l"),
}
FIRST, AGAIN, CHANGED = "our spool reader, first", "again, nothing changed", "again, 1 in 1000 changed"
ASKING = "our smtpctl reader (asks show queue, show stats)"


def fill(server: LocalServer, envelopes: int) -> list[Path]:
    """Copy whole messages under new ids until the spool holds so many envelopes; all message directories."""
    seeds = [sorted(path.iterdir()) for path in sorted(server.spool.glob("queue/*/*"))]
    have, number, owner = sum(len(seed) - 1 for seed in seeds), 0, (server.spool / "queue").stat()
    while have < envelopes:
        seed = seeds[number % len(seeds)]
        number += 1
        name = f"{0x10000000 + number * 0x9E3779B1 % 0xE0000000:08x}"
        folder = server.spool / "queue" / name[:2] / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in seed:
            (folder / (old.name if old.name == "message" else name + old.name[8:])).write_bytes(
                old.read_bytes()
            )
        for path in (folder.parent, folder, *folder.iterdir()):
            os.chown(path, owner.st_uid, owner.st_gid)
            path.chmod(0o700 if path.is_dir() else 0o600)
        have += len(seed) - 1
    return sorted(server.spool.glob("queue/*/*"))


def touch(folder: Path) -> None:
    """Replace an envelope as smtpd does after a retry."""
    envelope = next(path for path in folder.iterdir() if path.name != "message")
    part = folder.parent / "part"
    part.write_bytes(envelope.read_bytes().replace(b"errorline: 4", b"errorline: 451 4.3.0 x 4", 1))
    part.rename(envelope)


def own() -> float:
    """CPU seconds of this process and of the commands that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def job(order: dict[str, Any]) -> dict[str, Any]:
    """One reader: costs of its readings, memory, what was read."""
    process = psutil.Process()
    options = (("smtpctl_path", order["program"]),)
    instance = Instance(
        "opensmtpd", "x", queue_directory=order["spool"], source=order["source"], options=options
    )
    reader = open_reader(instance, classifier=Classifier(), top=20)
    found: list[Any] = []

    def cost() -> dict[str, Any]:
        before, start = own(), time.perf_counter()
        found.append(reader.read(time.time(), time.monotonic() + 600))
        return Cost(time.perf_counter() - start, own() - before).plain()

    result: dict[str, Any] = {"first": cost()}
    if order["changes"]:
        time.sleep(REST)
        cost()
        quiet, changed = [cost() for _ in range(order["runs"])], []
        for folder in order["changes"]:
            touch(Path(folder))
        changed.append(cost())
        middle = ("wall", "own", "cpu")
        result["again"] = {key: statistics.median(one[key] for one in quiet) for key in middle}
        result["changed"] = changed[0]
    queues = found[0].queues.values()
    return result | {
        "rss": process.memory_info().rss,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "messages": sum(queue.messages for queue in queues),
        "recipients": sum(queue.recipients for queue in queues),
    }


def started(order: dict[str, Any]) -> dict[str, Any]:
    """The same in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.opensmtpd", "--job", json.dumps(order)]
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"reading by {order['source']} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


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


def queue(server: LocalServer, envelopes: int, runs: int) -> dict[str, Any]:
    """All contestants over a queue of this length."""
    progress("filling")
    server.stop()
    folders = fill(server, envelopes)
    count = len(list(server.spool.glob("queue/*/*/*"))) - len(folders)
    found: dict[str, Any] = {"messages": len(folders), "envelopes": count, "loading": loading(server, count)}
    progress(f"smtpd loads {found['loading']:,.0f} envelopes a second")
    for name, argv in TOOLS.items():
        progress(name)
        found[name] = command(server.argv(*argv), runs, server=lambda: cpu_of(server.processes())).plain()
    order = {"spool": str(server.spool), "program": str(server.bin / "smtpctl"), "runs": runs, "changes": []}
    progress("our readers")
    firsts = [started(order | {"source": "spool"}) for _ in range(2)]
    changes = [str(folder) for folder in folders[:: max(1, len(folders) // max(1, len(folders) // 1000))]]
    steady = started(order | {"source": "spool", "changes": changes})
    first = sorted([*firsts, steady], key=lambda one: float(one["first"]["cpu"]))[1]
    found[FIRST] = first["first"] | {"rss": first["peak_rss"]}
    found[AGAIN], found[CHANGED] = steady["again"] | {"rss": steady["rss"]}, steady["changed"]
    while "asked" not in found:  # until smtpd is up for so long that its listing is believed
        before = cpu_of(server.processes())
        try:
            found["asked"] = started(order | {"source": "smtpctl"})
        except RuntimeError as failure:
            if "may still be reading" not in str(failure):
                raise
            time.sleep(2)
    asked = found.pop("asked")
    served = max(0.0, cpu_of(server.processes()) - before)
    cost = asked["first"]
    found[ASKING] = cost | {"cpu": cost["own"] + served, "server": served, "rss": asked["peak_rss"]}
    if (
        not steady["messages"] == asked["messages"] == len(folders)
        or not steady["recipients"] == asked["recipients"] == count
    ):
        raise RuntimeError(f"the readers do not agree: {steady}, {asked}, {count} envelopes")
    return found


def logs(server: LocalServer, lines: int, runs: int) -> dict[str, Any]:
    """Our engine over the log of this run, repeated."""
    text = server.log.read_bytes()
    path, once = server.directory / "log" / "long", text.count(b"\n")
    with path.open("wb") as out:
        for _ in range(-(-lines // once)):
            out.write(text)
    progress("our log engine")
    cost = command([sys.executable, "-m", "benchmarks.engine", path, "opensmtpd"], runs).plain()
    path.unlink()
    return {"lines": once * -(-lines // once), "smtpq engine": cost}


def report(found: dict[str, Any]) -> str:
    """The section of the page."""
    row, log = found["queue"], found["log"]
    base = row[LISTING]["cpu"]
    table = Table(
        f"Reading the OpenSMTPD queue, {row['messages']:,} messages with {row['envelopes']:,} envelopes",
        ("contestant", "wall", "CPU, smtpd's included", "of show queue", "peak memory"),
        note=f"smtpctl runs in OpenSMTPD's own world. After a start smtpd read {row['loading']:,.0f} "
        "envelopes a second "
        "from its queue.",
    )
    for name in (*TOOLS, FIRST, AGAIN, CHANGED, ASKING):
        cost = row[name]
        table.add(
            name,
            seconds(cost["wall"]),
            seconds(cost["cpu"]),
            times(cost["cpu"], base),
            mebibytes(cost.get("rss")),
        )
    speed = log["lines"] / log["smtpq engine"]["cpu"]
    engine = Table("Reading the OpenSMTPD log", ("contestant", "CPU", "lines per CPU second", "peak memory"))
    cost = log["smtpq engine"]
    engine.add("smtpq engine", seconds(cost["cpu"]), f"{speed:,.0f}", mebibytes(cost["rss"]))
    reached = [
        Goal(
            f"{name}, {row['envelopes']:,} envelopes",
            f"<= {limit} of {LISTING}",
            f"{row[name]['cpu'] / base:.3f}",
            row[name]["cpu"] <= limit * base,
        )
        for name, limit in ((FIRST, 0.7), (AGAIN, 0.1), (CHANGED, 0.1))
    ]
    parts = [
        f"## OpenSMTPD\n\n{conditions()}\n",
        table.markdown(),
        engine.markdown(),
        goals(reached).markdown(),
    ]
    return "\n".join(parts)


def main(argv: Sequence[str]) -> int:
    """Measure; a whole run is written to the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opensmtpd", description=__doc__)
    parser.add_argument("--envelopes", type=int, default=ENVELOPES)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.job:
        print(json.dumps(job(json.loads(args.job))))
        return 0
    why = needs.missing("opensmtpd")
    if why:
        print(why, file=sys.stderr)
        return 1
    try:
        with Sink() as sink, LocalServer(sink) as server:
            server.inject(SEED, "stay")
            server.wait_idle()
            found = {
                "queue": queue(server, args.envelopes, args.runs),
                "log": logs(server, args.lines, args.runs),
            }
    except Unavailable as failure:
        print(failure, file=sys.stderr)
        return 1
    text = report(found)
    print(text)
    if args.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "opensmtpd.json").write_text(json.dumps(found, indent=1) + "\n")
        write_section(PAGE, "opensmtpd", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
