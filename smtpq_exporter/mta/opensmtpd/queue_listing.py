r"""The listing that ``smtpctl show queue`` prints: one line for each envelope, its fields separated by bars.

Pure. Source of truth: smtpctl(8) and usr.sbin/smtpd/smtpctl.c (show_queue_envelope):
``evpid|source|agent|flags|sender|rcpt|dest|created|expires|last try|retries|state|seconds|error``. A local
part may hold bars, and so may the error, which is vis(3)-encoded. No local part holds an ``@``
(valid_localpart), so three addresses end where the third ``@`` and its domain do, whatever stands in them.
The first 8 digits of an id are those of the message.

`pending` with the seconds until the next try (negative: it waits for its turn), `inflight`, `offline` (smtpd
does not run, smtpctl reads the spool itself), `invalid`. Nothing marks the end of the listing, and an empty
queue prints nothing: stats.py says whether that may be. Sizes are not shown.
"""

from __future__ import annotations

import re

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import ListingParser, ReasonOf
from smtpq_exporter.mta.opensmtpd import stats
from smtpq_exporter.mta.opensmtpd.queue_spool import QUEUES, RANK

_HEAD = (
    rb"(?P<id>[0-9a-f]{16})\|(?:inet4|inet6|local|\?)\|(?P<agent>mta|mda|bounce|\?)"
    rb"\|(?P<flags>[a-z,]{0,60})\|"
)
_TAIL = (
    rb"\|(?P<created>\d{1,20})\|\d{1,20}\|\d{1,20}\|\d{1,20}"
    rb"\|(?P<state>pending|inflight|offline|invalid)\|(?P<seconds>-?\d{0,20})\|(?P<error>.*)"
)
_ADDRESS = rb"[^@]*@[^@|]*"
_LINE = re.compile(
    _HEAD + rb"(?P<sender>" + _ADDRESS + rb")\|" + _ADDRESS + rb"\|(?P<dest>" + _ADDRESS + rb")" + _TAIL,
    re.DOTALL,
)
#: Addresses that are not as expected: the first numeric block counts, the domains are those of the ends.
_ODD_LINE = re.compile(_HEAD + rb"(?P<sender>.*?)(?:\|(?P<dest>[^|]*))?" + _TAIL, re.DOTALL)
#: An operator's word, which only an operator takes back. The flag "hold" is smtpd's own limit for a busy relay and
#: ends by itself.
_HELD = b"suspend"
_VIS = re.compile(rb"\\(?:(\\)|M-(.)|M\^(.)|\^(.)|([0-3][0-7]{2}))", re.DOTALL)
_LONGEST = 1 << 20
_LATEST = 2**32 - 1


class ShowQueueParser:
    """A mta.base.ListingParser. Lines of one message may stand anywhere: all come with `close`."""

    queues = QUEUES
    forced = False

    def __init__(self, classifier: ReasonOf, now: float) -> None:
        """One parser for one listing that was asked for at `now`."""
        self.skipped: dict[str, int] = {}
        self.envelopes = 0
        self.offline = False
        self._reason, self._bare, self._now = classifier.reason, not classifier.wants_addresses, int(now)
        self._tail = b""
        self._messages: dict[bytes, Message] = {}
        self._more: dict[bytes, tuple[list[str], list[str]]] = {}
        """Domains and reasons of messages with several envelopes."""

    def feed(self, data: bytes) -> list[Message]:
        """Take in lines; nothing is known to be complete before the end."""
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        if len(self._tail) > _LONGEST:
            raise ParseError("smtpctl show queue", f"a line of more than {_LONGEST} bytes", self._tail)
        for line in lines:
            self._line(line)
        return []

    def close(self) -> list[Message]:
        """All messages, in the order in which they were first seen."""
        if self._tail:
            raise ParseError("smtpctl show queue", "the listing is cut in the middle of a line", self._tail)
        for name, (domains, reasons) in self._more.items():
            message = self._messages[name]
            message.domains, message.reasons = tuple(domains), tuple(reasons)
        found, self._messages, self._more = list(self._messages.values()), {}, {}
        return found

    def _line(self, line: bytes) -> None:
        found = _LINE.fullmatch(line)
        odd = found is None
        if found is None:
            found = _ODD_LINE.fullmatch(line)
        if found is None:
            raise ParseError("smtpctl show queue", "a line that is none of a listing", line)
        self.envelopes += 1
        if found["state"] == b"offline":
            self.offline = True
        dest, error = found["dest"] or found["sender"], unvis(found["error"])
        domain = domain_of(dest)
        reasons = (self._reason(masked(error, dest) if self._bare else error),) if error else ()
        held = _HELD in found["flags"].split(b",")
        retry = None
        if found["state"] == b"pending" and found["seconds"].strip(b"-"):
            retry = max(1, min(self._now + int(found["seconds"]), _LATEST))
        arrival, rank = min(int(found["created"]), _LATEST), RANK.get(found["agent"], 0)
        name = found["id"][:8]
        message = self._messages.get(name)
        if message is None:
            sender = found["sender"].partition(b"|")[0] if odd else found["sender"]
            self._messages[name] = Message(
                QUEUES[rank],
                name.decode("ascii"),
                arrival,
                0,
                "" if sender == b"@" else domain_of(sender),
                (domain,),
                reasons,
                retry,
                held,
            )
            return
        domains, known = self._more.setdefault(name, (list(message.domains), list(message.reasons)))
        domains.append(domain)
        known.extend(reasons)
        message.queue = QUEUES[min(rank, QUEUES.index(message.queue))]
        message.arrival = min(arrival, message.arrival)
        message.held = held and message.held  # only if nothing of it is tried
        if retry is not None:
            message.next_retry = min(retry, message.next_retry or retry)


def doubt(parser: ListingParser, proof: bytes) -> str:
    """Why a listing cannot be whole, given what ``smtpctl show stats`` printed.

    Without smtpd smtpctl reads the spool itself, all of it; only nothing at all proves nothing.
    """
    if not isinstance(parser, ShowQueueParser):
        return "another listing"
    if parser.offline and not proof:
        return ""
    return stats.doubt(parser.envelopes, proof)


def unvis(text: bytes) -> bytes:
    r"""Undo vis(3) without flags: ``\\``, ``\^C``, ``\M-c``, ``\M^C`` and octal digits."""
    return _VIS.sub(_visible, text) if b"\\" in text else text


def _visible(found: re.Match[bytes]) -> bytes:
    plain, meta, meta_control, control, octal = found.groups()
    if plain:
        return b"\\"
    if octal:
        return bytes((int(octal, 8),))
    if control:
        return bytes((control[0] ^ 0x40 if control != b"?" else 0x7F,))
    return bytes(((meta or meta_control)[0] | 0x80,)) if meta else bytes(((meta_control[0] ^ 0x40) | 0x80,))
