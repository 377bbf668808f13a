"""Postfix queue ids: what is one, when it was given out, which sub-directory its files are in.

Pure: no clock, no files. Source of truth: postconf(5) enable_long_queue_ids and hash_queue_depth, Postfix'
mail_queue.h.

Short: five upper-case hex digits of the microsecond, then the inode in hex. Long: seconds in base 52 (six
digits or more), microseconds in base 52 (four digits), ``z``, inode in base 51. The digits of base 51 leave
out ``z``, so the last ``z`` is the separator.
"""

from __future__ import annotations

import re

#: Digits of base 52; base 51 is the same without the last.
DIGITS = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
_VALUES = {digit: value for value, digit in enumerate(DIGITS)}
#: What may name a queue file. The lengths leave room: copies made by backup tools carry longer inode parts.
QUEUE_ID = re.compile(
    rb"[0-9A-F]{6,40}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,16}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]{1,24}",
)
is_queue_id = QUEUE_ID.fullmatch


def _number(digits: bytes) -> int:
    value = 0
    for digit in digits:
        value = value * 52 + _VALUES[digit]
    return value


def split(queue_id: bytes) -> tuple[int, int] | None:
    """Seconds and microseconds at which a long id was given out; None for a short id or any other name."""
    end = queue_id.rfind(b"z")
    if end < 10:
        return None
    try:
        return _number(queue_id[: end - 4]), _number(queue_id[end - 4 : end])
    except KeyError:
        return None


def moment(queue_id: bytes, now: float, skew: float = 86400.0) -> int | None:
    """Second at which the id was given out (arrival, or the last requeue); None if the id does not tell.

    A moment before 1970, after 2106 or more than `skew` seconds in the future is a strange name, no answer.
    """
    parts = split(queue_id)
    if parts is None or not 0 < parts[0] < min(2**32, now + skew):
        return None
    return parts[0]


def hash_path(queue_id: bytes, depth: int) -> bytes:
    """Sub-directory of a hashed queue: b"4/" at depth 1, b"4/C/" at depth 2, b"" at depth 0.

    Short ids are hashed by their first characters, long ones by the hex digits of their microsecond.
    """
    if not depth:
        return b""
    parts = split(queue_id)
    digits = b"%05X" % parts[1] if parts else queue_id
    return b"".join(b"%c/" % digit for digit in digits[:depth])


def _digits(value: int, base: int, least: int = 1) -> bytes:
    text = bytearray()
    while value or len(text) < least:
        value, digit = divmod(value, base)
        text.append(DIGITS[digit])
    return bytes(reversed(text))


def long_id(seconds: int, microseconds: int, inode: int) -> bytes:
    """The long queue id of a file with this inode, made at this moment."""
    return _digits(seconds, 52, 6) + _digits(microseconds, 52, 4) + b"z" + _digits(inode, 51)


def short_id(microseconds: int, inode: int) -> bytes:
    """The short queue id of a file with this inode, made at this microsecond of any second."""
    return b"%05X%X" % (microseconds, inode)
