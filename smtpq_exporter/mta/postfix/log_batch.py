"""What a batch of Postfix's log lines held beside what is counted, and who wants to know: a report.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from smtpq_exporter.model import LogEvent

#: queue id, domain, delay in seconds, whether it was only forwarded.
Delivery = tuple[bytes, bytes, float, bool]
#: domain, index of STATUSES, relay, reason.
Failure = tuple[bytes, int, bytes, str]


@dataclass(slots=True)
class Batch:
    """What one batch of lines held, for who wants more than counters."""

    arrived: list[bytes] = field(default_factory=list)
    """Queue ids of messages that came in."""
    actives: dict[bytes, bytes] = field(default_factory=dict)
    """Queue id -> words "from=<..>, size=.."."""
    deliveries: list[Delivery] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    deferred: list[bytes] = field(default_factory=list)
    """Queue ids of messages of which an attempt was deferred."""
    ended: list[bytes] = field(default_factory=list)
    """Queue ids that were removed after a delivery that was seen; `gone` those without one."""
    gone: list[bytes] = field(default_factory=list)


class Digest(Protocol):
    """Who wants to know more than is counted; report/digest.py does."""

    def batch(self, batch: Batch) -> None:
        """Take what one batch of lines held."""

    def event(self, event: LogEvent) -> None:
        """Take an event that the hot loop did not know by heart, before its batch."""
