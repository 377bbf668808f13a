"""One entry of `journalctl -o json` -> the line that a syslog daemon would have written. Pure.

Source of truth: systemd's "Journal JSON Format": a field is a string; an array of numbers where it is not
printable UTF-8; an array of such values where it stands in the entry more than once; null where it is too
large.
"""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

#: The fields that are asked for; the cursor and the times come with every entry.
FIELDS = ("MESSAGE", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "_PID", "_COMM", "_HOSTNAME")


class Entry(NamedTuple):
    """`line` is empty for an entry without a message; `micros` are microseconds since the epoch."""

    cursor: str
    micros: int
    line: bytes


def entry(text: bytes) -> Entry:
    """Read one entry; ValueError if it is none."""
    try:
        fields = json.loads(text)
        cursor, micros = fields["__CURSOR"], int(fields["__REALTIME_TIMESTAMP"])
    except (KeyError, TypeError, RecursionError):
        raise ValueError("not an entry of the journal") from None
    if not isinstance(cursor, str):
        raise ValueError("not an entry of the journal")  # noqa: TRY004 - the input is wrong, not the caller
    message = _value(fields.get("MESSAGE"))
    if not message:
        return Entry(cursor, micros, b"")
    host = _word(fields.get("_HOSTNAME")) or b"localhost"
    tag = _word(fields.get("SYSLOG_IDENTIFIER")) or _word(fields.get("_COMM")) or b"unknown"
    pid = _word(fields.get("SYSLOG_PID")) or _word(fields.get("_PID"))
    tag += b"[%s]" % pid if pid.isdigit() else b""
    # One entry is one line: a line feed inside may come from a stranger and must not begin a new one.
    return Entry(cursor, micros, b"%s %s %s: %s" % (_stamp(micros), host, tag, message.replace(b"\n", b" ")))


def _stamp(micros: int) -> bytes:
    seconds, fraction = divmod(micros, 1_000_000)
    try:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
    except (OverflowError, OSError, ValueError):
        raise ValueError("a time outside of the calendar") from None
    return b"%s.%06d+00:00" % (moment, fraction)


def _word(value: Any) -> bytes:
    return b"_".join(_value(value).split())


def _value(value: Any) -> bytes:
    """The bytes of a field, of its first value if there are several; empty if there is none."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not isinstance(value, list) or not value:
        return b""
    if not isinstance(value[0], int):
        return _value(value[0]) if not isinstance(value[0], list) else _octets(value[0])
    return _octets(value)


def _octets(value: list[Any]) -> bytes:
    try:
        return bytes(value)
    except (TypeError, ValueError):
        return b""
