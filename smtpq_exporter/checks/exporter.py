"""check_smtpq_exporter: can the watcher be trusted? Sources succeed, samples are fresh, logs are followed.

Law: pure. The other checks say UNKNOWN where they cannot see; this one says what must be mended.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, chosen, merge, nobody, number, title
from smtpq_exporter.checks.options import Threshold
from smtpq_exporter.checks.quantity import duration_range, say_count, say_duration, say_size, size_range
from smtpq_exporter.checks.result import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options

NAME = "exporter"
SERVICE = "SMTPQ EXPORTER"
#: Nobody watches: that is what this check is for.
UNREACHABLE = CRITICAL
SUMMARY = "Watch smtpq-exporter itself: sources are read, samples fresh, logs followed."
OPTIONS = (
    Threshold("failed", "sources whose last reading failed", defaults=("0", ""),
              flags=("-w --warning --failed-warning", "-c --critical --failed-critical")),
    Threshold("lag", "bytes of the log that are not read yet", size_range, defaults=("16M", "256M")),
    Threshold("silence", "how long ago the last line was logged (a quiet night is no fault)", duration_range),
)
EXAMPLES = (
    ("", "any source fails, or nothing fresh: CRITICAL if there is no answer"),
    ("--silence-warning 1h", "a busy relay that logs nothing for an hour is broken"),
)


def query(_options: Options) -> dict[str, float]:
    """What is asked for beyond the plain sample: parameters of GET /api/v1/sample."""
    return {"window": 0.0}


def needs(_options: Options) -> frozenset[str]:
    """What is read without an exporter: then this looks at the same sources as it would."""
    return frozenset({"queue"})


def evaluate(sample: dict[str, Any], options: Options) -> Result:
    """Judge all sources of all chosen mail servers."""
    mtas = chosen(sample, options)
    if not mtas:
        return nobody(SERVICE, sample, options)
    findings = [judge(mta, sample, options) for mta in mtas]
    if not sample["config_reload_ok"]:
        finding = Finding("configuration")
        finding.say("its last reload failed, the old one is in force; see the exporter's log", WARNING)
        findings.append(finding)
    return merge(SERVICE, sample, findings)


def judge(mta: dict[str, Any], sample: dict[str, Any], options: Options) -> Finding:
    """Judge the sources of one mail server."""
    finding = Finding(title(mta))
    now, sources = float(sample["time"]), mta["sources"]
    failed = [source for source in sources if not source["success"]]
    pending = [source for source in failed if source["last_attempt"] is None]
    phrase = f"{number(len(sources), 'source')} read"
    if failed:
        phrase = f"{len(failed)} of {number(len(sources), 'source')} failed"
    if sources:
        finding.judge(len(failed), options.failed, phrase, say_count)
    else:
        finding.say("no source", UNKNOWN)
    for source in failed if finding.state != OK else ():
        fault = source["fault"]
        text = f"{fault['text']}; {fault['hint']}" if fault else "not read yet"
        finding.say(f"{source['source']}: {text}")
    limits = options.failed
    finding.metrics.append(Metric("sources", len(sources)))
    finding.metrics.append(Metric("sources_failed", len(failed), "", limits.warning, limits.critical))
    _fresh(finding, mta, now, options, pending=bool(pending))
    _log(finding, mta, now, options)
    for source in sources:
        finding.lines.append((1, _describe(source, now)))
    return finding


def _fresh(finding: Finding, mta: dict[str, Any], now: float, options: Options, *, pending: bool) -> None:
    """The age of what is served."""
    queues = [source for source in mta["sources"] if source["source"] != "log"]
    read = [source for source in queues if source["last_success"] is not None]
    if not read:
        if not pending:
            finding.say("its queue was never read", CRITICAL)
        return
    source = max(read, key=lambda source: source["last_success"])
    age = max(0.0, now - source["last_success"])
    limit = 3 * (source["interval_seconds"] or 60) if options.max_age is None else options.max_age
    if age > limit:
        finding.say(f"newest reading is {say_duration(age)} old (limit {say_duration(limit)})", CRITICAL)
    else:
        finding.say(f"newest reading {say_duration(age)} ago")
    finding.metrics.append(Metric("snapshot_age", age, "s", combine="max"))


def _log(finding: Finding, mta: dict[str, Any], now: float, options: Options) -> None:
    """How far behind the log is."""
    log = mta["log"]
    if log is None:
        if options.silence.given:
            finding.say("its log is not followed", UNKNOWN)
        return
    lag, last = log["lag_bytes"], log["last_line"]
    if lag is not None:
        phrase = f"log {say_size(lag)} behind" if lag else "log read to its end"
        finding.judge(lag, options.lag, phrase, say_size)
        finding.metrics.append(Metric("log_lag", lag, "B", options.lag.warning, options.lag.critical))
    if options.silence.given:
        silence = None if last is None else max(0.0, now - last)
        shown = "?" if silence is None else say_duration(silence)
        finding.judge(silence, options.silence, f"last line {shown} ago", say_duration)


def _describe(source: dict[str, Any], now: float) -> str:
    """One source in a line."""
    last = source["last_success"]
    when = "never" if last is None else f"{say_duration(max(0.0, now - last))} ago"
    seconds = source["duration_seconds"]
    took = "" if seconds is None else f", took {seconds:.3f} s"
    slower = ""
    if source["interval_seconds"] > source["configured_interval_seconds"] > 0:
        slower = f", read only every {say_duration(source['interval_seconds'])} because it takes long"
    fault = f", {source['fault']['text']}" if source["fault"] else ""
    return f"{source['source']}: read {when}{took}{slower}{fault}. {source['why']}"
