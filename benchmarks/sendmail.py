"""Sendmail: what reading its queue and its log costs, beside its own mailq, in one run.

python -m benchmarks.sendmail [--sizes 1000,10000,100000] [--lines N] [--runs N] [--write]

A private real Sendmail is filled with deferred mail of many kinds; long queues are copies of its qf and df
files under new ids. Every contestant reads the same files from the page cache. Everything is made in a
temporary directory and removed. `--job` is what this program starts itself: one of our readers in a process
of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
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
from benchmarks.sendmail_copies import Copies, arrive, attempt
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
from smtpq_exporter.reasons import Classifier
from tests.servers import needs
from tests.servers.packages import Unavailable
from tests.servers.sendmail import SendmailServer
from tests.servers.sink import Sink

SIZES = (1000, 10_000, 100_000)
SEED, LINES = 1500, 400_000
#: Letters of a file name of this release; those that arrive have more.
USUAL = 16
#: Longer than the time for which a changed directory is not trusted.
REST = 2.5
BASE = "sendmail -bp"
TOOLS: dict[str, tuple[str, ...]] = {BASE: ("sendmail", "-bp"), "sendmail -bp -v": ("sendmail", "-bp", "-v")}
FIRST, AGAIN, CHANGED = (
    "our spool reader, first",
    "again, nothing changed",
    "again, 1 in 1000 tried, 1 in 1000 new",
)
ASKING = "our mailq reader (asks three listings)"


def own() -> float:
    """CPU seconds of this process and of the commands that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def median(costs: list[dict[str, Any]]) -> dict[str, float]:
    """The middle of each part."""
    return {key: statistics.median(float(one[key]) for one in costs) for key in ("wall", "own", "cpu")}


def job(order: dict[str, Any]) -> dict[str, Any]:
    """One reader: costs of its readings, memory, what was read."""
    process = psutil.Process()
    instance = Instance(
        "sendmail",
        "sendmail",
        queue_directory=order["spool"],
        source=order["source"],
        options=(("sendmail_path", order["program"]), ("client_queue_directory", order["spool"] + "/none")),
    )
    reader = open_reader(instance, classifier=Classifier(), top=20)
    last: Any = None

    def cost() -> dict[str, Any]:
        nonlocal last
        before, start = own(), time.perf_counter()
        last = reader.read(time.time(), time.monotonic() + 600)
        return Cost(time.perf_counter() - start, own() - before).plain()

    result: dict[str, Any] = {"first": cost()}
    stats = last.queues["mqueue"]
    result |= {"messages": stats.messages, "recipients": stats.recipients, "bytes": stats.bytes}
    if order["changes"]:
        time.sleep(REST)
        cost()  # lists once more what was young, and trusts it from here on
        result["again"] = median([cost() for _ in range(order["runs"])])
        paths = [Path(line) for line in order["changes"]]
        share = max(1, len(paths) // order["runs"])
        changed = []
        for run in range(order["runs"]):
            for number, path in enumerate(paths[run * share : (run + 1) * share]):
                attempt(path)
                arrive(path, run * 10_000 + number)
            changed.append(cost())
        result["changed"] = median(changed)
        result["later"] = last.queues["mqueue"].messages
    return result | {
        "rss": process.memory_info().rss,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def started(order: dict[str, Any]) -> dict[str, Any]:
    """The same in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.sendmail", "--job", json.dumps(order)]
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


def queue(server: SendmailServer, copies: Copies, size: int, runs: int) -> dict[str, Any]:
    """All contestants over a queue of this length."""
    progress(f"{size:,}: filling")
    have = server.count()
    copies.add(max(0, size - have))
    files = sorted(server.spool.glob("qf*"))
    for surplus in files[size:]:
        surplus.unlink()
        surplus.with_name(f"df{surplus.name[2:]}").unlink()
    found: dict[str, Any] = {}
    for name, argv in TOOLS.items():
        progress(f"{size:,}: {name}")
        found[name] = command(server.argv(*argv), runs).plain()
    total = int(server.run("sendmail", "-bp").rsplit("Total requests: ", 1)[1])
    order = {"spool": str(server.spool), "program": str(server.bin / "sendmail"), "runs": runs, "changes": []}
    progress(f"{size:,}: our readers")
    asked = started(order | {"source": "mailq"})
    firsts = [started(order | {"source": "spool"}) for _ in range(2)]
    chosen = random.Random(3).sample(files[:size], max(runs, runs * (size // 1000)))
    steady = started(order | {"source": "spool", "changes": list(map(str, chosen))})
    first = sorted([*firsts, steady], key=lambda one: float(one["first"]["cpu"]))[1]
    found[FIRST] = first["first"] | {"rss": first["peak_rss"]}
    found[AGAIN], found[CHANGED] = steady["again"] | {"rss": steady["rss"]}, steady["changed"]
    found[ASKING] = asked["first"] | {"rss": asked["peak_rss"]}
    for path in server.spool.glob("[qd]f*"):
        if len(path.name) > USUAL:  # what arrived while we measured
            path.unlink()
    same = ("messages", "recipients", "bytes")
    if steady["messages"] != total or [steady[key] for key in same] != [asked[key] for key in same]:
        raise RuntimeError(f"the readers do not agree: {steady}, {asked}, mailq {total}")
    if steady["later"] != total + len(chosen) // runs * runs:
        raise RuntimeError(f"{len(chosen)} messages came to {total}, and {steady['later']} are seen")
    return found


def logs(server: SendmailServer, lines: int, runs: int) -> dict[str, Any]:
    """Our engine over the log of this run, repeated."""
    text = server.log.read_bytes()
    path = server.directory / "log" / "long"
    once = text.count(b"\n")
    with path.open("wb") as out:
        for _ in range(-(-lines // once)):
            out.write(text)
    total = once * -(-lines // once)
    progress(f"{total:,} lines: our engine")
    engine = command([sys.executable, "-m", "benchmarks.engine", path, "sendmail"], runs).plain()
    path.unlink()
    return {"lines": total, "smtpq engine": engine}


def report(found: dict[str, Any]) -> str:
    """The section of the page."""
    parts, reached = [f"## Sendmail\n\n{conditions()}\n"], []
    last = max((int(size) for size in found["queue"]), default=0)
    for size, row in found["queue"].items():
        table = Table(
            f"Reading the Sendmail queue, {int(size):,} messages",
            ("contestant", "wall", "CPU", f"CPU of {BASE}", "peak memory"),
        )
        base = row[BASE]["cpu"]
        for name in (*TOOLS, FIRST, AGAIN, CHANGED, ASKING):
            cost = row[name]
            table.add(
                name,
                seconds(cost["wall"]),
                seconds(cost["cpu"]),
                times(cost["cpu"], base),
                mebibytes(cost.get("rss")),
            )
        if int(size) == last:
            table.note = (
                "Tools run in Sendmail's own world. The first reading knows nothing: it reads each qf, the "
                "size of every df, and classifies the reason of every recipient."
            )
            for name, limit in ((FIRST, 0.7), (AGAIN, 0.1), (CHANGED, 0.1)):
                share = row[name]["cpu"] / base
                reached.append(
                    Goal(
                        f"{name}, {last:,} messages", f"<= {limit} of {BASE}", f"{share:.3f}", share <= limit
                    )
                )
        parts.append(table.markdown())
    log = found["log"]
    engine = log["lines"] / log["smtpq engine"]["cpu"]
    table = Table("Reading the mail log", ("contestant", "CPU", "lines per CPU second", "peak memory"))
    table.add(
        "smtpq engine",
        seconds(log["smtpq engine"]["cpu"]),
        f"{engine:,.0f}",
        mebibytes(log["smtpq engine"]["rss"]),
    )
    table.note = f"{log['lines']:,} lines: the log of this run, repeated."
    parts.append(table.markdown())
    reached.append(Goal("log engine", ">= 400,000 lines per CPU second", f"{engine:,.0f}", engine >= 400_000))
    return "\n".join([*parts, goals(reached).markdown()])


def main(argv: Sequence[str]) -> int:
    """Measure; a whole run is written to the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sendmail", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.job:
        json.dump(job(json.loads(args.job)), sys.stdout)
        return 0
    if why := needs.missing("sendmail"):
        print(why, file=sys.stderr)
        return 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    found: dict[str, Any] = {"queue": {}}
    try:
        with Sink() as sink, SendmailServer(sink) as server:
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
        write_section(PAGE, "sendmail", text)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "sendmail.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        progress(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
