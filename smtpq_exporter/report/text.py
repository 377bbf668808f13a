"""The report on mail logs for people: plain text, at most WIDTH columns.

Pure: the same report always gives the same text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from smtpq_exporter.checks.quantity import say_duration, say_size
from smtpq_exporter.model import Histogram
from smtpq_exporter.reasons import ADVICE
from smtpq_exporter.report.report import Report, quantile

WIDTH = 100
#: Advice is given for so many reasons of deferrals and of bounces.
_ADVISED = 5
#: With more hours than that the day's hours are added up over the days.
_HOURS = 48
_STAGES = {
    "before_queue": "before the active queue (earlier retries included)",
    "in_queue": "waiting for a delivery agent (own limits)",
    "connect": "connecting (DNS, TCP, TLS, greeting)",
    "transmit": "handing over (the receiver's time)",
}
_TOTALS = (
    ("received", "removed"),
    ("delivered", "connections"),
    ("forwarded", "auth_failures"),
    ("deferred", "deferrals"),
    ("bounced", "expired"),
    ("rejected", "reject_warnings"),
    ("held", "discarded"),
    ("bytes_received", "bytes_delivered"),
    ("senders", "destinations"),
)
_WORDS = {
    "received": "messages received",
    "removed": "messages that left the queue",
    "delivered": "deliveries",
    "forwarded": "forwarded",
    "deferred": "messages deferred",
    "deferrals": "deferrals (attempts)",
    "bounced": "bounces",
    "expired": "messages expired",
    "rejected": "rejected at our door",
    "reject_warnings": "reject warnings",
    "held": "held",
    "discarded": "discarded",
    "connections": "connections from clients",
    "auth_failures": "failed logins",
    "bytes_received": "received",
    "bytes_delivered": "delivered",
    "senders": "senders",
    "destinations": "recipient domains",
}


def render(report: Report) -> str:
    """Return the whole report."""
    sections = (
        _head(report),
        _totals(report),
        _late(report),
        _bounced(report),
        _destinations(report),
        _stages(report),
        _hours(report),
        _table("Top senders", report.senders, ("messages", "size")),
        _named("Who refuses our mail", report.refusers),
        _named("Whom we refuse", report.clients),
        _rejects(report),
        _counts("Warnings", report.warnings),
        _counts("TLS connections", report.tls),
        _unparsed(report),
    )
    return "\n".join("\n".join(lines) + "\n" for lines in map(list, sections) if lines)


def _title(words: str) -> list[str]:
    return [words, "-" * len(words)]


def _head(report: Report) -> Iterator[str]:
    files = report.files[0] if len(report.files) == 1 else f"{len(report.files)} files"
    span = report.first if report.first == report.last else f"{report.first}h to {report.last}h"
    yield _cut(f"Mail log of {report.mta}: {files}" + (f", {span}" if span else ""), WIDTH)
    understood, ignored, unparsed = (report.lines[result] for result in ("understood", "ignored", "unparsed"))
    words = f"{understood:,} understood, {ignored:,} of other programs, {unparsed:,} not understood"
    yield f"{understood + ignored + unparsed:,} lines: {words}"
    for fault in report.faults:
        yield from textwrap.wrap(f"Not complete: {fault}", WIDTH)
    if report.incomplete:
        yield "Too many names for the tables below: rare ones are missing."


def _totals(report: Report) -> Iterator[str]:
    yield from _title("Totals")
    for pair in _TOTALS:
        cells = (f"{_amount(name, report.totals[name]):>14} {_WORDS[name]:<30}" for name in pair)
        yield "".join(cells).rstrip()


def _amount(name: str, count: int) -> str:
    return say_size(count) if name.startswith("bytes") else f"{count:,}"


def _late(report: Report) -> Iterator[str]:
    if not report.deferrals:
        return
    yield from _title("Why mail is late")
    whole = sum(attempts + suspended for _, attempts, suspended in report.deferrals)
    yield f"{'reason':<24}{'deferrals':>12}{'share':>8}{'without an attempt':>22}"
    for reason, attempts, suspended in report.deferrals:
        both = attempts + suspended
        yield f"{reason:<24}{both:>12,}{both / whole:>8.1%}{suspended or '':>22}".rstrip()
    yield from _advice(reason for reason, _, _ in report.deferrals)


def _bounced(report: Report) -> Iterator[str]:
    if not report.bounces:
        return
    yield from _title("Why mail came back")
    whole = sum(count for _, count in report.bounces)
    yield f"{'reason':<24}{'bounces':>12}{'share':>8}"
    for reason, count in report.bounces:
        yield f"{reason:<24}{count:>12,}{count / whole:>8.1%}"
    late = {reason for reason, _, _ in report.deferrals[:_ADVISED]}
    yield from _advice(reason for reason, _ in report.bounces if reason not in late)


def _advice(reasons: Iterable[str]) -> Iterator[str]:
    for reason, _ in zip(reasons, range(_ADVISED), strict=False):
        advice = ADVICE[reason]
        yield ""
        yield from textwrap.wrap(f"{reason}: {advice.meaning}", WIDTH, subsequent_indent="  ")
        for words, said in (("Heals by itself? ", advice.heals), ("What to do: ", advice.action)):
            yield from textwrap.wrap(words + said, WIDTH, initial_indent="  ", subsequent_indent="    ")


def _destinations(report: Report) -> Iterator[str]:
    if not report.destinations:
        return
    yield from _title("Destinations")
    heads = f"{'domain':<38}{'delivered':>11}{'deferred':>10}{'bounced':>9}"
    yield heads + f"{'mean':>10}{'slowest':>10}{'size':>11}"
    for row in report.destinations:
        sent, deferred, bounced, _ = row.counts
        mean = "-" if row.mean is None else say_duration(row.mean)
        slowest = "-" if row.slowest is None else say_duration(row.slowest)
        size = say_size(row.size) if row.size else "-"
        counts = f"{_cut(row.domain, 37):<38}{sent:>11,}{deferred:>10,}{bounced:>9,}"
        yield f"{counts}{mean:>10}{slowest:>10}{size:>11}"
    if report.destinations_more:
        yield f"and {report.destinations_more:,} more"


def _stages(report: Report) -> Iterator[str]:
    if not report.latency.count:
        return
    yield from _title("Where delivered messages spent their time")
    yield f"{'stage':<54}{'share':>8}{'half within':>14}{'95 % within':>14}"
    whole = sum(values.total for values in report.stages.values())
    for stage, values in sorted(report.stages.items(), key=lambda item: -item[1].total):
        share = f"{values.total / whole:.1%}" if whole else "-"
        name, half, most = _STAGES.get(stage, stage), _within(values, 0.5), _within(values, 0.95)
        yield f"{name:<54}{share:>8}{half:>14}{most:>14}"
    yield f"{'the whole way':<54}{'':>8}{_within(report.latency, 0.5):>14}{_within(report.latency, 0.95):>14}"


def _within(histogram: Histogram, share: float) -> str:
    edge = quantile(histogram, share)
    if edge is None:
        return "-"
    return f"over {say_duration(histogram.bounds[-1])}" if edge == float("inf") else say_duration(edge)


def _hours(report: Report) -> Iterator[str]:
    if not report.hours:
        return
    yield from _title("Hours")
    rows: Sequence[tuple[str, Sequence[int]]] = report.hours
    if len(rows) > _HOURS:
        by_hour: dict[str, list[int]] = {}
        for name, counts in rows:
            row = by_hour.setdefault(f"every day {name[-2:]}", [0] * 5)
            row[:] = [a + b for a, b in zip(row, counts, strict=True)]
        rows = sorted(by_hour.items())
    yield f"{'hour':<16}{'received':>12}{'delivered':>12}{'deferrals':>12}{'bounced':>12}{'rejected':>12}"
    for name, counts in rows:
        yield f"{name + 'h':<16}" + "".join(f"{count:>12,}" for count in counts)


def _table(title: str, rows: Sequence[tuple[str, int, int]], heads: tuple[str, str]) -> Iterator[str]:
    if not rows:
        return
    yield from _title(title)
    yield f"{'':<64}{heads[0]:>14}{heads[1]:>14}"
    for name, count, size in rows:
        yield f"{_cut(name, 63):<64}{count:>14,}{say_size(size):>14}"


def _named(title: str, rows: Sequence[tuple[str, int, str]]) -> Iterator[str]:
    if not rows:
        return
    yield from _title(title)
    for name, count, reason in rows:
        yield f"{_cut(name, 60):<62}{count:>10,}  {reason}"


def _rejects(report: Report) -> Iterator[str]:
    yield from _counts("Why we refuse", dict(report.rejects))


def _counts(title: str, counts: object) -> Iterator[str]:
    if not isinstance(counts, dict) or not counts:
        return
    yield from _title(title)
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{name:<24}{count:>12,}"


def _unparsed(report: Report) -> Iterator[str]:
    if not report.samples:
        return
    yield from _title("Not understood, for example")
    for sample in report.samples:
        yield _cut(sample, WIDTH)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
