"""What the benchmarks of Exim, Sendmail and OpenSMTPD have in common: readers in processes of their own, the log
engine, the tables and goals, the command line.

A program describes its server in a `Bench` and calls `main`, which starts it again with `--job`: one of our readers
over a queue, told in JSON what to do, answers in JSON. Every contestant reads the same files from the page cache;
long queues and logs are copies of what a private real server made.
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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import OURS, PYTHON, Cost, command, interpreter, progress
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
from smtpq_exporter import runtime
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier
from tests.servers import needs
from tests.servers.overlay import OverlayServer
from tests.servers.packages import Unavailable
from tests.servers.sink import Sink

LINES = 2_400_000
FIRST, AGAIN = "our spool reader, first", "again, nothing changed"
#: Of the listing tool's CPU.
LIMITS = (0.7, 0.1, 0.1)
ENGINE, SPEED = "smtpq engine", 400_000
#: Longer than the time for which a changed directory is not trusted.
REST = 2.5
#: What the mail is like; see tests/servers/inject.py.
MAIL = (
    "The mail has the header lines of real mail: from scripts, people, newsletters, and forwarded and signed, 12 lines "
    "in the middle and 4 at least; one message in ten has several recipients."
)
SEEN = ("messages", "recipients", "held", "bytes")
Found = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """One server's benchmark. `tools` are its own commands, the first one is what ours is compared with."""

    mta: str
    title: str
    server: Callable[[Sink], Any]
    """Makes the private server (an OverlayServer)."""
    inject: Callable[[Any], object]
    """Gives it mail."""
    copies: Callable[[Any], Any]
    """Learns the messages of the server, which is stopped, by heart: what `queue` is handed."""
    queue: Callable[[Any, Any, int, int], Found]
    """queue(server, copies, size, runs) measures all contestants: a row by name, and "words" for the length."""
    sizes: tuple[int, ...]
    tools: Mapping[str, tuple[str, ...]]
    changed: str
    """What happens to the queue between two readings, as a row of the table."""
    asking: str
    """Our reader that asks the server, as a row of the table."""
    options: Callable[[Found], tuple[tuple[str, str], ...]]
    """Options of the instance, from the order of a job."""
    change: Callable[[Path, int], object]
    """Do this to one message; the number is another one each time."""
    renumber: Callable[[bytes, int], bytes]
    """The log with ids of its own: who keeps something for each message meets new ones, as in real life."""
    note: str = ""
    """Below the longest queue; {} stand for what `queue` found."""
    log_note: str = ""
    peers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Commands of the server's world that read the same log."""

    @property
    def base(self) -> str:
        """The listing tool."""
        return next(iter(self.tools))


def deferred_and_mixed(messages: int) -> Callable[[OverlayServer], None]:
    """So many that wait, and as many of all kinds."""

    def inject(server: OverlayServer) -> None:
        server.inject(messages, "defer")
        server.inject(messages, "mixed", seed=2)

    return inject


def median(costs: Sequence[Found]) -> Found:
    """The middle of each part."""
    return {key: statistics.median(float(one[key]) for one in costs) for key in ("wall", "own", "cpu")}


def job(bench: Bench, order: Found) -> Found:
    """One reader in a process that is set up as the exporter is: costs of its readings, memory, what was read at first
    and at last.
    """
    runtime.tune()
    process = psutil.Process()
    idle = process.memory_info().rss
    instance = Instance(
        bench.mta, bench.mta, queue_directory=order["spool"], source=order["source"], options=bench.options(order)
    )
    reader = open_reader(instance, classifier=Classifier(), top=20)
    seen: list[Found] = []

    def cost() -> Found:
        before, start = _own(), time.perf_counter()
        snapshot = reader.read(time.time(), time.monotonic() + 600)
        found = Cost(time.perf_counter() - start, _own() - before).plain()
        queues = snapshot.queues.values()
        seen.append({name: sum(getattr(queue, name) or 0 for queue in queues) for name in SEEN})
        return found

    result: Found = {"first": cost()}
    if order["changes"]:
        time.sleep(REST)
        cost()  # lists once more what was young, and trusts it from here on
        result["again"] = median([cost() for _ in range(order["runs"])])
        paths, changed = [Path(line) for line in order["changes"]], []
        share = max(1, len(paths) // order["runs"])
        for run in range(order["runs"]):
            for number, path in enumerate(paths[run * share : (run + 1) * share]):
                bench.change(path, run * share + number)
            changed.append(cost())
        result["changed"] = median(changed)
    memory = {"rss": process.memory_info().rss, "idle_rss": idle, "peak_rss": _peak()}
    return result | memory | {"seen": seen[0], "later": seen[-1]}


def _peak() -> int:
    """Bytes of memory that this program had at most; getrusage(2) would count what its parent had before exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _own() -> float:
    """CPU seconds of this process and of the commands that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def started(bench: Bench, order: Found) -> Found:
    """The same in a process of its own."""
    argv = [PYTHON, "-m", f"benchmarks.{bench.mta}", "--job", json.dumps(order)]
    done = subprocess.run(
        argv, cwd=ROOT, env=OURS, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise RuntimeError(f"reading by {order['source']} failed: {done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout)
    return found


def tools(bench: Bench, server: OverlayServer, runs: int, asked: Callable[[], float] = lambda: 0.0) -> Found:
    """What the server's own commands cost; `asked` tells the CPU of a daemon that works for them."""
    found: Found = {}
    for name, argv in bench.tools.items():
        progress(name)
        found[name] = _cost(server.argv(*argv), runs, asked)
    return found


def _cost(argv: Sequence[str], runs: int, asked: Callable[[], float] = lambda: 0.0) -> Found | None:
    try:
        return command(argv, runs, server=asked).plain()
    except RuntimeError as failure:  # exiqgrep needs the whole of perl
        progress(str(failure)[-120:])
        return None


def readings(bench: Bench, order: Found, changes: Sequence[Path], runs: int) -> tuple[Found, Found]:
    """The rows of our spool reader: the middle of three first readings, then those that follow; the last job."""
    progress("our spool reader")
    order = order | {"source": "spool", "runs": runs, "changes": []}
    firsts = [started(bench, order) for _ in range(2)]
    steady = started(bench, order | {"changes": list(map(str, changes))})
    first = sorted([*firsts, steady], key=lambda one: float(one["first"]["cpu"]))[1]
    rows = {
        FIRST: first["first"] | {"rss": first["peak_rss"]},
        AGAIN: steady["again"] | {"rss": steady["rss"]},
        bench.changed: steady["changed"],
    }
    return rows, steady


def asking(bench: Bench, order: Found, source: str) -> tuple[Found, Found]:
    """The row of our reader that asks the server, and its job."""
    progress(f"our {source} reader")
    asked = started(bench, order | {"source": source, "runs": 1, "changes": []})
    return asked["first"] | {"rss": asked["peak_rss"]}, asked


def logs(bench: Bench, server: OverlayServer, lines: int, runs: int) -> Found:
    """Our engine and others over the log of this run, repeated."""
    text = server.log.read_bytes()
    path, once = server.directory / "log" / "long", text.count(b"\n")
    rounds = -(-lines // once)
    with path.open("wb") as out:
        for number in range(rounds):
            out.write(bench.renumber(text, number) if number else text)
    progress(f"{once * rounds:,} lines: our engine")
    found: Found = {
        "lines": once * rounds, ENGINE: command([PYTHON, "-m", "benchmarks.engine", path, bench.mta], runs).plain(),
    }
    for name, argv in bench.peers.items():
        progress(name)
        found[name] = _cost(server.argv(*argv, "/var/log/mta/long"), 1)
    path.unlink()
    return found


def measure(bench: Bench, sizes: Sequence[int], lines: int, runs: int) -> Found:
    """The log of the mail that was given to the server, then queues of growing length."""
    found: Found = {"queue": {}}
    with Sink() as sink, bench.server(sink) as server:
        bench.inject(server)
        server.wait_idle(120)
        found["log"] = logs(bench, server, lines, runs)
        server.stop()
        copies = bench.copies(server)
        for size in sorted(sizes):
            progress(f"{size:,}: filling")
            found["queue"][str(size)] = bench.queue(server, copies, size, runs)
    return found


def report(bench: Bench, found: Found) -> str:
    """The section of the page."""
    parts, log = [f"## {bench.title}\n\n{conditions()} Ours on {interpreter()}. {MAIL}\n"], found["log"]
    reached: list[Goal] = []
    for size, row in found["queue"].items():
        title = f"Reading the {bench.title} queue, {row['words']}"
        table = Table(title, ("contestant", "wall", "CPU", f"CPU of {bench.base}", "peak memory"))
        base = row[bench.base]["cpu"]
        for name in (*bench.tools, FIRST, AGAIN, bench.changed, bench.asking):
            cost = row[name] or {}
            share, memory = times(cost.get("cpu"), base), mebibytes(cost.get("rss"))
            table.add(name, seconds(cost.get("wall")), seconds(cost.get("cpu")), share, memory)
        if size == list(found["queue"])[-1]:
            table.note = bench.note.format(**row)
            for name, limit in zip((FIRST, AGAIN, bench.changed), LIMITS, strict=True):
                ratio = row[name]["cpu"] / base
                what = f"{name}, {row['words']}"
                reached.append(Goal(what, f"<= {limit} of {bench.base}", f"{ratio:.3f}", ratio <= limit))
        parts.append(table.markdown())
    table = Table(f"Reading the {bench.title} log", ("contestant", "CPU", "lines per CPU second", "peak memory"))
    table.note = f"{log['lines']:,} lines: the log of this run, repeated with other ids{bench.log_note}."
    for name in (ENGINE, *bench.peers):
        cost = log[name]
        speed = log["lines"] / cost["cpu"] if cost else None
        table.add(
            name, *((seconds(cost["cpu"]), f"{speed:,.0f}", mebibytes(cost["rss"])) if cost else (None, None, None))
        )
        if name == ENGINE and speed:
            what = f">= {SPEED:,} lines per CPU second"
            reached.append(Goal("log engine", what, f"{speed:,.0f}", speed >= SPEED))
        elif speed:
            faster = cost["cpu"] / log[ENGINE]["cpu"]
            reached.append(Goal(f"log engine against {name}", ">= 3 times", f"{faster:.1f} times", faster >= 3))
    return "\n".join([*parts, table.markdown(), goals(reached).markdown()])


def main(bench: Bench, words: str | None, argv: Sequence[str]) -> int:
    """Measure; a whole run is written to the page. `words` describe the program."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{bench.mta}", description=words)
    parser.add_argument("--sizes", default=",".join(map(str, bench.sizes)))
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.job:
        json.dump(job(bench, json.loads(args.job)), sys.stdout)
        return 0
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    why, found = needs.missing(bench.mta), {}
    try:
        if not why:
            found = measure(bench, [int(word) for word in args.sizes.split(",") if word], args.lines, args.runs)
    except Unavailable as failure:
        why = str(failure)
    if why:
        print(why, file=sys.stderr)
        return 1
    text = report(bench, found)
    print(text)
    if args.write:
        write_section(PAGE, bench.mta, text)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{bench.mta}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        progress(f"written: {PAGE.relative_to(ROOT)}")
    return 0
