"""Messages that are under way in OpenSMTPD's log: how many envelopes they still have, and when they are done.

Pure. smtpd logs one line for each envelope that it takes in, and one when it is delivered, refused, expired
or removed; with the last one the message is done. Only messages with several envelopes are kept
(`Tally.waiting`, saved with the counters); one that is not known there has one. A message's latency is the
delay of its last delivery, counted then, once.
"""

from __future__ import annotations

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.tally import Tally


class OpenMessages:
    """What is known of messages that are not done."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def joined(self, message: bytes) -> None:
        """One more envelope of a message. All of them are logged in a row."""
        waiting = self._tally.waiting
        if message in waiting:
            waiting[message] += 1
            return
        if waiting:
            last = next(reversed(waiting))
            if waiting[last] == 1:  # it has one only, as if it were not known
                del waiting[last]
            elif len(waiting) >= PENDING:
                self.done(next(iter(waiting)))
        waiting[message] = 1

    def expects(self, message: bytes, envelopes: int) -> None:
        """A message with so many envelopes (before 6.4, where the line says it)."""
        if message not in self._tally.waiting:
            self.joined(message)
            self._tally.waiting[message] = max(1, envelopes)

    def crossed_off(self, message: bytes) -> None:
        """An envelope came to its end."""
        left = self._tally.waiting.get(message, 1) - 1
        if left > 0:
            self._tally.waiting[message] = left
        else:
            self.done(message)

    def done(self, message: bytes) -> None:
        """A message left the queue."""
        self._tally.waiting.pop(message, None)
        self._tally.removed += 1
        self._tally.delays.removed(message)
