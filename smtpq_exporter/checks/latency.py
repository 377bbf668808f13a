"""check_smtpq_latency: how late is mail? Delivered late, and still queued past the target, is both late.

Law: pure. A log alone flatters: what is stuck does not appear among the delivered. So the share of late
messages counts those too that wait in the queue longer than the target, unless they wait for an operator.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, blind, chosen, merge, nobody, title, total
from smtpq_exporter.checks.options import Option, Threshold
from smtpq_exporter.checks.quantity import duration_range, parse_duration, say_count, say_duration
from smtpq_exporter.checks.range import parse_number
from smtpq_exporter.checks.result import UNKNOWN, Metric, Result
from smtpq_exporter.checks.window import over, seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options

NAME = "latency"
SERVICE = "SMTPQ LATENCY"
UNREACHABLE = UNKNOWN
SUMMARY = "Watch how late mail is: delivered late, or still queued past the target."
OPTIONS = (
    Threshold("late", "messages in percent that took, or already wait, longer than --target",
              defaults=("5", "20"), flags=("-w --warning", "-c --critical")),
    Threshold("delay", "what --quantile percent of the delivered messages took at most", duration_range),
    Option("--target", "what is late; 5m, 15m, 1h, 4h are exact, what is between them is interpolated",
           parse_duration, metavar="DURATION", default="15m"),
    Option("--quantile", "for the limits on delay", parse_number, metavar="PERCENT", default="95"),
    Option("--window", "look back so far", parse_duration, metavar="DURATION", default="1h"),
    Option("--min-messages", "do not judge fewer messages", parse_number, metavar="N", default="10"),
    Option("--log", "without exporter: its log file, or journal (default: the usual file, else the journal)", str,
           metavar="FILE"),
)
EXAMPLES = (
    ("", "more than 5 or 20 percent of the last hour's mail is later than 15 minutes"),
    ("--delay-warning 1m --delay-critical 10m --quantile 99", ""),
)


def query(options: Options) -> dict[str, float]:
    """What is asked for beyond the plain sample: parameters of GET /api/v1/sample."""
    return {"window": options.window, "min_age": options.target}


def needs(_options: Options) -> frozenset[str]:
    """What is read without an exporter."""
    return frozenset({"counts", "log"})


def evaluate(sample: dict[str, Any], options: Options) -> Result:
    """Judge the last window of all chosen mail servers."""
    mtas = chosen(sample, options)
    if not mtas:
        return nobody(SERVICE, sample, options)
    findings = [blind(mta, sample, options) or judge(mta, sample, options) for mta in mtas]
    return merge(SERVICE, sample, findings)


def judge(mta: dict[str, Any], sample: dict[str, Any], options: Options) -> Finding:
    """Judge the last window of one mail server whose queue can be seen."""
    finding = Finding(title(mta))
    window = seen(mta, sample, finding)
    if window is None:
        return finding
    latency = window.latency()
    queues = mta["queue"]["queues"].values()
    older, held = (total(q[field] for q in queues) for field in ("older", "older_held"))
    waiting = None if older is None else older - (held or 0)
    if latency is None or waiting is None:
        what = "log does not tell how long delivery took" if latency is None else "queue does not tell ages"
        finding.say(f"its {what}", UNKNOWN)
        return finding
    if mta["up"] is False:
        finding.say("mail system is down", options.down_state)
    if mta["queue"]["truncated"]:
        finding.say("not all of the queue could be read", UNKNOWN)
    target = say_duration(options.target)
    late, everything = latency.above(options.target) + waiting, latency.count + waiting
    share = 100 * late / everything if everything else 0.0
    phrase = f"{say_count(share)} % of {everything:.0f} messages later than {target} {over(window)}"
    if everything >= options.min_messages:
        finding.judge(share, options.late, phrase, say_count)
    else:
        finding.say(f"{phrase}, too few to judge" if everything else f"no message {over(window)}")
    if waiting:
        finding.say(f"{waiting:.0f} of them still queued")
    quantile = latency.quantile(options.quantile / 100)
    if quantile is not None and latency.count >= options.min_messages:
        phrase = f"{options.quantile:g} % delivered within {say_duration(quantile)}"
        finding.judge(quantile, options.delay, phrase, say_duration)
    finding.metrics.append(
        Metric("late", share, "%", options.late.warning, options.late.critical, combine="max"))
    finding.metrics.append(Metric("late_queued", waiting))
    finding.metrics.append(Metric("delivered", latency.count))
    for name, part in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        value = latency.quantile(part)
        if value is not None:
            metric = Metric(name, value, "s", combine="max")
            if part == options.quantile / 100:
                metric.warning, metric.critical = options.delay.warning, options.delay.critical
            finding.metrics.append(metric)
    return finding
