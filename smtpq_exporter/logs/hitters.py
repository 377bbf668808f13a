"""The destinations that matter: the top N domains with their own counters, everything else in one.

Pure: no clock; time is counted in deliveries. Three laws, whatever strangers write to:

1. bounded: at most `top` series and CANDIDATES * top candidates, found by Space-Saving (Metwally, Agrawal and
   El Abbadi 2005) with a heap, so that a stream of new names costs about the same for each;
2. sums agree: the counts of all domains and of OTHER are the counts of all deliveries, and OTHER never falls:
   a domain that is let in starts from 0, one that is let go leaves its counts to OTHER;
3. series do not churn (hysteresis): a newcomer must have MARGIN times the weight of the weakest inside, and
   FLOOR more. Weights fade by half every FADE deliveries to domains outside, counts do not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from heapq import heappop, heappush, heapreplace
from typing import Any

from smtpq_exporter.model import OTHER, STATUSES

CANDIDATES = 8
MARGIN = 2
FLOOR = 8
FADE = 100_000
_WIDTH = len(STATUSES)
_NAME = re.compile(rb"(?=[a-z0-9_.-]*[a-z_-])[a-z0-9_][a-z0-9_.-]{0,252}")


@lru_cache(maxsize=4096)
def label(domain: bytes) -> str:
    """Return a domain as a label: lower case, "" for whatever is no plain name (IP, address literal, free
    text).
    """
    name = domain.lower().rstrip(b".")
    return name.decode() if _NAME.fullmatch(name) else ""


class StreamSummary:
    """Space-Saving: the `size` names that came most often, each with a count that is never too low.

    A heap finds the name to give up: the least count, of equals the one that has it longest. A name that
    comes again does not touch the heap; its place there is put right when it comes up.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.names: dict[str, list[int]] = {}
        """name -> [count, how much of it may belong to others, moment of the last one]."""
        self._heap: list[tuple[int, int, str]] = []
        """(count, moment, name) as they once were."""
        self._moment = 0

    def add(self, name: str) -> int:
        """Count one more; return how often the name came at least."""
        self._moment += 1
        known = self.names.get(name)
        if known is not None:
            known[0] += 1
            known[2] = self._moment
            return known[0] - known[1]
        error = self._give_up() if len(self.names) >= self.size else 0
        self.names[name] = [error + 1, error, self._moment]
        heappush(self._heap, (error + 1, self._moment, name))
        return 1

    def _give_up(self) -> int:
        """Forget the least name and return its count."""
        while True:
            count, seen, name = self._heap[0]
            now, _, moment = self.names[name]
            if moment == seen:
                heappop(self._heap)
                del self.names[name]
                return count
            heapreplace(self._heap, (now, moment, name))

    def remove(self, name: str) -> None:
        """Forget one name."""
        del self.names[name]
        self.load(self.dump())

    def fade(self) -> None:
        """Halve all counts; names that come to nothing are forgotten."""
        self.load([(name, count // 2, error // 2) for name, count, error in self.dump() if count > 1])

    def dump(self) -> list[tuple[str, int, int]]:
        """Return (name, count, error), least first, in the order in which they would be given up."""
        rows = sorted((count, moment, name, error) for name, (count, error, moment) in self.names.items())
        return [(name, count, error) for count, _, name, error in rows]

    def load(self, rows: list[tuple[str, int, int]]) -> None:
        """Take the place of what `dump` returned."""
        kept = list(enumerate(rows[-self.size :]))
        self.names = {name: [count, error, moment] for moment, (name, count, error) in kept}
        self._heap = [(count, moment, name) for moment, (name, count, _) in kept]  # in order: a heap already
        self._moment = len(kept)


class TopDomains:
    """Deliveries by domain and status: `rows[domain][STATUSES.index(status)]`, and OTHER.

    A hot loop may do `known[domain][k] += 1` itself for a domain that is inside, in bytes; for others it
    calls `add`.
    """

    def __init__(self, top: int) -> None:
        self.top = max(1, top)
        self.rows: dict[str, list[int]] = {}
        self.known: dict[bytes, list[int]] = {}
        """The same rows by the bytes of the name."""
        self.changes = 0
        """How often a domain was let in or let go: until the next time rows stay whose they are."""
        self.other = [0] * _WIDTH
        self._faded: dict[str, int] = {}
        """domain -> what of its counts has faded away; its weight is the rest."""
        self._candidates = StreamSummary(CANDIDATES * self.top)
        self._until_fade = FADE
        self._bar = 0
        """A newcomer with less than this cannot be let in; as high as the weakest inside was last seen."""

    def add(self, domain: str, status: int, times: int = 1) -> bool:
        """Count deliveries to a domain ("" if it has none); say whether the rows are those of other domains now.

        `status` is an index of STATUSES.
        """
        row = self.rows.get(domain)
        if row is not None:
            row[status] += times
            return False
        if domain == OTHER:  # a stranger's mail to user@other must not look like the rest
            domain = ""
        if domain and len(self.rows) < self.top:
            self._let_in(domain, [0] * _WIDTH, 0)
            self.rows[domain][status] = times
            return True
        self.other[status] += times
        if not domain:
            return False
        if times == 1:
            return self._challenge(domain)
        return any(self._challenge(domain) for _ in range(min(times, FADE)))

    def _challenge(self, domain: str) -> bool:
        """Let a newcomer in if it outweighs the weakest inside by far, and say so; fade all weights now and then."""
        self._until_fade -= 1
        if not self._until_fade:
            self._until_fade = FADE
            self._candidates.fade()
            self._bar = 0
            for name, row in self.rows.items():
                self._faded[name] = sum(row) - (sum(row) - self._faded[name]) // 2
        weight = self._candidates.add(domain)
        if weight <= self._bar:
            return False
        weakest = min(self.rows, key=self._weight)
        self._bar = MARGIN * self._weight(weakest) + FLOOR
        if weight <= self._bar:
            return False
        self._candidates.remove(domain)
        self._let_go(weakest)
        self._let_in(domain, [0] * _WIDTH, -weight)
        self._bar = 0
        return True

    def _let_in(self, domain: str, row: list[int], faded: int) -> None:
        self.changes += 1
        self.rows[domain] = self.known[domain.encode()] = row
        self._faded[domain] = faded

    def _let_go(self, domain: str) -> None:
        self.changes += 1
        del self._faded[domain], self.known[domain.encode()]
        for status, count in enumerate(self.rows.pop(domain)):
            self.other[status] += count

    def _weight(self, domain: str) -> int:
        return sum(self.rows[domain]) - self._faded[domain]

    def merge(self, later: TopDomains) -> None:
        """Add the counts of another; domains that find no place here go to OTHER."""
        for domain, row in later.rows.items():
            for status, count in enumerate(row):
                if domain in self.rows or len(self.rows) < self.top:
                    self.add(domain, status, count)
                else:
                    self.other[status] += count
        self.other = [a + b for a, b in zip(self.other, later.other, strict=True)]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return {(domain, status): n} without zeros; OTHER holds the rest."""
        rows = [*sorted(self.rows.items()), (OTHER, self.other)]
        return {(name, STATUSES[k]): row[k] for name, row in rows for k in range(_WIDTH) if row[k]}

    def state(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        return {
            "rows": [[name, *row, self._faded[name]] for name, row in self.rows.items()],
            "other": self.other,
            "candidates": self._candidates.dump(),
            "until_fade": self._until_fade,
            "bar": self._bar,
        }

    @classmethod
    def restore(cls, state: dict[str, Any], top: int) -> TopDomains:
        """Make what `state` described; if fewer are wanted now, the lightest leave their counts to OTHER."""
        made = cls(top)
        for name, *row, faded in state["rows"]:
            made._let_in(name, row, faded)
        made.other = list(state["other"])
        made._candidates.load([(name, count, error) for name, count, error in state["candidates"]])
        made._until_fade, made._bar = state["until_fade"], state["bar"]
        while len(made.rows) > made.top:
            made._let_go(min(made.rows, key=made._weight))
        return made
