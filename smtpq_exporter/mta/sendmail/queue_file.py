"""Sendmail's queue control file (qf): who waits in it, since when, and why.

Pure. Source of truth: readqf() and queueup() in sendmail/queue.c, 8.12 to 8.18, and the Sendmail Installation
and Operation Guide, appendix B. A line is a letter and a value; the envelope ends where the headers begin
(H), the file ends with a lone dot. Text of a stranger cannot begin a line: Sendmail takes newlines out of
what it writes here.

M is the last status. The first one, before the sender, belongs to the whole message; one before an R belongs
to that recipient. A failed connection leaves only the message's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from smtpq_exporter.errors import ParseError

#: An envelope (all recipients) is not longer than this, bytes.
LONGEST = 64 * 1024 * 1024
_STEP = 256 * 1024
#: Macros and original recipients.
_PASSED = frozenset((b"$", b"r"))
#: The message's own status that tells why recipients without one wait: no attempt got as far as a reply.
TEMPORARY = (b"Deferred", b"Operating system error", b"host map: lookup", b"I/O error", b"reply: read error")
DEFERRED = b"Deferred: "
_RECIPIENT = rb"(?:M(.*+)\n)?+r.*+\nR[^:\n]*+:<([^>@\n]++(@[^>@\n]*+))>\n"
#: The usual envelope up to its first recipient: the same as `read_envelope` understands, in one step. Groups: arrival,
#: last attempt, number of attempts, common status, domain of the sender; status, address and domain of the
#: recipient; "H" if there is no other. Domains begin with the @.
USUAL = re.compile(
    rb"V[1-9]\nT(\d{1,10})\nK(\d{1,10})\nN(\d{1,9})\nP-?\d++\n(?:I.*+\n)?"
    rb"(?:M(.*+)\n)?+(?:[F$B].*+\n)*+S<(?:[^>@\n]*+(@[^>@\n]*+))?+>\n" + _RECIPIENT + rb"(H)?+",
).match
_FURTHER = re.compile(_RECIPIENT).match
Recipient = tuple[bytes | None, bytes, bytes]
"""Status of its own, address, domain that begins with the @."""


class Envelope(NamedTuple):
    """Times in seconds since the epoch. `waiting` has the address of each recipient and its status (b"" =
    none known).
    """

    arrival: int
    last_attempt: int
    attempts: int
    sender: bytes
    waiting: list[tuple[bytes, bytes]]
    data_directory: bytes
    """Where the body lies if not beside this file."""


def read_envelope(head: bytes, size: int, more: Callable[[int, int], bytes]) -> Envelope:
    """Understand a control file of `size` bytes that begins with `head`; `more(offset, length)` gives the
    rest.

    Raises ParseError if the file is not complete or has no creation time.
    """
    end = head.find(b"\nH")
    if end < 0:
        head, end = _whole(head, size, more)
    arrival = last_attempt = attempts = -1
    sender: bytes | None = None
    status = common = folder = b""
    version = 0
    waiting: list[tuple[bytes, bytes]] = []
    try:
        for line in head[:end].split(b"\n"):
            letter = line[:1]
            if letter in _PASSED:
                continue
            if letter == b"R":
                address = line[1:]
                if version:
                    _, colon, address = address.partition(b":")
                    if not colon:
                        continue
                waiting.append((_bare(address), status))
                status = b""
            elif letter == b"M":
                if sender is None:
                    common = line[1:]
                else:
                    status = line[1:]
            elif letter == b"S":
                sender = _bare(line[1:])
            elif letter == b"T":
                arrival = int(line[1:])
            elif letter == b"K":
                last_attempt = int(line[1:])
            elif letter == b"N":
                attempts = int(line[1:])
            elif letter == b"V":
                version = int(line[1:].partition(b" ")[0])
            elif letter == b"d":
                folder = line[1:]
    except ValueError as error:
        raise ParseError("qf file", "a number was expected", line) from error
    if arrival < 0 or sender is None:
        raise ParseError("qf file", "no creation time or no sender", head)
    return Envelope(arrival, max(0, last_attempt), max(0, attempts), sender, shared(common, waiting), folder)


def shared(common: bytes, waiting: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Give recipients without a status of their own that of the message, if it can be theirs."""
    if not common.startswith(TEMPORARY) or any(own == common for _, own in waiting):
        return waiting
    return [(address, own or common) for address, own in waiting]


def _whole(head: bytes, size: int, more: Callable[[int, int], bytes]) -> tuple[bytes, int]:
    """The file up to where its envelope ends, and that place."""
    parts, have, tail = [head], len(head), head[-2:]
    while have < min(size, LONGEST):
        part = more(have, min(_STEP, size - have))
        if not part:
            break
        parts.append(part)
        have += len(part)
        if b"\nH" in tail + part:
            break
        tail = part[-2:]
    text = b"".join(parts)
    end = text.find(b"\nH")
    if end < 0:
        end = text.find(b"\n.\n")
    if end < 0:
        raise ParseError("qf file", "the end of the envelope is missing", text[-60:])
    return text, end


def _bare(address: bytes) -> bytes:
    """An address without its brackets."""
    return address[1:-1] if address[:1] == b"<" and address[-1:] == b">" else address


def further(head: bytes, at: int) -> list[Recipient] | None:
    """Status, address and domain of each recipient from here on, up to the headers; None if one is not usual."""
    found: list[Recipient] = []
    while head[at : at + 1] != b"H":
        match = _FURTHER(head, at)
        if match is None:
            return None
        found.append((match[1], match[2], match[3]))
        at = match.end()
    return found
