"""The envelope that syslog puts around a line: when, which host, which program, where its own words begin.

Pure: no clock, no files. The law: the program is found from the left and at a fixed place. Whatever stands to
the right of it may have been written by a stranger, so nothing there is ever searched for a second tag.

Every mail server's log parser uses this one grammar: `split` the line, look whether `tag` is yours,
understand `line[start:]`. A hot loop asks once for each new pair of host and program and keeps the answer by
the bytes between the stamp and "[pid]", as mta/postfix/log.py does. Truth: RFC 3164, RFC 5424, rsyslog and
syslog-ng templates, `journalctl -o short*`, Solaris syslog; lines seen in real logs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

#: So many bytes of a line are kept in case syslog says that it was repeated.
KEPT = 4096
#: Month day time: RFC 3164, with an optional year or fraction; ctime and `journalctl -o short-full` carry a
#: weekday.
_CLASSIC = (
    rb"(?:[A-Z][a-z]{2} |\d{4} )?[A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?"
    rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: \d{4}(?= ))?"
)
_ISO = (
    rb"(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    rb"(?: ?(?:Z|[+-]\d\d:?\d\d)| [A-Z]{3,5}(?= ))?"
)
_EPOCH = rb"\d{10}(?:\.\d{1,9})?"
_STAMP = rb"(?P<stamp>" + _ISO + rb"|" + _CLASSIC + rb"|" + _EPOCH + rb")"
#: NUL bytes are what copytruncate leaves at the head of a file.
_HEAD = rb"\0*(?:\xef\xbb\xbf)?(?:<\d{1,3}>)?"
#: A facility between time and tag is written by some templates: `mail.info`, `<mail.info>`, `<2.6>`.
_FACILITY = rb"(?:<?[a-z0-9]{1,9}\.[a-z0-9]{1,9}>? )?"
_SOLARIS = rb"(?:\[ID \d{1,10} [a-z0-9]{1,9}\.[a-z0-9]{1,9}\] )?"
_TAG = rb"(?P<tag>[^\s\[\]:]{1,128})(?:\[(?P<pid>\d{1,10})\])?: " + _SOLARIS
_KNOWN = re.compile(
    _HEAD
    + rb"\[?"
    + _STAMP
    + rb"\]?:? "
    + _FACILITY
    + rb"(?:(?P<host>[^\s]{0,254}[^\s:]) )?"
    + _FACILITY
    + _TAG
)
_STAMPED = re.compile(_HEAD + rb"\[?" + _STAMP + rb"[\] :]")
_RFC5424 = re.compile(
    rb"\0*(?:\xef\xbb\xbf)?<\d{1,3}>1 (?P<stamp>\S{1,40}) (?P<host>\S{1,255}) (?P<tag>[^\s\[\]:]{1,128}) "
    rb"(?P<pid>\S{1,128}) \S{1,32} "
    rb"(?:-|(?:\[[^\s\]\"=]{1,64}(?: [^\s\]\"=]{1,64}=\"(?:[^\"\\\]]|\\.)*\")*\])+) (?:\xef\xbb\xbf)?"
)
#: A template that is not known: at most eight words, then NAME[pid]: as the first word that ends in a colon.
_OTHER = re.compile(
    _HEAD + rb"(?:[^\s]{0,63}[^\s:] ){0,8}?(?P<tag>[^\s\[\]:]{1,128})\[(?P<pid>\d{1,10})\]: " + _SOLARIS
)
_REPEATED = re.compile(
    _HEAD + rb"\[?" + _STAMP + rb"\]?:? (?:\S{1,255} )?last message repeated (?P<times>\d{1,7}) times?\s*$"
)
_WRAPPED = re.compile(rb"message repeated (\d{1,7}) times: \[ ?")


class Prefix(NamedTuple):
    """What stands before the program's own words: raw bytes; `start` is where they begin in the line."""

    stamp: bytes
    host: bytes
    tag: bytes
    pid: bytes
    start: int


def split(line: bytes) -> Prefix | None:
    """Find the prefix of one line, None if it has none that is known."""
    found = _KNOWN.match(line) or _RFC5424.match(line)
    if found is None:
        if (
            _STAMPED.match(line) is not None
        ):  # a time we know and no tag where it belongs: never look further right
            return None
        found = _OTHER.match(line)
        if found is None:
            return None
        return Prefix(b"", b"", found["tag"], found["pid"], found.end())
    return Prefix(found["stamp"], found["host"] or b"", found["tag"], found["pid"] or b"", found.end())


def stamp_of(line: bytes) -> bytes:
    """The time in front of a line, whatever stands behind it (Exim's own log has no program); b"" if there is none."""
    found = _STAMPED.match(line) or _RFC5424.match(line)
    return found["stamp"] if found else b""


def repeated(line: bytes) -> int:
    """How often the line before is meant by `last message repeated N times`; 0 if this is another line."""
    found = _REPEATED.match(line) if b"last message repeated" in line else None
    return int(found["times"]) if found else 0


def meant(lines: Sequence[bytes], index: int, previous: bytes) -> tuple[bytes, int]:
    """The line at `index`, and 0; or, if it says that the one before it came again, that one and how often.

    `previous` stands before all `lines`. Of a line that came again KEPT bytes at most are counted again.
    """
    times = repeated(lines[index])
    if not times:
        return lines[index], 0
    return next((line for line in reversed(lines[:index]) if not repeated(line)), previous)[:KEPT], times


def unwrap(message: bytes) -> tuple[bytes, int]:
    """Take rsyslog's `message repeated N times: [ ... ]` off: (the words inside, N), or (message, 1).

    Only where the program's words begin, once, up to the last bracket: what it holds cannot forge a second
    one.
    """
    found = _WRAPPED.match(message) if message.startswith(b"message repeated ") else None
    if found is None:
        return message, 1
    end = message.rfind(b"]", found.end())
    return message[found.end() : end if end >= 0 else len(message)], int(found[1])
