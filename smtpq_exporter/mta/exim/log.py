"""Exim's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them fast.

Pure. `feed` knows the frequent shapes by heart (the id at a fixed place, the flag directly behind it, a compiled pattern
that matches exactly there) and hands every other line to `event`; both count the same, tests prove it on all data.
mainlog, rejectlog and paniclog are one grammar; what syslog carries twice (a refusal goes to main and reject log) is
counted once. How long a message was on its way is what QT= says, else the time from its id to this line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import repeated
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_line import NAMES, Line, take_apart
from smtpq_exporter.mta.exim.log_words import LONGEST_WAIT, TEXT, Outcome, outcome, queue_time, seconds, understand
from smtpq_exporter.mta.exim.message_id import arrival

#: Bounds of what is kept to be fast.
_HEADS, _MEMO = 1024, 4096
#: So much of a line is kept for `last message repeated`.
_LINE = 4096
#: Texts longer than this are not remembered: they hold more than a reason.
_SHORT = 400
_DASH, _BLANK = ord("-"), ord(" ")


class EximLog:
    """A LogParser for one Exim. `syslog_names` are the names it has in syslog, instead of exim and exim4.

    `now` dates stamps without a year (only syslog's, where syslog_timestamp is off).
    """

    def __init__(self, tally: Tally, reasons: ReasonOf, syslog_names: Sequence[str] = (), now: float | None = None) -> None:
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
        self._outcomes: dict[tuple[bytes, bytes], tuple[Outcome, list[int] | None]] = {}
        self._cells: dict[bytes, list[int]] = {}
        self._tails: dict[bytes, bytes] = {}
        self._stamp = b""
        self._moment: float | None = None
        self._refused = b""
        self._dead: dict[bytes, str] = {}
        """Domain -> why the last real attempt for it failed: what "retry time not reached" repeats."""

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not Exim's or is not understood."""
        event, _ = self._read(line)
        return event

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally, host, heads, start, pid = self.tally, self._host, self._heads, self._start, self._pid
        destinations, pending = tally.destinations, tally.delays.pending
        known, bound, forget = destinations.known, tally.delays.bound, pending.pop
        delivered, deferred, failed = (
            grammar.FREQUENT_DELIVERED.match, grammar.FREQUENT_DEFERRED.match, grammar.FREQUENT_FAILED.match)
        sent, tails, masked = self._sent, self._tails, not self._reasons.wants_addresses
        done: list[bytes] = []
        reasons: tuple[list[str], list[str], list[str]] = ([], [], [])
        received = removed = slow = 0
        for line in lines:
            at = start
            if host >= 0:
                colon = line.find(b": ")
                if line[host : line.find(b"[", host, colon)] in heads:
                    at += colon + 2
                else:
                    at = len(line)
            if pid and line[at : at + 1] == b"[":
                at = line.find(b"] ", at, at + 14) + 2
            if len(line) > at + 24 and line[at + 6] == _DASH and line[at - 1] == _BLANK:
                end = at + 16 if line[at + 13] == _DASH else at + 23
                message, flag = line[at:end], line[end : end + 4]
                if message.replace(b"-", b"").isalnum() and (end == at + 16 or line[at + 18] == _DASH):
                    if flag == b" <= ":
                        received += 1
                        self._refused = b""
                        continue
                    if flag == b" Com" and line.startswith(b"Completed", end + 1):
                        removed += 1
                        way = forget(message, None)
                        if way is not None:
                            done.append(way)
                        continue
                    found = None
                    if flag == b" => " or flag == b" -> ":
                        found = delivered(line, end + 4)
                        if found is not None:
                            cell = sent(line, found.end())
                            if cell is not None:
                                cell[0] += 1
                                tail = line[line.rfind(b" QT=", -40) :]
                                way = tails.get(tail)
                                if way is None:
                                    way = self._way(line, tail, at, message)
                                pending[message] = way
                                if len(pending) > PENDING:
                                    bound()
                                status = SENT
                            else:
                                found = None
                    elif flag == b" == ":
                        found = deferred(line, end + 4)
                        if found is not None:
                            status = self._failure(line, found, found["number"], masked, reasons)
                            if status < 0:
                                continue
                    elif flag == b" ** ":
                        found = failed(line, end + 4)
                        if found is not None:
                            status = self._failure(line, found, b"", masked, reasons)
                    if found is not None:
                        domain = found["domain"]
                        row = known.get(domain)
                        if row is not None:
                            row[status] += 1
                        else:
                            destinations.add(label(domain), status)
                        continue
            self._slowly(line)
            host, start, pid = self._host, self._start, self._pid
            slow += 1
        tally.received += received
        tally.removed += removed
        tally.lines["understood"] += len(lines) - slow
        tally.deferred.update(reasons[0])
        tally.suspended.update(reasons[1])
        tally.bounces.update(reasons[2])
        tally.delays.done(done)
        self._end(lines)

    def _sent(self, line: bytes, start: int) -> list[int] | None:
        """The counter of a delivery with the enhanced code that was confirmed; None: look at it slowly."""
        at = line.find(b' C="', start)
        if at < 0:
            return self._cells.get(b"") or self._cell(b"")
        if line.find(b'"', start, at) >= 0:  # another quoted field before: its text is not searched
            return None
        key = line[at + 4 : at + 14]
        return self._cells.get(key) or self._cell(key)

    def _cell(self, key: bytes) -> list[int]:
        found = grammar.CONFIRMED.match(key)
        if len(self._cells) >= _MEMO:
            self._cells.clear()
        cell = self._cells[key] = self.tally.cell(SENT, found[1].decode("ascii") if found else "")
        return cell

    def _way(self, line: bytes, tail: bytes, at: int, message: bytes) -> bytes:
        """How long a delivered message took, as a decimal number."""
        said = seconds(queue_time(line))
        if said is not None:
            if len(self._tails) >= _MEMO:
                self._tails.clear()
            way = self._tails[tail] = repr(said).encode()
            return way
        stamp = grammar.STAMP.match(line) if self._host < 0 else None
        return _text(self._age(message, stamp[1])) if stamp else _text(self._age(message, self._apart(line).stamp))

    def _apart(self, line: bytes) -> Line:
        return take_apart(line, self._names) or Line(b"", b"", 1)

    def _age(self, message: bytes, stamp: bytes) -> float | None:
        """Seconds from the arrival that an id names to a stamp; None if that cannot be."""
        if stamp != self._stamp:
            self._stamp, self._moment = stamp, moment(stamp, self.now)
        if self._moment is None:
            return None
        age = self._moment - arrival(message)
        return max(0.0, age) if -2 < age < LONGEST_WAIT else None

    def _failure(
        self, line: bytes, found: re.Match[bytes], number: bytes, masked: bool,  # noqa: FBT001
        reasons: tuple[list[str], list[str], list[str]],
    ) -> int:
        """Count a deferral or failure; its index of STATUSES, or -1 if there was no attempt."""
        said = line[found.end() : found.end() + TEXT]
        if masked:
            said = said.replace(found["to"], b"@")
        known = self._outcomes.get((number, said))
        if known is None:
            known = self._learn_outcome(number, said)
        (event, status, _, reason), cell = known
        domain = found["domain"].lower()
        if cell is None:
            if event == "suspended":
                reasons[1].append(self._dead.get(domain) or reason)
            return -1
        cell[0] += 1
        if event == "expired":
            self.tally.expired += 1
            return 3
        if status == "deferred":
            reasons[0].append(reason)
            self._remember(domain, reason)
            return DEFERRED
        reasons[2].append(reason)
        return BOUNCED

    def _remember(self, domain: bytes, reason: str) -> None:
        if len(self._dead) >= _MEMO:
            self._dead.clear()
        self._dead[domain] = reason

    def _learn_outcome(self, number: bytes, said: bytes) -> tuple[Outcome, list[int] | None]:
        result = outcome(number, said, self._reasons)
        index = {"attempt": DEFERRED if number else BOUNCED, "expired": 3}.get(result.event)
        found = result, None if index is None else self.tally.cell(index, result.dsn)
        if len(said) <= _SHORT:
            if len(self._outcomes) >= _MEMO:
                self._outcomes.clear()
            self._outcomes[number, said] = found
        return found

    def _end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        for line in lines[-1:-6:-1]:
            if not repeated(line):
                self.tally.previous = line[:_LINE]
                apart = take_apart(line, self._names)
                if apart is not None and apart.stamp:
                    self.tally.stamp = apart.stamp
                    break

    def _slowly(self, line: bytes) -> None:
        """Count one line through its event."""
        event, ours = self._read(line)
        if event is not None:
            self.tally.lines["understood"] += 1
            self.tally.add(event)
        elif ours:
            self.tally.sample(line)
        else:
            self.tally.lines["ignored"] += 1

    def _read(self, line: bytes) -> tuple[LogEvent | None, bool]:
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
        event.time = moment(apart.stamp, self.now)
        if event.status == "sent" and event.delay is None and event.queue_id:
            event.delay = self._age(event.queue_id.encode(), apart.stamp)
        if event.suspended:
            event.reason = self._dead.get(event.recipient_domain.encode()) or event.reason
        elif event.status == "deferred":
            self._remember(event.recipient_domain.encode(), event.reason)
        if apart.syslog and event.event in {"reject", "warning"}:
            self._once(event, apart.words)
        else:
            self._refused = b""
        return event, True

    def _once(self, event: LogEvent, words: bytes) -> None:
        """syslog carries what goes to main and reject (or panic) log twice: the second time it is only "info"."""
        if words == self._refused:
            event.event, self._refused = "info", b""
        else:
            self._refused = words

    def _learn(self, line: bytes, apart: Line) -> None:
        """Remember where an id stands in this log."""
        found = grammar.MESSAGE.match(apart.words)
        if found is None:
            return
        place = line.find(apart.words)
        host = -1
        if apart.syslog:
            colon = line.find(b": ")
            first = line.find(b" ")
            bracket = line.find(b"[", 0, colon)
            host = _host_at(line, bracket, apart.tag)
            if host < 0 or first < 0:
                return
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads.add(line[host:bracket])
            place -= colon + 2
        elif place < 20:
            return
        pid = line[: line.find(apart.words)].endswith(b"] ") and (place > 3 or host < 0)
        if pid:
            bracket = line.rfind(b"[", 0, line.find(apart.words))
            place -= line.find(apart.words) - bracket
        self._host, self._start, self._pid = host, place, pid


def _host_at(line: bytes, bracket: int, tag: bytes) -> int:
    """Where "HOST TAG[" begins, -1 if it does not stand there."""
    if bracket < 0 or not line[:bracket].endswith(b" " + tag):
        return -1
    return line.rfind(b" ", 0, bracket - len(tag) - 1) + 1


def _text(number: float | None) -> bytes:
    return b"" if number is None else repr(number).encode()
