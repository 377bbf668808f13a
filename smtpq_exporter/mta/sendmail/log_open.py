"""Messages that are under way in Sendmail's log: which recipients they still have, and when they are done.

Pure. Sendmail does not say that a message is done (only from LogLevel 10 on). So it is done with the last of
its recipients: from= tells how many there are (`Tally.waiting`), attempts cross them off. Its latency is the
delay of the last success, counted then, once. A message whose from= was not seen is done with its first
attempt that ends.
"""

from __future__ import annotations

from itertools import islice

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.tally import SENT, Tally
from smtpq_exporter.mta.sendmail.log_words import seconds

#: So many messages are remembered to be done: an alias may have given them more recipients than from= said.
ENDED = 8192
#: So many of the oldest are given up together. One at a time would be slow: a dict finds its oldest entry by passing
#: over all that were removed before it.
_EARLY = 256
_MEMO = 8192


class OpenMessages:
    """What is known of messages that are not done, and of those that were done lately."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.ended: dict[bytes, None] = {}
        """Queue ids of messages that are done, the oldest first."""
        self.ways: dict[bytes, bytes] = {}
        """Text of a delay -> the same as a decimal number of seconds."""

    def expect(self, queue_id: bytes, recipients: int) -> None:
        """A message with several recipients was received."""
        waiting = self._tally.waiting
        waiting[queue_id] = recipients
        if len(waiting) > PENDING:
            for oldest in list(islice(waiting, _EARLY)):
                self.done(oldest)

    def cross_off(self, queue_id: bytes, status: int, recipients: int, delay: bytes) -> None:
        """Recipients of a message came to their end, delivered or refused; with the last one it is done."""
        tally = self._tally
        left = tally.waiting.get(queue_id)
        if left is None:
            if queue_id in self.ended:
                return
            left = recipients
        way = self.way(delay)
        if status == SENT and way:
            tally.delays.delivered(queue_id, way)
        if left > recipients:
            tally.waiting[queue_id] = left - recipients
        else:
            self.done(queue_id)

    def done(self, queue_id: bytes) -> None:
        """A message left the queue."""
        tally = self._tally
        tally.waiting.pop(queue_id, None)
        tally.delays.removed(queue_id)
        if queue_id not in self.ended:
            tally.removed += 1
            self.ended[queue_id] = None
            if len(self.ended) > ENDED:
                self.forget()

    def forget(self) -> None:
        """Forget the oldest that ended."""
        for oldest in list(islice(self.ended, _EARLY)):
            del self.ended[oldest]

    def way(self, delay: bytes) -> bytes:
        """How long a message took, as a decimal number; b"" if the text is no time."""
        known = self.ways.get(delay)
        if known is not None:
            return known
        found = seconds(delay)
        if len(self.ways) >= _MEMO:
            self.ways.clear()
        way = self.ways[delay] = b"" if found is None else repr(found).encode()
        return way
