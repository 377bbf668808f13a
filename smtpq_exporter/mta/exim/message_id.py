"""Exim's message ids: what is one, and when its message came.

Pure. Source of truth: the Exim specification, section 3.4, and src/functions.h. ``tttttt-pppppp-ss`` (16
characters), since 4.97 ``tttttt-ppppppppppp-ssss`` (23); both may lie in one queue. The first six are the
seconds since the epoch in base 62. Builds for systems without case (macOS, Cygwin) count in base 36: there
the id names no time that fits, and the caller takes another one.
"""

from __future__ import annotations

import re

#: One id, old or new.
MESSAGE_ID = rb"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})"
_ID = re.compile(MESSAGE_ID)
_DIGITS = {
    digit: n for n, digit in enumerate(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}


class _Pairs(dict[bytes, int]):
    """The numbers that two digits stand for, computed when they are asked for: at most 62 * 62."""

    def __missing__(self, pair: bytes) -> int:
        number = self[pair] = _DIGITS[pair[0]] * 62 + _DIGITS[pair[1]]
        return number


_pairs = _Pairs()


def is_message_id(text: bytes) -> bool:
    """Whether this is an id, old or new, and nothing else."""
    return _ID.fullmatch(text) is not None


def arrival(message_id: bytes) -> int:
    """Seconds since the epoch that an id begins with. `message_id` begins with six letters or digits."""
    return (_pairs[message_id[:2]] * 3844 + _pairs[message_id[2:4]]) * 3844 + _pairs[message_id[4:6]]
