"""Postfix's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them
fast.

Pure. `feed` knows the frequent shapes by heart and hands every other line to `event`; both count the same,
tests prove it on all data. It is made of few, great steps in C: a line is cut at its first two ": ", which
nobody but syslog and Postfix itself can have written, a delivery at its first "@" and the next three ", d",
which come before the remote server's words if the recipient has a domain; each piece is then looked up among
pieces that were examined before. Nothing is searched from the right but the end of the line. Anything faster
that was tried could be forged by a reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import length_hint
from typing import Any

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.prefix import meant
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, SENT, Tally
from smtpq_exporter.model import STATUSES
from smtpq_exporter.mta.postfix import log_grammar as grammar
from smtpq_exporter.mta.postfix.log_batch import Batch, Digest
from smtpq_exporter.mta.postfix.log_reader import LineReader
from smtpq_exporter.mta.postfix.log_words import NOQUEUE, SUSPENDED, TEXT, Reasons

#: So many pieces of lines that were examined are remembered, none longer than this.
_PIECES, _PIECE_BYTES = 8192, 1024
#: So many bytes, "sn=2.0.0, status=sent (", tell that a delivery succeeded and with which code.
_SENT = 23
#: Made once: to make a slice anew for each line takes a tenth of the time.
_WORD, _WAYS, _CLIENT_IS, _CODE = slice(4), slice(6), slice(7), slice(_SENT)
_CONNECT, _DISCONNECT, _PASSED_ON = slice(13), slice(16), slice(_SENT, _SENT + 13)
#: `_QUOTE in b".."` is a search in C; with bytes on the left Python first tries them as a number.
_QUOTE, _COMMA, _CLOSE, _AT = b'",>@'
#: How a line with or without its newline ends: where to look for it, an active message, a removed one.
_WITH = slice(-16, None), b" (queue active)\n", b"removed\n"
_WITHOUT = slice(-15, None), b" (queue active)", b"removed"
#: What a failure counts for: index of STATUSES, counter of such attempts, list of reasons to count, the reason.
_Failed = tuple[int, list[int], list[str], str]
#: Domain, relay, counters of deliveries by index of STATUSES if the domain is one of the top ones, its label.
_Place = tuple[bytes, bytes, list[int] | None, str]


def _remember(known: dict[bytes, Any], piece: bytes, value: Any) -> None:
    if len(known) >= _PIECES:
        known.clear()
    if len(piece) < _PIECE_BYTES:
        known[piece] = value


def _without_tls(ways: bytes) -> bytes:
    """Return "elays=a/b/c/d" without Postfix 3.11's "tls=.." behind it, empty if that is something else."""
    ways, _, more = ways.partition(b", ")
    return ways if more[:4] == b"tls=" and b", " not in more else b""


class PostfixLog(LineReader):
    """A LogParser for one Postfix instance; see LineReader. A `digest` is told more than is counted."""

    ends = True
    """Lines may have their newline."""

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
        self._places: dict[bytes, _Place] = {}
        """"domain>, relay=host[ip]:25" -> what it stands for."""
        self._changes = 0
        """Changes of the top destinations that the places know of."""
        self._delays: dict[bytes, float] = {}
        """"elay=1.5" -> 1.5."""
        self._sent: dict[bytes, list[int]] = {}
        """"sn=2.0.0, status=sent (" -> counter of such attempts."""
        self._outcomes: dict[bytes, tuple[int, list[int]]] = {}
        """"sn=4.2.0, status=deferred (" -> index of STATUSES, counter of such attempts."""
        self._deferred: list[str] = []
        """Reasons of a batch, counted at its end; below, of attempts that were not made, and of bounces."""
        self._suspended: list[str] = []
        self._bounced: list[str] = []
        self._failed: dict[bytes, _Failed] = {}
        """"sn=4.2.0, status=deferred (host mx said: 450 <@>: ..)", the whole end of a line, without the
        recipient's address: the same words to other recipients are remembered as one.
        """

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines, all with their newlines or all without, in the order of the log."""
        tally, heads, digest = self.tally, self._heads, self._digest
        places, delays, sent, failed = self._places, self._delays, self._sent, self._failed
        masked = not self._reasons.wants_addresses
        destinations = tally.destinations
        self._check_places()
        pending, forget, bound = tally.delays.pending, tally.delays.pending.pop, tally.delays.bound
        batch = Batch()
        actives, arrived, ended, gone = batch.actives, batch.arrived, batch.ended, batch.gone
        deliveries, failures, deferred = batch.deliveries, batch.failures, batch.deferred
        done: list[bytes] = []
        connections = unconnected = received = removed = slow = 0
        head, word = slice(self._offset, None), _WORD
        end, active, gone_by = _WITH if lines and lines[0][-1:] == b"\n" else _WITHOUT
        rest = iter(lines)
        for line in rest:
            parts = line.split(b": ", 2)
            if parts[0][head] not in heads and not self.known(parts[0]):
                self._slowly(lines, len(lines) - length_hint(rest) - 1)
                head = slice(self._offset, None)
                slow += 1
                continue
            if len(parts) == 3:
                _, queue_id, words = parts
                if queue_id < b"a" and queue_id.isalnum():  # a word in lower case is none
                    first = words[word]
                    if first == b"to=<":
                        local, _, behind = words.partition(b"@")  # none: a recipient without a domain
                        found = behind.split(b", d", 3)
                        if len(found) == 4:
                            at, delay, ways, last = found
                            place = places.get(at) or self._place(local + b"@" + at)
                            if (
                                place is not None
                                and _QUOTE not in local  # a quoted address may hold anything
                                and _CLOSE not in local  # a recipient without a domain
                                and (delay in delays or self._delay(delay))
                                and ways[_WAYS] == b"elays="
                                and queue_id != NOQUEUE
                                and (_COMMA not in ways or (ways := _without_tls(ways)))
                            ):
                                domain, relay, row, name = place
                                cell = sent.get(last[_CODE])
                                if cell is not None:
                                    status = SENT
                                    pending[queue_id] = delay + ways
                                    if digest is not None:
                                        passed_on = last[_PASSED_ON] == b"forwarded as "
                                        deliveries.append((queue_id, domain, delays[delay], passed_on))
                                else:
                                    if masked and _AT in last:  # most replies do not name the recipient
                                        last = last.replace(words[4 : len(local) + 1 + len(domain)], b"@")
                                    failure = failed.get(last) or self._failure(last)
                                    if failure is None:
                                        self._slowly(lines, len(lines) - length_hint(rest) - 1)
                                        slow += 1
                                        continue
                                    status, cell, reasons, why = failure
                                    reasons.append(why)
                                    if digest is not None:
                                        failures.append((domain, status, relay, why))
                                        if status == DEFERRED:
                                            deferred.append(queue_id)
                                cell[0] += 1
                                if row is not None:
                                    row[status] += 1
                                elif digest is None and destinations.add(name, status):
                                    self._check_places()
                                continue
                    elif first == b"from":
                        if words[end] == active:
                            if digest is not None:
                                actives[queue_id] = words
                            continue
                    elif first == b"mess":
                        continue
                    elif first == b"clie":
                        if words[_CLIENT_IS] == b"client=" and queue_id != NOQUEUE:
                            received += 1
                            if digest is not None:
                                arrived.append(queue_id)
                            continue
                    elif words == gone_by:
                        removed += 1
                        way = forget(queue_id, None)
                        if way is not None:
                            done.append(way)
                        if digest is not None:
                            (gone if way is None else ended).append(queue_id)
                        continue
                    elif first == b"uid=":
                        if queue_id != NOQUEUE:
                            received += 1
                            if digest is not None:
                                arrived.append(queue_id)
                            continue
                    elif words.startswith(grammar.NOTICES):
                        continue
                elif queue_id[:11] == b"connect to " and grammar.CONNECT.match(line, len(parts[0]) + 2):
                    unconnected += 1
                    continue
            elif len(parts) == 2:
                if parts[1][_DISCONNECT] == b"disconnect from ":
                    continue
                if parts[1][_CONNECT] == b"connect from ":
                    connections += 1
                    continue
            self._slowly(lines, len(lines) - length_hint(rest) - 1)
            slow += 1
        tally.connections += connections
        tally.received += received
        tally.removed += removed
        tally.lines["understood"] += len(lines) - slow
        while len(pending) > PENDING:
            bound()
        if unconnected:
            tally.warnings["connect_failure"] += unconnected
        tally.delays.done(done)
        self._count_reasons()
        if digest is not None:
            digest.batch(batch)
        self.end(lines)

    def _place(self, to: bytes) -> _Place | None:
        """Return what "to=<local@domain>, relay=.." stands for, None if it is no such piece."""
        found = grammar.PLACE.fullmatch(to)
        if found is None:
            return None
        domain, name = found["domain"], label(found["domain"])
        place = domain, found["relay"], self.tally.destinations.rows.get(name), name
        _remember(self._places, found["key"], place)
        return place

    def _check_places(self) -> None:
        """Forget the rows of destinations if others are the top ones now."""
        if self.tally.destinations.changes != self._changes:
            self._changes = self.tally.destinations.changes
            self._places.clear()

    def _count_reasons(self) -> None:
        """Count the reasons of a batch."""
        tally = self.tally
        for counter, reasons in (
            (tally.deferred, self._deferred), (tally.suspended, self._suspended), (tally.bounces, self._bounced),
        ):
            counter.update(reasons)
            reasons.clear()

    def _failure(self, last: bytes) -> _Failed | None:
        """Return what "sn=4.2.0, status=deferred (..)" counts for, without the recipient's address; None if
        it is something else. Learn the beginning of a success, which the hot loop knows the next time.
        """
        found = grammar.OUTCOME.match(last)
        if found is None:
            return None
        tally, dsn, start = self.tally, found["dsn"], found.end()
        outcome = self._outcomes.get(found[0])
        if outcome is None:
            status = STATUSES.index(found["status"].decode("ascii"))
            outcome = status, tally.cell(status, dsn.decode("ascii"))
            _remember(self._outcomes, found[0], outcome)
        status, cell = outcome
        if status == SENT:
            if start == _SENT:
                _remember(self._sent, found[0], cell)
            return None
        text = last.rstrip(b"\n")
        if text[-1:] != b")":  # cut off by syslog: where the text ends depends on the address
            return None
        said = text[start:-1][:TEXT]
        reasons = self._suspended if said.startswith(SUSPENDED) else self._deferred
        if status == BOUNCED:
            reasons = self._bounced
        failure = status, cell, reasons, self._reasons.reason(said, dsn)
        _remember(self._failed, last, failure)
        return failure

    def _delay(self, delay: bytes) -> bool:
        """Say whether this is "elay=1.5"; remember it."""
        if grammar.DELAY_PIECE.fullmatch(delay) is None:
            return False
        _remember(self._delays, delay, float(delay[5:]))
        return True

    def _slowly(self, lines: Sequence[bytes], index: int) -> None:
        """Count one line through its event."""
        line, times = meant(lines, index, self.tally.previous)
        line = line.rstrip(b"\n")
        event, stamp = self._read(line)
        if event is not None:
            event.repeat *= times or 1
            self.tally.lines["understood"] += 1
            self.tally.add(event)
            self._check_places()
            if self._digest is not None:
                self._digest.event(event)
        elif stamp is not None:
            self.tally.sample(line)
        else:
            self.tally.lines["ignored"] += 1
