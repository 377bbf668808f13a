"""What happens at the simulated mail server: mail comes, is delivered, deferred, tried again, held.

Pure: the same seed and the same moments give the same mail. It only decides; disk.py makes it visible.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from smtpq_exporter.demo.sites import BACKLOG, SITES, Outcome, Site
from smtpq_exporter.mta.postfix.queue_id import long_id

#: Messages that arrive in a second, on average, and how many may wait in all: disk and memory stay small.
RATE, MOST = 1.2, 900
#: Postfix' minimal_backoff_time and maximal_backoff_time, shortened so that a visitor sees retries.
SHORTEST_WAIT, LONGEST_WAIT = 60.0, 600.0

_SENDERS = (
    "orders@shop.demo.example",
    "news@letter.demo.example",
    "office@demo.example",
    "ada@demo.example",
    "monitor@demo.example",
    "",
)
_NAMES = (
    "ada",
    "ben",
    "chloe",
    "dan",
    "eva",
    "finn",
    "gina",
    "hugo",
    "ida",
    "jan",
    "kim",
    "lea",
    "max",
    "nina",
)


@dataclass(slots=True)
class Letter:
    """One message with one recipient."""

    queue_id: bytes
    arrival: float
    sender: str
    recipient: str
    size: int
    site: Site
    queue: str = "active"
    due: float = 0.0
    tries: int = 0
    outcome: Outcome | None = None
    """Of the last attempt."""


class Happening(NamedTuple):
    """`what` is backlog, arrived, attempted or hold; `took` the seconds of an attempt."""

    what: str
    at: float
    letter: Letter
    took: float = 0.0


class World:
    """The mail server's mail. `waiting` is all that is in its queue now."""

    def __init__(self, seed: int = 1) -> None:
        self.waiting: dict[bytes, Letter] = {}
        self._random = Random(seed)  # noqa: S311  (nothing is secret here)
        self._numbers = itertools.count(70_000)
        self._load: Counter[str] = Counter()
        self._sites = {site.domain: site for site in SITES}
        self._next_arrival: float | None = None

    def begin(self, now: float) -> list[Happening]:
        """The mail that waits already at `now`, most of it for hours."""
        happened = []
        for domain, number, youngest, oldest in BACKLOG:
            site = self._sites[domain]
            for index in range(number):
                age = youngest + (oldest - youngest) * (index / max(1, number - 1)) ** 2
                letter = self._letter(now - age - self._random.random(), site)
                letter.queue, letter.tries = "deferred", 1 + int(age // 600)
                letter.outcome = site.habit(site, 0.0, 0, self._random)
                if letter.outcome.status != "deferred":
                    letter.outcome = site.said("deferred", "4.3.2", "451 4.3.2 Please try again later")
                letter.due = now + self._random.uniform(5, LONGEST_WAIT)
                happened.append(Happening("backlog", now, letter))
        for days in (1, 2, 3):
            letter = self._letter(now - days * 80_000, self._sites["press.example"])
            letter.queue = "hold"
            happened.append(Happening("hold", now, letter))
        return happened

    def step(self, now: float) -> Iterator[Happening]:
        """What has happened up to `now` since the step before."""
        if self._next_arrival is None:
            self._next_arrival = now
        while self._next_arrival <= now:
            if len(self.waiting) < MOST:
                yield Happening(
                    "arrived", self._next_arrival, self._letter(self._next_arrival, self._choose())
                )
            self._next_arrival += self._random.expovariate(RATE)
        for letter in [each for each in self.waiting.values() if each.queue != "hold" and each.due <= now]:
            yield self._attempt(letter, now)

    def _attempt(self, letter: Letter, now: float) -> Happening:
        letter.outcome = letter.site.habit(letter.site, now, letter.tries, self._random)
        letter.tries += 1
        took = (
            30.0
            if "timed out" in letter.outcome.text and "suspended" not in letter.outcome.text
            else (self._random.uniform(0.05, 1.5))
        )
        if letter.outcome.status == "deferred":
            letter.queue = "deferred"
            letter.due = now + min(LONGEST_WAIT, max(SHORTEST_WAIT, (now - letter.arrival) / 4)) * (
                self._random.uniform(0.9, 1.2)
            )
        else:
            del self.waiting[letter.queue_id]
            self._load[letter.site.domain] -= 1
        return Happening("attempted", now, letter, took)

    def _letter(self, arrival: float, site: Site) -> Letter:
        random = self._random
        seconds, fraction = divmod(arrival, 1)
        letter = Letter(
            long_id(int(seconds), int(fraction * 1_000_000), next(self._numbers)),
            arrival,
            random.choice(_SENDERS),
            f"{random.choice(_NAMES)}{random.randrange(900)}@{site.domain}",
            min(60_000, 900 + int(random.lognormvariate(8, 1))),
            site,
            due=arrival + random.uniform(0.5, 4),
        )
        self.waiting[letter.queue_id] = letter
        self._load[site.domain] += 1
        return letter

    def _choose(self) -> Site:
        open_sites = [site for site in SITES if self._load[site.domain] < site.limit]
        return self._random.choices(open_sites, [site.share for site in open_sites])[0]
