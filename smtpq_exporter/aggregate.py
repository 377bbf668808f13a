"""Messages -> QueueSnapshot, kept up to date message by message.

Pure: no clock, no files. Law 5: what a snapshot costs follows from what changed since the last one, not
from the length of the queue; ages move on by themselves, so they are asked of timelines (timeline.py), not
of messages. Sums agree: each count is the sum of what `put` and `take` were given, nothing else changes it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from types import MappingProxyType

from smtpq_exporter.model import (
    AGE_BUCKETS,
    OTHER,
    SIZE_BUCKETS,
    Histogram,
    Message,
    QueueSnapshot,
    QueueStats,
)
from smtpq_exporter.mta.base import Entry, Facts
from smtpq_exporter.timeline import TimelineBuilder

#: How the null sender (bounces) is shown among sender domains.
NULL_SENDER = "<>"
#: So many different facts are added up before they are counted.
_MOST_FACTS = 4096


class _Queue:
    """Counters of one queue."""

    __slots__ = ("arrivals", "bytes", "facts", "held", "held_arrivals", "messages", "recipients", "retries", "sizes")

    def __init__(self) -> None:
        self.messages = self.recipients = self.bytes = self.held = 0
        self.arrivals, self.held_arrivals, self.retries = (TimelineBuilder() for _ in range(3))
        self.sizes = [0] * (len(SIZE_BUCKETS) + 1)
        self.facts = Counter[Facts]()
        """What messages have in common and is not counted yet, with their number; see Aggregator._settle."""

    def add(
        self, arrivals: Sequence[int], sizes: Sequence[int], retries: Sequence[int], facts: Sequence[Facts]
    ) -> None:
        """Count messages in, in step; a retry of 0 is none."""
        self.facts.update(facts)
        self.arrivals.extend(arrivals)
        self.held_arrivals.extend([arrival for arrival, one in zip(arrivals, facts, strict=True) if one[3]])
        self.retries.extend(filter(None, retries))
        self.messages += len(sizes)
        self.bytes += sum(sizes)
        ordered, below = sorted(sizes), 0
        for place, bound in enumerate(SIZE_BUCKETS):
            at_most = bisect_right(ordered, bound)
            self.sizes[place] += at_most - below
            below = at_most
        self.sizes[-1] += len(ordered) - below


class Aggregator:
    """Counts messages in and out of the queues with these names; `top` destinations and senders are named."""

    def __init__(self, queues: Sequence[str], top: int = 20) -> None:
        """Start empty."""
        self.queues = tuple(queues)
        self.top = top
        self._queues = [_Queue() for _ in queues]
        self._number = {name: number for number, name in enumerate(queues)}
        self._forced = 0
        self._destinations, self._senders, self._reasons = Counter[str](), Counter[str](), Counter[str]()
        self._tops: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]] | None = None

    def widen(self, queues: Sequence[str]) -> None:
        """Add queues behind those that are known; `queues` begins with these."""
        for name in queues[len(self.queues) :]:
            self._number[name] = len(self._queues)
            self._queues.append(_Queue())
        self.queues = tuple(queues)

    def add(self, message: Message) -> Entry:
        """Count a message in; what is returned takes it out again."""
        entry = (
            self._number[message.queue], message.arrival, message.size, message.next_retry or 0,
            (message.sender_domain, message.domains, message.reasons, message.held, message.forced_expiry),
        )
        self.put(entry)
        return entry

    def remove(self, message: Message) -> None:
        """Take out a message that was counted in with the same values."""
        self.take((
            self._number[message.queue], message.arrival, message.size, message.next_retry or 0,
            (message.sender_domain, message.domains, message.reasons, message.held, message.forced_expiry),
        ))

    def put(self, entry: Entry) -> None:
        """Count an entry in."""
        self.put_all((entry,))

    def put_all(self, entries: Sequence[Entry]) -> None:
        """Count entries in. The hot path of first readings: what many have in common is added in one step, in C."""
        numbers = {entry[0] for entry in entries}
        if len(numbers) > 1:
            for number in numbers:
                self.put_all([entry for entry in entries if entry[0] == number])
            return
        self._tops = None
        for number in numbers:  # one or none
            queue = self._queues[number]
            queue.add(*list(zip(*entries, strict=True))[1:])
            if len(queue.facts) > _MOST_FACTS:
                self._settle()

    def _settle(self) -> None:
        """Count what messages have in common, for all that have it at once."""
        for queue in self._queues:
            for (sender, domains, reasons, held, forced), count in queue.facts.items():
                queue.recipients += count * len(domains)
                queue.held += count * held
                self._forced += count * forced
                self._senders[sender] += count
                for domain in set(domains):
                    self._destinations[domain] += count
                for reason in reasons:
                    self._reasons[reason] += count
            queue.facts.clear()

    def take(self, entry: Entry) -> None:
        """Count out an entry that was put in."""
        self._settle()
        number, arrival, size, retry, facts = entry
        sender, domains, reasons, held, forced = facts
        queue = self._queues[number]
        queue.arrivals.remove(arrival)
        if retry:
            queue.retries.remove(retry)
        queue.messages -= 1
        queue.bytes -= size
        queue.sizes[bisect_left(SIZE_BUCKETS, size)] -= 1
        queue.recipients -= len(domains)
        if held:
            queue.held -= 1
            queue.held_arrivals.remove(arrival)
        self._forced -= forced
        self._tops = None
        _less(self._senders, (sender,))
        _less(self._destinations, set(domains))
        _less(self._reasons, reasons)

    def snapshot(
        self,
        now: float,
        source: str,
        *,
        shown: Iterable[str] | None = None,
        retries: bool = True,
        forced: bool = True,
        holds: bool = True,
        sizes: bool = True,
        truncated: bool = False,
        skipped: Mapping[str, int] | None = None,
    ) -> QueueSnapshot:
        """The queues as they are. `shown` are the queues that this source can see, None = all of them.

        Without `retries` no queue tells how many messages are due, without `forced` nobody knows forced
        expiry, without `holds` held mail, without `sizes` bytes.
        """
        self._settle()
        if self._tops is None:
            senders = {sender or NULL_SENDER: n for sender, n in self._senders.items()}
            self._tops = top_of(self._destinations, self.top), top_of(senders, self.top)
        names = self.queues if shown is None else tuple(shown)
        return QueueSnapshot(
            taken_at=now,
            source=source,
            queues=MappingProxyType({name: self._stats(name, now, retries, holds, sizes) for name in names}),
            destinations=self._tops[0],
            senders=self._tops[1],
            reasons=MappingProxyType(dict(self._reasons)),
            truncated=truncated,
            forced_expiry=self._forced if forced else None,
            skipped=MappingProxyType({why: n for why, n in (skipped or {}).items() if n}),
        )

    def _stats(self, name: str, now: float, retries: bool, holds: bool, sizes: bool) -> QueueStats:
        queue = self._queues[self._number[name]]
        arrivals = queue.arrivals.freeze()
        ages, total = arrivals.ages(AGE_BUCKETS, now)
        return QueueStats(
            messages=queue.messages,
            recipients=queue.recipients,
            bytes=queue.bytes if sizes else None,
            oldest_arrival=arrivals.first(),
            held=queue.held if holds else None,
            retry_due=queue.retries.freeze().until(int(now)) if retries else None,
            ages=Histogram(AGE_BUCKETS, ages, total),
            sizes=Histogram(SIZE_BUCKETS, tuple(queue.sizes), queue.bytes) if sizes else None,
            arrivals=arrivals,
            held_arrivals=queue.held_arrivals.freeze() if holds else None,
        )


def _less(counts: dict[str, int], keys: Iterable[str]) -> None:
    for key in keys:
        left = counts[key] - 1
        if left:
            counts[key] = left
        else:
            del counts[key]


def top_of(counts: Mapping[str, int], most: int) -> tuple[tuple[str, int], ...]:
    """The largest counts, ties by name, and the rest as OTHER.

    A domain that is itself called OTHER goes into the rest, so that no name is there twice.
    """
    best = nsmallest(most, ((-n, key) for key, n in counts.items() if key != OTHER))
    rest = sum(counts.values()) + sum(n for n, _ in best)
    named = tuple((key, -n) for n, key in best)
    return (*named, (OTHER, rest)) if rest else named
