"""Exim's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them
fast.

Pure. `feed` knows the frequent shapes by heart (the id at a fixed place, the flag directly behind it, a
compiled pattern that matches exactly there) and hands every other line to `event`; both count the same,
tests prove it on all data. mainlog, rejectlog and paniclog are one grammar; what syslog carries twice (a
refusal goes to main and reject log) is counted once. How long a message was on its way is what QT= says,
else the time from its id to this line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import repeated
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, EXPIRED, SENT, Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_line import NAMES, Line, shape_of, take_apart
from smtpq_exporter.mta.exim.log_outcomes import UNUSUAL, Outcomes
from smtpq_exporter.mta.exim.log_trouble import decide
from smtpq_exporter.mta.exim.log_words import FLAGS, TEXT, understand

_HEADS = 1024  # pairs of host and tag that are kept to be fast
_LINE = 4096  # so much of a line is kept for `last message repeated`
_TAIL = 200  # the last stamp is looked for in so many lines: what follows an entry of the rejectlog has none
_DASH, _BLANK, _A, _Z = b"- AZ"
_BEFORE = b"+-["  # what may still stand before the words: a time zone, [pid]
#: How something begins that may hold blanks: a quoted local part, a pipe, a file, an address in brackets.
_ODD = b'"|/<'
_RECEIVED, _DONE = 10, 11
_KINDS = {b" <= ": _RECEIVED, b" => ": SENT, b" -> ": SENT, b" == ": DEFERRED, b" ** ": BOUNCED, b" Com": _DONE}
_STAMPED = re.compile(rb"(?:" + grammar.STAMP.pattern + rb")?")


class EximLog:
    """A LogParser for one Exim. `syslog_names` are the names it has in syslog, instead of exim and exim4.

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
        self._outcomes = Outcomes(tally, reasons, now)
        self._refused = b"", b""
        """Time and words of the last refusal or warning in syslog."""

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not Exim's or is not understood."""
        times = repeated(line)
        if not times:
            self.tally.previous = line[:_LINE]
        event, _ = self._read(self.tally.previous if times else line, again=times > 0)
        if event is not None:
            event.repeat *= times or 1
        return event

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally, host, heads, start, pid = self.tally, self._host, self._heads, self._start, self._pid
        known, pending = tally.destinations.known, tally.delays.pending
        delivered = grammar.FREQUENT_DELIVERED.match
        deferred_at, failed = grammar.FREQUENT_DEFERRED.match, grammar.FREQUENT_FAILED.match
        outcomes, masked = self._outcomes, not self._reasons.wants_addresses
        failures, cells, tails, dead = outcomes.failures, outcomes.cells, outcomes.tails, outcomes.dead
        domains, deferral, failure = outcomes.domains, outcomes.deferral, outcomes.bounce
        is_stamp, kinds = _STAMPED.fullmatch, _KINDS
        done: list[bytes] = []
        deferred: list[str] = []
        suspended: list[str] = []
        bounced: list[str] = []
        received = removed = slow = 0
        stamp = b""
        for index, line in enumerate(lines):
            at, first = start, 0
            if host >= 0:
                first = line.find(b": ") + 2
                at = start + first if line[host : line.find(b"[", host, first)] in heads else len(line)
            if line[first:at] != stamp:
                if is_stamp(line[first:at]):
                    stamp = line[first:at]
                else:
                    at = len(line)
            if pid and line[at : at + 1] == b"[":
                number, at = at + 1, line.find(b"] ", at, at + 14) + 2
                if not line[number : at - 2].isdigit():
                    at = len(line)
            if len(line) > at + 24 and line[at + 6] == _DASH and line[at - 1] == _BLANK:
                end = at + 16 if line[at + 13] == _DASH else at + 23
                message, flag = line[at:end], line[end : end + 4]
                if message.replace(b"-", b"").isalnum() and (end == at + 16 or line[at + 18] == _DASH):
                    kind = kinds.get(flag)
                    if kind == _RECEIVED:
                        received += 1
                        continue
                    if kind == _DONE and line.startswith(b"Completed", end + 1):
                        removed += 1
                        if (way := pending.pop(message, None)) is not None:
                            done.append(way)
                        continue
                    status = -1
                    begin = end + 4
                    space = line.find(b" ", begin)
                    to = line[begin:space]
                    sign = to.rfind(b"@")
                    domain = domains[to[sign + 1 :]]
                    plain = domain and sign > 0 and line[begin] not in _ODD and to.split() == [to]
                    if kind == SENT:
                        if not plain or not _A <= line[space + 1] <= _Z:
                            plain, found = False, delivered(line, begin)
                            if found is not None:
                                domain, space, plain = domains[found["domain"]], found.end(), True
                        if plain:
                            quote = line.find(b'"', space)
                            cell = None
                            if quote < 0:
                                cell = cells.get(b"") or outcomes.cell(b"")
                            elif line.startswith(b" C=", quote - 3):
                                key = line[quote + 1 : quote + 11]
                                cell = cells.get(key) or outcomes.cell(key)
                            if cell is not None:  # else another quoted field comes first
                                cell[0] += 1
                                tail = line[line.rfind(b" QT=", -40) :]
                                way = tails.get(tail)
                                if way is None:
                                    dated = stamp[:-1] or self._stamp_of(line)
                                    way = outcomes.way(line, tail, message, dated)
                                pending[message] = way
                                if len(pending) > PENDING:
                                    tally.delays.bound()
                                status = SENT
                    elif kind == DEFERRED or kind == BOUNCED:  # noqa: PLR1714 - a tuple costs more
                        colon = line.find(b": ", space) + 2
                        code = (deferral if kind == DEFERRED else failure)[line[space:colon]]
                        if not plain or code == UNUSUAL:
                            plain, found = False, (deferred_at if kind == DEFERRED else failed)(line, begin)
                            if found is not None:
                                to, domain, code = found.groups(b"")
                                domain, colon, plain = domains[domain], found.end(), True
                        if plain:
                            said = line[colon : colon + TEXT]
                            if masked:
                                said = said.replace(to, b"@")
                            reason, status, cell = failures.get((code, said)) or outcomes.failure(code, said)
                            if status == DEFERRED:
                                deferred.append(reason)
                                dead[domain] = reason
                            elif status == BOUNCED:
                                bounced.append(reason)
                            elif status == EXPIRED:
                                tally.expired += 1
                            else:
                                if reason:
                                    suspended.append(dead.get(domain) or reason)
                                continue
                            cell[0] += 1  # type: ignore[index]
                    if status >= 0:
                        row = known.get(domain)
                        if row is not None:
                            row[status] += 1
                        else:
                            tally.destinations.add(label(domain), status)
                        continue
            if host < 0 and 0 < at < len(line) and self._quickly(line, at):
                continue
            self._slowly(lines, index)
            host, start, pid = self._host, self._start, self._pid
            slow += 1
        outcomes.bound()
        tally.received += received
        tally.removed += removed
        tally.lines["understood"] += len(lines) - slow
        tally.deferred.update(deferred)
        tally.suspended.update(suspended)
        tally.bounces.update(bounced)
        tally.delays.done(done)
        self._end(lines)

    def _quickly(self, line: bytes, at: int) -> bool:
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

    def _stamp_of(self, line: bytes) -> bytes:
        apart = take_apart(line, self._names)
        return apart.stamp if apart else b""

    def _end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        for line in lines[-1:-_TAIL:-1]:
            if not repeated(line):
                self.tally.previous = line[:_LINE]
                apart = take_apart(line, self._names)
                if apart is not None and apart.stamp:
                    self.tally.stamp = apart.stamp
                    break

    def _slowly(self, lines: Sequence[bytes], index: int) -> None:
        """Count one line through its event."""
        line = lines[index]
        times = repeated(line)
        if times:
            before = index - 1
            while before >= 0 and repeated(lines[before]):
                before -= 1
            line = (lines[before] if before >= 0 else self.tally.previous)[:_LINE]
        event, ours = self._read(line, again=times > 0, dated=False)
        if event is not None:
            event.repeat *= times or 1
            self.tally.lines["understood"] += 1
            self.tally.add(event)
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
                if len(self._heads) >= _HEADS:
                    self._heads.clear()
                self._heads.add(shape.head)
