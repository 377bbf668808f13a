"""The contract of a mail server that counts its queues itself and shows no messages: it gives reports.

Pure. A report is one document that is whole or worth nothing. Its parser obeys the laws of mta/base.py:
empty input is a ParseError (silence is no proof of an empty queue), cut input a ParseError, no exception but
ParseError, and the sums of the snapshot are those of the rows. rollup.py makes the snapshot; what a report
does not tell stays None there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from smtpq_exporter.mta.base import Instance, ReasonOf

#: What a next hop is doing: the closed set of the label `state`.
STATES = ("active", "connecting", "ready", "retry", "suspended", "other")
#: Where a next hop is: the closed set of the label `category`.
CATEGORIES = ("internal", "external", "other")


@dataclass(frozen=True, slots=True)
class Row:
    """One queue as the mail server counts it. `queue` is one of Mta.queues or Mta.asides.

    `domain` is the next hop as a label ("" = none), `category` and `state` are "" where there is no next hop.
    `held` of the messages wait for a person. `reason` is the class of the error that keeps all of them
    waiting. Times are epoch seconds, rates messages per second; None = not told.
    """

    queue: str
    messages: int
    domain: str = ""
    category: str = ""
    state: str = ""
    held: int | None = None
    reason: str = ""
    next_retry: float | None = None
    oldest: float | None = None
    incoming: float | None = None
    outgoing: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All queues at `taken_at` (epoch by the clock of the mail server's host; None = not told).

    `first` is (index into rows, arrival) of the oldest message of all. `pressure` is the level of each
    resource: 0 low, 1 medium, 2 high. With an `error` in words there are no rows; `denied` says that a
    permission is missing. `up` tells whether the mail system runs.
    """

    rows: tuple[Row, ...] = ()
    taken_at: float | None = None
    first: tuple[int, float] | None = None
    pressure: Mapping[str, int] = field(default_factory=dict)
    truncated: bool = False
    skipped: Mapping[str, int] = field(default_factory=dict)
    up: bool | None = None
    version: str | None = None
    error: str = ""
    denied: bool = False


class ReportParser(Protocol):
    """The whole document at once; raises ParseError."""

    def __call__(self, data: bytes, reasons: ReasonOf, now: float, /) -> Report: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class ReportWay:
    """One way to get a report: a file (`path`), or the output of a command (`argv`) or of a module of ours.

    `lack` says in words what the instance's options lack for this way, "" if it can be tried.
    """

    source: str
    parser: ReportParser
    lack: Callable[[Instance], str]
    path: Callable[[Instance], str] | None = None
    argv: Callable[[Instance], tuple[str, ...]] | None = None
    module: str = ""
    """Module that prints the report, run as a process of its own; `argv` gives its arguments."""
    needs: str = ""
    """Package that `module` imports."""
    max_age: Callable[[Instance], float] | None = None
    """Seconds after which the file is too old to be believed."""
    complaint: Callable[[bytes], str] | None = None
    """What standard error says, in words for people."""
    denied: tuple[str, ...] = ("permission denied", "access is denied")
    """Words of a complaint, in lower case, that mean that a permission is missing."""
    hint: str = ""
