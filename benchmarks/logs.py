"""Reading a Postfix log: our engine and report beside mtail, the Go exporter, pflogsumm and grep, in one run.

python -m benchmarks.logs [--log FILE] [--lines N] [--runs N] [--json FILE] [--write]

The log (plain or .xz; default: the excerpt of a real one among the test data) is repeated until it has N
lines. Every contestant reads the same file from the page cache; CPU is that of the contestant's process,
lines per CPU second are the figure to compare. `run(path)` returns all figures, `table(found)` their
Markdown.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import re
import shutil
import socket
import string
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import CLEAN, DIES_WITH_US, PYTHON, Cost, command, cpu_of, interpreter, median, progress
from benchmarks.table import (
    PAGE,
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
from tests.servers import needs

EXCERPT = ROOT / "tests" / "golden" / "postfix" / "real" / "mixed.log.xz"
MTAIL_PROGRAM = Path("/usr/share/doc/mtail/examples/postfix.mtail")
FLOOR = r"postfix/[a-z]+\[[0-9]+\]: [0-9A-Za-z]+: to=<[^>]*>, .*relay=.*, status=(sent|deferred|bounced)"
LINES = 2_400_000
#: Where a queue id begins.
_QUEUE_ID = re.compile(rb"(?<=\]: )(?=[0-9A-F]{6,}: |[0-9][0-9A-Za-z]{9,}: )")
EXPORTER_SECONDS = 300.0
METHOD = """\
What makes it fast: a line is cut in C at its first two ": ", a delivery at its first "@" and the next three ", d", each
piece is looked up among pieces that were examined before; a reply is remembered without the recipient's
address, and a word of it is folded once; delays stay texts until they are looked at; pending messages are
given up 256 at a time (for one a dict walks over all that were removed before); candidates for the top
destinations stand in a heap that is put right when one must go; a mebibyte is read at once (an eighth of it:
7 % more for the report, 3 % for the engine; four of it: 4 % more for both); lines keep their newlines (BytesIO
finds them faster than bytes.split). `smtpq logs` makes the tables of reasons before it forks, reads a part
itself, a fiftieth more than each other process, which must send what it read, has only the queue ids sent back
that another part may know, and ends without freeing its tables."""
OURS, UNIQUE, REPORT = "smtpq engine", "smtpq engine, no reply text repeats", "smtpq logs"
EXPORTER, MTAIL, PFLOGSUMM, GREP = "prometheus-postfix-exporter", "mtail", "pflogsumm", "grep -cE (floor)"


def repeat(source: Path, target: Path, lines: int) -> int:
    """Write a log of at least `lines` lines; return how many.

    Each round has queue ids of its own, as in real life: who keeps something for each message meets new ones.
    """
    text = lzma.decompress(source.read_bytes()) if source.suffix == ".xz" else source.read_bytes()
    once = text.count(b"\n")
    times_over = -(-lines // once)
    with target.open("wb") as out:
        for number in range(times_over):
            out.write(_QUEUE_ID.sub(rb"\g<0>%X" % number, text) if number else text)
    return once * times_over


def unique(source: Path, target: Path) -> None:
    """Write the same log with words in every reply of a failure that no other reply has."""
    rng = random.Random(1)
    with source.open("rb") as lines, target.open("wb") as out:
        for raw in lines:
            line = raw
            if b", status=deferred (" in line or b", status=bounced (" in line:
                word = "".join(rng.choices(string.ascii_lowercase, k=9))
                token = "".join(rng.choices(string.ascii_letters + string.digits, k=20))
                at = line.rfind(b")")
                line = line[:at] + f" {word} {token}".encode() + line[at:]
            out.write(line)


def ours(path: Path) -> Cost:
    return command([PYTHON, "-m", "benchmarks.engine", path], 1)


def report(path: Path) -> Cost:
    return command([PYTHON, "-m", "smtpq_exporter.smtpq", "logs", "--no-progress", path], 1)


def pflogsumm(path: Path) -> Cost | None:
    program = needs.find("pflogsumm")
    return command([program, path], 1) if program else None


def grep(path: Path) -> Cost:
    """The floor; into a pipe, since grep -c stops at the first match where its output is thrown away."""
    return command(["sh", "-c", f"LC_ALL=C grep -cE '{FLOOR}' '{path}' | cat"], 1)


def mtail(path: Path) -> Cost | None:
    program = needs.find("mtail")
    if program is None or not MTAIL_PROGRAM.exists():
        return None
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(MTAIL_PROGRAM, directory)
        argv = [
            program,
            "--one_shot",
            "--progs",
            directory,
            "--logs",
            str(path),
            "--logtostderr",
            "--port",
            "0",
        ]
        return command(argv, 1)


def exporter(path: Path) -> Cost | None:
    """The Go exporter follows a file to which the log is written at once, until its counter has caught up."""
    program = needs.find("prometheus-postfix-exporter")
    if program is None:
        return None
    data = path.read_bytes()
    return _followed(program, data, data.count(b": removed\n"))


def _followed(program: str, data: bytes, wanted: int) -> Cost:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory, "mail.log")
        log.touch()
        argv = [*DIES_WITH_US, program,
                f"--web.listen-address=127.0.0.1:{port}", f"--postfix.logfile_path={log}",
                f"--postfix.showq_path={directory}/none"]  # fmt: skip
        process = subprocess.Popen(
            argv, env=CLEAN, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _until(port, 0, 20.0)
            before, start = cpu_of([psutil.Process(process.pid)]), time.perf_counter()
            with log.open("ab") as out:
                out.write(data)
            _until(port, wanted, EXPORTER_SECONDS)
            wall = time.perf_counter() - start
            own = cpu_of([psutil.Process(process.pid)]) - before
            peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        finally:
            process.terminate()
            process.wait(20)
    return Cost(wall, own, 0.0, int(peak[1]) * 1024 if peak else None)


def _until(port: int, wanted: int, patience: float) -> None:
    """Wait until the exporter has counted so many removed messages."""
    deadline = time.monotonic() + patience
    counter = re.compile(rb"^postfix_qmgr_messages_removed_total (\S+)", re.MULTILINE)
    while time.monotonic() < deadline:
        try:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read()
        except OSError:
            page = b""
        found = counter.search(page)
        if page and (float(found[1]) if found else 0.0) >= wanted:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{EXPORTER} did not count {wanted} messages within {patience} s")


CONTESTANTS: dict[str, Callable[[Path], Cost | None]] = {
    OURS: ours, REPORT: report, PFLOGSUMM: pflogsumm, GREP: grep, EXPORTER: exporter, MTAIL: mtail,
}  # fmt: skip
#: Who takes part so often only, being far behind.
TURNS = {EXPORTER: 2, MTAIL: 1}


def run(log_path: Path = EXCERPT, lines: int = LINES, runs: int = 5) -> dict[str, Any]:
    """Measure everybody; figures by contestant: wall, cpu, rss, lines per CPU second and per second; None =
    not here.

    They take turns: a machine that is slower for a minute is so for all.
    """
    found: dict[str, Any] = {"log": log_path.name, "python": interpreter(), "contestants": {}}
    with tempfile.TemporaryDirectory() as directory:
        path, strange = Path(directory, "mail.log"), Path(directory, "unique.log")
        found["lines"] = repeat(log_path, path, lines)
        found["bytes"] = path.stat().st_size
        unique(path, strange)
        costs: dict[str, list[Cost | None]] = {name: [] for name in (*CONTESTANTS, UNIQUE)}
        for turn in range(runs):
            for name, measure in CONTESTANTS.items():
                if turn < TURNS.get(name, runs):
                    progress(f"{found['lines']:,} lines, turn {turn + 1} of {runs}: {name}")
                    costs[name].append(measure(path))
            progress(f"{found['lines']:,} lines, turn {turn + 1} of {runs}: {UNIQUE}")
            costs[UNIQUE].append(ours(strange))
        for name, turns in costs.items():
            there = [cost for cost in turns if cost]
            found["contestants"][name] = _figures(median(there) if there else None, found["lines"])
    return found


def _figures(cost: Cost | None, lines: int) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {**cost.plain(), "lines_per_cpu": lines / cost.cpu, "lines_per_wall": lines / cost.wall}


def table(found: dict[str, Any]) -> Table:
    """All contestants, the fastest first."""
    columns = ("who", "lines per CPU second", "wall", "CPU", "peak memory", "engine's speed ÷ this")
    size = f"{found['lines']:,} lines, {found['bytes'] / 1e6:.0f} MB"
    note = (
        "The exporter and mtail count neither reasons nor destinations. The exporter follows a growing file, "
        "the others read a whole one. `smtpq logs` uses all CPUs: compare its wall time with pflogsumm's. "
        f"Ours run on {found['python']}."
    )
    made = Table(f"Reading a log of {size}", columns, note)
    engine = found["contestants"][OURS]
    for name, one in sorted(
        found["contestants"].items(), key=lambda item: -(item[1] or {"lines_per_cpu": 0})["lines_per_cpu"]
    ):
        if one is None:
            made.add(name, None, None, None, None, None)
            continue
        ratio = times(engine["lines_per_cpu"], one["lines_per_cpu"])
        made.add(
            name,
            f"{one['lines_per_cpu']:,.0f}",
            seconds(one["wall"]),
            seconds(one["cpu"]),
            mebibytes(one["rss"]),
            ratio,
        )
    return made


def aims(found: dict[str, Any]) -> list[Goal]:
    """What is to be reached, and what was."""
    one = found["contestants"]
    engine, strange, whole = one[OURS], one[UNIQUE], one[REPORT]

    def beside(name: str, least: float, mine: float, key: str) -> Goal:
        peer = one[name]
        ratio = (mine / peer[key] if key != "wall" else peer[key] / mine) if peer else None
        shown = f"{ratio:.1f}" if ratio else "not here"
        return Goal(f"{'report' if key == 'wall' else 'engine'} against {name}", f"≥ {least:g} times", shown,
                    None if ratio is None else ratio >= least)  # fmt: skip

    speed, slow, rss = engine["lines_per_cpu"], strange["lines_per_cpu"], max(engine["rss"], strange["rss"])
    return [
        Goal("engine, natural mix", "≥ 600,000 lines per CPU second", f"{speed:,.0f}", speed >= 600_000),
        Goal(
            "engine, no reply text repeats", "≥ 200,000 lines per CPU second", f"{slow:,.0f}", slow >= 200_000
        ),
        Goal("engine, memory", "≤ 60 MiB", mebibytes(rss) or "", rss <= 60 * 2**20),
        beside(EXPORTER, 5, speed, "lines_per_cpu"),
        beside(MTAIL, 15, speed, "lines_per_cpu"),
        beside(PFLOGSUMM, 7, speed, "lines_per_cpu"),
        beside(PFLOGSUMM, 8, whole["wall"], "wall"),
    ]


def section(found: dict[str, Any]) -> str:
    """The section of the page."""
    parts = ["## Reading logs", "", conditions(), "", METHOD, "", goals(aims(found)).markdown()]
    return "\n".join([*parts, table(found).markdown()])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--log", type=Path, default=EXCERPT)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", action="store_true", help="write the section `logs` of docs/benchmarks.md")
    args = parser.parse_args()
    found = run(args.log, args.lines, args.runs)
    text = section(found)
    print(text)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    if args.write:
        write_section(PAGE, "logs", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
