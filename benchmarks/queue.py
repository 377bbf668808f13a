"""`make bench`: what reading a queue, being scraped and being asked costs, beside the peers, in one run.

A private Postfix is filled with real messages and multiplied; a synthetic spool of a million messages shows
how the program scales where no peer would finish. Everything is made in a temporary directory and removed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import Any

import psutil

from benchmarks import serving
from benchmarks.measure import OURS, PYTHON, Cost, interpreter, progress
from benchmarks.peers import PEERS
from benchmarks.report import report
from benchmarks.spools import clear, fill, synthetic
from benchmarks.table import PAGE, RESULTS, ROOT, write_section
from tests.servers import needs
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink

SIZES = (1000, 10_000, 100_000)
MILLION = 1_000_000
PARTS = ("readers", "peers", "serving", "check", "million")
#: Bytes and inodes that a message takes on disk, roughly.
REAL_BYTES, SYNTHETIC_BYTES, INODES = 13_000, 8_500, 2


def job(
    server: PostfixServer, source: str, *, runs: int, changes: int = 0, first: bool = False,
) -> dict[str, Any]:
    """One reader in a process of its own."""
    order = {"source": source, "config_directory": str(server.config_directory), "runs": runs,
             "queue_directory": str(server.queue_directory), "changes": changes, "first": first}
    argv = [PYTHON, "-m", "benchmarks.reading", json.dumps(order)]
    done = subprocess.run(argv, cwd=ROOT, env=OURS, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=900, check=False)
    if done.returncode:
        raise RuntimeError(f"reading by {source} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def readers(server: PostfixServer, size: int) -> dict[str, Any]:
    """Our three readers over one queue; the first readings are the median of several processes."""
    found = {}
    for source in ("spool", "showq", "postqueue"):
        progress(f"{size:,}: our {source} reader")
        repeats = 3 if size <= 100_000 else 1
        firsts = sorted((job(server, source, runs=1, first=True)["first"] for _ in range(repeats - 1)),
                        key=lambda cost: float(cost["wall"]))
        changes = max(16, size // 1000) if source == "spool" else 0
        whole = job(server, source, runs=7 if source == "spool" else 3, changes=changes)
        firsts = sorted([*firsts, whole["first"]], key=lambda cost: float(cost["wall"]))
        found[source] = {**whole, "first": firsts[len(firsts) // 2]}
    return found


def peers(server: PostfixServer, size: int) -> dict[str, Any]:
    """Every peer over one queue."""
    found = {}
    for name, measure in PEERS.items():
        progress(f"{size:,}: {name}")
        cost: Cost | None = measure(server, 7 if size <= 1000 else 5 if size <= 10_000 else 3)
        found[name] = cost.plain() if cost else None
    return found


def over_postfix(sizes: list[int], parts: set[str]) -> dict[str, Any]:
    """All parts that need a real Postfix, over queues of growing length."""
    found: dict[str, Any] = {}
    with Sink() as sink, PostfixServer(sink) as server, ExitStack() as stack:
        stack.callback(clear, server.queue_directory)
        for size in sorted(sizes):
            fill(server, size)
            mine = found[str(size)] = {}
            if "readers" in parts:
                mine["readers"] = readers(server, size)
            if "peers" in parts:
                mine["peers"] = peers(server, size)
            if "serving" in parts:
                progress(f"{size:,}: the daemon and its clients")
                mine["serving"] = serving.serve(server.config_directory, server.queue_directory)
            if "check" in parts:
                progress(f"{size:,}: the check")
                costs = serving.check(server.config_directory, server.queue_directory, 15)
                mine["check"] = {name: cost.plain() for name, cost in costs.items()}
    return found


def over_synthetic(messages: int) -> dict[str, Any]:
    """The spool reader and the daemon over a synthetic queue."""
    place = memory(messages)
    with Sink() as sink, PostfixServer(sink, started=False, place=place) as server, ExitStack() as stack:
        stack.callback(clear, server.queue_directory)
        synthetic(server.queue_directory, messages)
        progress(f"{messages:,}: our spool reader")
        read = job(server, "spool", runs=5, changes=messages // 1000)
        progress(f"{messages:,}: the daemon and its clients")
        served = serving.serve(server.config_directory, server.queue_directory)
        progress(f"{messages:,}: removing it")
    return {"messages": messages, "memory": place is not None, "readers": {"spool": read}, "serving": served}


def memory(messages: int) -> str | None:
    """A file system in memory, if there is room for so many messages: two million files take a disk minutes."""
    place, need = "/dev/shm", messages * SYNTHETIC_BYTES * 1.7
    if os.path.ismount(place) and min(shutil.disk_usage(place).free, psutil.virtual_memory().available) > need:
        return place
    return None


def room(sizes: list[int], million: int) -> None:
    """Stop before a disk is filled."""
    place = tempfile.gettempdir()
    need = max(max(sizes, default=0) * REAL_BYTES, million * SYNTHETIC_BYTES) * 1.3
    inodes = max([*sizes, million], default=0) * INODES * 1.2
    free, state = shutil.disk_usage(place).free, os.statvfs(place)
    if free < need or (state.f_files and state.f_favail < inodes):
        raise SystemExit(f"{place} has room for {free / 2**30:.1f} GiB and {state.f_favail:,} files; needed "
                         f"are {need / 2**30:.1f} GiB and {inodes:,.0f}: take smaller --sizes, or set TMPDIR")


def main() -> int:
    """Measure what was asked for; a whole run is written to the page."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="lengths of the real queue")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--million", type=int, default=MILLION, help="messages of the synthetic queue")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md also after a part")
    args = parser.parse_args()
    sizes = [int(word) for word in args.sizes.split(",") if word]
    parts = set(args.only.split(","))
    if not parts <= set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}")
    if why := needs.missing("postfix"):
        print(why, file=sys.stderr)
        return 1
    million = args.million if "million" in parts else 0
    room(sizes if parts - {"million"} else [], 0 if memory(million) else million)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # everything is removed on the way out
    begin = time.monotonic()
    found: dict[str, Any] = {"python": interpreter()}
    if parts - {"million"}:
        found["postfix"] = over_postfix(sizes, parts)
    if million:
        found["synthetic"] = over_synthetic(million)
    found["seconds"] = round(time.monotonic() - begin)
    text = report(found)
    print(text)
    whole = parts == set(PARTS) and sizes == list(SIZES) and million == MILLION
    if whole or args.write:
        write_section(PAGE, "queue", text)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "queue.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        progress(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
