"""Report -> QueueSnapshot, for a mail server that counts its queues itself (mta/report.py).

Pure. Law: a sum is known only if each of its parts is. What no row tells (recipients, sizes, the age of each
message) stays None; a queue without rows was read and is empty: its sums are 0. Nothing is named by a row:
rows come and go with the mail server's queues, the names here do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from smtpq_exporter.aggregate import top_of
from smtpq_exporter.model import QueueSnapshot, QueueStats
from smtpq_exporter.mta.report import CATEGORIES, STATES, Report, Row
from smtpq_exporter.reasons import REASONS


def roll_up(
    report: Report, now: float, source: str, *, queues: Sequence[str], asides: Sequence[str] = (),
    top: int = 20,
) -> QueueSnapshot:
    """The snapshot of a report at `now`; `top` next hops are named."""
    rows: dict[str, list[Row]] = {name: [] for name in (*queues, *asides)}
    firsts: dict[str, float] = {}
    for index, row in enumerate(report.rows):
        rows[row.queue].append(row)
        if report.first is not None and report.first[0] == index:
            firsts[row.queue] = report.first[1]
    stats = {name: _stats(found, firsts.get(name), now) for name, found in rows.items()}
    counted = [row for name in queues for row in rows[name]]
    domains: dict[str, int] = {}
    reasons = dict.fromkeys(REASONS, 0)
    hops = {(category, state): (0, 0) for category in CATEGORIES for state in STATES}
    for row in counted:
        if row.domain and row.messages:
            domains[row.domain] = domains.get(row.domain, 0) + row.messages
        if row.reason:
            reasons[row.reason] = reasons.get(row.reason, 0) + row.messages
        if row.state:
            number, messages = hops[row.category, row.state]
            hops[row.category, row.state] = number + 1, messages + row.messages
    return QueueSnapshot(
        taken_at=now,
        reported_at=report.taken_at,
        source=source,
        queues=MappingProxyType({name: stats[name] for name in queues}),
        destinations=top_of(domains, top),
        reasons=MappingProxyType(reasons),
        truncated=report.truncated,
        skipped=report.skipped,
        aside=MappingProxyType({name: stats[name] for name in asides}),
        next_hops=MappingProxyType(hops),
        pressure=MappingProxyType(dict(report.pressure)),
    )


def _stats(rows: Sequence[Row], first: float | None, now: float) -> QueueStats:
    """One queue. `first` is the arrival of its oldest message, if the oldest of all lies in it."""
    full = [row for row in rows if row.messages]
    arrivals = [row.oldest for row in full]
    known = [arrival for arrival in arrivals if arrival is not None]
    oldest = min((*known, first)) if first is not None else min(known, default=None)
    if None in arrivals and first is None:
        oldest = None  # one that was not asked may hold the oldest
    due = None
    if all(row.state == "retry" and row.next_retry is not None for row in full):
        due = sum(row.messages for row in full if (row.next_retry or 0.0) <= now)
    return QueueStats(
        messages=sum(row.messages for row in rows),
        recipients=None if full else 0,
        bytes=None if full else 0,
        oldest_arrival=None if oldest is None else int(oldest),
        held=_whole(row.held for row in full),
        retry_due=due,
        incoming=_rate(row.incoming for row in rows),
        outgoing=_rate(row.outgoing for row in rows),
    )


def _whole(parts: Iterable[int | None]) -> int | None:
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _rate(parts: Iterable[float | None]) -> float | None:
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return round(total, 6)
