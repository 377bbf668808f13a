"""One envelope of OpenSMTPD: a file of ``key: value`` lines for one recipient, as it lies in the spool.

Pure. Source of truth: usr.sbin/smtpd/envelope.c (envelope_dump_buffer), compress_gzip.c, crypto.c. The queue
option `compression` gzips the file, which is undone here; `encryption` (a version byte, then AES-256-GCM)
cannot be: such an envelope tells by its name that it is there, and nothing else.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from smtpq_exporter.errors import ParseError

#: An envelope has about 400 bytes; its longest lines are bounded by LINE_MAX.
LONGEST = 64 * 1024
_GZIP, _ENCRYPTED, _TEXT = b"\x1f\x8b", b"\x01", b"version: "
_NULL = b"@"


class Envelope(NamedTuple):
    """What is asked of an envelope. `kind` is mta, mda or bounce; `sender` is empty for the null sender."""

    kind: bytes
    arrival: int
    sender: bytes
    recipient: bytes
    error: bytes


def read_envelope(data: bytes) -> Envelope | None:
    """Understand the bytes of an envelope file, None if it is encrypted; raises ParseError."""
    if data[:2] == _GZIP:
        data = _inflate(data)
    if data[:1] == _ENCRYPTED:
        return None
    if not data.startswith(_TEXT) or data[-1:] != b"\n":
        raise ParseError("envelope", "no text that begins with its version and ends with a line", data[:60])
    lines = dict(line.partition(b": ")[::2] for line in data.split(b"\n"))
    try:
        kind, came, sender = lines[b"type"], lines[b"ctime"], lines[b"sender"]
        recipient = lines[b"dest"]
        if not came.isdigit() or len(came) > 20:
            raise ParseError("envelope", "ctime is no time", came)
    except KeyError as missing:
        raise ParseError("envelope", f"without {missing.args[0].decode()}", data[:60]) from None
    return Envelope(
        kind, int(came), b"" if sender == _NULL else sender, recipient, lines.get(b"errorline", b"")
    )


def _inflate(data: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(31)
        whole = unpacker.decompress(data, LONGEST)
    except zlib.error as error:
        raise ParseError("envelope", f"compressed, and broken ({error})") from None
    if not unpacker.eof:
        raise ParseError("envelope", "compressed, and cut")
    return whole
