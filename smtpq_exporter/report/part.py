"""One part of a log, read into counters and a digest, hour by hour, within the wanted span of time.

The log is taken to be in the order of time, as syslog writes it: hours and the span are found at the edges of
a chunk of lines, and only where an edge lies within the chunk each line is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Protocol, runtime_checkable

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import split
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import LogParser
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.mta.postfix.log_batch import Batch
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.report.digest import Digest
from smtpq_exporter.report.files import Segment, chunks

#: Whose log may be read in parts at the same time: Digest joins messages that began in the part before. Of other
#: mail servers a parser remembers more than that (Exim: why the last attempt failed), so that each file stays whole.
DIVISIBLE = frozenset({"postfix"})
_HOUR = re.compile(
    rb"(?:\0*<\d{1,3}>(?:1 )?)?(?:[A-Z][a-z]{2} (?=\d{4}-))?"
    rb"(\d{4}-\d\d-\d\d[T ]\d\d|[A-Z][a-z]{2} [ \d]?\d \d\d)(?=:)"
)
#: What stands in a row of Digest.hours.
Counts = tuple[int, int, int, int, int]
#: Stamps whose moment is remembered while a span is looked for.
_MOMENTS = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read: the mail server, its syslog names, lines of bare words, and the span of time, epoch or
    None.
    """

    mta: str = "postfix"
    names: tuple[str, ...] = ()
    bare: bool = False
    since: float | None = None
    until: float | None = None


@dataclass(slots=True)
class Part:
    """What one part of a log told."""

    tally: Tally
    digest: Digest
    lines: int = 0


@runtime_checkable
class _Dated(Protocol):
    """A log parser that dates stamps without a year by a moment that it is told."""

    now: float | None


def make_parser(wanted: Wanted, tally: Tally, digest: Digest | None, now: float) -> LogParser:
    """Return the log parser of the wanted mail server."""
    if wanted.mta == "postfix":
        return PostfixLog(tally, _classifier(), wanted.names, now, bare=wanted.bare, digest=digest)
    make = MTAS[wanted.mta].log
    if make is None:
        raise ValueError(f"logs of {wanted.mta} cannot be read")
    parser = make(tally, _classifier(), wanted.names)
    if isinstance(parser, _Dated):
        parser.now = now
    return parser if digest is None else _Told(parser, tally, digest)


@cache
def _classifier() -> Classifier:
    """One for all parts: it takes longer to make than to use."""
    return Classifier()


def read(segment: Segment, wanted: Wanted, advance: Callable[[int], None]) -> Part:
    """Read one part; raise SourceError."""
    part = Part(Tally(), Digest())
    parser = make_parser(wanted, part.tally, part.digest, segment.mtime)
    inside = Span(wanted, segment.mtime)
    current, before = b"", _counts(part)
    for chunk in chunks(segment, advance, ends=getattr(parser, "ends", False)):
        for hour, lines in by_hour(inside.lines(chunk)):
            if hour != current:
                before = _end_of_hour(part, current, before)
                current = hour
            parser.feed(lines)
            part.lines += len(lines)
    _end_of_hour(part, current, before)
    part.digest.finish()
    return part


def _end_of_hour(part: Part, hour: bytes, before: Counts) -> Counts:
    """Add what was counted since `before` to the hour, if it is one; return the counts."""
    counts = _counts(part)
    if hour:
        row = part.digest.hours.setdefault(hour, [0] * len(counts))
        for column, (new, old) in enumerate(zip(counts, before, strict=True)):
            row[column] += new - old
    return counts


def _counts(part: Part) -> Counts:
    """Return the counters of the columns of Digest.hours."""
    tally, status = part.tally, [0, 0, 0, 0]
    for (index, _), (count,) in tally.cells.items():
        status[index] += count
    delivered = status[SENT] - part.digest.forwarded
    return tally.received, delivered, status[DEFERRED], status[BOUNCED], tally.rejects.total()


def by_hour(lines: list[bytes]) -> Iterator[tuple[bytes, list[bytes]]]:
    """Divide lines by the hour in front of them; a line without a time belongs to the hour before it."""
    if not lines:
        return
    first, last = _HOUR.match(lines[0]), _HOUR.match(lines[-1])
    if first and last and first[1] == last[1]:
        yield first[1], lines
        return
    hour = b""

    def key(line: bytes) -> bytes:
        nonlocal hour
        found = _HOUR.match(line)
        hour = found[1] if found else hour
        return hour

    for name, group in groupby(lines, key):
        yield name, list(group)


class Span:
    """Leaves out lines before `since` and from `until` on."""

    def __init__(self, wanted: Wanted, now: float) -> None:
        self._since = wanted.since if wanted.since is not None else float("-inf")
        self._until = wanted.until if wanted.until is not None else float("inf")
        self._all = wanted.since is None and wanted.until is None
        self._now = now
        self._moments: dict[bytes, float | None] = {}
        self._last = float("-inf")

    def lines(self, chunk: list[bytes]) -> list[bytes]:
        """Return the lines within the span; one without a time goes with the line before it."""
        if self._all or not chunk:
            return chunk
        first, last = self._when(chunk[0]), self._when(chunk[-1])
        if self._since <= first and last < self._until:
            return chunk
        if last < self._since or first >= self._until:
            return []
        return [line for line in chunk if self._since <= self._when(line) < self._until]

    def _when(self, line: bytes) -> float:
        prefix = split(line)
        if prefix is not None and prefix.stamp:
            if prefix.stamp not in self._moments:
                if len(self._moments) >= _MOMENTS:
                    self._moments.clear()
                self._moments[prefix.stamp] = moment(prefix.stamp, self._now)
            when = self._moments[prefix.stamp]
            self._last = self._last if when is None else when
        return self._last


class _Told:
    """A log parser that has no hot loop for a digest: every line goes through its event."""

    def __init__(self, parser: LogParser, tally: Tally, digest: Digest) -> None:
        self._parser, self._tally, self._digest = parser, tally, digest

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line."""
        return self._parser.event(line)

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines through their events."""
        tell = getattr(self._parser, "tell", None)  # where a counter needs more than single events
        for line in lines:
            event = self._parser.event(line) if tell is None else tell(line)
            if tell is not None:
                if event is not None:
                    self._digest.event(event)
                continue
            if event is None:
                self._tally.lines["ignored"] += 1
                continue
            self._tally.lines["understood"] += 1
            self._tally.add(event)
            self._digest.event(event)
        self._digest.batch(Batch())
