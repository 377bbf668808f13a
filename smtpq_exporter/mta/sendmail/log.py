"""Sendmail's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them
fast.

Pure. `feed` knows the frequent shapes by heart (the head of the line at a fixed place, the queue id behind
it, a compiled pattern that matches exactly there) and hands every other line to `event`; both count the same,
tests prove it on all data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import KEPT, Prefix, meant, repeated, split, unwrap
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import STATUSES, LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.sendmail import log_grammar as grammar
from smtpq_exporter.mta.sendmail.log_open import ENDED, OpenMessages
from smtpq_exporter.mta.sendmail.log_words import TEXT, domain, expected, outcome, understand

#: Bounds of what is kept to be fast.
_HEADS, _MEMO = 1024, 8192
#: Texts longer than this are not remembered: they hold more than a reason.
_SHORT = 600
_TWO = ord("2")
_Known = tuple[int, str, list[int]]
#: What a memo does not have yet.
_NEW: _Known = (-1, "", [])


class SendmailLog:
    """A LogParser for one Sendmail. `syslog_names` are the names it has in syslog; without any, its usual
    ones.
    """

    def __init__(
        self, tally: Tally, reasons: ReasonOf, syslog_names: Sequence[str] = (), now: float | None = None
    ) -> None:
        self.tally = tally
        self.now = now
        self._reasons = reasons
        self._names = frozenset(name.encode() for name in syslog_names)
        self._offset = 16
        """Where the host begins in the lines of this log."""
        self._heads: set[bytes] = set()
        """Host and tag of Sendmail's lines."""
        self._open = OpenMessages(tally)
        self._outcomes: dict[tuple[bytes, bytes], _Known | None] = {}
        self._sent: dict[bytes, list[int]] = {}
        self._told: tuple[bytes, bytes] = (b"", b"")
        """Queue id and words of the last line that told why a recipient was refused."""

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not Sendmail's or is not understood.

        An attempt for several recipients is one event that happened as many times, with the domain of the
        first.
        """
        times = repeated(line)
        if not times:
            self.tally.previous = line[:KEPT]
        event = self._read(self.tally.previous if times else line, dated=True)[0]
        if event is not None:
            event.repeat *= times or 1
        return event

    def tell(self, line: bytes) -> LogEvent | None:
        """Count one line, and return what it says."""
        event = self._slowly([line], 0)
        self._end([line])
        return event

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally, heads, offset = self.tally, self._heads, self._offset
        destinations, waiting, ended = tally.destinations, tally.waiting, self._open.ended
        known, delays, sent_cells, outcomes = destinations.known, self._open.ways, self._sent, self._outcomes
        frequent, noticed = grammar.FREQUENT.match, grammar.FREQUENT_NOTICE.match
        masked = not self._reasons.wants_addresses
        ways: list[bytes] = []
        deferred: list[str] = []
        bounced: list[str] = []
        received = removed = slow = 0
        more: bytes
        for index, line in enumerate(lines):
            found = frequent(line, offset)
            if found is not None:
                head, queue_id, local, name, more, delay, dsn, expects = found.groups()
                if head in heads:
                    if name is None:
                        received += 1
                        if expects != b"1":
                            self._open.expect(queue_id, int(expects))
                        continue
                    start = found.end()
                    status = -1
                    if dsn[0] == _TWO:
                        if line.startswith(b"stat=Sent", start):
                            cell = sent_cells.get(dsn) or self._cell(dsn)
                            status, reason = SENT, ""
                    else:
                        said = line[start : start + TEXT]
                        if masked:
                            said = said.replace(local + name, b"@")
                            for address in more[2:-1].split(b">,<") if more else ():
                                said = said.replace(address, b"@")
                        result = outcomes.get((dsn, said), _NEW)
                        if result is _NEW:
                            result = self._learn_outcome(dsn, said)
                        if result is not None:
                            status, reason, cell = result
                    if status >= 0:
                        if more:
                            self._several(name, more, queue_id, (status, reason, cell), delay)
                            continue
                        cell[0] += 1
                        row = known.get(name)
                        if row is not None:
                            row[status] += 1
                        else:
                            destinations.add(label(name), status)
                        if status == DEFERRED:
                            deferred.append(reason)
                            continue
                        if status == BOUNCED:
                            bounced.append(reason)
                        if queue_id in waiting:
                            self._open.cross_off(queue_id, status, 1, delay)
                        elif queue_id not in ended:
                            removed += 1
                            ended[queue_id] = None
                            if status == SENT:
                                way = delays.get(delay)
                                ways.append(self._open.way(delay) if way is None else way)
                            if len(ended) > ENDED:
                                self._open.forget()
                        continue
            else:
                found = noticed(line, offset)
                if found is not None and found["head"] in heads:
                    self._told = found["id"], found["words"][:TEXT]
                    continue
            self._slowly(lines, index)
            offset = self._offset
            slow += 1
        tally.received += received
        tally.removed += removed
        tally.lines["understood"] += len(lines) - slow
        tally.deferred.update(deferred)
        tally.bounces.update(bounced)
        tally.delays.done([way for way in ways if way])
        self._end(lines)

    def _cell(self, dsn: bytes) -> list[int]:
        if len(self._sent) >= _MEMO:
            self._sent.clear()
        cell = self._sent[dsn] = self.tally.cell(SENT, dsn.decode("ascii"))
        return cell

    def _learn_outcome(self, dsn: bytes, said: bytes) -> _Known | None:
        """Status, reason and counter of an attempt with one recipient; None: look at it slowly."""
        result = outcome(dsn, said, self._reasons)
        found = None
        if result.status and not result.vague:
            status = STATUSES.index(result.status)
            found = status, result.reason, self.tally.cell(status, dsn.decode("ascii"))
        if len(said) <= _SHORT:
            if len(self._outcomes) >= _MEMO:
                self._outcomes.clear()
            self._outcomes[dsn, said] = found
        return found

    def _several(self, name: bytes, more: bytes, queue_id: bytes, known: _Known, delay: bytes) -> None:
        """Count an attempt for several recipients, none of them with anything odd in its address."""
        status, reason, cell = known
        domains = [name, *(address.rpartition(b"@")[2] for address in more[2:-1].split(b">,<"))]
        cell[0] += len(domains)
        for one in domains:
            self.tally.destinations.add(label(one), status)
        if status == DEFERRED:
            self.tally.deferred[reason] += len(domains)
            return
        if status == BOUNCED:
            self.tally.bounces[reason] += len(domains)
        self._open.cross_off(queue_id, status, len(domains), delay)

    def _slowly(self, lines: Sequence[bytes], index: int) -> LogEvent | None:
        """Count one line through its event."""
        line, times = meant(lines, index, self.tally.previous)
        event, ours, recipients, words = self._read(line)
        if event is None:
            if ours:
                self.tally.sample(lines[index])
            else:
                self.tally.lines["ignored"] += 1
            return None
        self.tally.lines["understood"] += 1
        event.repeat *= times or 1
        self._count(event, recipients, words)
        return event

    def _count(self, event: LogEvent, recipients: list[bytes], words: bytes) -> None:
        queue_id = event.queue_id.encode("ascii")
        if event.event == "attempt":
            once = event.repeat // len(recipients)
            for address in recipients:
                self.tally.add(replace(event, queue_id="", recipient_domain=domain(address), repeat=once))
            status = STATUSES.index(event.status)
            if status != DEFERRED and queue_id:
                found = grammar.ATTEMPT.match(words, words.find(b"to="))
                self._open.cross_off(
                    queue_id, status, len(recipients), (found["delay"] or b"") if found else b""
                )
        elif event.event == "removed":
            if queue_id:
                self._open.done(queue_id)
        else:
            self.tally.add(event)
            if event.event == "expired":
                self._open.done(queue_id)
            elif event.event == "received":
                number = expected(words[words.find(b"from=") :])
                if number > 1 and queue_id:
                    self._open.expect(queue_id, number)

    def _read(self, line: bytes, *, dated: bool = False) -> tuple[LogEvent | None, bool, list[bytes], bytes]:
        """Understand one line: the event, whether it is Sendmail's at all, the recipients, its words."""
        prefix = split(line)
        if prefix is None or not self._mine(prefix.tag):
            return None, False, [], b""
        self._learn(line, prefix)
        words, times = unwrap(line[prefix.start :].rstrip(b"\r\n\0"))
        queue_id, told = self._told
        before = told if queue_id and words.startswith(queue_id + b": ") else b""
        event, recipients = understand(words, self._reasons, before)
        if event is not None:
            if event.queue_id and event.event in {"reject", "bounce_notice"}:
                self._told = event.queue_id.encode("ascii"), grammar.told(words)[:TEXT]
            event.repeat *= times
            event.program = prefix.tag.decode("utf-8", "replace")
            if dated:
                event.time = moment(prefix.stamp, self.now)
        return event, True, recipients, words

    def _mine(self, tag: bytes) -> bool:
        if self._names:
            return tag in self._names
        return tag in grammar.NAMES or tag.startswith(grammar.NAME_FRONT)

    def _learn(self, line: bytes, prefix: Prefix) -> None:
        """Remember where the host begins in this log, and this pair of host and tag."""
        offset = line.find(prefix.stamp) + len(prefix.stamp) + 1
        colon = line.find(b": ", offset)
        stem = line[offset : line.find(b"[", offset, colon)]
        if prefix.pid and prefix.stamp and stem.endswith(prefix.tag) and prefix.start == colon + 2:
            if len(self._heads) >= _HEADS or offset != self._offset:
                self._heads.clear()
            self._heads.add(stem)
            self._offset = offset

    def _end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        last = next((line for line in reversed(lines) if not repeated(line)), None)
        if last is not None:
            self.tally.previous = last[:KEPT]
        for line in lines[:-4:-1]:  # lines without a time of their own are few
            prefix = split(line)
            if prefix is not None and prefix.stamp:
                self.tally.stamp = prefix.stamp
                return
