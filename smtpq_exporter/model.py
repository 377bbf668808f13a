"""The value types that travel through the house. The Sample stands in the middle of it.

Pure: no clock, no files; every moment is a float of seconds since the epoch. Messages are many and
short-lived: plain slots. What is kept and shared between threads is frozen and never changed.
None always means "this source cannot tell"; it never becomes 0 on its way to a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from smtpq_exporter.timeline import Timeline

#: Upper edges in seconds; the last bucket of a Histogram is +Inf.
AGE_BUCKETS = (60, 300, 600, 1200, 2400, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200, 432000)
#: Upper edges in bytes.
SIZE_BUCKETS = (1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
#: Upper edges in seconds of delivery delays.
DELAY_BUCKETS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0, 432000.0)
#: Why a source could not be read: the closed set of the label `kind`.
FAULT_KINDS = ("permission", "timeout", "parse", "unavailable", "truncated")
#: What became of a delivery attempt: the closed set of the label `status`.
STATUSES = ("sent", "deferred", "bounced", "expired")
#: Where a message waited: the closed set of the label `stage`.
STAGES = ("before_queue", "in_queue", "connect", "transmit")
#: The name that collects what is not among the top N.
OTHER = "other"


@dataclass(slots=True)
class Message:
    """One queued message as its queue shows it. Domains are lower case; no address is kept.

    `domains` has one entry for each recipient that still waits, `reasons` one reason class for each
    of them whose last attempt failed with a known text. `next_retry` is None if the source does not show it.
    """

    queue: str
    queue_id: str
    arrival: int
    size: int
    sender_domain: str = ""
    domains: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    next_retry: int | None = None
    held: bool = False
    forced_expiry: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution: `counts[i]` values were <= `bounds[i]` and > the edge before; the last count is +Inf.

    counts has one more element than bounds. Not cumulative; families.py cumulates.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @property
    def count(self) -> int:
        """Number of all values."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class QueueStats:
    """One queue of one mail server at one moment. An unknown quantity is None, never 0.

    `oldest_arrival` is None for an empty queue. `retry_due` counts messages that may be tried now.
    """

    messages: int = 0
    recipients: int | None = 0
    bytes: int | None = 0
    oldest_arrival: int | None = None
    held: int | None = 0
    retry_due: int | None = None
    ages: Histogram | None = None
    sizes: Histogram | None = None
    arrivals: Timeline | None = None
    """Arrival times; answers `older_than(seconds, now)` exactly, at any later `now` too."""
    held_arrivals: Timeline | None = None
    """Those of the held messages alone: what waits for an operator and not for its delivery."""
    incoming: float | None = None
    """Messages per second that enter, and that leave, as the mail server measures them."""
    outgoing: float | None = None


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """All queues of one mail server at `taken_at`, aggregated; made by aggregate.py, never by hand.

    `queues` is zero-filled with the queues this source can see. `destinations` and `senders` are
    (domain, messages) of the top N, most first, then (OTHER, rest) if there is a rest. `reasons` counts waiting
    recipients by reason class. `truncated` says that a cap was hit: all counts are lower bounds.
    """

    taken_at: float
    source: str
    queues: Mapping[str, QueueStats]
    destinations: tuple[tuple[str, int], ...] = ()
    senders: tuple[tuple[str, int], ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    truncated: bool = False
    forced_expiry: int | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Entries that were seen and left out, by why: vanished, duplicate, foreign_name, bad_time, corrupt_record; and
    reason_unread: counted, but their reasons are still to be read, so that `reasons` are lower bounds.
    """
    aside: Mapping[str, QueueStats] = field(default_factory=dict)
    """Queues of copies that wait for nobody (Exchange's shadow queues): never part of a sum."""
    next_hops: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """{(category, state): (next hops, messages)} where the mail server keeps a queue for each next hop."""
    reported_at: float | None = None
    """When the mail server's host made the report that was read, by its clock; None where none is made."""
    pressure: Mapping[str, int] = field(default_factory=dict)
    """Levels at which the mail server refuses work, by resource: 0 low, 1 medium, 2 high."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a source could not be read. `text` is for people and never a label; `hint` says what to do."""

    kind: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How the reading of one source goes. Times are seconds since the epoch, None before the first."""

    source: str
    success: bool = False
    duration: float | None = None
    last_success: float | None = None
    last_attempt: float | None = None
    interval: float = 0.0
    configured_interval: float = 0.0
    truncated: bool = False
    why: str = ""
    """Why this source was chosen, in words."""
    fault: Fault | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    """Failures so far by kind, all kinds of FAULT_KINDS present."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of one mail server, summed. CPU in seconds, memory in bytes."""

    count: int
    cpu_seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class Filesystem:
    """The file system under a spool and its disk; bytes and inodes; I/O time in seconds since boot or None."""

    directory: str
    size: int
    available: int
    files: int
    files_free: int
    disk_io_time: float | None = None


@dataclass(frozen=True, slots=True)
class HostSample:
    """The machine. Ratios are 0 to 1; `pressure` is {(resource, kind): ratio} from PSI, empty where there is none."""

    taken_at: float
    cpu_usage: float | None = None
    load1: float | None = None
    memory_available: int | None = None
    memory_size: int | None = None
    pressure: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogTally:
    """What the logs of one mail server have told so far: counters that only grow while the state lives.

    Keys are tuples of closed-set values in the order of the labels in metrics/catalog.py; `destinations` is
    {(domain, status): n} of the top N and OTHER. `delays` maps a stage to a Histogram, `latency` is the whole
    way, each message once, at its final delivery.
    """

    taken_at: float
    received: int = 0
    removed: int = 0
    expired: int = 0
    connections: int = 0
    auth_failures: int = 0
    deliveries: Mapping[str, int] = field(default_factory=dict)
    deferrals: Mapping[tuple[str, bool], int] = field(default_factory=dict)
    bounces: Mapping[str, int] = field(default_factory=dict)
    rejects: Mapping[str, int] = field(default_factory=dict)
    replies: Mapping[tuple[str, str], int] = field(default_factory=dict)
    destinations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    delays: Mapping[str, Histogram] = field(default_factory=dict)
    latency: Histogram | None = None
    tls: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    """Lines by result: understood, ignored (other programs, nothing to count), unparsed (ours and not understood)."""
    lag_bytes: int | None = None
    rotations: int = 0
    last_line: float | None = None


@dataclass(slots=True)
class LogEvent:
    """One understood log line. Delays in seconds. `status` is one of STATUSES for an attempt, a probe's word, or "".

    `event` is one of: received, active, attempt, probe, expired, removed, bounce_notice, interim_reply,
    connect_failure, tls, auth_failure, reject, connection, warning, held, released, requeued, suspended (not tried: a
    retry time is not reached), and info: understood, nothing to count.
    """

    event: str
    time: float | None = None
    program: str = ""
    instance: str = ""
    daemon: str = ""
    queue_id: str = ""
    status: str = ""
    dsn: str = ""
    delay: float | None = None
    delays: tuple[float, float, float, float] | None = None
    relay: str = ""
    recipient_domain: str = ""
    reason: str = ""
    suspended: bool = False
    text: str = ""
    kind: str = ""
    """The kind of a warning, the protocol of a TLS connection, the action of a reject."""
    client: str = ""
    """Who spoke to us, as the log names it: HOST[IP]."""
    repeat: int = 1
    """How many times syslog says that this happened."""


class Moment(NamedTuple):
    """One minute of history: messages in all queues, and the log counters as they stood then. None = not known."""

    time: float
    messages: int | None
    deferred: int | None
    delivered: int | None
    bounced: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything that is known about one mail server at one moment: the value in the middle of the house.

    `up` tells whether the mail system itself runs, None if that cannot be seen. `queue` is None when it could
    not be read within the allowed staleness; `sources` says why.
    """

    mta: str
    instance: str
    up: bool | None = None
    version: str | None = None
    queue: QueueSnapshot | None = None
    log: LogTally | None = None
    filesystem: Filesystem | None = None
    processes: Processes | None = None
    sources: tuple[SourceState, ...] = ()
    history: tuple[Moment, ...] = ()
    """The last day, about one Moment a minute, oldest first."""
    tallies: tuple[LogTally, ...] = ()
    """The log counters as they stood at earlier moments of the last day, oldest first."""


@dataclass(frozen=True, slots=True)
class State:
    """What the sampler holds: the newest Sample of each mail server, and the host. One immutable value."""

    taken_at: float
    samples: tuple[Sample, ...] = ()
    host: HostSample | None = None
    host_source: SourceState | None = None
    own: Processes | None = None
    """What this program itself uses."""
    demo: bool = False
    started_at: float = 0.0
    config_reload_ok: bool = True
