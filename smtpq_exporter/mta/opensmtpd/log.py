"""OpenSMTPD's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of
them fast.

Pure. `feed` knows the frequent shapes by heart (host and tag at a fixed place, the verb at a fixed place
behind them, a compiled pattern that matches exactly there) and hands every other line to `event`; both count
the same, tests prove it on all data. Only `feed` counts messages that are done (log_open.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import KEPT, Prefix, meant, repeated, split, unwrap
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import STATUSES, LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.opensmtpd import log_grammar as grammar
from smtpq_exporter.mta.opensmtpd.log_open import OpenMessages
from smtpq_exporter.mta.opensmtpd.log_plain import recipients, understand
from smtpq_exporter.mta.opensmtpd.log_words import NETWORK, Known, masked, outcome, seconds

NAMES = ("smtpd",)
#: Bounds of what is kept to be fast.
_HEADS, _MEMO, _SHORT = 1024, 4096, 400
#: The code of a reply stands in so many bytes at most.
_CODE = 14
#: With these an envelope is gone.
_ENDS = frozenset(("sent", "bounced", "expired"))
Outcome = tuple[int, list[int], str]
"""Index of STATUSES, counter, reason."""


class OpensmtpdLog:
    """A LogParser for one OpenSMTPD. `syslog_names` are the names it has in syslog, instead of smtpd."""

    def __init__(
        self,
        tally: Tally,
        reasons: ReasonOf,
        syslog_names: Sequence[str] = (),
        now: float | None = None,
    ) -> None:
        self.tally = tally
        self.now = now
        self._reasons = reasons
        self._names = frozenset(name.encode() for name in syslog_names or NAMES)
        self._known = Known()
        self._open = OpenMessages(tally)
        self._host = 16
        """Where the host begins in the lines of this log."""
        self._heads: set[bytes] = set()
        """Host and tag of smtpd's lines, with the process id."""
        self._outcomes: dict[tuple[bytes, bytes], Outcome] = {}
        self._ways: dict[bytes, bytes] = {}
        self._message = b""
        """The last message that was received; before 6.4 each recipient has a line of its own."""

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not smtpd's or is not understood."""
        return self._read(line, dated=True)[0]

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally, heads, host = self.tally, self._heads, self._host
        known, joined, crossed_off = tally.destinations.known, self._open.joined, self._open.crossed_off
        frequent, envelope, message = (
            grammar.FREQUENT.match,
            grammar.FREQUENT_ENVELOPE.match,
            grammar.FREQUENT_MESSAGE.match,
        )
        connecting, end, quiet = grammar.FREQUENT_CONNECTING.match, grammar.FREQUENT_END.match, grammar.QUIET.match
        delivered, ways = tally.delays.delivered, self._ways
        failed: tuple[list[str], list[str]] = ([], [])
        received = slow = 0
        for index, line in enumerate(lines):
            colon = line.find(b": ", host)
            if line[host:colon] in heads:
                start = colon + 2
                verb = line[start + 17 : start + 26]
                if verb == b"mta deliv":
                    found = frequent(line, start)
                    if found is not None and line[-1:] == b'"':
                        status, cell, reason = self._outcome(found, line[found.end() : -1])
                        cell[0] += 1
                        row = known.get(found["domain"])
                        if row is not None:
                            row[status] += 1
                        else:
                            tally.destinations.add(label(found["domain"]), status)
                        if status == SENT:
                            delay = found["delay"]
                            delivered(found["message"], ways.get(delay) or self._way(delay))
                        else:
                            failed[status == BOUNCED].append(reason)
                        if status != DEFERRED:
                            crossed_off(found["message"])
                        continue
                elif verb == b"smtp enve":
                    found = envelope(line, start)
                    if found is not None:
                        joined(found["message"])
                        continue
                elif verb == b"smtp mess":
                    found = message(line, start)
                    if found is not None:
                        received += found["message"] != self._message
                        self._message = found["message"]
                        continue
                elif verb == b"mta disco":
                    found = end(line, start)
                    if found is not None:
                        self._known.ended(found["session"])
                        continue
                elif verb == b"mta conne" and (found := connecting(line, start)) is not None:
                    self._known.connecting(found["session"], found["ip"])
                    continue
                elif quiet(line, start):
                    continue
            self._slowly(lines, index)
            host = self._host
            slow += 1
        tally.received += received
        tally.deferred.update(failed[0])
        tally.bounces.update(failed[1])
        tally.lines["understood"] += len(lines) - slow
        self._end(lines)

    def _outcome(self, found: re.Match[bytes], stat: bytes) -> Outcome:
        """What an attempt came to, remembered by result= and stat=."""
        result, address = found["result"], found["to"]
        if result == b"Ok":
            key = result, stat[:_CODE]
        else:
            if stat == NETWORK:
                stat = self._known.cause(stat, found["relay"])
            key = result, masked(stat, address, self._reasons)
        known = self._outcomes.get(key)
        if known is None:
            said = outcome(result, stat, address, self._reasons)
            status = STATUSES.index(said.status)
            known = status, self.tally.cell(status, said.dsn), said.reason
            if len(key[1]) <= _SHORT:
                if len(self._outcomes) >= _MEMO:
                    self._outcomes.clear()
                self._outcomes[key] = known
        return known

    def _way(self, delay: bytes) -> bytes:
        found = seconds(delay)
        if len(self._ways) >= _MEMO:
            self._ways.clear()
        way = self._ways[delay] = b"" if found is None else repr(found).encode()
        return way

    def _end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        for line in lines[-1:-6:-1]:
            if not repeated(line):
                self.tally.previous = line[:KEPT]
                prefix = split(line)
                if prefix is not None and prefix.stamp:
                    self.tally.stamp = prefix.stamp
                    break

    def _slowly(self, lines: Sequence[bytes], index: int) -> None:
        """Count one line through its event."""
        line, times = meant(lines, index, self.tally.previous)
        event, words = self._read(line)
        if event is None:
            if times or words is None:
                self.tally.lines["ignored"] += 1
            else:
                self.tally.sample(line)
            return
        event.repeat *= times or 1
        self.tally.lines["understood"] += 1
        self.tally.add(event)
        self._follow(event, words or b"")

    def _follow(self, event: LogEvent, words: bytes) -> None:
        """Keep account of a message's envelopes."""
        message = event.queue_id.encode("ascii")
        if event.event == "received":
            envelopes = recipients(words)
            if envelopes:
                self._open.expects(message, envelopes)
        elif event.kind == "envelope":
            self._open.joined(message)
        elif event.status in _ENDS or event.kind == "removed":
            self._open.crossed_off(message)

    def _read(self, line: bytes, *, dated: bool = False) -> tuple[LogEvent | None, bytes | None]:
        """Understand one line: its event and smtpd's own words, None if it is not smtpd's."""
        prefix = split(line)
        if prefix is None or prefix.tag not in self._names:
            return None, None
        self._learn(line, prefix)
        words, times = unwrap(line[prefix.start :].rstrip(b"\r\n\0"))
        event = understand(words, self._known, self._reasons)
        if event is None:
            return None, words
        event.program, event.repeat = prefix.tag.decode("utf-8", "replace"), times
        if dated:
            event.time = moment(prefix.stamp, self.now)
        if event.event == "received":
            message = event.queue_id.encode("ascii")
            if message == self._message:
                event.event = "info"
            self._message = message
        return event, words

    def _learn(self, line: bytes, prefix: Prefix) -> None:
        """Remember where the host stands in this log, and host and tag."""
        if not prefix.host or not prefix.pid:
            return
        head = prefix.host + b" " + prefix.tag + b"[" + prefix.pid + b"]"
        end = prefix.start - 2
        host = end - len(head)
        if line[host:end] == head and line.find(b": ", host) == end:
            if host != self._host or len(self._heads) >= _HEADS:
                self._heads.clear()
                self._host = host
            self._heads.add(head)
