"""What Exim's delivery lines come to, remembered: the same few texts come again and again.

Pure. Each answer is that of log_words.py; here it only is kept by its words, within bounds, together with
the counter of the tally that it belongs to. What "retry time not reached" repeats is the last real failure
of that domain.
"""

from __future__ import annotations

import re

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, EXPIRED, SENT, Tally
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_words import outcome, queue_time, seconds
from smtpq_exporter.mta.exim.message_id import arrival

_MEMO = 4096
#: Texts longer than this are not remembered: they hold more than a reason.
_SHORT = 400
#: A waiting time in the spool longer than this is a clock's mistake, seconds.
_LONGEST_WAIT = 90 * 86400.0
#: What does not look as nearly always.
UNUSUAL = b"?"
Known = tuple[str, int, list[int] | None]
"""Reason, index of STATUSES, counter. Without an attempt -1 and None; "" as reason: not even suspended."""


class _Domains(dict[bytes, bytes]):
    """Domain -> the same in lower case; b"" if it is not as plain as nearly all are."""

    def __missing__(self, domain: bytes) -> bytes:
        if len(domain) > _SHORT or not grammar.DOMAIN.fullmatch(domain):
            return b""
        plain = self[domain] = domain.lower()
        return plain


class _Between(dict[bytes, bytes]):
    """What stands between an address and a text -> the number of "defer (n)", b"" if there is none, or UNUSUAL."""

    def __init__(self, usual: re.Pattern[bytes]) -> None:
        self._match = usual.fullmatch

    def __missing__(self, between: bytes) -> bytes:
        found = self._match(between) if len(between) <= _SHORT else None
        if found is None:
            return UNUSUAL
        number = self[between] = found["number"]
        return number


class Outcomes:
    """Of one log. `now` dates stamps without a year. A hot loop looks into the tables itself, and calls
    `bound`.
    """

    def __init__(self, tally: Tally, reasons: ReasonOf, now: float | None = None) -> None:
        self._tally, self._reasons, self._now = tally, reasons, now
        self.failures: dict[tuple[bytes, bytes], Known] = {}
        """(number of "defer (n)" or b"", text) -> what that is."""
        self.cells: dict[bytes, list[int]] = {}
        """Ten bytes of a confirmation -> counter."""
        self.tails: dict[bytes, bytes] = {}
        """End of a line with QT= -> seconds as a decimal number."""
        self.domains = _Domains()
        self.deferral, self.bounce = _Between(grammar.DEFERRAL), _Between(grammar.BOUNCE)
        self.dead: dict[bytes, str] = {}
        """Domain in lower case -> why the last real attempt for it failed."""
        self._stamp = b""
        self._moment: float | None = None

    def bound(self) -> None:
        """Keep the tables small; after each batch."""
        for table in (self.failures, self.cells, self.tails, self.dead, self.domains, self.deferral, self.bounce):
            if len(table) > _MEMO:
                table.clear()

    def failure(self, number: bytes, said: bytes) -> Known:
        """What a deferral or (without `number`) a failure is."""
        result = outcome(number, said.rstrip(b"\r\n\0"), self._reasons)
        index = {"attempt": DEFERRED if number else BOUNCED, "expired": EXPIRED}.get(result.event, -1)
        found = result.reason, index, None if index < 0 else self._tally.cell(index, result.dsn)
        if len(said) <= _SHORT:
            self.failures[number, said] = found
        return found

    def reason(self, event: str, status: str, domain: bytes, reason: str) -> str:
        """The reason of a deferral where the domain's last one counts; `domain` in lower case."""
        if event == "suspended":
            return self.dead.get(domain) or reason
        if event == "attempt" and status == "deferred":
            self.dead[domain] = reason
        return reason

    def cell(self, key: bytes) -> list[int]:
        """The counter of deliveries whose confirmation begins like this."""
        found = grammar.CONFIRMED.match(key)
        cell = self.cells[key] = self._tally.cell(SENT, found[1].decode("ascii") if found else "")
        return cell

    def way(self, line: bytes, tail: bytes, message: bytes, stamp: bytes) -> bytes:
        """How long a delivered message took, as a decimal number; b"" if that is not known."""
        said = seconds(queue_time(line.rstrip(b"\r\n\0")))
        if said is not None:
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
