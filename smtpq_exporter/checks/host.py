"""check_smtpq_host: whether the machine has room for mail: spool space and inodes, memory, CPU, pressure.

Law: pure. What the host does not tell is left out, and UNKNOWN if a limit on it was given.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, chosen, merge
from smtpq_exporter.checks.options import Threshold
from smtpq_exporter.checks.quantity import say_count, say_duration, say_size
from smtpq_exporter.checks.result import UNKNOWN, Metric, Result, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options

NAME = "host"
SERVICE = "SMTPQ HOST"
UNREACHABLE = UNKNOWN
SUMMARY = "Watch the machine under the mail server: spool, memory, CPU, pressure."
OPTIONS = (
    Threshold("space", "free space of the spool's file system in percent", defaults=("20:", "10:"),
              flags=("-w --warning --space-warning", "-c --critical --space-critical")),
    Threshold("inodes", "free inodes of the spool's file system in percent", defaults=("20:", "10:")),
    Threshold("memory", "available memory in percent", defaults=("10:", "5:")),
    Threshold("cpu", "CPU used in percent", defaults=("95", "")),
    Threshold("load", "load average of one minute"),
    Threshold("pressure", "percent of time in which a task waited for CPU, memory or I/O, the worst of them"),
)
EXAMPLES = (
    ("", "less than 20 or 10 percent of the spool's space or inodes free, little memory, CPU busy"),
    ("-w 30: -c 15: --pressure-warning 40", ""),
)
#: Older than this the host was not looked at. Seconds.
STALE = 180.0


def query(_options: Options) -> dict[str, float]:
    """What is asked for beyond the plain sample: parameters of GET /api/v1/sample."""
    return {"window": 0.0}


def needs(_options: Options) -> frozenset[str]:
    """What is read without an exporter."""
    return frozenset({"host"})


def evaluate(sample: dict[str, Any], options: Options) -> Result:
    """Judge the host and the spools of all chosen mail servers."""
    finding = Finding("host")
    host, state = sample["host"], sample.get("host_source")
    fault = state["fault"] if state else None
    if host is None:
        why = f"{fault['text']}; {fault['hint']}" if fault else "the exporter has not looked at its host"
        return Result(SERVICE, UNKNOWN, why)
    age = float(sample["time"]) - host["taken_at"]
    limit = STALE if options.max_age is None else options.max_age
    if age > limit:
        text = f"last reading is {say_duration(age)} old (limit {say_duration(limit)})"
        return Result(SERVICE, UNKNOWN, text)
    known = [mta["filesystem"] for mta in chosen(sample, options) if mta["filesystem"]]
    spools = {filesystem["directory"]: filesystem for filesystem in known}
    for directory, spool in sorted(spools.items()):
        _spool(finding, options, directory, spool, several=len(spools) > 1)
    if not spools:
        finding.say("no spool's file system is known", UNKNOWN if options.space.given else 0)
    size, available = host["memory_size_bytes"], host["memory_available_bytes"]
    memory = 100 * available / size if size and available is not None else None
    cpu = None if host["cpu_usage_ratio"] is None else 100 * host["cpu_usage_ratio"]
    some = [p["ratio"] for p in host["pressure"] if p["kind"] == "some" and p["ratio"] is not None]
    pressure = 100 * max(some) if some else None
    for name, value, unit, limits, phrase in (
        ("memory", memory, "%", options.memory, "memory {} % available"),
        ("cpu", cpu, "%", options.cpu, "CPU {} % used"),
        ("load", host["load1"], "", options.load, "load {}"),
        ("pressure", pressure, "%", options.pressure, "pressure {} %"),
    ):
        if value is None or name in ("memory", "cpu") or limits.given:
            shown = "?" if value is None else say_count(value)
            finding.judge(value, limits, phrase.format(shown), say_count)
        if value is not None:
            finding.metrics.append(Metric(name, value, unit, limits.warning, limits.critical))
    for p in host["pressure"]:
        share = say_count(100 * (p["ratio"] or 0))
        finding.lines.append((1, f"pressure {p['resource']} {p['kind']}: {share} %"))
    return merge(SERVICE, sample, [finding])


def _spool(
    finding: Finding, options: Options, directory: str, spool: dict[str, Any], *, several: bool
) -> None:
    """Judge space and inodes of one spool."""
    name = f"spool {directory}" if several else "spool"
    suffix = f"_{label(directory.rsplit('/', 1)[-1])}" if several else ""
    if spool["size_bytes"]:
        free = 100 * spool["available_bytes"] / spool["size_bytes"]
        finding.judge(free, options.space, f"{name} {say_count(free)} % free", say_count)
        limits = (options.space.warning, options.space.critical)
        finding.metrics.append(Metric(label(f"space{suffix}"), free, "%", *limits))
        finding.metrics.append(Metric(label(f"bytes{suffix}"), spool["available_bytes"], "B"))
        room, size = say_size(spool["available_bytes"]), say_size(spool["size_bytes"])
        finding.lines.append((1, f"{directory}: {room} free of {size}"))
    if spool["files"]:  # btrfs and others have no fixed number of inodes
        free = 100 * spool["files_free"] / spool["files"]
        finding.judge(free, options.inodes, f"inodes {say_count(free)} % free", say_count)
        limits = (options.inodes.warning, options.inodes.critical)
        finding.metrics.append(Metric(label(f"inodes{suffix}"), free, "%", *limits))
