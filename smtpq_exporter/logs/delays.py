"""Delays of delivered messages: how long the whole way took and where the time went, each message once.

Pure: no clock, no files. A message is counted when its mail server is done with it (Postfix: `removed`), with
the delays of its last successful delivery: only then are its earlier waits over. Until then the delays wait
here by queue id, at most PENDING of them; the oldest are counted early rather than lost. Sums are whole
microseconds, so that the order of lines and of restarts never changes a digit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

from smtpq_exporter.model import DELAY_BUCKETS, STAGES, Histogram

#: Messages that were delivered to some recipient and are not yet removed.
PENDING = 8192
#: So many of the oldest are counted early when there are more. One at a time would be slow: a dict finds its
#: oldest entry by passing over all that were removed before it.
_EARLY = 256
#: Different texts of delays that are kept before they are folded into buckets.
_FOLD = 4096
#: Removed messages whose ways are counted together: it costs less than for the few of each batch of lines.
_TOGETHER = 2048
_WIDTH = len(DELAY_BUCKETS) + 1
_NUMBERS = b"0123456789./"
_EQUALS_TO_SLASH = bytes.maketrans(b"=", b"/")


class DelayHistogram:
    """A histogram that is fed with the texts of numbers as they stand in a log: most come again."""

    def __init__(self) -> None:
        self._texts: Counter[str] = Counter()
        self._counts = [0] * _WIDTH
        self._micros = 0

    def feed(self, texts: Iterable[str]) -> None:
        """Count each text, a decimal number of seconds."""
        self._texts.update(texts)
        if len(self._texts) > _FOLD:
            self._fold()

    def _fold(self) -> None:
        for text, times in self._texts.items():
            try:
                seconds = float(text)
            except ValueError:  # "1.2.3", in a damaged line only
                continue
            self._counts[bisect_left(DELAY_BUCKETS, seconds)] += times
            self._micros += round(seconds * 1e6) * times
        self._texts.clear()

    def merge(self, other: DelayHistogram) -> None:
        """Add the values of another histogram."""
        self._fold()
        other._fold()
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        self._micros += other._micros

    def freeze(self) -> Histogram:
        """Return the histogram so far."""
        self._fold()
        return Histogram(DELAY_BUCKETS, tuple(self._counts), self._micros / 1e6)

    def state(self) -> list[int]:
        """Return counts and microseconds as JSON-able values."""
        self._fold()
        return [*self._counts, self._micros]

    @classmethod
    def restore(cls, state: list[int]) -> DelayHistogram:
        """Make what `state` described; ValueError if the buckets are others."""
        if len(state) != _WIDTH + 1:
            raise ValueError(f"{len(state) - 1} delay buckets instead of {_WIDTH}")
        made = cls()
        made._counts, made._micros = list(state[:-1]), state[-1]
        return made


class FinalDelays:
    """The way of each delivered message, counted once.

    `pending[queue_id]` is the text "delay/before_queue/in_queue/connect/transmit" of the last successful
    delivery, or as Postfix writes it, "elay=..elays=../../../..", or the delay alone where there are no
    stages, or empty where it could not be read: then the message is in no histogram. Hot loops set and pop it
    themselves, give what they popped to `done`, and call `bound` whenever `len(pending)` exceeds PENDING.
    """

    def __init__(self) -> None:
        self.pending: dict[bytes, bytes] = {}
        self._done: list[bytes] = []
        """Ways of removed messages that wait to be counted."""
        self._latency = DelayHistogram()
        self._stages = tuple(DelayHistogram() for _ in STAGES)

    def delivered(self, queue_id: bytes, way: bytes) -> None:
        """Remember a successful delivery; `way` as in `pending`."""
        self.pending[queue_id] = way
        if len(self.pending) > PENDING:
            self.bound()

    def removed(self, queue_id: bytes) -> None:
        """Count a message that has left the queue, if any of its deliveries succeeded."""
        way = self.pending.pop(queue_id, None)
        if way is not None:
            self.done([way])

    def bound(self) -> None:
        """Count the oldest pending messages now."""
        oldest = list(islice(self.pending, _EARLY))
        self.done([self.pending.pop(queue_id) for queue_id in oldest])

    def done(self, ways: list[bytes]) -> None:
        """Count the ways of removed messages, each of five parts or of one."""
        self._done += ways
        if len(self._done) > _TOGETHER:
            self._count()

    def _count(self) -> None:
        """Count the ways that wait for it."""
        ways, self._done = self._done, []
        if not self._count_all(ways):  # a mixture; rare enough to go one by one
            for way in ways:
                self._count_all([way])

    def _count_all(self, ways: list[bytes]) -> bool:
        """Count ways of five parts each, or of one part each; False if they are a mixture."""
        text = b"".join(ways)
        if text.translate(None, _NUMBERS) == b"elay=elays=" * len(ways):  # all as Postfix writes them
            text, clean = text.translate(_EQUALS_TO_SLASH, b"elays")[1:], True
        else:
            text = b"/".join(ways).replace(b"elays=", b"/").replace(b"elay=", b"")
            clean = not text.translate(None, _NUMBERS)
        parts = text.decode("latin-1").split("/") if text else []
        if clean and len(parts) == 5 * len(ways):
            self._latency.feed(parts[0::5])
            for stage, histogram in enumerate(self._stages, 1):
                histogram.feed(parts[stage::5])
        elif len(parts) == len(ways):  # each of one
            self._latency.feed(parts)
        else:
            return False
        return True

    def merge(self, later: FinalDelays, ended: Iterable[bytes], gone: Iterable[bytes]) -> None:
        """Add a later part of the same log; see Tally.merge for `ended` and `gone`."""
        for queue_id in ended:
            self.pending.pop(queue_id, None)
        for queue_id in gone:
            self.removed(queue_id)
        self._count()
        later._count()
        self._latency.merge(later._latency)
        for mine, other in zip(self._stages, later._stages, strict=True):
            mine.merge(other)
        self.pending.update(later.pending)
        while len(self.pending) > PENDING:
            self.bound()

    def freeze(self) -> tuple[Histogram, dict[str, Histogram]]:
        """Return the whole way, and its parts by stage."""
        self._count()
        stages = zip(STAGES, self._stages, strict=True)
        return self._latency.freeze(), {stage: histogram.freeze() for stage, histogram in stages}

    def state(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        self._count()
        return {
            "pending": [[key.decode("latin-1"), way.decode("latin-1")] for key, way in self.pending.items()],
            "latency": self._latency.state(),
            "stages": [histogram.state() for histogram in self._stages],
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> FinalDelays:
        """Make what `state` described."""
        made = cls()
        made.pending = {key.encode("latin-1"): way.encode("latin-1") for key, way in state["pending"]}
        made._latency = DelayHistogram.restore(state["latency"])
        made._stages = tuple(DelayHistogram.restore(stage) for stage in state["stages"])
        return made
