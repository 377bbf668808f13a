"""Queue files and defer logs as Postfix writes them: for the demonstration, for tests and for benchmarks.

Pure: values in, bytes out; whoever calls it chooses directory (queue_id.hash_path), mode (0700, defer logs
0600) and times (mtime of a deferred file = its next retry). Source of truth: Postfix' rec_type.h,
cleanup(8), bounce(8); every record here was compared with files of a real Postfix 3.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: The attributes that smtpd(8) adds for a client.
CLIENT = (
    b"log_client_name=client.example",
    b"log_client_address=192.0.2.10",
    b"log_client_port=40000",
    b"log_message_origin=client.example[192.0.2.10]",
    b"log_helo_name=client.example",
    b"log_protocol_name=ESMTP",
    b"client_name=client.example",
    b"reverse_client_name=client.example",
    b"client_address=192.0.2.10",
    b"client_port=40000",
    b"server_address=192.0.2.1",
    b"server_port=25",
    b"helo_name=client.example",
    b"protocol_name=ESMTP",
    b"client_address_type=2",
)
#: One line of content as a record of 78 bytes.
_LINE = b"N\x4c" + b"The quick brown fox jumps over the lazy dog".ljust(76, b".")


class QueueFile(NamedTuple):
    """A queue file: its bytes, and for each recipient the offset of its record, as the defer log names it."""

    data: bytes
    offsets: tuple[int, ...]


class Deferral(NamedTuple):
    """Why one recipient waits. `reason` is the whole text, `reply` the part that a server said, if any."""

    recipient: bytes
    offset: int
    status: bytes
    reason: bytes
    reply: bytes = b""
    host: bytes = b""


def record(kind: bytes, data: bytes = b"") -> bytes:
    """One record: type byte, length in little-endian base 128, data."""
    length, size = len(data), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    size.append(length)
    return kind + bytes(size) + data


def content(size: int, subject: bytes = b"") -> bytes:
    """Message lines as N records, framing included exactly `size` bytes (at least 2)."""
    first = record(b"N", b"Subject: " + subject[:100]) if subject else b""
    size -= len(first)
    if size < 2:
        return record(b"N", b"x" * max(0, size + len(first) - 2))
    lines, rest = divmod(size, 78)
    if rest == 1:  # no record is one byte long
        lines, rest = lines - 1, rest + 78
    last = record(b"N", b"." * (rest - 2)) if rest else b""
    return first + _LINE * lines + last


def queue_file(
    arrival: float,
    sender: bytes,
    recipients: Sequence[bytes],
    size: int = 2000,
    *,
    queue_id: bytes = b"",
    done: Iterable[int] = (),
    behind: Iterable[int] = (),
    attributes: Sequence[bytes] = (),
    original: bool = True,
    body: bool = True,
    subject: bytes = b"",
) -> QueueFile:
    """A file of any queue but maildrop. `arrival` in seconds since the epoch, `size` the message size in
    bytes.

    `done` are the indexes of recipients that were delivered or bounced, `behind` of those whose records stand
    behind the content (``sendmail -t``, always_bcc). `original` writes the A and the O record before each
    recipient as Postfix does. body=False leaves the content out although the sizes name it: small files for
    benchmarks, since no reader reads content (but recipients in `behind` would not be found).
    """
    done, behind = set(done), set(behind)
    seconds, microseconds = divmod(round(arrival * 1_000_000), 1_000_000)
    attributes = attributes or CLIENT
    envelope = bytearray(97)  # room for the C record: 95 bytes of data
    envelope += record(b"T", b"%d %d" % (seconds, microseconds)) + record(b"A", b"create_time=%d" % seconds)
    if queue_id:
        envelope += record(b"A", b"log_ident=" + queue_id)
    envelope += record(b"A", b"rewrite_context=local") + record(b"S", sender)
    for attribute in attributes:
        envelope += record(b"A", attribute)
    offsets = [0] * len(recipients)

    def add(target: bytearray, base: int, index: int) -> None:
        address = recipients[index]
        if original:
            target.extend(record(b"A", b"dsn_orig_rcpt=rfc822;" + address) + record(b"O", address))
        offsets[index] = base + len(target)
        target.extend(record(b"D" if index in done else b"R", address))

    for index in range(len(recipients)):
        if index not in behind:
            add(envelope, 0, index)
    envelope += record(b"M")
    start = len(envelope)
    middle = content(size, subject) if body else b""
    tail = bytearray(record(b"X"))
    for index in sorted(behind):
        add(tail, start + (len(middle) if body else size), index)
    tail += record(b"E")
    sizes = b"%15d %15d %15d %15d %15d %15d" % (size, start, len(recipients), 0, size, 0)
    envelope[:97] = record(b"C", sizes)
    return QueueFile(bytes(envelope) + middle + bytes(tail), tuple(offsets))


def maildrop_file(
    arrival: float, sender: bytes, recipients: Sequence[bytes], lines: Sequence[bytes] = (),
) -> bytes:
    """A file of maildrop as postdrop(1) leaves it: T first, no sizes; its message size is the file's."""
    seconds, microseconds = divmod(round(arrival * 1_000_000), 1_000_000)
    return b"".join(
        (
            record(b"T", b"%d %d" % (seconds, microseconds)),
            record(b"A", b"rewrite_context=local"),
            record(b"F", b"root"),
            record(b"S", sender),
            *(record(b"R", address) for address in recipients),
            record(b"M"),
            *(record(b"N", line) for line in lines),
            record(b"X"),
            record(b"E"),
        ),
    )


def defer_log(deferrals: Iterable[Deferral]) -> bytes:
    """The file defer/<c>/<id>: one block for each recipient that waits, in the order of the failures."""
    blocks = []
    for one in deferrals:
        lines = [
            b"",
            b"<%s>: %s" % (one.recipient, one.reason),
            b"recipient=" + one.recipient,
            b"offset=%d" % one.offset,
            b"dsn_orig_rcpt=rfc822;" + one.recipient,
            b"status=" + one.status,
            b"action=delayed",
        ]
        if one.reply:
            lines += [b"diag_type=smtp", b"diag_text=" + one.reply]
        if one.host:
            lines += [b"mta_type=dns", b"mta_mname=" + one.host]
        blocks.append(b"\n".join([*lines, b"reason=" + one.reason]) + b"\n\n")
    return b"".join(blocks)
