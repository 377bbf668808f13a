"""Postfix's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them
fast.

Pure. `feed` knows the frequent shapes by heart and hands every other line to `event`; both count the same,
tests prove it on all data. It is made of few, great steps in C: a line is cut at its first two ": ", which
nobody but syslog and Postfix itself can have written, a delivery at its first five ", ", which come before
the remote server's words; each piece is then looked up among pieces that were examined before. Nothing is
searched from the right but the end of the line. Anything faster that was tried could be forged by a reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.prefix import repeated
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.postfix import log_grammar as grammar
from smtpq_exporter.mta.postfix.log_reader import LINE, LineReader
from smtpq_exporter.mta.postfix.log_words import NOQUEUE, SUSPENDED, TEXT, Reasons

#: So many pieces of deliveries that were examined are remembered: relays, delays, codes.
_PIECES, _PIECE_BYTES = 8192, 512
#: queue id, domain, index of STATUSES, "delay=1.5", "relay=host[ip]:25", reason, whether it was only
#: forwarded.
Attempt = tuple[bytes, bytes, int, bytes, bytes, str, bool]


@dataclass(slots=True)
class Batch:
    """What one batch of lines held, for who wants more than counters."""

    arrived: list[bytes] = field(default_factory=list)
    """Queue ids of messages that came in."""
    actives: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Queue id and words "from=<..>, size=.."."""
    attempts: list[Attempt] = field(default_factory=list)
    ended: list[bytes] = field(default_factory=list)
    """Queue ids that were removed after a delivery that was seen; `gone` those without one."""
    gone: list[bytes] = field(default_factory=list)


class Digest(Protocol):
    """Who wants to know more than is counted; report/digest.py does."""

    def batch(self, batch: Batch) -> None:
        """Take what one batch of lines held."""

    def event(self, event: LogEvent) -> None:
        """Take an event that the hot loop did not know by heart, before its batch."""


class PostfixLog(LineReader):
    """A LogParser for one Postfix instance; see LineReader. A `digest` is told more than is counted."""

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
        super().__init__(tally, reasons, syslog_names, now, bare=bare)
        self._digest = digest
        self._relays: set[bytes] = set()
        self._delays: set[bytes] = set()
        self._cells: tuple[dict[bytes, list[int]], ...] = ({}, {}, {})
        """For sent, deferred, bounced: "dsn=2.0.0" -> the counter of such attempts."""

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines without their newlines, in the order of the log."""
        tally, heads, offset, digest = self.tally, self._heads, self._offset, self._digest
        relays, delays, cells = self._relays, self._delays, self._cells
        sent_cells = cells[SENT]
        reason, masked = self._reasons.reason, not self._reasons.wants_addresses
        destinations, rows = tally.destinations, tally.destinations.known
        pending, forget, bound = tally.delays.pending, tally.delays.pending.pop, tally.delays.bound
        batch = Batch()
        attempts = batch.attempts
        deferred: list[str] = []
        suspended: list[str] = []
        bounced: list[str] = []
        done: list[bytes] = []
        connections = received = removed = slow = 0
        for index, line in enumerate(lines):
            parts = line.split(b": ", 2)
            if parts[0][offset:] not in heads and not self.known(parts[0]):
                self._slowly(lines, index)
                offset = self._offset
                slow += 1
                continue
            if len(parts) == 3:
                _, queue_id, words = parts
                if queue_id.isalnum() and queue_id[0] < 97:  # 97 is "a"
                    verb = words[:4]
                    if verb == b"to=<":
                        found = words.split(b", ", 5)
                        if (
                            len(found) == 6
                            and found[4] in sent_cells
                            and found[1] in relays
                            and found[2] in delays
                            and found[3][:7] == b"delays="
                        ) or self._examine(found):
                            to, relay, delay, ways, dsn, last = found
                            at = to.rfind(b"@") + 1
                            if at and b'"' not in to and to[-1] == 62 and queue_id != NOQUEUE:  # 62 is ">"
                                domain = to[at:-1]
                                if last[:13] == b"status=sent (":
                                    sent_cells[dsn][0] += 1
                                    row = rows.get(domain)
                                    if row is not None:
                                        row[SENT] += 1
                                    else:
                                        destinations.add(label(domain), SENT)
                                    pending[queue_id] = delay + ways
                                    if len(pending) > PENDING:
                                        bound()
                                    if digest is not None:
                                        passed_on = last[13:26] == b"forwarded as "
                                        attempts.append((queue_id, domain, SENT, delay, relay, "", passed_on))
                                    continue
                                status = DEFERRED if last[:17] == b"status=deferred (" else BOUNCED
                                start = 17 if status == DEFERRED else 16
                                if status == DEFERRED or last[:16] == b"status=bounced (":
                                    cells[status][dsn][0] += 1
                                    row = rows.get(domain)
                                    if row is not None:
                                        row[status] += 1
                                    else:
                                        destinations.add(label(domain), status)
                                    stop = last.rfind(b")")
                                    end = start + TEXT
                                    said = last[start : stop if start <= stop < end else end]
                                    if masked:  # the same words to other recipients are remembered as one
                                        said = said.replace(to[4:-1], b"@")
                                    why = reason(said, dsn[4:])
                                    if status == BOUNCED:
                                        bounced.append(why)
                                    elif said.startswith(SUSPENDED):
                                        suspended.append(why)
                                    else:
                                        deferred.append(why)
                                    if digest is not None:
                                        attempts.append((queue_id, domain, status, delay, relay, why, False))
                                    continue
                    elif verb == b"from":
                        if words[-15:] == b" (queue active)":
                            if digest is not None:
                                batch.actives.append((queue_id, words))
                            continue
                    elif verb == b"mess":
                        continue
                    elif verb == b"clie":
                        if words[:7] == b"client=" and queue_id != NOQUEUE:
                            received += 1
                            if digest is not None:
                                batch.arrived.append(queue_id)
                            continue
                    elif words == b"removed":
                        removed += 1
                        way = forget(queue_id, None)
                        if way is not None:
                            done.append(way)
                        if digest is not None:
                            (batch.gone if way is None else batch.ended).append(queue_id)
                        continue
                    elif verb == b"send" and words.startswith(grammar.NOTICES):
                        continue
            elif len(parts) == 2:
                if parts[1][:16] == b"disconnect from ":
                    continue
                if parts[1][:13] == b"connect from ":
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
            digest.batch(batch)
        self.end(lines)

    def _examine(self, found: list[bytes]) -> bool:
        """Say whether these are to, relay, delay, delays, dsn, status; make them so if only tls= stands
        between.

        What was examined is remembered: the hot loop only looks it up.
        """
        if len(found) == 6 and found[4][:4] == b"tls=":
            found[4:] = found[5].split(b", ", 1)
        if len(found) != 6 or found[1][:6] != b"relay=" or found[3][:7] != b"delays=":
            return False
        if grammar.DELAY_PIECE.fullmatch(found[2]) is None or grammar.DSN_PIECE.fullmatch(found[4]) is None:
            return False
        for piece, known in ((found[1], self._relays), (found[2], self._delays)):
            if len(known) >= _PIECES:
                known.clear()
            if len(piece) < _PIECE_BYTES:
                known.add(piece)
        dsn = found[4]
        if dsn not in self._cells[SENT]:
            for status, cells in enumerate(self._cells):
                if len(cells) >= _PIECES:
                    cells.clear()
                cells[dsn] = self.tally.cell(status, dsn[4:].decode("ascii"))
        return True

    def _slowly(self, lines: Sequence[bytes], index: int) -> None:
        """Count one line through its event."""
        line = lines[index]
        times = repeated(line)
        if times:
            before = index - 1
            while before >= 0 and repeated(lines[before]):
                before -= 1
            line = (lines[before] if before >= 0 else self.tally.previous)[:LINE]
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
