"""The text of mailq: what showq of Postfix 3.0 and older sends, and what ``postqueue -p`` prints.

Pure. Source of truth: showq.c of 3.0. A message is a line ``id[mark] size date sender``, then its
recipients, each indented; a reason stands in parentheses before the recipients it belongs to and holds
until the next one. Marks: ``*`` active, ``!`` hold, ``#`` forced expiry. Without a mark a message may be
deferred, incoming or in maildrop: the text does not tell them apart, all are shown as deferred, and the
other two are not shown. The date has no year and is local time: the newest such moment that is not in the
future counts.
"""

from __future__ import annotations

import re
from datetime import datetime

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import ReasonOf

QUEUES = ("active", "deferred", "hold")
_HEAD = re.compile(
    rb"([0-9A-Za-z]{5,80})([*!#]{0,3}) +(\d{1,18}) +"
    rb"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)  ?(.*)",
)
_TRAILER = re.compile(rb"-- \d+ Kbytes in (\d+) Requests?\.")
_EMPTY = b"Mail queue is empty"
_MONTHS = {name: number for number, name in enumerate(
    (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1)}
#: A date may be this much ahead of `now` before it is taken to be a year old, seconds.
_AHEAD = 86400
_LONGEST = 1 << 20


class TextParser:
    """A mta.base.ListingParser for the text."""

    queues = QUEUES

    def __init__(self, classifier: ReasonOf, now: float) -> None:
        """One parser for one listing; `now` decides the year."""
        self.forced = False
        self.skipped: dict[str, int] = {}
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses
        self._now = now
        self._tail = b""
        self._ended = False
        self._count = 0
        self._head: re.Match[bytes] | None = None
        self._recipients: list[bytes] = []
        self._reasons: list[str] = []
        self._text = b""

    def feed(self, data: bytes) -> list[Message]:
        """Messages completed by `data`."""
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        if len(self._tail) > _LONGEST:
            raise ParseError("mailq", f"a line of more than {_LONGEST} bytes", self._tail)
        found: list[Message] = []
        for line in lines:
            self._line(line, found)
        return found

    def close(self) -> list[Message]:
        """Nothing more; ParseError without the last line, or if it counts other than we did."""
        if not self._ended or self._tail:
            raise ParseError("mailq", "the listing is cut: its last line is missing", self._tail)
        return []

    def _line(self, line: bytes, found: list[Message]) -> None:
        if self._ended:
            if line:
                raise ParseError("mailq", "something follows the last line", line)
        elif not line:
            self._finish(found)
        elif line[:1] in b" (":
            self._indented(line.strip())
        elif head := _HEAD.fullmatch(line):
            self._finish(found)
            self._head = head
        elif trailer := _TRAILER.fullmatch(line):
            self._finish(found)
            if int(trailer[1]) != self._count:
                raise ParseError("mailq", f"{self._count} messages, and the last line says", line)
            self._ended = True
        elif line == _EMPTY and not self._count and self._head is None:
            self._ended = True
        elif not line.startswith(b"-Queue ID-"):
            raise ParseError("mailq", "a line that is none of a listing", line)

    def _indented(self, text: bytes) -> None:
        if self._head is None:
            raise ParseError("mailq", "a recipient without a message", text)
        if text[:1] == b"(" and text[-1:] == b")":
            self._text = text[1:-1]
            return
        self._recipients.append(text)
        if self._text:
            self._reasons.append(self._reason(masked(self._text, text) if self._bare else self._text))

    def _finish(self, found: list[Message]) -> None:
        head = self._head
        if head is None:
            return
        name, mark, size, month, day, hour, minute, second, sender = head.groups()
        queue = "hold" if b"!" in mark else "active" if b"*" in mark else "deferred"
        self.forced = self.forced or b"#" in mark
        sender = sender.strip()
        found.append(Message(
            queue, name.decode(), self._moment(month, day, hour, minute, second), int(size),
            "" if sender in (b"", b"MAILER-DAEMON") else domain_of(sender),
            tuple(map(domain_of, self._recipients)), tuple(self._reasons), None,
            queue == "hold", b"#" in mark,
        ))
        self._count += 1
        self._head, self._recipients, self._reasons, self._text = None, [], [], b""

    def _moment(self, month: bytes, *numbers: bytes) -> int:
        year = datetime.fromtimestamp(self._now).year + 1  # noqa: DTZ006 - the text is in local time
        for _ in range(9):  # 29 February comes every four years, but for 1900 and 2100
            try:
                day, hour, minute, second = map(int, numbers)
                moment = datetime(year, _MONTHS[month], day, hour, minute, second).timestamp()  # noqa: DTZ001
            except (KeyError, ValueError, OverflowError):
                pass
            else:
                if moment <= self._now + _AHEAD:
                    return max(0, int(moment))
            year -= 1
        raise ParseError("mailq", "no such date", b" ".join((month, *numbers)))
