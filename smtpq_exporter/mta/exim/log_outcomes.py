"""What Exim's delivery lines come to, remembered: the same few texts come again and again.

Pure. Each answer is that of log_words.py; here it only is kept by its words, within bounds, together with the counter
of the tally that it belongs to. What "retry time not reached" repeats is the last real failure of that domain.
"""

from __future__ import annotations

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, EXPIRED, SENT, Tally
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_words import Outcome, outcome, queue_time, seconds
from smtpq_exporter.mta.exim.message_id import arrival

_MEMO = 4096
#: Texts longer than this are not remembered: they hold more than a reason.
_SHORT = 400
#: A waiting time in the spool longer than this is a clock's mistake, seconds.
_LONGEST_WAIT = 90 * 86400.0
Known = tuple[Outcome, list[int] | None, int]
"""The outcome, its counter and its index of STATUSES; None and -1 if no attempt was made."""


class Outcomes:
    """Of one log. `now` dates stamps without a year."""

    def __init__(self, tally: Tally, reasons: ReasonOf, now: float | None = None) -> None:
        self._tally, self._reasons, self._now = tally, reasons, now
        self._known: dict[tuple[bytes, bytes], Known] = {}
        self._cells: dict[bytes, list[int]] = {}
        self.tails: dict[bytes, bytes] = {}
        """End of a line with QT= -> seconds as a decimal number."""
        self._dead: dict[bytes, str] = {}
        self._stamp = b""
        self._moment: float | None = None

    def failure(self, number: bytes, said: bytes, domain: bytes) -> tuple[Known, str]:
        """What a deferral or (without `number`) a failure is, and its reason. `domain` in any case."""
        known = self._known.get((number, said))
        if known is None:
            known = self._learn(number, said)
        result = known[0]
        return known, self.reason(result.event, result.status, domain.lower(), result.reason)

    def reason(self, event: str, status: str, domain: bytes, reason: str) -> str:
        """The reason of a deferral where the domain's last one counts; `domain` in lower case."""
        if event == "suspended":
            return self._dead.get(domain) or reason
        if status == "deferred":
            if len(self._dead) >= _MEMO:
                self._dead.clear()
            self._dead[domain] = reason
        return reason

    def sent(self, line: bytes, start: int) -> list[int] | None:
        """The counter of a delivery with the enhanced code that was confirmed; None: look at it slowly."""
        at = line.find(b' C="', start)
        if at < 0:
            return self._cells.get(b"") or self._cell(b"")
        if line.find(b'"', start, at) >= 0:  # another quoted field before: its text is not searched
            return None
        key = line[at + 4 : at + 14]
        return self._cells.get(key) or self._cell(key)

    def way(self, line: bytes, tail: bytes, message: bytes, stamp: bytes) -> bytes:
        """How long a delivered message took, as a decimal number; b"" if that is not known."""
        said = seconds(queue_time(line))
        if said is not None:
            if len(self.tails) >= _MEMO:
                self.tails.clear()
            self.tails[tail] = repr(said).encode()
        else:
            said = self.age(message, stamp)
        return b"" if said is None else repr(said).encode()

    def age(self, message: bytes, stamp: bytes) -> float | None:
        """Seconds from the arrival that an id names to a stamp; None if that cannot be."""
        if stamp != self._stamp:
            self._stamp, self._moment = stamp, moment(stamp, self._now)
        if self._moment is None:
            return None
        age = self._moment - arrival(message)
        return max(0.0, age) if -2 < age < _LONGEST_WAIT else None

    def _cell(self, key: bytes) -> list[int]:
        found = grammar.CONFIRMED.match(key)
        if len(self._cells) >= _MEMO:
            self._cells.clear()
        cell = self._cells[key] = self._tally.cell(SENT, found[1].decode("ascii") if found else "")
        return cell

    def _learn(self, number: bytes, said: bytes) -> Known:
        result = outcome(number, said, self._reasons)
        index = {"attempt": DEFERRED if number else BOUNCED, "expired": EXPIRED}.get(result.event, -1)
        found = result, None if index < 0 else self._tally.cell(index, result.dsn), index
        if len(said) <= _SHORT:
            if len(self._known) >= _MEMO:
                self._known.clear()
            self._known[number, said] = found
        return found
