"""One line of Exim's log, prefix and all: whose it is, and what it says.

Pure. Everything about a line that is not frequent enough for the hot loop of log.py: what no flag stands in,
syslog's prefixes and repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import KEPT, meant, repeated
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_line import NAMES, Line, shape_of, take_apart
from smtpq_exporter.mta.exim.log_outcomes import Outcomes
from smtpq_exporter.mta.exim.log_trouble import decide
from smtpq_exporter.mta.exim.log_words import FLAGS, understand

_HEADS = 1024  # so many pieces of what stands before Exim's words are kept to be fast
_TAIL = 200  # the last stamp is looked for in so many lines: what follows an entry of the rejectlog has none
_BEFORE = b"+-["  # what may still stand before the words: a time zone, [pid]
_LONGEST_PID = 10  # digits
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)


def _remember(known: set[bytes], piece: bytes) -> None:
    if len(known) >= _HEADS:
        known.clear()
    known.add(piece)


class LineReader:
    """Reads lines of one Exim. `syslog_names` are the names it has in syslog, instead of exim and exim4.

    `now` dates stamps without a year (only syslog's, where syslog_timestamp is off).
    """

    def __init__(
        self, tally: Tally, reasons: ReasonOf, syslog_names: Sequence[str] = (), now: float | None = None
    ) -> None:
        self.tally = tally
        self.now = now
        self._reasons = reasons
        self._names = frozenset(name.encode() for name in syslog_names) or frozenset(NAMES)
        self._start = 20
        """Where an id stands in the lines of this log; in syslog, counted from behind the tag."""
        self._pid = False
        self._host = -1
        """Where the host begins in the lines of syslog; -1: these are Exim's own files."""
        self._heads: set[bytes] = set()
        """Host and tag of Exim's lines in syslog."""
        self._times: set[bytes] = set()
        """What stands before the host there, each digit as 0."""
        self._fronts: set[bytes] = set()
        """What stands before [pid] there: the same together."""
        self._outcomes = Outcomes(tally, reasons, now)
        self._refused = b"", b""
        """Time and words of the last refusal or warning in syslog."""

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not Exim's or is not understood."""
        times = repeated(line)
        if not times:
            self.tally.previous = line[:KEPT]
        event, _ = self._read(self.tally.previous if times else line, again=times > 0)
        if event is not None:
            event.repeat *= times or 1
        return event

    def as_in_file(self, line: bytes) -> bytes:
        """Return a line without what syslog puts around it and without [pid], as in a file of Exim's own; b"" if it is
        not made as the lines before it.
        """
        words = line
        if self._host >= 0:
            prefix, _, words = line.partition(b": ")
            front, _, pid = prefix.partition(b"[")
            if front not in self._fronts and not self._is_front(front):
                return b""
            if pid[-1:] != b"]" or not pid[:-1].isdigit() or len(pid) > _LONGEST_PID + 1:
                return b""
        start = self._start
        if not self._pid or words[start : start + 1] != b"[":
            return words
        end = words.find(b"] ", start, start + _LONGEST_PID + 3)
        if end < 0 or not words[start + 1 : end].isdigit():
            return b""
        return words[:start] + words[end + 2 :]

    def _is_front(self, front: bytes) -> bool:
        """Say whether this stands before [pid] in syslog, but for the time, in lines that were understood."""
        if front[self._host :] not in self._heads or front[: self._host].translate(_DIGITS) not in self._times:
            return False
        _remember(self._fronts, front)
        return True

    def end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        for line in lines[-1:-_TAIL:-1]:
            if not repeated(line):
                self.tally.previous = line[:KEPT].rstrip(b"\n")
                apart = take_apart(line, self._names)
                if apart is not None and apart.stamp:
                    self.tally.stamp = apart.stamp
                    break

    def stamp_of(self, line: bytes) -> bytes:
        """Return the time of a line as it stands there; b"" if it has none."""
        apart = take_apart(line, self._names)
        return apart.stamp if apart else b""

    def quickly(self, line: bytes, at: int) -> bool:
        """Count a line of Exim's own file that has no flag, without making its event; False: needed."""
        if line[at] in _BEFORE or b"]: " in line[:300] or b" exim" in line[:150]:
            return False
        if b"last message repeated" in line[:300]:
            return False
        found = grammar.MESSAGE.match(line, at) if line[at + 6 : at + 7] == b"-" else None
        words = line[found.end() if found else at :].rstrip(b"\r\n\0")
        if found and words[:3] in FLAGS:
            return False
        decision = decide(words, self._reasons, message=found is not None)
        if decision is None:
            return False
        event, kind, _ = decision
        tally = self.tally
        if event == "reject":
            tally.rejects[kind] += 1
        elif event == "warning":
            tally.warnings[kind] += 1
        elif event == "connect_failure":
            tally.warnings[event] += 1
        elif event == "auth_failure":
            tally.auth_failures += 1
        elif event == "connection":
            tally.connections += 1
        elif event == "removed":
            return False
        return True

    def slowly(self, lines: Sequence[bytes], index: int) -> None:
        """Count one line through its event."""
        line, times = meant(lines, index, self.tally.previous)
        line = line.rstrip(b"\n")
        event, ours = self._read(line, again=times > 0, dated=False)
        if event is not None:
            event.repeat *= times or 1
            self.tally.lines["understood"] += 1
            self.tally.add(event)
            self._outcomes.check()
        elif ours:
            self.tally.sample(line)
        else:
            self.tally.lines["ignored"] += 1

    def _read(self, line: bytes, *, again: bool = False, dated: bool = True) -> tuple[LogEvent | None, bool]:
        """Understand one line: the event, and whether the line is Exim's at all."""
        apart = take_apart(line, self._names)
        if apart is None:
            return None, False
        if apart.goes_on:
            return None, False
        self._learn(line, apart)
        event = understand(apart.words, self._reasons)
        if event is None:
            return None, True
        event.repeat = apart.repeat
        event.program = apart.tag.decode("utf-8", "replace")
        if dated:
            event.time = moment(apart.stamp, self.now)
        if event.status == "sent" and event.delay is None and event.queue_id:
            event.delay = self._outcomes.age(event.queue_id.encode(), apart.stamp)
        if event.status == "deferred":
            event.reason = self._outcomes.reason(
                event.event, event.status, event.recipient_domain.encode(), event.reason
            )
        if apart.syslog and event.event in {"reject", "warning"} and not again:
            self._once(event, apart)
        return event, True

    def _once(self, event: LogEvent, line: Line) -> None:
        """What goes to main and reject (or panic) log is in syslog twice: the second time it is only
        "info".
        """
        if (line.stamp, line.words) == self._refused:
            event.event, self._refused = "info", (b"", b"")
        else:
            self._refused = line.stamp, line.words

    def _learn(self, line: bytes, apart: Line) -> None:
        """Remember where an id stands in this log."""
        shape = shape_of(line, apart)
        if shape is not None:
            self._start, self._pid, self._host = shape[:3]
            if shape.head:
                _remember(self._heads, shape.head)
                _remember(self._times, line[: shape.host].translate(_DIGITS))
