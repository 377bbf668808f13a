"""The report on mail logs as one value: what text and JSON show, in the order in which they show it.

Pure. Definitions are those of docs/logs.md; where pflogsumm counts the same thing under the same name, the
number is the same (delivered without what was only forwarded, deferred messages beside deferrals, bytes by
message size).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, NamedTuple

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.tally import SENT
from smtpq_exporter.model import STATUSES, Histogram, LogTally
from smtpq_exporter.reasons import ADVICE, CAUSES
from smtpq_exporter.report.digest import DELAY, MESSAGE, SIZE, SLOWEST, Digest
from smtpq_exporter.report.part import Part


class Destination(NamedTuple):
    """Deliveries to one domain: attempts in the order of STATUSES; delays of successes in seconds."""

    domain: str
    counts: tuple[int, ...]
    mean: float | None
    slowest: float | None
    size: int


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report. Rows are (name, ...), the greatest first; bytes, seconds."""

    mta: str
    files: tuple[str, ...]
    faults: tuple[str, ...]
    lines: Mapping[str, int]
    first: str
    last: str
    totals: Mapping[str, int]
    deferrals: tuple[tuple[str, int, int], ...]
    """(reason, attempts, suspended)."""
    bounces: tuple[tuple[str, int], ...]
    rejects: tuple[tuple[str, int], ...]
    destinations: tuple[Destination, ...]
    destinations_more: int
    hours: tuple[tuple[str, tuple[int, ...]], ...]
    """(hour as the log writes it, (received, delivered, deferrals, bounces, rejects))."""
    latency: Histogram
    stages: Mapping[str, Histogram]
    senders: tuple[tuple[str, int, int], ...]
    """(address, messages, bytes)."""
    refusers: tuple[tuple[str, int, str], ...]
    """(remote server, deferrals and bounces, the reason it gave most)."""
    clients: tuple[tuple[str, int, str], ...]
    tls: Mapping[str, int]
    warnings: Mapping[str, int]
    samples: tuple[str, ...]
    incomplete: bool


def make(
    part: Part, mta: str, files: Sequence[str], faults: Sequence[str], *, now: float, top: int = 10
) -> Report:
    """Return the report on what was read; `top` rows in each table, `now` dates the last line."""
    tally, digest = part.tally.freeze(now), part.digest
    hours = sorted(digest.hours.items(), key=lambda item: moment(item[0] + b":00:00", now) or 0.0)
    ranked = sorted(digest.destinations.items(), key=lambda item: (-sum(item[1][: len(STATUSES)]), item[0]))
    return Report(
        mta=mta,
        files=tuple(files),
        faults=tuple(faults),
        lines=tally.lines,
        first=hours[0][0].decode("latin-1") if hours else "",
        last=hours[-1][0].decode("latin-1") if hours else "",
        totals=_totals(tally, digest),
        deferrals=_deferrals(tally),
        bounces=_most(tally.bounces),
        rejects=_most(tally.rejects),
        destinations=tuple(_destination(name, row) for name, row in ranked[:top]),
        destinations_more=max(0, len(ranked) - top),
        hours=tuple((name.decode("latin-1"), tuple(counts)) for name, counts in hours),
        latency=tally.latency or Histogram((), (0,), 0.0),
        stages=tally.delays,
        senders=_senders(digest, top),
        refusers=_reasons(_hosts(digest.refusers), top),
        clients=_reasons(digest.clients, top),
        tls=tally.tls,
        warnings={kind: count for kind, count in tally.warnings.items() if count},
        samples=tuple(_shown(line) for line in list(part.tally.samples)[-3:]),
        incomplete=digest.incomplete,
    )


def _totals(tally: LogTally, digest: Digest) -> dict[str, int]:
    sent = tally.deliveries["sent"]
    return {
        "received": tally.received,
        "delivered": sent - digest.forwarded,
        "forwarded": digest.forwarded,
        "deferred": len(digest.deferred),
        "deferrals": tally.deliveries["deferred"],
        "bounced": tally.deliveries["bounced"],
        "expired": tally.expired,
        "rejected": sum(tally.rejects.values()),
        "reject_warnings": digest.reject_warnings,
        "held": digest.held,
        "discarded": digest.discarded,
        "removed": tally.removed,
        "connections": tally.connections,
        "auth_failures": tally.auth_failures,
        "bytes_received": digest.bytes_received,
        "bytes_delivered": digest.bytes_delivered,
        "senders": len(digest.senders),
        "destinations": len(digest.destinations),
    }


def _destination(name: bytes, row: list[Any]) -> Destination:
    mean = row[DELAY] / row[SENT] if row[SENT] else None
    slowest = row[SLOWEST] if row[SENT] else None
    return Destination(_shown(name) or "(no domain)", tuple(row[: len(STATUSES)]), mean, slowest, row[SIZE])


def _hosts(relays: Mapping[bytes, Counter[str]]) -> dict[str, Counter[str]]:
    """Return relays without their ports."""
    hosts: dict[str, Counter[str]] = {}
    for relay, reasons in relays.items():
        host = relay.rpartition(b"]")[0] + b"]" if b"]" in relay else relay
        hosts.setdefault(_shown(host), Counter()).update(reasons)
    return hosts


def _most(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _deferrals(tally: LogTally) -> tuple[tuple[str, int, int], ...]:
    reasons = {reason for reason, _ in tally.deferrals}
    rows = [
        (why, tally.deferrals.get((why, False), 0), tally.deferrals.get((why, True), 0)) for why in reasons
    ]
    return tuple(sorted(rows, key=lambda row: (-row[1] - row[2], row[0])))


def _senders(digest: Digest, top: int) -> tuple[tuple[str, int, int], ...]:
    rows = nsmallest(top, digest.senders.items(), key=lambda item: (-item[1], item[0]))
    return tuple((_shown(name), *divmod(sums, MESSAGE)) for name, sums in rows)


def _reasons(table: Mapping[str, Counter[str]], top: int) -> tuple[tuple[str, int, str], ...]:
    rows = sorted(table.items(), key=lambda item: (-item[1].total(), item[0]))[:top]
    return tuple(
        (name, reasons.total(), max(reasons, key=lambda why: (reasons[why], why))) for name, reasons in rows
    )


def _shown(name: bytes) -> str:
    """Return bytes of a log for people: nothing in them can steer a terminal."""
    text = name.decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


def quantile(histogram: Histogram, share: float) -> float | None:
    """Return the edge within which `share` of all values lie; inf beyond the last, None without values."""
    wanted, seen = share * histogram.count, 0
    if not wanted:
        return None
    for edge, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        seen += count
        if seen >= wanted:
            return edge
    return float("inf")


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as JSON-able values; reasons come with their cause and advice."""

    def histogram(values: Histogram) -> dict[str, Any]:
        return {"bounds": list(values.bounds), "counts": list(values.counts), "sum": values.total}

    def advised(reason: str) -> dict[str, Any]:
        return {"reason": reason, "cause": CAUSES[reason], **ADVICE[reason]._asdict()}

    return {
        "mta": report.mta,
        "files": list(report.files),
        "faults": list(report.faults),
        "lines": dict(report.lines),
        "first_hour": report.first,
        "last_hour": report.last,
        "totals": dict(report.totals),
        "deferrals": [
            {**advised(reason), "attempts": attempts, "suspended": suspended}
            for reason, attempts, suspended in report.deferrals
        ],
        "bounces": [{**advised(reason), "count": count} for reason, count in report.bounces],
        "rejects": [
            {"reason": reason, "cause": CAUSES[reason], "count": count} for reason, count in report.rejects
        ],
        "destinations": [
            {
                "domain": row.domain,
                **dict(zip(STATUSES, row.counts, strict=True)),
                "delay_mean": row.mean,
                "delay_max": row.slowest,
                "bytes": row.size,
            }
            for row in report.destinations
        ],
        "hours": [
            {
                "hour": name,
                **dict(zip(("received", "delivered", "deferrals", "bounced", "rejected"), row, strict=True)),
            }
            for name, row in report.hours
        ],
        "latency": histogram(report.latency),
        "delays": {stage: histogram(values) for stage, values in report.stages.items()},
        "senders": [
            {"sender": name, "messages": messages, "bytes": size} for name, messages, size in report.senders
        ],
        "refusers": [{"relay": name, "count": count, "reason": why} for name, count, why in report.refusers],
        "rejected_clients": [
            {"client": name, "count": count, "reason": why} for name, count, why in report.clients
        ],
        "tls": dict(report.tls),
        "warnings": dict(report.warnings),
        "unparsed_samples": list(report.samples),
        "incomplete": report.incomplete,
    }
