"""What a piece of work costs: time on the clock, CPU of all processes that take part, peak memory.

A command is started by a bare interpreter, so that its peak memory is its own and not that of this process;
the floor is 9 MiB. Its CPU comes from wait4(2), with the children that it waited for. The CPU of a server
that works for it (showq) comes from /proc: nanoseconds of each thread in schedstat.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

CLEAN = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
#: Our programs run on Debian's interpreter, as on a Debian host, if it is the version of this one (then it takes the
#: libraries that are installed here). One that was built without profile-guided optimisation is a fifth slower.
DEBIAN = Path("/usr/bin/python3")
_SAME = DEBIAN.resolve().name == f"python3.{sys.version_info.minor}"
PYTHON, OURS = (
    (str(DEBIAN), {**CLEAN, "PYTHONPATH": sysconfig.get_path("platlib")}) if _SAME else (sys.executable, CLEAN)
)

#: In front of a command: the kernel kills it when this process ends, however that happens.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
#: Runs a command once: argv -> JSON [wall, CPU, peak RSS in KiB, exit code].
LAUNCHER = """
import os, sys, time
quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", mode, 0) for fd, mode in
         ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY))]
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - start
code = os.waitstatus_to_exitcode(status)
print([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, code])
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over `runs`: wall and own CPU in seconds, CPU of a server that was asked, peak RSS in bytes."""

    wall: float
    own: float
    server: float = 0.0
    rss: float | None = None
    runs: int = 1

    @property
    def cpu(self) -> float:
        """CPU of all processes, seconds."""
        return self.own + self.server

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "cpu": self.cpu}


def median(costs: Sequence[Cost]) -> Cost:
    """Medians of each part of several measurements."""
    wall, own, server = map(statistics.median, zip(*((c.wall, c.own, c.server) for c in costs), strict=True))
    rss = [cost.rss for cost in costs if cost.rss is not None]
    return Cost(wall, own, server, statistics.median(rss) if rss else None, len(costs))


def progress(text: str) -> None:
    """One line for the person who waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def cpu_of(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds that these processes have used so far, all threads."""
    total = 0
    for process in processes:
        try:
            for thread in Path(f"/proc/{process.pid}/task").iterdir():
                total += int((thread / "schedstat").read_text().split()[0])
        except OSError:
            continue  # gone
    return total / 1e9


def named(name: str, directory: Path) -> list[psutil.Process]:
    """Processes of this name that work in this directory."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == name and process.cwd() == str(directory.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def command(argv: Sequence[object], runs: int, *, server: Callable[[], float] = lambda: 0.0,
            accept: Sequence[int] = (0,)) -> Cost:
    """Run a command with its output thrown away; `server` tells the CPU of what works for it."""
    walls, owns, rss = [], [], []
    before = server()
    for _ in range(runs):
        started = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCHER, *map(str, argv)], env=CLEAN,
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=True)
        wall, cpu, peak, code = json.loads(started.stdout)
        if code not in accept:
            raise RuntimeError(f"{' '.join(map(str, argv))} exited with {code}")
        walls.append(wall)
        owns.append(cpu)
        rss.append(peak * 1024)
    asked = max(0.0, server() - before) / runs
    return Cost(statistics.median(walls), statistics.median(owns), asked, statistics.median(rss), runs)


def interpreter() -> str:
    """Path and version of the interpreter of our programs."""
    words = subprocess.run([PYTHON, "-V"], capture_output=True, text=True, check=True)
    return f"{PYTHON} ({words.stdout.strip()})"


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed: the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1))]
