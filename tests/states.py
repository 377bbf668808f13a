"""A State with everything in it, for the tests of all that reads States. Its numbers are invented."""

from __future__ import annotations

from smtpq_exporter.model import (
    AGE_BUCKETS,
    DELAY_BUCKETS,
    FAULT_KINDS,
    SIZE_BUCKETS,
    Fault,
    Filesystem,
    Histogram,
    HostSample,
    LogTally,
    Moment,
    Processes,
    QueueSnapshot,
    QueueStats,
    Sample,
    SourceState,
    State,
)

NOW = 1_795_500_000.0
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")


def histogram(bounds: tuple[float, ...], counts: dict[int, int], total: float = 0.0) -> Histogram:
    """A distribution with `counts` at some places and 0 at the others."""
    return Histogram(bounds, tuple(counts.get(index, 0) for index in range(len(bounds) + 1)), total)


def stats(messages: int = 0, oldest: float | None = None, **more: object) -> QueueStats:
    """One queue: its messages as old as the oldest one (seconds)."""
    place = next((i for i, bound in enumerate(AGE_BUCKETS) if (oldest or 0) <= bound), len(AGE_BUCKETS))
    known: dict[str, object] = {
        "messages": messages,
        "recipients": messages,
        "bytes": 2000 * messages,
        "retry_due": 0,
        "oldest_arrival": None if oldest is None else int(NOW - oldest),
        "ages": histogram(AGE_BUCKETS, {place: messages}, messages * (oldest or 0.0)),
        "sizes": histogram(SIZE_BUCKETS, {1: messages}, 2000.0 * messages),
    }
    return QueueStats(**{**known, **more})  # type: ignore[arg-type]


def snapshot(taken_at: float = NOW, **queues: QueueStats) -> QueueSnapshot:
    """All Postfix queues, empty where nothing else is given."""
    return QueueSnapshot(
        taken_at,
        "spool",
        {name: queues.get(name, stats()) for name in QUEUES},
        destinations=(("slow.example", 70), ("other", 30)),
        senders=(("shop.example", 100),),
        reasons={"greylisted": 60, "connection_timeout": 40},
        forced_expiry=1,
        skipped={"vanished": 2},
        aside={"shadow": QueueStats(7, incoming=0.5, outgoing=0.25)},
        next_hops={("external", "retry"): (3, 40)},
        pressure={"version_buckets": 1},
        reported_at=taken_at - 30,
    )


def tally() -> LogTally:
    """A log that has told something of everything."""
    delays = histogram(DELAY_BUCKETS, {0: 5, 3: 2}, 7.5)
    return LogTally(
        NOW,
        received=1_000_000,
        removed=990_000,
        expired=3,
        connections=12_345_678,
        auth_failures=7,
        deliveries={"sent": 900_000, "deferred": 1200, "bounced": 80},
        deferrals={("greylisted", False): 1000, ("connection_timeout", True): 200},
        bounces={"invalid_recipient": 80},
        rejects={"blocklisted": 11},
        replies={("deferred", "4.7"): 1000},
        destinations={("slow.example", "deferred"): 900, ("other", "sent"): 100},
        delays={"connect": delays, "transmit": delays},
        latency=delays,
        tls={"TLSv1.3": 500},
        warnings={"tls": 3},
        lines={"understood": 5_000_000, "ignored": 20, "unparsed": 1},
        lag_bytes=0,
        rotations=2,
        last_line=NOW - 1.5,
    )


def source(name: str = "spool", fault: Fault | None = None, **more: object) -> SourceState:
    """How a source does: well, or with this fault."""
    known: dict[str, object] = {
        "success": fault is None,
        "duration": 0.0625,
        "last_success": NOW - 2,
        "last_attempt": NOW - 2,
        "interval": 15.0,
        "configured_interval": 15.0,
        "why": "the queue directories may be read",
        "fault": fault,
        "errors": {kind: int(fault is not None and fault.kind == kind) for kind in FAULT_KINDS},
    }
    return SourceState(name, **{**known, **more})  # type: ignore[arg-type]


def sample(**more: object) -> Sample:
    """One Postfix with mail that waits since 2 days."""
    known: dict[str, object] = {
        "mta": "postfix",
        "instance": "postfix",
        "up": True,
        "version": "3.7.11",
        "queue": snapshot(deferred=stats(97, 147_600.0), hold=stats(3, 300_000.0, held=3)),
        "log": tally(),
        "filesystem": Filesystem("/var/spool/postfix", 10**12, 4 * 10**11, 10**7, 9 * 10**6, 12.5),
        "processes": Processes(9, 321.5, 88_000_000),
        "sources": (source(), source("log")),
        "history": tuple(Moment(NOW - 60.0 * (9 - i), 90 + i, 10 * i, 100 * i, i) for i in range(10)),
    }
    return Sample(**{**known, **more})  # type: ignore[arg-type]


def state(*samples: Sample, **more: object) -> State:
    """A whole State; without samples, with the one above."""
    pressure = {(resource, kind): 0.01 for resource in ("cpu", "io", "memory") for kind in ("some", "full")}
    known: dict[str, object] = {
        "taken_at": NOW,
        "samples": samples or (sample(),),
        "started_at": NOW - 3600,
        "host": HostSample(NOW, 0.25, 0.5, 3 * 10**9, 8 * 10**9, pressure),
        "host_source": source("host"),
        "own": Processes(1, 12.5, 60_000_000),
    }
    return State(**{**known, **more})  # type: ignore[arg-type]
