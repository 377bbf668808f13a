"""check_smtpq_growth: is the queue growing, how fast does it drain, when is it empty or full.

Law: pure. The trend is the straight line of least squares through the exporter's history (one point a minute)
and the newest reading; a history too short to have a trend is UNKNOWN, not steady.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, blind, chosen, merge, nobody, number, title
from smtpq_exporter.checks.options import Option, Threshold
from smtpq_exporter.checks.quantity import duration_range, parse_duration, say_count, say_duration
from smtpq_exporter.checks.range import parse_number
from smtpq_exporter.checks.result import UNKNOWN, Metric, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options

NAME = "growth"
SERVICE = "SMTPQ GROWTH"
UNREACHABLE = UNKNOWN
SUMMARY = "Watch whether the queue grows, how fast it drains, and when it is empty or full."
OPTIONS = (
    Threshold("growth", "messages a minute by which the queue grows, if it holds --min-messages; less than 0 "
              "is draining", defaults=("~:10", "~:60"), flags=("-w --warning", "-c --critical")),
    Threshold("time_to_full", "how long until the queue holds --full messages", duration_range,
              defaults=("4h:", "1h:")),
    Threshold("time_to_empty", "how long until a queue that drains is empty", duration_range),
    Option("--full", "messages at which the queue is full: then Postfix stops taking new mail into work",
           parse_number, metavar="N", default="20000"),
    Option("--min-messages", "do not judge a queue with fewer messages", parse_number, metavar="N",
           default="100"),
    Option("--window", "look back so far", parse_duration, metavar="DURATION", default="30m"),
    Option("--state-file", "without exporter: a file of its own that remembers earlier counts", str,
           metavar="FILE"),
)
EXAMPLES = (
    ("", "grows by more than 10 or 60 messages a minute, or is full in 4 or 1 hours"),
    ("-w '~:100' -c '~:1000' --window 10m --full 100000", "a large relay"),
    ("--time-to-empty-warning 1d", "after an outage: will the backlog be gone tomorrow?"),
)
#: A trend over less says nothing. Seconds.
SHORTEST = 240.0


def query(options: Options) -> dict[str, float]:
    """What is asked for beyond the plain sample: parameters of GET /api/v1/sample."""
    return {"window": options.window}


def needs(_options: Options) -> frozenset[str]:
    """What is read without an exporter."""
    return frozenset({"counts", "trail"})


def evaluate(sample: dict[str, Any], options: Options) -> Result:
    """Judge the trend of all chosen mail servers."""
    mtas = chosen(sample, options)
    if not mtas:
        return nobody(SERVICE, sample, options)
    findings = [blind(mta, sample, options) or judge(mta, options) for mta in mtas]
    return merge(SERVICE, sample, findings)


def judge(mta: dict[str, Any], options: Options) -> Finding:
    """Judge the trend of one mail server whose queue can be seen."""
    finding = Finding(title(mta))
    queue = mta["queue"]
    messages = sum(q["messages"] for q in queue["queues"].values())
    points = [(float(row[0]), float(row[1])) for row in mta["history"] if row[1] is not None]
    points.append((float(queue["taken_at"]), float(messages)))
    since = points[-1][0] - options.window
    points = sorted(point for point in points if since <= point[0] <= points[-1][0])
    length = points[-1][0] - points[0][0]
    if mta["up"] is False:
        finding.say("mail system is down", options.down_state)
    if len(points) < 3 or length < min(SHORTEST, options.window / 2):
        finding.say(number(messages, "message"))
        finding.say(f"history is only {say_duration(length)} long; ask again later", UNKNOWN)
        return finding
    if queue["truncated"]:
        finding.say("not all of the queue could be read", UNKNOWN)
    rate = slope(points) * 60
    finding.say(number(messages, "message"))
    judged = messages >= options.min_messages
    word = "growing" if rate > 0 else "draining"
    phrase = f"{word} by {say_count(abs(rate))} a minute over {say_duration(length)}"
    if abs(rate) < 0.05:
        finding.say(f"steady over {say_duration(length)}")
    elif judged:
        finding.judge(rate, options.growth, phrase, say_count)
    else:
        finding.say(phrase)
    finding.metrics.append(Metric("messages", messages))
    limits = options.growth
    finding.metrics.append(Metric("growth", rate, "", limits.warning, limits.critical, minimum=None))
    _until(finding, options, messages, rate, judged)
    return finding


def _until(finding: Finding, options: Options, messages: float, rate: float, judged: bool) -> None:
    """When the queue will be full or empty if it goes on like this."""
    if rate > 0.05:
        seconds = max(0.0, (options.full - messages) / rate * 60)
        name, limits, word = "time_to_full", options.time_to_full, f"full ({options.full:.0f}) in"
    elif rate < -0.05 and messages:
        seconds = messages / -rate * 60
        name, limits, word = "time_to_empty", options.time_to_empty, "empty in"
    else:
        return
    if seconds > 30 * 86400:
        return  # a trend does not reach so far
    if judged:
        finding.judge(seconds, limits, f"{word} {say_duration(seconds)}", say_duration)
    finding.metrics.append(Metric(name, seconds, "s", limits.warning, limits.critical, combine="min"))


def slope(points: list[tuple[float, float]]) -> float:
    """Rise of the line of least squares, units a second; 0 if all points lie at one moment."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
