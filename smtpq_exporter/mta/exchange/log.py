"""Exchange's logs: message tracking and connectivity, both in comma-separated files with a header.

Pure. One grammar, two ways out. No line says that a message is done: it is done with the last of the
recipients that RECEIVE counted (and EXPAND added); one whose RECEIVE was not seen, with its first end. Its
latency is that of the last delivery, counted then, once.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exchange import log_connectivity, log_tracking
from smtpq_exporter.mta.exchange.log_csv import Record, Records

_ENDS = frozenset(("sent", "bounced", "expired"))
#: So many messages that are done are remembered: members of a group may still get theirs.
_ENDED = 8192


class ExchangeLog:
    """A LogParser for the logs of one Exchange server; lines of several files may come in turn."""

    def __init__(self, tally: Tally, reasons: ReasonOf, now: float | None = None) -> None:
        self.tally = tally
        self.now = now
        self._reasons = reasons
        self._asked, self._counted = Records(), Records()
        self._ended: dict[bytes, None] = {}

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is no record.

        An attempt for several recipients is one event that happened as many times, with the domain and the
        reason of the first.
        """
        record = self._asked.read(line)
        if isinstance(record, bool):
            return None
        found = self._events(record)
        if not found:
            return None
        found[0].repeat = len(found)
        found[0].time = moment(record["date-time"].encode("ascii", "replace"), self.now)
        return found[0]

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally = self.tally
        for line in lines:
            record = self._counted.read(line)
            if record is True:
                tally.lines["ignored"] += 1
            elif record is False:
                tally.sample(line)
            else:
                found = self._events(record)
                if not found:
                    tally.sample(line)
                    continue
                tally.lines["understood"] += 1
                tally.stamp = record["date-time"].encode("ascii", "replace")[:40]
                for event in found:
                    tally.add(event)
                self._follow(record, found)

    def _events(self, record: Record) -> list[LogEvent]:
        if "event-id" in record:
            return list(log_tracking.events(record, self._reasons))
        if record.keys() >= {"direction", "description", "destination"}:
            return [log_connectivity.event(record)]
        return []

    def _follow(self, record: Record, found: list[LogEvent]) -> None:
        """Keep account of a message's recipients."""
        first = found[0]
        message = first.queue_id.encode("ascii", "replace")
        if not message:
            return
        waiting = self.tally.waiting
        if first.event == "received":
            recipients = log_tracking.expected(record)
            if recipients > 1:
                waiting[message] = recipients
        elif record.get("event-id", "").upper() == "EXPAND":
            waiting[message] = waiting.get(message, 1) - 1 + len(log_tracking.recipients(record))
        elif first.status in _ENDS or any(event.status in _ENDS for event in found):
            self._end(record, message, found)
        if len(waiting) > PENDING:
            self._done(next(iter(waiting)))

    def _end(self, record: Record, message: bytes, found: list[LogEvent]) -> None:
        """Recipients came to their end; with the last one the message is done."""
        left = self.tally.waiting.get(message)
        if left is None and message in self._ended:
            self.tally.delays.pending.pop(message, None)  # its latency was counted
            return
        ended = sum(event.status in _ENDS for event in found)
        if found[0].status == "sent" and found[0].delay is not None:
            self.tally.delays.delivered(message, log_tracking.way(record, found[0].delay))
        if left is not None and left > ended:
            self.tally.waiting[message] = left - ended
        else:
            self._done(message)

    def _done(self, message: bytes) -> None:
        tally = self.tally
        tally.waiting.pop(message, None)
        tally.delays.removed(message)
        tally.removed += 1
        self._ended[message] = None
        if len(self._ended) > _ENDED:
            del self._ended[next(iter(self._ended))]
