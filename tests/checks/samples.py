"""Samples as an exporter serves them, made by the program's own view so that their shape cannot drift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smtpq_exporter import view
from smtpq_exporter.model import (
    DELAY_BUCKETS,
    FAULT_KINDS,
    Fault,
    Filesystem,
    Histogram,
    HostSample,
    LogTally,
    Moment,
    QueueSnapshot,
    QueueStats,
    Sample,
    SourceState,
    State,
)
from smtpq_exporter.timeline import TimelineBuilder

NOW = 1_800_000_000.0
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")


def stats(messages: int = 0, age: float = 60, held: int | None = 0, size: int = 2000) -> QueueStats:
    """One queue of `messages`, the oldest `age` seconds old, the others new; `size` bytes each."""
    arrivals, held_arrivals = TimelineBuilder(), TimelineBuilder()
    seconds = [int(NOW - (min(age, 60) if number else age)) for number in range(messages)]
    arrivals.extend(seconds)
    held_arrivals.extend(seconds[max(0, messages - (held or 0)) :])  # the newest, as far as there are any
    return QueueStats(messages=messages, recipients=messages, bytes=messages * size,
                      oldest_arrival=int(NOW - age) if messages else None, held=held,
                      arrivals=arrivals.freeze(), held_arrivals=held_arrivals.freeze())


def source(name: str = "spool", fault: Fault | None = None, **given: Any) -> SourceState:
    """The state of one source, read 10 s ago."""
    facts = {"success": fault is None, "duration": 0.012, "last_success": NOW - 10, "last_attempt": NOW - 10,
             "interval": 60.0, "configured_interval": 60.0, "why": "the queue directories may be read",
             "errors": dict.fromkeys(FAULT_KINDS, 0), "fault": fault, **given}
    return SourceState(name, **facts)


def server(*, mta: str = "postfix", instance: str = "postfix", up: bool | None = True, taken: float = 10,
           truncated: bool = False, reasons: dict[str, int] | None = None, fault: Fault | None = None,
           unseen: bool = False, queues: dict[str, QueueStats] | None = None, **more: Any) -> Sample:
    """One mail server; `queues` are filled up with empty ones for Postfix, `unseen` has no queue at all."""
    filled = {**({name: stats() for name in QUEUES} if mta == "postfix" else {}), **(queues or {})}
    snapshot = QueueSnapshot(taken_at=NOW - taken, source="spool", queues=filled, truncated=truncated,
                             reasons=reasons or {}, destinations=(("example.org", 3), ("other", 1)))
    facts = {"sources": (source(fault=fault),), **more}
    return Sample(mta, instance, up=up, version="3.7.11", queue=None if unseen else snapshot, **facts)


def sample(
    *servers: Sample, min_age: float | None = None, window: float | None = None, **given: Any
) -> dict[str, Any]:
    """The body of /api/v1/sample with these mail servers."""
    state = State(taken_at=NOW, samples=servers, started_at=NOW - 3600, **given)
    return view.as_json(state, NOW, min_age, window)


def tally(ago: float = 0, *, sent: int = 0, bounced: int = 0, deferrals: dict[str, int] | None = None,
          suspended: int = 0, delays: tuple[int, ...] | None = None, **given: Any) -> LogTally:
    """The counters of a log `ago` seconds before now; `delays` are counts in the delay buckets."""
    deferred = deferrals or {}
    counts = {**{(reason, False): n for reason, n in deferred.items()},
              **({("connection_timeout", True): suspended} if suspended else {})}
    deliveries = {"sent": sent, "deferred": sum(deferred.values()), "bounced": bounced, "expired": 0}
    return LogTally(
        NOW - ago, received=sent, deliveries=deliveries,
        deferrals=counts, bounces={"invalid_recipient": bounced} if bounced else {},
        destinations={("example.net", "deferred"): sum(deferred.values()), ("other", "sent"): sent},
        latency=Histogram(DELAY_BUCKETS, delays or (0,) * (len(DELAY_BUCKETS) + 1), 0.0),
        **{"lag_bytes": 0, "last_line": NOW - 3, **given})


def history(*messages: int | None, step: float = 60) -> tuple[Moment, ...]:
    """Moments that end a step before now."""
    first = NOW - step * len(messages)
    return tuple(Moment(first + step * i, count, None, None, None) for i, count in enumerate(messages))


def host(**given: Any) -> HostSample:
    """A machine at ease."""
    facts = {"cpu_usage": 0.12, "load1": 0.4, "memory_available": 6 * 1024**3, "memory_size": 8 * 1024**3,
             "pressure": {("cpu", "some"): 0.02, ("io", "some"): 0.05, ("io", "full"): 0.01}, **given}
    return HostSample(NOW - 10, **facts)


def disk(free: float = 0.6, inodes: float = 0.8, directory: str = "/var/spool/postfix") -> Filesystem:
    """The file system under a spool: 100 GiB."""
    return Filesystem(directory, 100 * 1024**3, int(free * 100 * 1024**3), 1_000_000, int(inodes * 1_000_000))


def busy(**given: Any) -> dict[str, Any]:
    """A host on which every check has what it needs and finds nothing wrong."""
    facts: dict[str, Any] = {
        "queues": {"deferred": stats(9, 1380), "active": stats(3, 5)},
        "reasons": {"greylisted": 7, "mailbox_full": 2},
        "log": tally(sent=1000, deferrals={"greylisted": 30}, delays=(100, 700, 100, 60, 20, 10, 5, 3, 2)),
        "tallies": (tally(3600), tally(1800, sent=500, deferrals={"greylisted": 10}),
                    tally(900, sent=700, deferrals={"greylisted": 20})),
        "history": history(*[10] * 60), "filesystem": disk(), **given}
    if "delays" not in facts and facts["log"] is not None and facts["log"].latency:
        counts = facts["log"].latency.counts
        filled = (*counts, *[0] * (len(DELAY_BUCKETS) + 1 - len(counts)))
        facts["log"] = replace(facts["log"], latency=Histogram(DELAY_BUCKETS, filled, 0.0))
    return sample(server(**facts), window=900, min_age=900, host=host())
