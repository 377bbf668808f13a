"""The machine under the mail server: processors, memory, pressure, the spool's disk, the server's processes.

Never fails the rest: what this kernel or this process's rights do not show is None or left out.
Source: psutil; proc_pressure(5) ("avg60" of /proc/pressure/*); statvfs(3).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from smtpq_exporter.errors import SourceError
from smtpq_exporter.model import Filesystem, HostSample, Processes

_RESOURCES = ("cpu", "io", "memory")
_PRESSURE = re.compile(r"^(some|full) .*?avg60=([0-9]{1,3}\.[0-9]{1,2})\b", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """What of one mail server is looked at: its spool, and its processes by their names."""

    key: tuple[str, str]
    spool: str = ""
    processes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostReading:
    """The machine, and for each Place.key its file system and its processes."""

    host: HostSample
    filesystems: Mapping[tuple[str, str], Filesystem] = field(default_factory=dict)
    processes: Mapping[tuple[str, str], Processes] = field(default_factory=dict)


class HostSource:
    """Reads the machine; keeps only what a difference needs."""

    name = "host"
    why = ""

    def __init__(self, places: tuple[Place, ...], pressure: Path = Path("/proc/pressure")) -> None:
        self.places = places
        self._pressure = pressure
        self._cpu = _Cpu()
        self._ended: dict[tuple[str, str], _Accumulated] = {}

    def read(self, now: float, deadline: float) -> HostReading:  # noqa: ARG002  (local and quick)
        """Read everything once."""
        try:
            memory = psutil.virtual_memory()
            host = HostSample(
                taken_at=now,
                cpu_usage=self._cpu.usage(),
                load1=os.getloadavg()[0],
                memory_available=memory.available,
                memory_size=memory.total,
                pressure=pressure(self._pressure),
            )
        except (OSError, psutil.Error) as error:
            raise SourceError(
                "unavailable", f"cannot read the host: {error}", "is /proc mounted and visible?"
            ) from error
        found = {place.key: disk for place in self.places if (disk := filesystem(place.spool)) is not None}
        return HostReading(host, found, self._processes())

    def close(self) -> None:
        """Nothing is held open."""

    def _processes(self) -> dict[tuple[str, str], Processes]:
        wanted = [place for place in self.places if place.processes]
        if not wanted:
            return {}
        seen: dict[tuple[str, str], dict[tuple[int, float], tuple[float, int]]] = {p.key: {} for p in wanted}
        for process in psutil.process_iter():
            try:
                name = process.name()
                places = [place for place in wanted if name in place.processes]
                if not places:
                    continue
                with process.oneshot():
                    times = process.cpu_times()
                    row = (times.user + times.system, process.memory_info().rss)
                    identity = (process.pid, process.create_time())
            except psutil.Error:  # it has just ended, or is not shown to this user
                continue
            # Processes of two instances of one mail server look alike: each is shown all of them.
            for place in places:
                seen[place.key][identity] = row
        return {key: self._ended.setdefault(key, _Accumulated()).sum(rows) for key, rows in seen.items()}


class _Accumulated:
    """Processor time that does not fall when a process ends, as delivery agents do all the time."""

    def __init__(self) -> None:
        self._before = 0.0
        self._last: dict[tuple[int, float], tuple[float, int]] = {}

    def sum(self, rows: dict[tuple[int, float], tuple[float, int]]) -> Processes:
        self._before += sum(cpu for identity, (cpu, _) in self._last.items() if identity not in rows)
        self._last = rows
        return Processes(
            len(rows),
            self._before + sum(cpu for cpu, _ in rows.values()),
            sum(memory for _, memory in rows.values()),
        )


class _Cpu:
    """Share of processor time in use between two readings."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def usage(self) -> float | None:
        """Ratio since the reading before; None at the first one."""
        times = psutil.cpu_times()
        # guest time is contained in user time already (proc_stat(5)).
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        last, self._last = self._last, (total, idle)
        if last is None or total <= last[0]:
            return None
        return round(min(1.0, max(0.0, 1 - (idle - last[1]) / (total - last[0]))), 4)


def pressure(directory: Path) -> dict[tuple[str, str], float]:
    """Pressure stall information of the last minute as ratios; empty where the kernel keeps none."""
    ratios: dict[tuple[str, str], float] = {}
    for resource in _RESOURCES:
        try:
            text = (directory / resource).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            continue
        ratios.update({(resource, kind): ratio for kind, ratio in parse_pressure(text)})
    return ratios


def parse_pressure(text: str) -> list[tuple[str, float]]:
    """(kind, ratio) of each line such as ``some avg10=0.00 avg60=0.12 avg300=0.05 total=123``."""
    return [(kind, round(float(share) / 100, 4)) for kind, share in _PRESSURE.findall(text)]


def filesystem(directory: str) -> Filesystem | None:
    """The file system that holds `directory`; None if it cannot be asked."""
    if not directory:
        return None
    try:
        stat, device = os.statvfs(directory), Path(directory).stat().st_dev
    except OSError:
        return None
    return Filesystem(
        directory,
        stat.f_blocks * stat.f_frsize,
        stat.f_bavail * stat.f_frsize,
        stat.f_files,
        stat.f_favail,
        _disk_io_time(device),
    )


def _disk_io_time(device: int) -> float | None:
    """Seconds since boot for which the disk was busy; None for network and memory file systems."""
    try:
        name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").readlink().name
        counters = psutil.disk_io_counters(perdisk=True)
    except (OSError, RuntimeError, psutil.Error):
        return None
    busy = getattr(counters.get(name), "busy_time", None)
    return None if busy is None else busy / 1000
