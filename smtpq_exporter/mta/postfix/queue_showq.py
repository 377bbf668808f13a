"""What showq(8) sends on public/showq, every framing from 3.0 to 3.11.

Pure. Source of truth: showq.c, attr_print0.c and the release notes of 3.1, 3.5, 3.6 and 3.11.

Since 3.1 lists of ``name NUL value NUL``, each ended by an empty name. First an announcement (3.6 and
newer), then a list for each message, its recipients within it, then an empty list: a stream that lacks it
is cut, not short. Names that are not known are ignored. Until 3.0 it was the text of mailq (queue_text.py),
which has no NUL.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.postfix.queue_text import TextParser

#: Queues that showq lists, in its order; it never looks into corrupt.
QUEUES = ("maildrop", "active", "incoming", "deferred", "hold")
PROTOCOL = b"mail_queue_list_protocol"
#: If there is no NUL in so many bytes, it is text.
_TELLS = 128
#: No name and no value is longer.
_LONGEST = 1 << 22
_NULL_SENDER = b"MAILER-DAEMON"
LATEST, LARGEST = 2**32 - 1, 2**63 - 1


class ShowqParser:
    """A mta.base.ListingParser for the socket, whatever the version behind it."""

    def __init__(self, classifier: ReasonOf, now: float) -> None:
        """One parser for one listing."""
        self._classifier, self._now = classifier, now
        self._parser: TextParser | AttributeParser | None = None
        self._start = b""

    @property
    def queues(self) -> tuple[str, ...]:
        """Queues that this form tells apart."""
        return self._parser.queues if self._parser else QUEUES

    @property
    def forced(self) -> bool:
        """Whether this version shows forced expiry."""
        return self._parser.forced if self._parser else False

    @property
    def skipped(self) -> dict[str, int]:
        """Nothing is left out without an error."""
        return self._parser.skipped if self._parser else {}

    def feed(self, data: bytes) -> Iterable[Message]:
        """Messages completed by `data`."""
        if self._parser is None:
            self._start += data
            data = self._start
            if b"\0" in data:
                self._parser = AttributeParser(self._classifier)
            elif len(data) >= _TELLS:
                self._parser = TextParser(self._classifier, self._now)
            else:
                return ()
        return self._parser.feed(data)

    def close(self) -> Iterable[Message]:
        """The rest; ParseError if the end is missing."""
        if self._parser is None:
            if not self._start:
                raise ParseError("showq", "the service closed the connection without a word")
            self._parser = TextParser(self._classifier, self._now)
            return [*self._parser.feed(self._start), *self._parser.close()]
        return self._parser.close()


class AttributeParser:
    """The framing of 3.1 and newer."""

    queues = QUEUES

    def __init__(self, classifier: ReasonOf) -> None:
        """One parser for one listing."""
        self.forced = True
        self.skipped: dict[str, int] = {}
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses
        self._tail = b""
        self._name = b""  # a name whose value is still to come
        self._first = True
        self._ended = False
        self._message: dict[bytes, bytes] = {}
        self._recipients: list[bytes] = []
        self._texts: list[tuple[bytes, bytes]] = []

    def feed(self, data: bytes) -> list[Message]:
        """Messages completed by `data`."""
        tokens = (self._tail + data).split(b"\0")
        self._tail = tokens.pop()
        if len(self._tail) > _LONGEST:
            raise ParseError("showq", f"a value of more than {_LONGEST} bytes", self._tail)
        if self._ended and (tokens or self._tail):
            raise ParseError("showq", "something follows the end of the listing", self._tail)
        found: list[Message] = []
        name, message, recipients, texts = self._name, self._message, self._recipients, self._texts
        for token in tokens:
            if name:
                if name == b"recipient":
                    recipients.append(token)
                elif name == b"reason":
                    if token:
                        texts.append((token, recipients[-1] if recipients else b""))
                else:
                    message[name] = token
                name = b""
            elif token:
                name = token
            elif message or recipients:
                if b"queue_id" in message:
                    found.append(self._complete())
                elif not self._first or message.get(b"protocol") != PROTOCOL:
                    raise ParseError("showq", "neither a message nor an announcement", repr(message))
                self._first = False
                message, recipients, texts = {}, [], []
                self._message, self._recipients, self._texts = message, recipients, texts
            elif self._ended:
                raise ParseError("showq", "something follows the end of the listing")
            else:
                self._ended = True
        self._name = name
        return found

    def close(self) -> list[Message]:
        """Nothing more; ParseError without the end mark."""
        if not self._ended or self._tail or self._name:
            raise ParseError("showq", "the listing is cut: its end mark is missing", self._tail)
        return []

    def _complete(self) -> Message:
        message = self._message
        try:
            queue, time, size = message[b"queue_name"], message[b"time"], message[b"size"]
            sender = message[b"sender"]
        except KeyError as error:
            raise ParseError("showq", f"a message without {error}", repr(message)) from None
        if not (time.isdigit() and size.isdigit() and len(time) < 20 and len(size) < 20):
            raise ParseError("showq", "time or size is no number", time + b" " + size)
        name = queue.decode("ascii", "replace")
        if name not in QUEUES:
            raise ParseError("showq", "a queue that is none of Postfix's", queue)
        forced = message.get(b"forced_expire")
        if forced is None:
            self.forced = False
        if self._bare:
            reasons = tuple([self._reason(masked(text, address)) for text, address in self._texts])
        else:
            reasons = tuple([self._reason(text) for text, _ in self._texts])
        return Message(
            name,
            message[b"queue_id"].decode("ascii", "replace"),
            min(int(time), LATEST),
            min(int(size), LARGEST),
            sender_domain(sender),
            tuple(map(domain_of, self._recipients)),
            reasons,
            None,
            name == "hold",
            forced == b"1",
        )


def sender_domain(sender: bytes) -> str:
    """Domain of a sender as listings show it; "" for the null sender."""
    return "" if sender in (b"", _NULL_SENDER) else domain_of(sender)
