"""check_smtpq_deferrals: how often delivery is put off or refused lately, and why; what to do about it.

Law: pure. The numbers are what the log told in the window; a repeated notice that a destination is still
suspended is no attempt and is not counted.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, chosen, merge, nobody, title
from smtpq_exporter.checks.options import Option, Threshold
from smtpq_exporter.checks.quantity import parse_duration, say_count
from smtpq_exporter.checks.range import parse_number
from smtpq_exporter.checks.result import OK, UNKNOWN, Metric, Result, label
from smtpq_exporter.checks.window import Window, over, ranked, seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Limits, Options

NAME = "deferrals"
SERVICE = "SMTPQ DEFERRALS"
UNREACHABLE = UNKNOWN
SUMMARY = "Watch how often delivery is deferred or bounced, and why."
OPTIONS = (
    Threshold("rate", "deferred delivery attempts a minute", defaults=("10", "60"),
              flags=("-w --warning", "-c --critical")),
    Threshold("ratio", "deferred attempts in percent of all, if there are --min-attempts"),
    Threshold("bounce_rate", "bounced (and expired) recipients a minute"),
    Threshold("bounce_ratio", "bounced recipients in percent of all attempts, if there are --min-attempts"),
    Option("--window", "look back so far", parse_duration, metavar="DURATION", default="15m"),
    Option("--min-attempts", "judge a ratio only with so many attempts in the window", parse_number,
           metavar="N", default="20"),
    Option("--reason", "count only deferrals of this reason class, e.g. blocklisted (may be repeated)", str,
           metavar="NAME", repeat=True),
    Option("--log", "without exporter: its log file, or journal (default: the usual file, else the journal)", str,
           metavar="FILE"),
)
EXAMPLES = (
    ("", "more than 10 or 60 deferrals a minute in the last quarter of an hour"),
    ("--ratio-warning 10 --ratio-critical 30 -w none", "by their share, which fits any volume"),
    ("--reason blocklisted --reason spam_content -w 0", "tell at once when others refuse your mail"),
)
#: Reasons in perfdata and in the long output.
MOST_REASONS = 8


def query(options: Options) -> dict[str, float]:
    """What is asked for beyond the plain sample: parameters of GET /api/v1/sample."""
    return {"window": options.window}


def needs(_options: Options) -> frozenset[str]:
    """What is read without an exporter."""
    return frozenset({"log"})


def evaluate(sample: dict[str, Any], options: Options) -> Result:
    """Judge the last window of all chosen mail servers."""
    mtas = chosen(sample, options)
    if not mtas:
        return nobody(SERVICE, sample, options)
    return merge(SERVICE, sample, [judge(mta, sample, options) for mta in mtas])


def judge(mta: dict[str, Any], sample: dict[str, Any], options: Options) -> Finding:
    """Judge the last window of one mail server."""
    finding = Finding(title(mta))
    window = seen(mta, sample, finding)
    if window is None:
        return finding
    minutes = window.seconds / 60
    attempts = window.attempts()
    deferrals = window.reasons("deferrals")
    reasons = {r: n for r, n in deferrals.items() if not options.reason or r in options.reason}
    bounces = attempts.get("bounced", 0) + attempts.get("expired", 0)
    deferred = sum(reasons.values())
    everything = sum(deferrals.values()) + attempts.get("sent", 0) + bounces
    enough = everything >= options.min_attempts

    rate, bounce_rate = deferred / minutes, bounces / minutes
    finding.judge(rate, options.rate, f"{say_count(rate)} deferrals a minute {over(window)}", say_count)
    ratio = 100 * deferred / everything if everything else 0.0
    bounce_ratio = 100 * bounces / everything if everything else 0.0
    _share(finding, ratio, options.ratio, "deferred", enough)
    if bounces or options.bounce_rate.given:
        phrase = f"{say_count(bounce_rate)} bounces a minute"
        finding.judge(bounce_rate, options.bounce_rate, phrase, say_count)
    if options.bounce_ratio.given:
        _share(finding, bounce_ratio, options.bounce_ratio, "bounced", enough)
    for name, value, unit, limits in (
        ("deferrals_rate", rate, "", options.rate),
        ("bounces_rate", bounce_rate, "", options.bounce_rate),
        ("deferrals_ratio", ratio, "%", options.ratio),
        ("bounces_ratio", bounce_ratio, "%", options.bounce_ratio),
    ):
        combine = "max" if unit else "sum"
        finding.metrics.append(Metric(name, value, unit, limits.warning, limits.critical, combine=combine))
    if options.perfdata == "all":
        finding.metrics += [Metric(label(reason), n / minutes) for reason, n in ranked(reasons, MOST_REASONS)]
    _explain(finding, window, reasons, advise=options.verbose > 0)
    return finding


def _share(finding: Finding, ratio: float, limits: Limits, word: str, enough: bool) -> None:
    phrase = f"{say_count(ratio)} % of attempts {word}"
    if enough:
        finding.judge(ratio, limits, phrase, say_count)
    elif limits.given:
        finding.say(f"too few attempts for a ratio ({phrase})")


def _explain(finding: Finding, window: Window, reasons: dict[str, int], *, advise: bool) -> None:
    """Why and where, and what to do: on line 1 in a bad state, else in the long output."""
    top = ranked(reasons, MOST_REASONS)
    places = ranked(window.destinations("deferred"), 5)
    if top and finding.state != OK:
        finding.say(f"mostly {', '.join(f'{reason} {n}' for reason, n in top[:3])}")
        if places:
            finding.say(f"to {', '.join(domain for domain, _ in places[:3])}")
    if top:
        finding.lines.append((1, f"deferrals by reason: {', '.join(f'{r} {n}' for r, n in top)}"))
        finding.lines += [(1, line) for line in advice([r for r, _ in top[:3]])] if advise else []
    if places:
        finding.lines.append((1, f"deferrals by destination: {', '.join(f'{d} {n}' for d, n in places)}"))
    bounced = ranked(window.reasons("bounces"), 5)
    if bounced:
        finding.lines.append((1, f"bounces by reason: {', '.join(f'{r} {n}' for r, n in bounced)}"))


def advice(reasons: list[str]) -> list[str]:
    """What each reason means and what to do about it."""
    from smtpq_exporter.advice import TEXTS

    known = [(reason, TEXTS[reason]) for reason in reasons if reason in TEXTS]
    return [f"{reason}: {meaning} {action}" for reason, (meaning, _, action) in known]
