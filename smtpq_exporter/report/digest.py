"""What a report tells beyond the counters: senders, destinations, refusals, hours. Mergeable, so that
processes share it.

Pure: no clock, no files. A Tally counts what the exporter counts; the digest adds what only a report may
keep: addresses and hosts, for the operator's own eyes, never as labels. The parts of one log are merged in
their order: a message that was queued in one part and delivered in the next is put together where they meet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smtpq_exporter.logs.tally import DEFERRED, SENT, Tally
from smtpq_exporter.model import STATUSES, LogEvent
from smtpq_exporter.mta.postfix.log_batch import Batch, Delivery, Failure

#: Names kept in any one table; beyond it the rarest half is dropped and the table is marked as incomplete.
TABLE = 100_000
#: So many different failures are kept before they are brought into the tables.
_FOLD = 4096
FORWARDED = "forwarded as "


#: Columns of a row of `hours`.
RECEIVED, DELIVERED, DEFERRALS, BOUNCES, REJECTS = range(5)


#: Columns of a row of `destinations`: attempts by index of STATUSES, then for successful deliveries
#: the sum and the greatest of the delays in seconds, and bytes.
DELAY, SLOWEST, SIZE = range(len(STATUSES), len(STATUSES) + 3)
_NOTHING = (*([0] * len(STATUSES)), 0.0, 0.0, 0)
#: Stands for the size of a message of which only the arrival was seen.
ARRIVED = -1
#: What one message adds to a row of `senders`, beside its bytes.
MESSAGE = 1 << 64
#: Where the value is in "size=1234" and in "from=<..>".
_NUMBER, _SENDER = slice(5, 24), slice(5, None)


@dataclass(slots=True)
class Digest:
    """The facts of a part of a log."""

    forwarded: int = 0
    reject_warnings: int = 0
    held: int = 0
    discarded: int = 0
    bytes_received: int = 0
    bytes_delivered: int = 0
    deferred: set[bytes] = field(default_factory=set)
    """Queue ids of messages that were deferred at least once."""
    senders: dict[bytes, int] = field(default_factory=dict)
    """Sender of mail that came from outside or was written here -> messages * MESSAGE + bytes: most senders
    write once, and a list for each of them costs more than all else about them.
    """
    destinations: dict[bytes, list[Any]] = field(default_factory=dict)
    refusers: dict[bytes, Counter[str]] = field(default_factory=dict)
    """Remote server, as "host[ip]:port" -> deferrals and bounces by reason."""
    clients: dict[str, Counter[str]] = field(default_factory=dict)
    """Client that we refused -> rejections by reason."""
    hours: dict[bytes, list[int]] = field(default_factory=dict)
    """Hour as the log writes it -> RECEIVED, DELIVERED, DEFERRALS, BOUNCES, REJECTS."""
    incomplete: bool = False
    """Whether a table was too long, so that its rare names are missing."""
    sizes: dict[bytes, int] = field(default_factory=dict)
    """Queue id -> size of messages that are still queued, ARRIVED until it is known."""
    early: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    """Queue id -> sender and size of active messages whose arrival, if any, lies in a part before."""
    unsized: list[tuple[bytes, bytes]] = field(default_factory=list)
    """(queue id, domain) of deliveries of messages whose size, if known, lies in a part before."""
    ended: list[bytes] = field(default_factory=list)
    """Queue ids that were removed after a delivery in this part, of messages that came in a part before;
    `gone` those without a delivery here.
    """
    gone: list[bytes] = field(default_factory=list)
    _events: list[LogEvent] = field(default_factory=list)
    _failures: Counter[Failure] = field(default_factory=Counter)
    """Failures that are not in the tables yet: equal ones are counted together, in C."""

    def event(self, event: LogEvent) -> None:
        """Take an event that the hot loop did not know by heart; it is counted with the batch."""
        self._events.append(event)

    def batch(self, batch: Batch) -> None:
        """Count what one batch of lines held."""
        self.sizes.update(dict.fromkeys(batch.arrived, ARRIVED))
        events, self._events = self._events, []
        for event in events:
            self._early_event(event)
        self._actives(batch.actives)
        self._deliveries(batch.deliveries)
        self.deferred.update(batch.deferred)
        self._failures.update(batch.failures)
        if len(self._failures) > _FOLD:
            self.finish()
        for event in events:
            if event.event == "attempt":
                self._attempt(event)
        sizes, early = self.sizes, self.early
        for removed, known in ((batch.ended, self.ended), (batch.gone, self.gone)):
            for queue_id in removed:
                if sizes.pop(queue_id, None) is None or queue_id in early:
                    known.append(queue_id)
        self.bound()

    def _deliveries(self, deliveries: Sequence[Delivery]) -> None:
        destinations, sizes, delivered = self.destinations, self.sizes, 0
        for queue_id, domain, seconds, forwarded in deliveries:
            row = destinations.get(domain)
            if row is None:
                row = destinations[domain] = [*_NOTHING]
            row[SENT] += 1
            row[DELAY] += seconds
            if seconds > row[SLOWEST]:  # noqa: PLR1730 - max() takes three times as long
                row[SLOWEST] = seconds
            if forwarded:
                self.forwarded += 1
                continue
            size = sizes.get(queue_id)
            if size is None or size == ARRIVED:
                self.unsized.append((queue_id, domain))
            else:
                row[SIZE] += size
                delivered += size
        self.bytes_delivered += delivered

    def finish(self) -> None:
        """Bring into the tables what was only counted; to be called when all was read."""
        failures, self._failures = self._failures, Counter()
        for (domain, status, relay, reason), times in failures.items():
            self.destinations.setdefault(domain, [*_NOTHING])[status] += times
            if relay != b"none":
                self.refusers.setdefault(relay, Counter())[reason] += times
        self.bound()

    def _early_event(self, event: LogEvent) -> None:
        queue_id = event.queue_id.encode("latin-1")
        match event.event:
            case "received":
                self.sizes[queue_id] = ARRIVED
            case "active":
                self._actives({queue_id: event.text.encode()})
            case "removed":
                self.gone.append(queue_id)
            case "reject":
                reasons = self.clients.setdefault(event.client, Counter())
                reasons[event.reason] += event.repeat
            case "held":
                self.held += event.repeat
            case _:
                self.reject_warnings += event.repeat if event.kind == "reject_warning" else 0
                self.discarded += event.repeat if event.kind in {"discard", "milter-discard"} else 0

    def _actives(self, actives: Mapping[bytes, bytes]) -> None:
        """Learn sender and size of messages that enter the active queue for the first time.

        The fields are found from the end: the line ends with Postfix's own "size=N, nrcpt=N (queue active)".
        """
        sizes, senders, received = self.sizes, self.senders, 0
        for queue_id, words in actives.items():
            known = sizes.get(queue_id)
            if known is not None and known != ARRIVED:
                continue
            try:
                front, number, _ = words.rsplit(b", ", 2)
                size = int(number[_NUMBER])
            except ValueError:
                continue
            sizes[queue_id] = size
            sender = front[_SENDER]
            if known is None:
                self.early[queue_id] = (sender, size)
            else:
                received += size
                senders[sender] = senders.get(sender, 0) + MESSAGE + size
        self.bytes_received += received

    def arrival(self, sender: bytes, size: int) -> None:
        """Count a message that came in."""
        self.bytes_received += size
        self.senders[sender] = self.senders.get(sender, 0) + MESSAGE + size

    def _attempt(self, event: LogEvent) -> None:
        """Count an attempt that only its event tells of, as `batch` does."""
        queue_id, domain = event.queue_id.encode("latin-1"), event.recipient_domain.encode()
        status, times = STATUSES.index(event.status), event.repeat
        row = self.destinations.setdefault(domain, [*_NOTHING])
        row[status] += times
        if status == SENT:
            seconds = event.delay or 0.0
            row[DELAY] += seconds * times
            row[SLOWEST] = max(row[SLOWEST], seconds)
            size = self.sizes.get(queue_id)
            if event.text.startswith(FORWARDED):
                self.forwarded += times
            elif size is None or size == ARRIVED:
                self.unsized.append((queue_id, domain))
            else:
                row[SIZE] += size * times
                self.bytes_delivered += size * times
            return
        if status == DEFERRED:
            self.deferred.add(queue_id)
        if event.relay != "none":
            self.refusers.setdefault(event.relay.encode(), Counter())[event.reason] += times

    def bound(self) -> None:
        """Keep the tables within bounds: the rarer half of a table that is too long goes."""
        for table in (self.senders, self.destinations, self.refusers, self.clients):
            if len(table) > TABLE:
                self.incomplete = True
                _halve(table)


def _weight(value: Any) -> int:
    """Return how much a row of any table stands for."""
    if isinstance(value, int):
        return value // MESSAGE
    return value.total() if isinstance(value, Counter) else sum(value[: len(STATUSES)])


def _halve(table: dict[Any, Any]) -> None:
    for name in sorted(table, key=lambda name: _weight(table[name]))[: TABLE // 2]:
        del table[name]


def merge(first: Digest, tally: Tally, later: Digest, later_tally: Tally) -> None:
    """Add a later part of the same log to `first`, and its counters to `tally`; messages that span both are
    joined.
    """
    for name in ("forwarded", "reject_warnings", "held", "discarded", "bytes_received", "bytes_delivered"):
        setattr(first, name, getattr(first, name) + getattr(later, name))
    first.incomplete |= later.incomplete
    first.deferred |= later.deferred
    for domain, row in later.destinations.items():
        known = first.destinations.setdefault(domain, [*_NOTHING])
        slowest = max(known[SLOWEST], row[SLOWEST])
        known[:] = [a + b for a, b in zip(known, row, strict=True)]
        known[SLOWEST] = slowest
    for sender, sums in later.senders.items():
        first.senders[sender] = first.senders.get(sender, 0) + sums
    for relay, reasons in later.refusers.items():
        first.refusers.setdefault(relay, Counter()).update(reasons)
    for client, reasons in later.clients.items():
        first.clients.setdefault(client, Counter()).update(reasons)
    for hour, counts in later.hours.items():
        first.hours[hour] = [a + b for a, b in zip(first.hours.get(hour, [0] * 5), counts, strict=True)]
    _join(first, later)
    tally.merge(later_tally, later.ended, later.gone)
    first.bound()


def _join(first: Digest, later: Digest) -> None:
    """Put messages together that began in the part before."""
    for queue_id, domain in later.unsized:
        size = first.sizes.get(queue_id)
        if size is None or size == ARRIVED:
            first.unsized.append((queue_id, domain))
        else:
            first.bytes_delivered += size
            first.destinations[domain][SIZE] += size
    for queue_id, (sender, size) in later.early.items():
        known = first.sizes.get(queue_id)
        if known == ARRIVED:
            first.arrival(sender, size)
        elif known is None:
            first.early[queue_id] = (sender, size)
    for queue_id in (*later.ended, *later.gone):
        first.sizes.pop(queue_id, None)
    first.sizes |= later.sizes
