"""The listing that ``sendmail -bp`` prints, with and without -v.

Pure. Source of truth: print_single_queue() and printqueue() in sendmail/queue.c, 8.12 to 8.18. For each queue
directory a line ``PATH is empty`` or ``PATH (N requests)``, then its messages; at the end ``Total requests:
N``. Only that last line proves that nothing is missing, and that nothing is there. A message is a line
``ID[mark] size date sender``; what belongs to it is indented. Marks: ``*`` is being delivered, ``X`` the load
is too high, ``-`` too young, ``?`` lost.

What the text leaves open: dates are minutes in local time and have no year, so the newest that is not in the
future is taken; addresses are cut (sender at 39 columns, recipient at 38; with -v at 78 and 71), a domain
that may be cut is "other"; texts are cut at 60 (100), so they may be classified by less. The size is that of
the body.
"""

from __future__ import annotations

import re
from datetime import datetime

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import OTHER, Message
from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.sendmail.queue_file import DEFERRED, shared

_SECTION = re.compile(rb"\t\t(.{1,4096}) \((\d{1,12}) requests?(?:, only (\d{1,12}) printed)?\)")
_EMPTY = re.compile(rb".{1,4096} is empty")
_TITLE = re.compile(rb"-----Q-ID-----[- ]{1,20}Size.*")
_TOTAL = re.compile(rb"\t\tTotal requests: (\d{1,12})")
#: An id ends in a process number: the mark X behind it is no part of it.
_ID = rb" *(?P<id>[0-9A-Za-z]{5,23}\d)"
_HEAD = re.compile(
    _ID + rb"(?P<mark>[ *X?-]) *(?P<size>-?\d{1,18}) (?P<rest> *-?\d{1,18}[+ ])?(?:[A-Z][a-z]{2} )?"
    rb"(?P<month>[A-Z][a-z]{2}) (?P<day>[ \d]\d) (?P<hour>\d\d):(?P<minute>\d\d) (?P<sender>.*)",
)
_GONE = re.compile(_ID + rb"[ *X?-]? \((?P<why>[A-Za-z][^()]{1,200})\)")
_STATUS = re.compile(rb"    [ A-Za-z0-9-]{10}(?:   \((?P<text>.*)\))?")
_QUARANTINE = b"     QUARANTINE: "
_OWN_STATUS = re.compile(rb"\t\t \((?P<text>.*)\)")
_RECIPIENT = re.compile(rb"\t{5}(?P<long>\t| )(?P<to>.+)")
_CONTROLLER = b"\t\t\t\t\t\t(---"
#: A file in the queue directory whose name cannot be Sendmail's.
_FOREIGN = b"gatherq: "
#: What may stand before a listing.
_TALK = (b"WARNING: ", b"Warning: ")
_WHY = {b"job completed": "vanished", b"no control file": "incomplete", b"permission denied": "unreadable"}
_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1
    )
}
#: Columns of an address, without and with -v; escapes of odd bytes may take up to three columns less.
_SENDER, _TO, _ESCAPE = (39, 78), (38, 71), 3
_AHEAD = 86400
_LONGEST = 1 << 20


class MailqParser:
    """A mta.base.ListingParser for the messages of one queue; `truncated` says that Sendmail left messages
    out.
    """

    forced = False

    def __init__(self, classifier: ReasonOf, now: float, queue: str = "mqueue") -> None:
        """One parser for one listing; `now` decides the year."""
        self.queues = (queue,)
        self.skipped: dict[str, int] = {}
        self.truncated = False
        self._queue, self._now = queue, now
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses
        self._tail = b""
        self._complaint = b""
        """What was said instead of a listing; the command's exit code tells what it means."""
        self._begun = self._ended = False
        self._sum = self._due = 0
        """Messages of all sections; messages that the running section still owes."""
        self._head: re.Match[bytes] | None = None
        self._common = b""
        self._waiting: list[tuple[bytes, bytes]] = []

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
        """Nothing more; ParseError without the last line."""
        if self._complaint:
            raise ParseError("mailq", "this is said instead of a listing", self._complaint)
        if not self._ended or self._tail:
            raise ParseError("mailq", "the listing is cut: its last line is missing", self._tail)
        return []

    def _line(self, line: bytes, found: list[Message]) -> None:
        if (
            line[:1] == b"\t"
            and (recipient := _RECIPIENT.fullmatch(line))
            and not line.startswith(_CONTROLLER)
        ):
            self._owner(line)
            self._waiting.append((_whole(recipient["to"], _TO[recipient["long"] == b"\t"]), b""))
        elif line[:4] == b"    " and (status := _STATUS.fullmatch(line)):
            self._owner(line)
            self._common = status["text"] or b""
        elif head := _HEAD.fullmatch(line):
            self._item(line, found)
            self._head = head
        elif line[:3] == b"\t\t " and (own := _OWN_STATUS.fullmatch(line)) and self._waiting:
            self._waiting[-1] = self._waiting[-1][0], own["text"]
        elif line.startswith((_QUARANTINE, _CONTROLLER)):
            self._owner(line)
        else:
            self._frame(line, found)

    def _frame(self, line: bytes, found: list[Message]) -> None:
        """A line that is not about one message, or about one that is gone."""
        if gone := _GONE.fullmatch(line):
            self._item(line, found)
            why = _WHY.get(gone["why"], "unreadable")
            self.skipped[why] = self.skipped.get(why, 0) + 1
            return
        self._finish(found)
        if section := _SECTION.fullmatch(line):
            self._section(line)
            self._sum += int(section[2])
            self._due = int(section[3] or section[2])
            self.truncated = self.truncated or section[3] is not None
        elif _EMPTY.fullmatch(line):
            self._section(line)
        elif total := _TOTAL.fullmatch(line):
            self._section(line)
            if int(total[1]) != self._sum:
                raise ParseError("mailq", f"{self._sum} messages, and the last line says", line)
            self._ended = True
        elif line.startswith(_FOREIGN):
            self.skipped["foreign_name"] = self.skipped.get("foreign_name", 0) + 1
        elif line and not self._begun:
            if not line.startswith(_TALK):
                self._complaint = self._complaint or line
        elif line and not _TITLE.fullmatch(line):
            raise ParseError("mailq", "a line that is none of a listing", line)

    def _section(self, line: bytes) -> None:
        self._begun = True
        if self._due:
            raise ParseError("mailq", f"{self._due} messages fewer than announced before", line)
        if self._ended:
            raise ParseError("mailq", "something follows the last line", line)

    def _owner(self, line: bytes) -> None:
        if self._head is None:
            raise ParseError("mailq", "a line that belongs to no message", line)

    def _item(self, line: bytes, found: list[Message]) -> None:
        self._finish(found)
        self._due -= 1
        if self._due < 0:
            raise ParseError("mailq", "more messages than announced", line)

    def _finish(self, found: list[Message]) -> None:
        head = self._head
        if head is None:
            return
        waiting = shared(self._common, self._waiting)
        sender = _whole(head["sender"], _SENDER[head["rest"] is not None])
        found.append(
            Message(
                self._queue,
                head["id"].decode("ascii"),
                self._moment(head),
                max(0, int(head["size"])),
                "" if sender == b"<>" else _domain(sender),
                tuple([_domain(address) for address, _ in waiting]),
                tuple([self._why(own, address) for address, own in waiting if own]),
                None,
                self._queue == "quarantined",
            )
        )
        self._head, self._waiting, self._common = None, [], b""

    def _why(self, text: bytes, address: bytes) -> str:
        text = text.removeprefix(DEFERRED)
        return self._reason(masked(text, address.strip(b"<>")) if self._bare and address else text)

    def _moment(self, head: re.Match[bytes]) -> int:
        year = datetime.fromtimestamp(self._now).year + 1  # noqa: DTZ006 - the text is in local time
        for _ in range(9):  # 29 February comes every four years, but for 1900 and 2100
            try:
                moment = datetime(  # noqa: DTZ001
                    year,
                    _MONTHS[head["month"]],
                    int(head["day"]),
                    int(head["hour"]),
                    int(head["minute"]),
                ).timestamp()
            except (KeyError, ValueError, OverflowError):
                pass
            else:
                if moment <= self._now + _AHEAD:
                    return max(0, int(moment))
            year -= 1
        raise ParseError("mailq", "no such date", head[0])


def _whole(address: bytes, columns: int) -> bytes:
    """An address as it was shown; b"" if it may have been cut."""
    if address[:1] == b"<":
        return address if address[-1:] == b">" else b""
    return address if len(address) < columns - _ESCAPE else b""


def _domain(address: bytes) -> str:
    return domain_of(address) if address else OTHER
