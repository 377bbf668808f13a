"""Postfix's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them
fast.

Pure. `feed` knows the frequent shapes by heart (found from the left, at a fixed place, four bytes decide, a
compiled pattern matches exactly there) and hands every other line to `event`; both count the same, tests
prove it on all data. Why a line loop: anything faster that was tried could be forged by a remote server's
reply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import Prefix, repeated, split, unwrap
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import STATUSES, LogEvent
from smtpq_exporter.mta.postfix.log_grammar import DAEMONS, FREQUENT
from smtpq_exporter.mta.postfix.log_words import NOQUEUE, SUSPENDED, TEXT, Reasons, understand

#: Bounds of what is kept to be fast: pairs of host and program, outcomes.
_HEADS, _OUTCOMES = 1024, 1024
#: A queue id and its colon end within this many bytes.
_ID = 26
#: So much of a line is kept for `last message repeated`.
_LINE = 4096
_Outcome = tuple[int, bytes, list[int]]
#: What the hot loop knows of a delivery attempt: queue id, line, its match of FREQUENT, status, reason.
Attempt = tuple[bytes, bytes, "re.Match[bytes]", int, str]


class Digest(Protocol):
    """Who wants to know more than is counted; report/digest.py does."""

    def batch(
        self,
        received: Sequence[bytes],
        actives: Sequence[tuple[bytes, bytes, int]],
        attempts: Sequence[Attempt],
        ended: Sequence[bytes],
        gone: Sequence[bytes],
    ) -> None:
        """Take what one batch of lines held."""

    def event(self, event: LogEvent) -> None:
        """Take an event that the hot loop did not know by heart, before its batch."""


class PostfixLog:
    """A LogParser for one Postfix instance. `syslog_names` are names besides `postfix*` that are its own.

    `now` dates stamps without a year; set it to the time of the file's last change when reading old files.
    `bare` takes a line without any prefix for the words alone, as `journalctl -o cat` prints them: only for a
    file that is known to be Postfix's, never for one that other programs write to. A `digest` is told more.
    """

    def __init__(
        self,
        tally: Tally,
        reasons: Reasons,
        syslog_names: Sequence[str] = (),
        now: float | None = None,
        *,
        bare: bool = False,
        digest: Digest | None = None,
    ) -> None:
        self.tally = tally
        self.now = now
        self._bare = bare
        self._digest = digest
        self._reasons = reasons
        self._names = frozenset(name.encode() for name in syslog_names)
        self._offset = 16
        """Where the host begins in the lines of this log."""
        self._heads: set[bytes] = set()
        """Host and program of Postfix lines, as they stand between the stamp and [pid]."""
        self._outcomes: dict[bytes, _Outcome] = {}
        self._tags: dict[bytes, tuple[bytes, bytes] | None] = {}

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not this Postfix's or is not understood."""
        times = repeated(line)
        if not times:
            self.tally.previous = line[:_LINE]
        event, _ = self._read(self.tally.previous if times else line)
        if event is not None:
            event.repeat *= times or 1
        return event

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally, heads, offset, outcomes = self.tally, self._heads, self._offset, self._outcomes
        match, reason, destinations = FREQUENT.match, self._reasons.reason, tally.destinations
        known, masked = destinations.known, not self._reasons.wants_addresses
        pending, forget, bound = tally.delays.pending, tally.delays.pending.pop, tally.delays.bound
        deferred: list[str] = []
        suspended: list[str] = []
        bounced: list[str] = []
        done: list[bytes] = []
        digest = self._digest
        arrived: list[bytes] = []
        actives: list[tuple[bytes, bytes, int]] = []
        attempts: list[Attempt] = []
        ended: list[bytes] = []
        gone: list[bytes] = []
        connections = received = removed = slow = 0
        for index, line in enumerate(lines):
            colon = line.find(b": ")  # the first one ends the program's tag: strangers write only behind it
            if line[offset : line.find(b"[", offset, colon)] not in heads:
                self._slowly(lines, index)
                offset = self._offset
                slow += 1
                continue
            at = colon + 2
            end = line.find(b": ", at, at + _ID)
            if end > 0:
                queue_id = line[at:end]
                if line[at] < 97 and end - at > 4 and queue_id.isalnum():
                    verb = line[end + 2 : end + 6]
                    if verb == b"to=<":
                        found = match(line, end + 2)
                        if found is not None and queue_id != NOQUEUE:
                            domain, way, result = found.groups()
                            outcome = outcomes.get(result) or self._outcome(result)
                            if outcome is not None:
                                status, dsn, cell = outcome
                                cell[0] += 1
                                row = known.get(domain)
                                if row is not None:
                                    row[status] += 1
                                else:
                                    destinations.add(label(domain), status)
                                if status == SENT:
                                    pending[queue_id] = way
                                    if len(pending) > PENDING:
                                        bound()
                                    if digest is not None:
                                        attempts.append((queue_id, line, found, status, ""))
                                    continue
                                start = found.end()
                                stop = line.rfind(b")", start)
                                said = line[start : stop if 0 <= stop < start + TEXT else start + TEXT]
                                if masked:  # the same words to other recipients are one reason, remembered
                                    said = said.replace(line[end + 6 : found.end(1)], b"@")
                                why = reason(said, dsn)
                                if status == DEFERRED:
                                    (suspended if said.startswith(SUSPENDED) else deferred).append(why)
                                elif status == BOUNCED:
                                    bounced.append(why)
                                if digest is not None:
                                    attempts.append((queue_id, line, found, status, why))
                                continue
                    elif verb == b"from":
                        if line.endswith(b" (queue active)"):
                            if digest is not None:
                                actives.append((queue_id, line, end + 2))
                            continue
                    elif verb == b"remo":
                        if line.endswith(b": removed") and len(line) - end == 9:
                            removed += 1
                            last = forget(queue_id, None)
                            if last is not None:
                                done.append(last)
                            if digest is not None:
                                (gone if last is None else ended).append(queue_id)
                            continue
                    elif verb == b"mess":
                        if line.startswith(b"message-id=", end + 2):
                            continue
                    elif verb == b"clie" and queue_id != NOQUEUE and line.startswith(b"client=", end + 2):
                        received += 1
                        if digest is not None:
                            arrived.append(queue_id)
                        continue
            elif line.startswith(b"disconnect from ", at):
                continue
            elif line.startswith(b"connect from ", at):
                connections += 1
                continue
            self._slowly(lines, index)
            slow += 1
        tally.connections += connections
        tally.received += received
        tally.removed += removed
        tally.lines["understood"] += len(lines) - slow
        tally.deferred.update(deferred)
        tally.suspended.update(suspended)
        tally.bounces.update(bounced)
        tally.delays.done(done)
        if digest is not None:
            digest.batch(arrived, actives, attempts, ended, gone)
        self._end(lines)

    def _end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        for line in lines[-1:-4:-1]:
            if not repeated(line):
                self.tally.previous = line[:_LINE]
                prefix = split(line)
                if prefix is not None and prefix.stamp:
                    self.tally.stamp = prefix.stamp
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
        event, ours = self._read(line)
        if event is not None:
            event.repeat *= times or 1
            self.tally.lines["understood"] += 1
            self.tally.add(event)
            if self._digest is not None:
                self._digest.event(event)
        elif ours:
            self.tally.sample(line)
        else:
            self.tally.lines["ignored"] += 1

    def _read(self, line: bytes) -> tuple[LogEvent | None, bool]:
        """Understand one line: the event, and whether the line is this Postfix's at all."""
        prefix = split(line)
        if prefix is None:
            return (understand(line, b"", self._reasons) if self._bare else None), False
        own = self._own(prefix.tag)
        if own is None:
            return None, False
        self._learn(line, prefix)
        words, times = unwrap(line[prefix.start :].rstrip(b"\r\n\0"))
        event = understand(words, own[1], self._reasons)
        if event is not None:
            event.repeat = times
            event.program = prefix.tag.decode("utf-8", "replace")
            event.instance, event.daemon = (part.decode("utf-8", "replace") for part in own)
            event.time = moment(prefix.stamp, self.now)
        return event, True

    def _own(self, tag: bytes) -> tuple[bytes, bytes] | None:
        """Return (instance, daemon) of a tag of this Postfix, None for others. The last "/" divides."""
        if tag in self._tags:
            return self._tags[tag]
        instance, slash, daemon = tag.rpartition(b"/")
        if not slash:
            instance, daemon = tag, b""
        known = daemon in DAEMONS if slash else True
        if self._names:
            mine = any(instance == name or instance.startswith(name + b"/") for name in self._names)
        else:
            mine = instance.startswith(b"postfix") if slash else tag == b"postfix"
        own = (instance, daemon) if known and mine else None
        if len(self._tags) >= _HEADS:
            self._tags.clear()
        self._tags[tag] = own
        return own

    def _learn(self, line: bytes, prefix: Prefix) -> None:
        """Remember where the host begins in this log, and this pair of host and program."""
        offset = line.find(prefix.stamp) + len(prefix.stamp) + 1
        bracket = line.find(b"[", offset)
        plain = prefix.pid and prefix.stamp and line.find(b": ") == prefix.start - 2
        if (
            plain
            and line[offset:bracket].endswith(prefix.tag)
            and bracket + len(prefix.pid) + 4 == prefix.start
        ):
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads.add(line[offset:bracket])
            self._offset = offset

    def _outcome(self, result: bytes) -> _Outcome | None:
        """Return index of STATUSES, dsn and counter of "dsn=2.0.0, status=sent"; None if it is no attempt."""
        dsn, _, status = result[4:].partition(b", status=")
        word = status.decode("ascii")
        if word not in STATUSES:
            return None
        index = STATUSES.index(word)
        if len(self._outcomes) >= _OUTCOMES:
            self._outcomes.clear()
        self._outcomes[result] = (index, dsn, self.tally.cell(index, dsn.decode("ascii")))
        return self._outcomes[result]
