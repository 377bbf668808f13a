"""What all checks do alike: choose the mail servers, see whether they can be seen, judge, merge by the worst.

Law: pure. A sample (the dict of view.as_json) and options go in, a Result comes out. What was not read is
UNKNOWN with the reason and the remedy, and never a number; what is down is CRITICAL, or as told.
"""

from __future__ import annotations

from smtpq_exporter.checks.quantity import say_duration
from smtpq_exporter.checks.range import INFINITY
from smtpq_exporter.checks.result import (
    CRITICAL,
    OK,
    SEVERITY,
    STATES,
    UNKNOWN,
    WARNING,
    Metric,
    Result,
    worst,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from smtpq_exporter.checks.options import Limits, Options
    from smtpq_exporter.checks.range import Range

    Mta = dict[str, Any]


class Finding:
    """What was found about one mail server: a state, phrases for line 1, more lines, numbers."""

    __slots__ = ("lines", "metrics", "name", "phrases")

    def __init__(self, name: str) -> None:
        self.name = name
        self.phrases: list[tuple[int, str]] = []
        self.lines: list[tuple[int, str]] = []
        self.metrics: list[Metric] = []

    def say(self, phrase: str, state: int = OK) -> None:
        """Add a phrase and the state that it means."""
        self.phrases.append((state, phrase))

    @property
    def state(self) -> int:
        """The worst of all phrases."""
        return worst(state for state, _ in self.phrases)

    @property
    def text(self) -> str:
        """All phrases, the worst first."""
        ranked = sorted(self.phrases, key=lambda phrase: -SEVERITY.index(phrase[0]))
        return ", ".join(phrase for _, phrase in ranked)

    def judge(self, value: float | None, limits: Limits, phrase: str, say: Callable[[float], str]) -> None:
        """Judge one quantity and add its phrase with the limit that it violates; None is not known."""
        if value is None:
            if limits.given:
                self.say(f"{phrase}: not known to this source", UNKNOWN)
            return
        for state, limit in ((CRITICAL, limits.critical), (WARNING, limits.warning)):
            if limit is not None and limit.alerts(value):
                self.say(f"{phrase} ({violation(value, limit, say)})", state)
                return
        self.say(phrase)


def violation(value: float, limit: Range, say: Callable[[float], str]) -> str:
    """How `value` violates `limit`, in plain words: Nagios strips < and > from notifications."""
    if limit.inside:
        end = "up" if limit.end == INFINITY else say(limit.end)
        return f"within {'any' if limit.start == -INFINITY else say(limit.start)} to {end}"
    return f"above {say(limit.end)}" if value > limit.end else f"below {say(limit.start)}"


def title(mta: Mta) -> str:
    """What a mail server is called in a line: its kind, and its instance if that has a name of its own."""
    name, instance = str(mta["mta"]), str(mta["instance"])
    return name if instance in ("", "default", name) else f"{name}/{instance}"


def chosen(sample: dict[str, Any], options: Options) -> list[Mta]:
    """The mail servers of the sample that the options name; all of them without such options."""
    return [
        mta
        for mta in sample["mtas"]
        if options.mta in (None, "auto", mta["mta"])
        and (not options.instance or mta["instance"] in options.instance or title(mta) in options.instance)
    ]


def nobody(service: str, sample: dict[str, Any], options: Options) -> Result:
    """What to say when no mail server was chosen: OK would be a lie."""
    known = ", ".join(title(mta) for mta in sample["mtas"])
    if known:
        wanted = " ".join([*([options.mta] if options.mta not in (None, "auto") else []), *options.instance])
        return Result(service, UNKNOWN, f"no mail server {wanted}: known here are {known}")
    remedy = "name it in the exporter's configuration"
    return Result(service, UNKNOWN, f"no mail server was found on this host; {remedy}")


def faults(mta: Mta, log: bool = False) -> list[str]:
    """What went wrong at the last reading of the queue (or of the log), with what to do."""
    found = []
    for source in mta["sources"]:
        fault = source["fault"]
        if fault and (source["source"] == "log") is log:
            found.append(f"{fault['text']}; {fault['hint']}" if fault["hint"] else fault["text"])
    return found


def blind(mta: Mta, sample: dict[str, Any], options: Options) -> Finding | None:
    """Why the queue of this mail server cannot be judged; None if it can."""
    finding = Finding(title(mta))
    queue, why = mta["queue"], faults(mta)
    if queue is None:
        if mta["up"] is False:
            finding.say("mail system is down", options.down_state or UNKNOWN)
        if mta["up"] is not False or options.down_state == OK:
            reason = " and ".join(why) or "its queue has not been read yet; ask again in a minute"
            finding.say(reason, UNKNOWN)
        else:
            finding.lines += [(1, line) for line in why]
        return finding
    age, limit = float(sample["time"]) - queue["taken_at"], allowed_age(mta, options)
    if age > limit:
        reason = f": {' and '.join(why)}" if why else "; see the exporter's log"
        finding.say(f"last reading is {say_duration(age)} old (limit {say_duration(limit)}){reason}", UNKNOWN)
        return finding
    return None


def allowed_age(mta: Mta, options: Options) -> float:
    """How old a reading may be: --max-age, else three of the source's intervals and at least a minute."""
    if options.max_age is not None:
        return float(options.max_age)
    intervals = [s["interval_seconds"] or 60 for s in mta["sources"] if s["source"] == mta["queue"]["source"]]
    return max(60.0, 3 * max(intervals, default=60))


def number(count: float, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{count:g} {noun}" if count == 1 else f"{count:.0f} {noun}s"


def total(values: Iterable[float | None]) -> float | None:
    """The sum, or None as soon as one of the parts is not known."""
    amount = 0.0
    for value in values:
        if value is None:
            return None
        amount += value
    return amount


def merge(service: str, sample: dict[str, Any], findings: Sequence[Finding]) -> Result:
    """One result for all mail servers: the worst wins, those that are well are counted."""
    demo = "demo, " if sample.get("demo") else ""
    state = worst(finding.state for finding in findings)
    if len(findings) == 1:
        only = findings[0]
        return Result(service, state, f"{demo}{only.name}: {only.text}", only.lines, only.metrics)
    ranked = sorted(findings, key=lambda finding: -SEVERITY.index(finding.state))
    bad = sum(1 for finding in findings if finding.state != OK)
    shown = ranked[: bad or 3]
    text = ". ".join(f"{finding.name}: {finding.text}" for finding in shown)
    if len(findings) > len(shown):
        text += f". {len(findings) - len(shown)} more OK"
    lines: list[tuple[int, str]] = []
    for finding in ranked:
        lines.append((1, f"{finding.name} {STATES[finding.state]}: {finding.text}"))
        lines += [(level, f"{finding.name}: {line}") for level, line in finding.lines]
    return Result(service, state, demo + text, lines, combine(findings))


def combine(findings: Sequence[Finding]) -> list[Metric]:
    """The numbers of several mail servers as one set: a sum has no limits, for those hold for each server."""
    merged: dict[str, Metric] = {}
    for finding in findings:
        for metric in finding.metrics:
            known = merged.get(metric.label)
            if known is None:
                merged[metric.label] = metric
                if metric.combine == "sum":
                    metric.warning = metric.critical = None
            elif metric.combine == "max":
                known.value = max(known.value, metric.value)
            elif metric.combine == "min":
                known.value = min(known.value, metric.value)
            else:
                known.value += metric.value
    return list(merged.values())
