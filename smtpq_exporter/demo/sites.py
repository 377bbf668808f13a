"""The mail servers of others in the demonstration, each with its habit. Pure data and small decisions.

All names are reserved for documentation (RFC 2606), all addresses too (RFC 5737). The texts are of the kind
that real servers send.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

#: The destination that comes and goes is away for this long, then there for this long, seconds.
AWAY, THERE = 1500.0, 300.0


class Outcome(NamedTuple):
    """What became of one attempt: status, enhanced code, the whole text, and the server's part of it."""

    status: str
    dsn: str
    text: str
    reply: str = ""
    relay: str = "none"


class Site(NamedTuple):
    """A destination. `share` weighs how much mail goes there; `limit` is how much may wait for it at most."""

    domain: str
    address: str
    share: float
    habit: Callable[[Site, float, int, Random], Outcome]
    limit: int = 1000

    @property
    def relay(self) -> str:
        """Its server as the log names it."""
        return f"mx.{self.domain}[{self.address}]"

    def said(self, status: str, dsn: str, reply: str, command: str = "RCPT TO") -> Outcome:
        """An outcome that its server decided."""
        text = f"host {self.relay} said: {reply} (in reply to {command} command)"
        return Outcome(status, dsn, text, reply, f"{self.relay}:25")


def ordinary(site: Site, _now: float, _tries: int, random: Random) -> Outcome:
    """Takes nearly everything."""
    if random.random() < 0.015:
        return site.said("bounced", "5.1.1", "550 5.1.1 User unknown in virtual mailbox table")
    return Outcome(
        "sent", "2.0.0", f"250 2.0.0 Ok: queued as 4{random.getrandbits(44):011X}", "", f"{site.relay}:25"
    )


def greylisting(site: Site, now: float, tries: int, random: Random) -> Outcome:
    """Asks every stranger to come again."""
    if tries == 0:
        return site.said("deferred", "4.7.1", "450 4.7.1 Greylisted, please try again in 300 seconds")
    return ordinary(site, now, tries, random)


def dead(site: Site, _now: float, tries: int, _random: Random) -> Outcome:
    """Answers nobody."""
    text = f"connect to {site.relay}:25: Connection timed out"
    return Outcome("deferred", "4.4.1", f"delivery temporarily suspended: {text}" if tries % 2 else text)


def coming_and_going(site: Site, now: float, tries: int, random: Random) -> Outcome:
    """Refuses connections most of the time, then takes everything for a while."""
    if now % (AWAY + THERE) < AWAY:
        return Outcome("deferred", "4.4.1", f"connect to {site.relay}:25: Connection refused")
    return ordinary(site, now, tries, random)


def full(site: Site, now: float, tries: int, random: Random) -> Outcome:
    """Its users do not tidy up."""
    if random.random() < 0.97:
        return site.said(
            "deferred", "4.2.2", "452 4.2.2 The recipient's mailbox is over its quota", "RCPT TO"
        )
    return ordinary(site, now, tries, random)


def counting(site: Site, now: float, tries: int, random: Random) -> Outcome:
    """Takes only so much at once."""
    if random.random() < 0.4:
        return site.said(
            "deferred",
            "4.7.28",
            "421 4.7.28 Unusual rate of mail from your IP address, try again later",
            "end of DATA",
        )
    return ordinary(site, now, tries, random)


def nameless(site: Site, _now: float, _tries: int, _random: Random) -> Outcome:
    """Its name servers are gone."""
    error = f"Name service error for name={site.domain} type=MX: Host not found, try again"
    text = f"Host or domain name not found. {error}"
    return Outcome("deferred", "4.4.3", text)


def suspicious(site: Site, now: float, tries: int, random: Random) -> Outcome:
    """Asks a blocklist, which sometimes knows us."""
    if random.random() < 0.3:
        return site.said(
            "deferred",
            "4.7.1",
            "450 4.7.1 Service unavailable; client [192.0.2.1] blocked using bl.example.net",
        )
    return ordinary(site, now, tries, random)


SITES = (
    Site("university.example", "198.51.100.11", 16, ordinary),
    Site("clinic.example", "198.51.100.12", 9, ordinary),
    Site("museum.example", "198.51.100.13", 6, ordinary),
    Site("press.example", "198.51.100.14", 11, ordinary),
    Site("shop.example", "198.51.100.15", 14, ordinary),
    Site("library.example", "198.51.100.16", 5, ordinary),
    Site("bigmail.example", "198.51.100.25", 14, counting, 60),
    Site("cautious.example", "198.51.100.26", 10, greylisting),
    Site("wary.example", "198.51.100.27", 3, suspicious, 20),
    Site("quota.example", "198.51.100.28", 2, full, 30),
    Site("flaky.example", "198.51.100.29", 6, coming_and_going, 250),
    Site("nameless.example", "198.51.100.30", 1, nameless, 20),
    Site("dead.example", "198.51.100.99", 2, dead, 90),
)
#: What waits already when the demonstration begins: (domain, messages, youngest and oldest age in seconds).
BACKLOG = (
    ("dead.example", 62, 5400, 148_000),
    ("cautious.example", 24, 20, 290),
    ("quota.example", 15, 7200, 93_000),
    ("flaky.example", 21, 60, 1400),
    ("nameless.example", 9, 1500, 21_000),
    ("bigmail.example", 11, 200, 2600),
    ("wary.example", 5, 300, 3400),
)
