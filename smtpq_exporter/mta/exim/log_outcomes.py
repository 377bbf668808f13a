"""What Exim's delivery lines come to, remembered: the same few pieces and texts come again and again.

Pure. Each answer is that of log_words.py; here it only is kept by its words, within bounds, together with
the counter of the tally that it belongs to. A piece is examined as a whole, once, before it is kept. What
"retry time not reached" repeats is the last real failure of that domain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, EXPIRED, SENT, Tally
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_words import END, outcome, queue_time, seconds
from smtpq_exporter.mta.exim.message_id import arrival

_MEMO = 4096
_NUMBERS = 64  # of "defer (n)": Exim has fewer
#: Texts longer than this are not remembered: they hold more than a reason.
_SHORT = 400
#: A waiting time in the spool longer than this is a clock's mistake, seconds.
_LONGEST_WAIT = 90 * 86400.0
Known = tuple[str, int, list[int] | None]
"""Reason, index of STATUSES, counter. Without an attempt -1 and None; "" as reason: not even suspended."""
#: Domain in lower case, its counters of deliveries by index of STATUSES if it is one of the top ones, and what its
#: address has beside atoms: nothing, or " <" of "LOCAL <ADDRESS>".
_Delivered = tuple[bytes, list[int] | None, bytes]
#: Domain and counters as well, what texts mean, the length of the domain, the number of "defer (n)" or b"".
_Failed = tuple[bytes, list[int] | None, dict[bytes, Known], int, bytes]
_Place = TypeVar("_Place")


class _Places(dict[bytes, _Place | None], Generic[_Place]):
    """What stands behind the "@" of an address -> what that is; None if it is not as it nearly always is."""

    def __init__(self, usual: re.Pattern[bytes], place: Callable[[re.Match[bytes]], _Place]) -> None:
        self._match, self._place = usual.fullmatch, place

    def __missing__(self, piece: bytes) -> _Place | None:
        found = self._match(piece) if len(piece) <= _SHORT else None
        if found is None:
            return None
        place = self[piece] = self._place(found)
        return place


class Outcomes:
    """Of one log. `now` dates stamps without a year. A hot loop looks into the tables itself, and calls
    `bound`.
    """

    def __init__(self, tally: Tally, reasons: ReasonOf, now: float | None = None) -> None:
        self._tally, self._reasons, self._now = tally, reasons, now
        self._texts: dict[bytes, dict[bytes, Known]] = {}
        """Number of "defer (n)" or b"" -> text -> what that is."""
        self.cells: dict[bytes, list[int]] = {}
        """Ten bytes of a confirmation -> counter."""
        self.tails: dict[bytes, bytes] = {}
        """End of a line, from QT= on -> seconds as a decimal number."""
        self.confirmed = _Places(grammar.CONFIRMED_PLACE, self._delivered)
        self.unconfirmed = _Places(grammar.DELIVERED_PLACE, self._delivered)
        self.deferral = _Places(grammar.DEFERRED_PLACE, self._failed)
        self.bounce = _Places(grammar.FAILED_PLACE, self._failed)
        self._changes = 0
        """Changes of the top destinations that the places know of."""
        self.dead: dict[bytes, str] = {}
        """Domain in lower case -> why the last real attempt for it failed."""
        self._stamp = b""
        self._moment: float | None = None

    def bound(self) -> None:
        """Keep the tables small; after each batch."""
        tables: tuple[dict[bytes, Any], ...] = self.cells, self.tails, self.dead
        for table in (*tables, *self._places(), *self._texts.values()):
            if len(table) > _MEMO:
                table.clear()
        if len(self._texts) > _NUMBERS:
            self._texts.clear()
            self._forget()

    def check(self) -> None:
        """Forget the counters of destinations if others are the top ones now."""
        if self._tally.destinations.changes != self._changes:
            self._changes = self._tally.destinations.changes
            self._forget()

    def _places(self) -> tuple[dict[bytes, Any], ...]:
        return self.confirmed, self.unconfirmed, self.deferral, self.bounce

    def _forget(self) -> None:
        for places in self._places():
            places.clear()

    def _delivered(self, found: re.Match[bytes]) -> _Delivered:
        domain = found["domain"].lower()
        return domain, self._tally.destinations.known.get(domain), b" <" if found["close"] else b""

    def _failed(self, found: re.Match[bytes]) -> _Failed:
        domain, number = found["domain"].lower(), found["number"]
        texts = self._texts.setdefault(number, {})
        return domain, self._tally.destinations.known.get(domain), texts, len(domain), number

    def failure(self, number: bytes, said: bytes, texts: dict[bytes, Known]) -> Known:
        """What a deferral or (without `number`) a failure is; remembered among `texts` of this number."""
        result = outcome(number, said.rstrip(b"\r\n\0"), self._reasons)
        index = {"attempt": DEFERRED if number else BOUNCED, "expired": EXPIRED}.get(result.event, -1)
        found = result.reason, index, None if index < 0 else self._tally.cell(index, result.dsn)
        if len(said) <= _SHORT:
            texts[said] = found
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
        """How long a delivered message took, as a decimal number; b"" if that is not known. A `tail`, which is not
        part of any text, holds QT= if the line has it; one that is all times is remembered.
        """
        times = tail.rstrip(b"\r\n\0")
        found = grammar.TIMES.fullmatch(times) if len(times) <= END else None
        said = None
        if found is not None:
            said = seconds(found["queue"])
        elif b" QT=" in tail:
            said = seconds(queue_time(line.rstrip(b"\r\n\0")))
        if said is None:
            said = self.age(message, stamp)
            return b"" if said is None else repr(said).encode()
        way = repr(said).encode()
        if found is not None:
            self.tails[tail] = way
        return way

    def age(self, message: bytes, stamp: bytes) -> float | None:
        """Seconds from the arrival that an id names to a stamp; None if that cannot be."""
        if stamp != self._stamp:
            self._stamp, self._moment = stamp, moment(stamp, self._now)
        if self._moment is None:
            return None
        age = self._moment - arrival(message)
        return max(0.0, age) if -2 < age < _LONGEST_WAIT else None
