"""Exim's log: one grammar, two ways out. `event` tells what a line says, `feed` counts thousands of them
fast.

Pure. `feed` knows the frequent shapes by heart and hands every other line to `event`; both count the same,
tests prove it on all data. It is made of few, great steps in C: time, id and flag stand at fixed places, and
a byte table tells in one look whether they do. What comes then is cut from the left, at the first "@", at
quotes or the first ": ", all of which come before what a stranger's server said, and each piece is looked up
among pieces that were examined before. mainlog, rejectlog and paniclog are one grammar; what syslog carries
twice (a refusal goes to main and reject log) is counted once. How long a message was on its way is what QT=
says, else the time from its id to this line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import itemgetter, length_hint

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.hitters import label
from smtpq_exporter.logs.tally import BOUNCED, DEFERRED, EXPIRED, SENT
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim.log_reader import LineReader

_STAMPED = re.compile(rb"(?:" + grammar.STAMP.pattern + rb")?").fullmatch
_ALNUM = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: What a local part is made of that is neither quoted nor a file nor a pipe.
_ATOMS = _ALNUM + b"!#$%&'*+-.=?^_`{}~"
#: Makes the shape of an id, its letters and digits, one text.
_SHAPE = bytes.maketrans(_ALNUM, b"0" * len(_ALNUM))
#: What an id is followed by; a word has letters. Of a long id one more.
_RECEIVED, _WORD, _SENT, _DEFERRED, _BOUNCED, _OTHER = range(0, 12, 2)
_FLAGS = {b" <= ": _RECEIVED, b" 000": _WORD, b" => ": _SENT, b" -> ": _SENT, b" == ": _DEFERRED, b" ** ": _BOUNCED}
_IDS = b"000000-000000-00", b"000000-00000000000-0000"
_WIDTHS = tuple(len(shape) + 4 for shape in _IDS)
_KINDS = {shape + flag: kind + long for long, shape in enumerate(_IDS) for flag, kind in _FLAGS.items()}


@lru_cache(maxsize=8)
def _columns(start: int) -> tuple[list[int], list[slice], list[slice]]:
    """Where things are in the lines of a log whose ids stand at `start`, by kind: the address, the id, a word."""
    begins = [start + width for width in _WIDTHS] * len(_FLAGS)
    return begins, [slice(start, begin - 4) for begin in begins], [slice(begin - 3, begin + 6) for begin in begins]


class EximLog(LineReader):
    """A LogParser for one Exim; see LineReader."""

    ends = True
    """Lines may have their newline."""
    _long = False
    """Most ids of this log are long ones, as since Exim 4.97."""

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines, with their newlines or without, in the order of the log."""
        tally, outcomes, start = self.tally, self._outcomes, self._start
        masked, in_file = not self._reasons.wants_addresses, self._host < 0
        outcomes.check()
        pending, destinations = tally.delays.pending, tally.destinations
        full = len(pending) + len(lines) > PENDING
        cells, tails, dead = outcomes.cells, outcomes.tails, outcomes.dead
        confirmed, unconfirmed = outcomes.confirmed, outcomes.unconfirmed
        deferral, bounce = outcomes.deferral, outcomes.bounce
        done: list[bytes] = []
        deferred: list[str] = []
        suspended: list[str] = []
        bounced: list[str] = []
        received = removed = slow = turned = 0
        stamp = b""
        begins, names, words = _columns(start)
        usual, unusual = (slice(start, start + width) for width in (reversed(_WIDTHS) if self._long else _WIDTHS))
        own = lines if in_file and not self._pid else list(map(self.as_in_file, lines))
        rest, times = iter(own), map(itemgetter(slice(start)), own)
        shapes = map(bytes.translate, map(itemgetter(usual), own), repeat(_SHAPE))
        for line, time, kind in zip(rest, times, map(_KINDS.get, shapes, repeat(_OTHER)), strict=True):
            if time != stamp:
                if not _STAMPED(time):
                    self.slowly(lines, len(lines) - length_hint(rest) - 1)
                    slow += 1
                    continue
                stamp = time
            if kind == _OTHER:
                kind = _KINDS.get(line[unusual].translate(_SHAPE), _OTHER)  # noqa: PLW2901 - is what it is
                turned += kind != _OTHER
            if kind < _WORD:
                received += 1
                continue
            if kind < _SENT:
                if line[words[kind]] == b"Completed":
                    removed += 1
                    way = pending.pop(line[names[kind]], None)
                    if way is not None:
                        done.append(way)
                    continue
            elif kind < _DEFERRED:
                parts = line.split(b'"')
                place = None
                if len(parts) == 3:
                    front, code, tail = parts
                    to, _, where = front.partition(b"@")
                    place, code = confirmed[where], code[:10]
                elif len(parts) == 1:
                    to, _, where = line.partition(b"@")
                    end = where.find(b" QT=")
                    if end < 0:
                        end = len(where)
                    place, code, tail = unconfirmed[where[:end]], b"", where[end:]
                if place is not None:
                    domain, row, around = place
                    local = to[begins[kind] :]
                    if (local.isalnum() and not around) or (
                        local.translate(None, _ATOMS) == around and around in local[1:]
                    ):
                        cell = cells.get(code) or outcomes.cell(code)
                        cell[0] += 1
                        message = line[names[kind]]
                        way = tails.get(tail)
                        if way is None:
                            dated = stamp[:-1] or self.stamp_of(lines[len(lines) - length_hint(rest) - 1])
                            way = outcomes.way(line, tail, message, dated)
                        pending[message] = way
                        if full and len(pending) > PENDING:
                            tally.delays.bound()
                        if row is not None:
                            row[SENT] += 1
                        elif destinations.add(label(domain), SENT):
                            outcomes.check()
                        continue
            elif kind < _OTHER:
                front, colon, said = line.partition(b": ")
                to, _, where = front.partition(b"@")
                failed = (deferral if kind < _BOUNCED else bounce)[where] if colon else None
                local = to[begins[kind] :]
                if failed is not None and (local.isalnum() or not local.translate(None, _ATOMS)):
                    domain, row, texts, length, number = failed
                    if masked:
                        said = said.replace(front[begins[kind] : len(to) + 1 + length], b"@")
                    reason, status, counter = texts.get(said) or outcomes.failure(number, said, texts)
                    if status == DEFERRED:
                        deferred.append(reason)
                        dead[domain] = reason
                    elif status == BOUNCED:
                        bounced.append(reason)
                    elif status == EXPIRED:
                        tally.expired += 1
                    elif reason:
                        suspended.append(dead.get(domain) or reason)
                    if counter is not None:
                        counter[0] += 1
                        if row is not None:
                            row[status] += 1
                        elif destinations.add(label(domain), status):
                            outcomes.check()
                    continue
            if in_file and (kind == _OTHER or kind < _SENT) and len(line) > start and self.quickly(line, start):
                continue
            self.slowly(lines, len(lines) - length_hint(rest) - 1)
            slow += 1
        self._long ^= turned * 2 > len(lines)
        outcomes.bound()
        tally.received += received
        tally.removed += removed
        tally.lines["understood"] += len(lines) - slow
        tally.deferred.update(deferred)
        tally.suspended.update(suspended)
        tally.bounces.update(bounced)
        tally.delays.done(done)
        self.end(lines)
