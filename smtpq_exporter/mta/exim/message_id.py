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
#: The file that a message is known by.
HEADER_FILE = MESSAGE_ID + rb"-H"
is_header_file = re.compile(HEADER_FILE).fullmatch
_DIGITS = {
    digit: n for n, digit in enumerate(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}


#: Seconds that the first four characters of an id stand for, and the next two: they repeat.
_hours: dict[bytes, int] = {}
_seconds: dict[bytes, int] = {}
#: A table is emptied at this size; of two digits there are fewer.
_MOST = 4096


def is_message_id(text: bytes) -> bool:
    """Whether this is an id, old or new, and nothing else."""
    return _ID.fullmatch(text) is not None


def arrival(message_id: bytes) -> int:
    """Seconds since the epoch that an id begins with. `message_id` begins with six letters or digits."""
    hours, seconds = _hours.get(message_id[:4]), _seconds.get(message_id[4:6])
    if hours is None:
        if len(_hours) >= _MOST:
            _hours.clear()
        hours = _hours[message_id[:4]] = _number(message_id[:4]) * 3844
    if seconds is None:
        seconds = _seconds[message_id[4:6]] = _number(message_id[4:6])
    return hours + seconds


def _number(digits: bytes) -> int:
    """What digits of base 62 stand for."""
    number = 0
    for digit in digits:
        number = number * 62 + _DIGITS[digit]
    return number
