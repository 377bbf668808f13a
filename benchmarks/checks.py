"""What a call of a plugin costs: its start beside that of Python itself, many at once, and its memory by itself.

The plugins ask a real exporter (its simulated mail server), or read a spool or a listing of 100,000 messages. Runs of
all contestants alternate, so that a busy moment of the machine hits them all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.measure import CLEAN, DIES_WITH_US, LAUNCHER, progress, quantile
from benchmarks.table import PAGE, ROOT, Goal, Table, conditions, goals, mebibytes, seconds, write_section
from tests.checks.queues import FakeQueue, listing, message
from tests.servers.sink import free_port

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
MESSAGES, CROWD = 100_000, 200
#: Name in the table -> plugin and options.
CALLS = {
    "check_smtpq_queue": ("queue",),
    "check_smtpq_deferrals -v": ("deferrals", "-v"),
    "check_smtpq_growth": ("growth",),
    "check_smtpq_latency": ("latency",),
    "check_smtpq_host": ("host",),
    "check_smtpq_exporter": ("exporter",),
}


@contextmanager
def demo() -> Iterator[str]:
    """URL of an exporter that simulates a mail server with queue and log."""
    port = free_port()
    process = subprocess.Popen(
        [*DIES_WITH_US, sys.executable, "-m", "smtpq_exporter", "--demo",
         f"--web.listen-address=127.0.0.1:{port}"],
        cwd=ROOT, env=CLEAN, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            try:
                with urlopen(f"{url}/-/ready", timeout=5):
                    break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def plugin(name: str, *words: str) -> list[str]:
    """Command line of a plugin."""
    return [str(ROOT / "checks" / f"check_smtpq_{name}"), *words]


def once(argv: Sequence[str]) -> tuple[float, float, float, int]:
    """Wall and CPU in seconds, peak memory in bytes, exit code of one run."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCHER, *argv], env=CLEAN, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=300, check=True)
    wall, cpu, peak, code = json.loads(done.stdout)
    return wall, cpu, peak * 1024, code


def starts(url: str, runs: int) -> dict[str, dict[str, float]]:
    """Medians of wall and CPU of each call, Python's own start among them."""
    calls = {"python3 -I -c pass": [PYTHON, "-I", "-c", "pass"], "python3 -IS -c pass": [PYTHON, "-IS", "-c", "pass"],
             **{name: plugin(words[0], "--url", url, *words[1:]) for name, words in CALLS.items()}}
    found: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, argv in calls.items():
            found[name].append(once(argv))
    return {name: {"wall": statistics.median(r[0] for r in rows), "cpu": statistics.median(r[1] for r in rows),
                   "rss": statistics.median(r[2] for r in rows)} for name, rows in found.items()}


def crowd(url: str, count: int) -> dict[str, Any]:
    """So many plugins that start at once: when each of them had ended, seconds after the first began; failures."""
    argv = plugin("queue", "--url", url, "-w", "none", "-c", "none", "--age-warning", "none", "--age-critical", "none")
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    begin = time.perf_counter()
    children = {os.posix_spawn(argv[0], argv, CLEAN, file_actions=quiet) for _ in range(count)}
    ends, failures = [], 0
    while children:
        child, status = os.wait()
        if child in children:
            children.discard(child)
            ends.append(time.perf_counter() - begin)
            failures += os.waitstatus_to_exitcode(status) != 0
    return {"p50": quantile(ends, 0.5), "p99": quantile(ends, 0.99), "last": ends[-1], "failures": failures}


def alone(count: int) -> dict[str, dict[str, float]]:
    """A queue of so many messages read by the plugin itself: by its files, and by the listing of showq."""
    def listed() -> Iterator[bytes]:
        for start in range(0, count, 500):
            yield b"".join(message(number) for number in range(start, start + 500))

    class Anew:
        """The listing from its beginning for each client."""

        def __iter__(self) -> Iterator[bytes]:
            return listed()

    found = {}

    def run(name: str, queue: FakeQueue) -> None:
        for words in ((), ("-v",)):
            argv = plugin("queue", "-d", str(queue.config), "-t", "200", *words)
            rows = [once(argv) for _ in range(3)]
            if {row[3] for row in rows} != {2}:
                raise RuntimeError(f"{' '.join(argv)} exited with {rows}")
            found[" ".join((name, *words))] = {"wall": statistics.median(r[0] for r in rows),
                                               "cpu": statistics.median(r[1] for r in rows),
                                               "rss": max(r[2] for r in rows)}

    with FakeQueue() as queue:
        queue.folders()
        for part in range(10):
            queue.put("deferred", 100 + 5000 * part, count // 10)
        run("spool", queue)
    with FakeQueue(listing(Anew())) as queue:
        run("showq", queue)
    return found


def report(found: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    base = found["starts"]["python3 -I -c pass"]
    start = Table("One call, answered by an exporter", ("call", "wall", "CPU", "wall of python3 -I -c pass"))
    for name, row in found["starts"].items():
        start.add(name, seconds(row["wall"]), seconds(row["cpu"]), f"{row['wall'] / base['wall']:.2f} times")
    many = Table(f"{CROWD} check_smtpq_queue started at once", ("round", "half ended after", "99 % after", "all after",
                                                                "failed"),
                 "Seconds from the start of the first; one exporter answers them all.")
    for number, row in enumerate(found["crowd"], 1):
        many.add(str(number), seconds(row["p50"]), seconds(row["p99"]), seconds(row["last"]), str(row["failures"]))
    own = Table(f"check_smtpq_queue that reads {MESSAGES:,} messages itself", ("way", "wall", "CPU", "peak memory"),
                "showq is pretended here: it costs this program's part alone. -v also reads reasons and sizes.")
    for name, row in found["alone"].items():
        own.add(name, seconds(row["wall"]), seconds(row["cpu"]), mebibytes(row["rss"]))
    slowest = max(found["starts"][name]["wall"] for name in CALLS) / base["wall"]
    late = statistics.median(row["p99"] for row in found["crowd"])
    failures = sum(row["failures"] for row in found["crowd"])
    largest = max(row["rss"] for row in found["alone"].values())
    reached = goals([
        Goal("slowest plugin, of python3 -I -c pass", "<= 2.5", f"{slowest:.2f}", slowest <= 2.5),
        Goal(f"{CROWD} at once: 99 % ended, median of rounds", "<= 2 s", f"{late:.2f} s", late <= 2),
        Goal(f"{CROWD} at once: failed, all rounds", "0", str(failures), failures == 0),
        Goal("memory at 100,000 messages", "<= 40 MB", f"{largest / 1e6:.0f} MB", largest <= 40e6),
    ])
    tables = "\n".join(table.markdown() for table in (start, many, own, reached))
    before = f" At nice {os.nice(0)}, before all other work." if os.nice(0) < 0 else ""
    return f"## Plugins\n\n{conditions()}{before}\n\n{tables}"


def main(argv: Sequence[str]) -> int:
    """Measure; print the section, or write it."""
    parser = argparse.ArgumentParser(prog="benchmarks.checks", description="What a call of a plugin costs.")
    parser.add_argument("--runs", type=int, default=30, help="runs of each call (default 30)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the crowd (default 5)")
    parser.add_argument("--write", action="store_true", help="write the section of docs/benchmarks.md")
    args = parser.parse_args(argv)
    show: Callable[[str], object] = print
    if args.write:
        show = lambda text: write_section(PAGE, "checks", text)  # noqa: E731
    progress("starts")
    with demo() as url:
        once(plugin("queue", "--url", url))  # compiled files are written, the exporter is warm
        found: dict[str, Any] = {"starts": starts(url, args.runs)}
        progress("a crowd")
        found["crowd"] = [crowd(url, CROWD) for _ in range(args.rounds)]
    progress(f"{MESSAGES:,} messages")
    found["alone"] = alone(MESSAGES)
    show(report(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
