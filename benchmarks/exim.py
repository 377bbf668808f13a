"""Exim: what reading its queue and its log costs, beside its own tools, in one run.

python -m benchmarks.exim [--sizes 1000,10000,100000] [--lines N] [--runs N] [--write]

A private real Exim is filled with deferred mail of many kinds; long queues are copies of its -H and -D
files and message logs under new ids. Every contestant reads the same files from the page cache. Everything
is made in a temporary directory and removed. `--job` is what this program starts itself: one of our readers
in a process of its own.
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

from benchmarks.measure import CLEAN, Cost, command, progress
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
from smtpq_exporter.mta.exim.message_id import arrival
from smtpq_exporter.reasons import Classifier
from tests.servers import needs
from tests.servers.exim import EximServer
from tests.servers.packages import Unavailable
from tests.servers.sink import Sink

SIZES = (1000, 10_000, 100_000)
SEED, LINES = 1000, 400_000
#: Longer than the time for which a changed directory is not trusted.
REST = 2.5
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOOLS: dict[str, tuple[str, ...]] = {
    "exim -bp": ("exim4", "-bp"),
    "exim -bpr": ("exim4", "-bpr"),
    "exim -bpc (count only)": ("exim4", "-bpc"),
    "exim -bp, exiqsumm": ("sh", "-c", "exim4 -bp | exiqsumm"),
    "exiqgrep -c": ("exiqgrep", "-c"),
}
FIRST, AGAIN, CHANGED = "our spool reader, first", "again, nothing changed", "again, 1 in 1000 changed"
ASKING = "our exim reader (asks exim -bpr)"


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


def own() -> float:
    """CPU seconds of this process and of the commands that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def job(order: dict[str, Any]) -> dict[str, Any]:
    """One reader: costs of its readings, memory, what was read."""
    process = psutil.Process()
    idle = process.memory_info().rss
    instance = Instance(
        "exim",
        "exim",
        queue_directory=order["spool"],
        source=order["source"],
        options=(("exim_path", order["program"]),),
    )
    reader = open_reader(instance, classifier=Classifier(), top=20)

    def cost() -> dict[str, Any]:
        before, start = own(), time.perf_counter()
        found.append(reader.read(time.time(), time.monotonic() + 600))
        return Cost(time.perf_counter() - start, own() - before).plain()

    found: list[Any] = []
    result: dict[str, Any] = {"first": cost()}
    if order["again"]:
        time.sleep(REST)
        cost()  # lists once more what was young, and trusts it from here on
        quiet = [cost() for _ in range(order["runs"])]
        result["again"] = {
            key: statistics.median(one[key] for one in quiet) for key in ("wall", "own", "cpu")
        }
        heads = [Path(line) for line in order["changes"]]
        changed = []
        share = max(1, len(heads) // order["runs"])
        for run in range(order["runs"]):
            for path in heads[run * share : (run + 1) * share]:
                freeze(path)
            changed.append(cost())
        result["changed"] = {
            key: statistics.median(one[key] for one in changed) for key in ("wall", "own", "cpu")
        }
    stats = found[0].queues["default"]
    return result | {
        "rss": process.memory_info().rss,
        "idle_rss": idle,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "messages": stats.messages,
        "recipients": stats.recipients,
        "held": [one.queues["default"].held for one in found[:: len(found) - 1 or 1]],
    }


def started(order: dict[str, Any]) -> dict[str, Any]:
    """The same in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.exim", "--job", json.dumps(order)]
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


def queue(server: EximServer, copies: Copies, size: int, runs: int) -> dict[str, Any]:
    """All contestants over a queue of this length."""
    progress(f"{size:,}: filling")
    changing = copies.add(max(0, size - server.count()))[: max(runs, runs * (size // 1000))]
    found: dict[str, Any] = {}
    for name, argv in TOOLS.items():
        progress(f"{size:,}: {name}")
        try:
            found[name] = command(server.argv(*argv), runs).plain()
        except RuntimeError as failure:  # exiqgrep needs the whole of perl
            progress(str(failure)[-120:])
            found[name] = None
    order = {
        "spool": str(server.spool),
        "program": str(server.bin / "exim"),
        "runs": runs,
        "again": False,
        "changes": [],
    }
    progress(f"{size:,}: our readers")
    firsts = [started(order | {"source": "spool"}) for _ in range(2)]
    steady = started(order | {"source": "spool", "again": True, "changes": list(map(str, changing))})
    first = sorted([*firsts, steady], key=lambda one: float(one["first"]["cpu"]))[1]
    found[FIRST] = first["first"] | {"rss": first["peak_rss"]}
    found[AGAIN], found[CHANGED] = steady["again"] | {"rss": steady["rss"]}, steady["changed"]
    asked = started(order | {"source": "exim"})
    found[ASKING] = asked["first"] | {"rss": asked["peak_rss"]}
    count = int(server.run("exim4", "-bpc"))
    if not steady["messages"] == asked["messages"] == count or steady["recipients"] != asked["recipients"]:
        raise RuntimeError(f"the readers do not agree: {steady}, {asked}, exim -bpc {count}")
    found["messages"], found["memory"] = count, steady["rss"] - steady["idle_rss"]
    return found


def logs(server: EximServer, lines: int, runs: int) -> dict[str, Any]:
    """Our engine and eximstats over the log of this run, repeated."""
    text = server.log.read_bytes()
    path = server.directory / "log" / "long"
    once = text.count(b"\n")
    with path.open("wb") as out:
        for _ in range(-(-lines // once)):
            out.write(text)
    total = once * -(-lines // once)
    progress(f"{total:,} lines: our engine")
    found: dict[str, Any] = {
        "lines": total,
        "smtpq engine": command([sys.executable, "-m", "benchmarks.engine", path, "exim"], runs).plain(),
    }
    for name, argv in {
        "eximstats": ("eximstats",),
        "eximstats -nr -ne -h0 -q0 -t0": ("eximstats", "-nr", "-ne", "-h0", "-q0", "-t0"),
    }.items():
        progress(f"{total:,} lines: {name}")
        try:
            found[name] = command(server.argv(*argv, "/var/log/mta/long"), 1).plain()
        except RuntimeError as failure:
            progress(str(failure)[-200:])
            found[name] = None
    path.unlink()
    return found


def report(found: dict[str, Any]) -> str:
    """The section of the page."""
    parts = [f"## Exim\n\n{conditions()}\n"]
    last = max((int(size) for size in found["queue"]), default=0)
    reached: list[Goal] = []
    for size, row in found["queue"].items():
        table = Table(
            f"Reading the Exim queue, {int(size):,} messages",
            ("contestant", "wall", "CPU", "CPU of exim -bp", "peak memory"),
        )
        base = row["exim -bp"]["cpu"]
        for name in (*TOOLS, FIRST, AGAIN, CHANGED, ASKING):
            cost = row[name]
            if cost is None:
                table.add(name, None, None, None, None)
                continue
            table.add(
                name,
                seconds(cost["wall"]),
                seconds(cost["cpu"]),
                times(cost["cpu"], base),
                mebibytes(cost.get("rss")),
            )
        if int(size) == last:
            table.note = (
                "Tools run in Exim's own world. The first reading knows nothing; it reads every -H, "
                "the size of every -D, and the message logs of the first 10,000 messages; the listing tools "
                "read -H and -D and give no reasons."
            )
            for name, limit in ((FIRST, 0.7), (AGAIN, 0.1), (CHANGED, 0.1)):
                share = row[name]["cpu"] / base
                reached.append(
                    Goal(
                        f"{name}, {last:,} messages",
                        f"<= {limit} of exim -bp",
                        f"{share:.3f}",
                        share <= limit,
                    )
                )
        parts.append(table.markdown())
    log = found["log"]
    table = Table("Reading the main log", ("contestant", "CPU", "lines per CPU second", "peak memory"))
    for name, cost in log.items():
        if name != "lines":
            speed = log["lines"] / cost["cpu"] if cost else None
            table.add(
                name,
                seconds(cost["cpu"]) if cost else None,
                f"{speed:,.0f}" if speed else None,
                mebibytes(cost["rss"]) if cost else None,
            )
    table.note = f"{log['lines']:,} lines, with queue_time, deliver_time, smtp_confirmation."
    parts.append(table.markdown())
    engine = log["lines"] / log["smtpq engine"]["cpu"]
    reached.append(Goal("log engine", ">= 400,000 lines per CPU second", f"{engine:,.0f}", engine >= 400_000))
    peers = [cost["cpu"] for name, cost in log.items() if name.startswith("eximstats") and cost]
    if peers:
        ratio = min(peers) / log["smtpq engine"]["cpu"]
        reached.append(Goal("log engine against eximstats", ">= 3 times", f"{ratio:.1f} times", ratio >= 3))
    parts.append(goals(reached).markdown())
    return "\n".join(parts)


def main(argv: Sequence[str]) -> int:
    """Measure; a whole run is written to the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exim", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.job:
        json.dump(job(json.loads(args.job)), sys.stdout)
        return 0
    if why := needs.missing("exim"):
        print(why, file=sys.stderr)
        return 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    found: dict[str, Any] = {"queue": {}}
    try:
        with Sink() as sink, EximServer(sink) as server:
            server.inject(SEED, "defer")
            server.inject(SEED, "mixed", seed=2)
            server.wait_idle(120)
            found["log"] = logs(server, args.lines, args.runs)
            server.stop()
            copies = Copies(server)
            for size in sorted(int(word) for word in args.sizes.split(",") if word):
                found["queue"][str(size)] = queue(server, copies, size, args.runs)
    except Unavailable as why_not:
        print(why_not, file=sys.stderr)
        return 1
    text = report(found)
    print(text)
    if args.write:
        write_section(PAGE, "exim", text)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "exim.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        progress(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
