"""The listing that ``exim -bp`` and ``-bpr`` print.

Pure. Source of truth: src/queue.c (queue_list) and string.c (string_format_size). A message is a line ``AGE
SIZE ID <sender>``, perhaps (login), perhaps ``*** frozen ***``; then a line for each recipient, marked D if
it was delivered; then an empty line. An empty queue prints nothing at all, which proves nothing:
Listing.proof asks for a 0.

Ages are rounded (minutes up to 90, hours up to 72, days): the id tells the arrival to the second. Only
where both contradict each other (ids of builds without case) the age counts. Sizes above 1023 bytes are
rounded: three digits.
"""

from __future__ import annotations

import re

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim.message_id import MESSAGE_ID, arrival
from smtpq_exporter.mta.exim.settings import DEFAULT

_HEAD = re.compile(
    rb" *(?:(?P<age>\d{1,7})(?P<unit>[mhdw]) +)?(?:(?P<size>\d{1,9}(?:\.\d)?)(?P<factor>[KMG]?) )? *"
    rb"(?P<id>"
    + MESSAGE_ID
    + rb")(?: <(?P<sender>(?:\"(?:[^\"\\]|\\.)*+\"|[^\">])*+)>(?: \([^()]{0,100}\))?)?"
    rb"(?P<frozen> \*\*\* frozen \*\*\*)?\s*"
)
_RECIPIENT = re.compile(rb" {8}([ D+]|\+D) +(\S.*)")
_BROKEN = re.compile(rb" +\*\*\* spool (?:format|read) error.*")
_UNITS = {b"m": 60, b"h": 3600, b"d": 86400, b"w": 604800}
_FACTORS = {b"": 1, b"K": 1024, b"M": 1 << 20, b"G": 1 << 30}
#: An id and an age that differ by more than the rounding and this do not belong together, seconds.
_DOUBT = 86400
_LONGEST = 1 << 20


class BpParser:
    """A mta.base.ListingParser for the messages of one queue."""

    forced = False

    def __init__(self, classifier: ReasonOf, now: float, queue: str = DEFAULT) -> None:  # noqa: ARG002 - no reasons here
        """One parser for one listing."""
        self.queues = (queue,)
        self.skipped: dict[str, int] = {}
        self._queue, self._now = queue, now
        self._tail = b""
        self._head: re.Match[bytes] | None = None
        self._domains: list[str] = []
        self._broken = False

    def feed(self, data: bytes) -> list[Message]:
        """Messages completed by `data`."""
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        if len(self._tail) > _LONGEST:
            raise ParseError("exim -bp", f"a line of more than {_LONGEST} bytes", self._tail)
        found: list[Message] = []
        for line in lines:
            self._line(line, found)
        return found

    def close(self) -> list[Message]:
        """Nothing more; ParseError if the last message is not complete."""
        if self._tail or self._head is not None:
            raise ParseError("exim -bp", "the listing is cut in the middle of a message", self._tail)
        return []

    def _line(self, line: bytes, found: list[Message]) -> None:
        if not line:
            self._finish(found)
        elif recipient := _RECIPIENT.fullmatch(line):
            if self._head is None:
                raise ParseError("exim -bp", "a recipient without a message", line)
            if recipient[1] == b" ":
                self._domains.append(domain_of(recipient[2]))
        elif head := _HEAD.fullmatch(line):
            if self._head is not None and not self._domains:
                self._finish(found)
            if self._head is not None:
                raise ParseError("exim -bp", "a message begins before the last one ended", line)
            self._head = head
        elif _BROKEN.fullmatch(line) and self._head is not None:
            self._broken = True
        else:
            raise ParseError("exim -bp", "a line that is none of a listing", line)

    def _finish(self, found: list[Message]) -> None:
        head = self._head
        if head is None:
            return
        if self._broken or head["sender"] is None:
            self.skipped["corrupt_record"] = self.skipped.get("corrupt_record", 0) + 1
        else:
            found.append(
                Message(
                    self._queue,
                    head["id"].decode("ascii"),
                    self._arrival(head),
                    round(float(head["size"] or b"0") * _FACTORS[head["factor"] or b""]),
                    domain_of(head["sender"]) if head["sender"] else "",
                    tuple(self._domains),
                    (),
                    None,
                    head["frozen"] is not None,
                )
            )
        self._head, self._domains, self._broken = None, [], False

    def _arrival(self, head: re.Match[bytes]) -> int:
        came = arrival(head["id"])
        if head["age"] is None:
            return came
        unit = _UNITS[head["unit"]]
        shown = self._now - int(head["age"]) * unit
        return came if abs(came - shown) <= unit + _DOUBT else max(0, int(shown))
