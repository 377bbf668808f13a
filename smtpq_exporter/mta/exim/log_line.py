"""Where in a line Exim's own words begin: in its own files, and behind the prefix that syslog puts around
them.

Pure. A file's line begins with Exim's own time (log_timezone, +millisec), then [pid] with +pid. In syslog
mode the tag is exim, followed by Exim's own time as well unless syslog_timestamp is off. A long line comes
in pieces, [n/m]; the first one holds all that is counted, the others are passed over, and so are lines that
go on from the one before.
"""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from smtpq_exporter.logs.prefix import split, unwrap
from smtpq_exporter.mta.exim import log_grammar as grammar

#: Names that Exim's programs log under.
NAMES = (b"exim", b"exim4")


class Line(NamedTuple):
    """`stamp` as written; the words; how often they were said; the offset where an id would stand, 0 if not
    known.
    """

    stamp: bytes
    words: bytes
    repeat: int
    tag: bytes = b""
    syslog: bool = False
    goes_on: bool = False
    """Only the rest of an entry: nothing of its own."""


def take_apart(line: bytes, names: Container[bytes] = NAMES) -> Line | None:
    """Divide one line; None if it is not Exim's."""
    own = grammar.STAMP.match(line)
    if own is not None:
        start = _behind_pid(line, own.end())
        if grammar.MESSAGE.match(line, start):
            return Line(own[1], line[start:].rstrip(b"\r\n\0"), 1)
    elif line[:1] in b" \t":
        return Line(b"", b"", 1, goes_on=True) if line[1:2].strip() else None
    if (
        own is not None and b"]: " not in line[:300] and b" exim" not in line[:150]
    ):  # no tag can be in it: nearly all lines
        return Line(own[1], line[start:].rstrip(b"\r\n\0"), 1)
    prefix = split(line)
    if prefix is not None and prefix.tag in names:
        return _behind_tag(line, prefix.start, prefix.stamp, prefix.tag)
    if own is None or (prefix is not None and prefix.pid):
        return None
    return Line(own[1], line[start:].rstrip(b"\r\n\0"), 1)


def _behind_tag(line: bytes, start: int, stamp: bytes, tag: bytes) -> Line:
    words, times = unwrap(line[start:].rstrip(b"\r\n\0"))
    piece = grammar.PIECE.match(words)
    if piece is not None:
        if piece[1] != b"1":
            return Line(stamp, b"", 1, tag, syslog=True, goes_on=True)
        words = words[piece.end() :]
    elif words[:1] in b" \t":
        return Line(stamp, b"", 1, tag, syslog=True, goes_on=True)
    own = grammar.STAMP.match(words)
    if own is not None:
        return Line(own[1], words[_behind_pid(words, own.end()) :], times, tag, syslog=True)
    return Line(stamp, words[_behind_pid(words, 0) :], times, tag, syslog=True)


def _behind_pid(line: bytes, start: int) -> int:
    pid = grammar.PID.match(line, start)
    return pid.end() if pid else start


class Shape(NamedTuple):
    """What the lines of one log have in common.

    Where an id stands (in syslog, counted from behind the tag); whether [pid] stands before it; where the
    host begins in syslog (-1: Exim's own file); host and tag.
    """

    start: int
    pid: bool
    host: int
    head: bytes


def shape_of(line: bytes, apart: Line) -> Shape | None:
    """The shape of the log that a line is from; None if it does not tell."""
    if grammar.MESSAGE.match(apart.words) is None:
        return None
    place = line.find(apart.words)
    start, host, head = place, -1, b""
    if apart.syslog:
        colon = line.find(b": ")
        bracket = line.find(b"[", 0, colon)
        if bracket < 0 or not line[:bracket].endswith(b" " + apart.tag):
            return None
        host = line.rfind(b" ", 0, bracket - len(apart.tag) - 1) + 1
        head = line[host:bracket]
        start -= colon + 2
    elif place < 20:
        return None
    pid = line[:place].endswith(b"] ") and (start > 3 or host < 0)
    if pid:
        start -= place - line.rfind(b"[", 0, place)
    return Shape(start, pid, host, head)
