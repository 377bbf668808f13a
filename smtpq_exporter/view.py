"""State -> the body of `GET /api/v1/sample`: the one shape that page, checks, Zabbix and `smtpq status` read.

Pure. A key is never missing; None means not known, never 0. Counts of distributions are not cumulative.
`history` holds one row a minute: time, messages in all queues, and the log counters deferred attempts,
delivered, bounced (with expired) as they stood then; a difference of two rows is what happened between them.
Where a `window` is asked for, `before` is the whole `log` as it stood then, with its `time` (or the oldest
that is kept), `history` has no older rows; the difference of `log` and `before` is what happened since.
"""

from __future__ import annotations

from typing import Any

from smtpq_exporter import __version__
from smtpq_exporter.model import (
    Filesystem,
    Histogram,
    HostSample,
    LogTally,
    Processes,
    QueueSnapshot,
    QueueStats,
    Sample,
    SourceState,
    State,
)
from smtpq_exporter.timeline import Timeline


def as_json(
    state: State, now: float, min_age: float | None = None, window: float | None = None
) -> dict[str, Any]:
    """The whole State as JSON-able values; `min_age` (s) asks for `older`, `window` (s) for `before`."""
    return {
        "version": __version__,
        "time": now,
        "demo": state.demo,
        "started_at": state.started_at,
        "config_reload_ok": state.config_reload_ok,
        "host": _host(state.host),
        "host_source": None if state.host_source is None else _source(state.host_source),
        "mtas": [_sample(sample, now, min_age, window) for sample in state.samples],
    }


def _sample(sample: Sample, now: float, min_age: float | None, window: float | None) -> dict[str, Any]:
    since = float("-inf") if window is None else now - window
    return {
        "mta": sample.mta,
        "instance": sample.instance,
        "up": sample.up,
        "version": sample.version,
        "sources": [_source(source) for source in sample.sources],
        "queue": None if sample.queue is None else _snapshot(sample.queue, now, min_age),
        "log": None if sample.log is None else _log(sample.log),
        "filesystem": _filesystem(sample.filesystem),
        "processes": _processes(sample.processes),
        "history": [list(moment) for moment in sample.history if moment.time >= since],
        "before": None if window is None else _before(sample, since),
    }


def _before(sample: Sample, moment: float) -> dict[str, Any] | None:
    """The newest tally that is not newer than `moment`, or else the oldest: its own `time` says which."""
    found = None
    for tally in sample.tallies:
        if found is not None and tally.taken_at > moment:
            break
        found = tally
    return None if found is None else {"time": found.taken_at, **_log(found)}


def _source(source: SourceState) -> dict[str, Any]:
    fault = source.fault
    return {
        "source": source.source,
        "success": source.success,
        "duration_seconds": source.duration,
        "last_success": source.last_success,
        "last_attempt": source.last_attempt,
        "interval_seconds": source.interval,
        "configured_interval_seconds": source.configured_interval,
        "truncated": source.truncated,
        "why": source.why,
        "fault": None if fault is None else {"kind": fault.kind, "text": fault.text, "hint": fault.hint},
        "errors": dict(source.errors),
    }


def _snapshot(queue: QueueSnapshot, now: float, min_age: float | None) -> dict[str, Any]:
    return {
        "source": queue.source,
        "taken_at": queue.taken_at,
        "truncated": queue.truncated,
        "forced_expiry": queue.forced_expiry,
        "queues": {name: _stats(stats, now, min_age) for name, stats in queue.queues.items()},
        "destinations": [list(row) for row in queue.destinations],
        "senders": [list(row) for row in queue.senders],
        "reasons": dict(queue.reasons),
        "skipped": dict(queue.skipped),
        "aside": {name: _stats(stats, now, min_age) for name, stats in queue.aside.items()},
        "next_hops": [[*hop, *counts] for hop, counts in queue.next_hops.items()],
        "pressure": dict(queue.pressure),
        "reported_at": queue.reported_at,
    }


def _stats(stats: QueueStats, now: float, min_age: float | None) -> dict[str, Any]:
    oldest = stats.oldest_arrival
    return {
        "messages": stats.messages,
        "recipients": stats.recipients,
        "bytes": stats.bytes,
        "oldest_arrival": oldest,
        "oldest_age_seconds": None if oldest is None else max(0.0, round(now - oldest, 3)),
        "oldest_waiting_age_seconds": oldest_waiting(stats, now),
        "held": stats.held,
        "retry_due": stats.retry_due,
        "incoming_per_second": stats.incoming,
        "outgoing_per_second": stats.outgoing,
        "older": None if min_age is None else _older(stats.arrivals, stats.messages, now, min_age),
        "older_held": None if min_age is None else _older(stats.held_arrivals, stats.held, now, min_age),
        "ages": _histogram(stats.ages),
        "sizes": _histogram(stats.sizes),
    }


def _older(arrivals: Timeline | None, messages: int | None, now: float, min_age: float) -> int | None:
    """How many are older than `min_age`, exactly; None if this source keeps no arrival times."""
    if messages == 0:
        return 0
    return None if arrivals is None else arrivals.older_than(min_age, now)


def oldest_waiting(stats: QueueStats, now: float) -> float | None:
    """Age in seconds of the oldest message that is not held; None if there is none, or if it cannot be known."""
    if not stats.held or stats.arrivals is None or stats.held_arrivals is None:
        oldest = stats.oldest_arrival if stats.held != stats.messages or not stats.held else None
        return None if oldest is None else max(0.0, round(now - oldest, 3))
    held = dict(stats.held_arrivals.items())
    for second, messages in stats.arrivals.items():
        if messages > held.get(second, 0):
            return max(0.0, round(now - second, 3))
    return None


def _histogram(histogram: Histogram | None) -> dict[str, Any] | None:
    if histogram is None:
        return None
    return {"bounds": list(histogram.bounds), "counts": list(histogram.counts), "sum": histogram.total}


def _log(log: LogTally) -> dict[str, Any]:
    return {
        "received": log.received,
        "removed": log.removed,
        "expired": log.expired,
        "connections": log.connections,
        "auth_failures": log.auth_failures,
        "deliveries": dict(log.deliveries),
        "deferrals": [[reason, suspended, count] for (reason, suspended), count in log.deferrals.items()],
        "bounces": dict(log.bounces),
        "rejects": dict(log.rejects),
        "replies": [[status, enhanced, count] for (status, enhanced), count in log.replies.items()],
        "destinations": [[domain, status, count] for (domain, status), count in log.destinations.items()],
        "latency": _histogram(log.latency),
        "delays": {stage: _histogram(histogram) for stage, histogram in log.delays.items()},
        "tls": dict(log.tls),
        "warnings": dict(log.warnings),
        "lines": dict(log.lines),
        "lag_bytes": log.lag_bytes,
        "rotations": log.rotations,
        "last_line": log.last_line,
    }


def _host(host: HostSample | None) -> dict[str, Any] | None:
    if host is None:
        return None
    return {
        "taken_at": host.taken_at,
        "cpu_usage_ratio": host.cpu_usage,
        "load1": host.load1,
        "memory_available_bytes": host.memory_available,
        "memory_size_bytes": host.memory_size,
        "pressure": [
            {"resource": resource, "kind": kind, "ratio": ratio}
            for (resource, kind), ratio in host.pressure.items()
        ],
    }


def _filesystem(disk: Filesystem | None) -> dict[str, Any] | None:
    if disk is None:
        return None
    return {
        "directory": disk.directory,
        "size_bytes": disk.size,
        "available_bytes": disk.available,
        "files": disk.files,
        "files_free": disk.files_free,
        "disk_io_seconds": disk.disk_io_time,
    }


def _processes(processes: Processes | None) -> dict[str, Any] | None:
    if processes is None:
        return None
    return {"count": processes.count, "cpu_seconds": processes.cpu_seconds, "memory_bytes": processes.memory}
