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
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, EXPIRED, SENT
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_outcomes import UNUSUAL
from smtpq_exporter.mta.exim.log_reader import LineReader
from smtpq_exporter.mta.exim.log_words import TEXT

_DASH, _BLANK, _A, _Z = b"- AZ"
#: How something begins that may hold blanks: a quoted local part, a pipe, a file, an address in brackets.
_ODD = b'"|/<'
_RECEIVED, _DONE = 10, 11
_KINDS = {b" <= ": _RECEIVED, b" => ": SENT, b" -> ": SENT, b" == ": DEFERRED, b" ** ": BOUNCED, b" Com": _DONE}
_STAMPED = re.compile(rb"(?:" + grammar.STAMP.pattern + rb")?")


class EximLog(LineReader):
    """A LogParser for one Exim; see LineReader."""

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
                                    dated = stamp[:-1] or self.stamp_of(line)
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
            if host < 0 and 0 < at < len(line) and self.quickly(line, at):
                continue
            self.slowly(lines, index)
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
        self.end(lines)
