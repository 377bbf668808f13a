"""check_smtpq_queue: how many messages wait, how long the oldest has waited, how much and how many are held.

Law: pure. The quantities are those of the chosen queues of each mail server; limits hold for each of them.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, blind, chosen, merge, nobody, number, title, total
from smtpq_exporter.checks.options import Option, Threshold
from smtpq_exporter.checks.quantity import (
    duration_range,
    parse_duration,
    say_count,
    say_duration,
    say_size,
    size_range,
)
from smtpq_exporter.checks.result import OK, UNKNOWN, Metric, Result, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options

NAME = "queue"
SERVICE = "SMTPQ"
UNREACHABLE = UNKNOWN
SUMMARY = "Watch the queue of a mail server: messages, age of the oldest, size, held mail."
OPTIONS = (
    Threshold("messages", "messages in the chosen queues; with --min-age only the older ones",
              defaults=("100", "500"), flags=("-w --warning", "-c --critical")),
    Threshold("age", "how long the oldest message has waited; held mail is not counted: "
              "it waits for an operator", duration_range, defaults=("4h", "1d")),
    Threshold("held", "messages that never leave by themselves: on hold, frozen, quarantined"),
    Threshold("size", "bytes in the chosen queues", size_range),
    Option("--queue", "only this queue of the mail server, e.g. deferred (may be repeated)", str,
           metavar="NAME", repeat=True),
    Option("--min-age", "count only messages older than this: with 30m greylisting does not count",
           parse_duration, metavar="DURATION"),
)
EXAMPLES = (
    ("", "sensible limits, the exporter or else the mail server of this host"),
    ("-w 500 -c 2000 --age-warning 1h --age-critical 4h", ""),
    ("--queue deferred --min-age 30m -w 20 -c 100", "only what failed and is not just greylisted"),
    ("--instance out -w '~:10'", "quote a ~, or the shell makes it your home directory"),
)
#: Named queues of Exim are the user's: a line of perfdata holds so many.
MOST_QUEUES = 12


def query(options: Options) -> dict[str, float]:
    """What is asked for beyond the plain sample: parameters of GET /api/v1/sample."""
    # no history: 1440 rows are 70 kB to parse
    return {"window": 0.0} if options.min_age is None else {"window": 0.0, "min_age": options.min_age}


def needs(options: Options) -> frozenset[str]:
    """What is read without an exporter: the reasons cost opening each file, and only -v shows them all."""
    return frozenset({"queue" if options.verbose or options.size.given else "counts"})


def evaluate(sample: dict[str, Any], options: Options) -> Result:
    """Judge the queues of all chosen mail servers."""
    mtas = chosen(sample, options)
    if not mtas:
        return nobody(SERVICE, sample, options)
    seen = [mta for mta in mtas if mta["queue"] is not None]
    names = {name for mta in seen for name in mta["queue"]["queues"]}
    missing = [name for name in options.queue if name not in names]
    if seen and missing:
        known = ", ".join(sorted(names))
        return Result(SERVICE, UNKNOWN, f"no queue {', '.join(missing)}: known here are {known}")
    findings = []
    for mta in mtas:
        if options.queue and mta["queue"] and not set(options.queue) & set(mta["queue"]["queues"]):
            continue  # another mail server has it
        findings.append(blind(mta, sample, options) or judge(mta, options))
    return merge(SERVICE, sample, findings)


def judge(mta: dict[str, Any], options: Options) -> Finding:
    """Judge the queue of one mail server that can be seen."""
    finding = Finding(title(mta))
    snapshot = mta["queue"]
    queues = {n: q for n, q in snapshot["queues"].items() if not options.queue or n in options.queue}
    if mta["up"] is False:
        finding.say("mail system is down", options.down_state)
    messages = total(q["messages"] for q in queues.values()) or 0.0
    least = "at least " if snapshot["truncated"] else ""
    where = f" in {' and '.join(options.queue)}" if options.queue else ""
    phrase = f"{least}{number(messages, 'message')}{where}"
    older = None
    if options.min_age is None:
        finding.judge(messages, options.messages, phrase, say_count)
    else:
        older = total(q["older"] for q in queues.values())
        if older is None:
            finding.say(f"{phrase}, their age is not known to this source; leave out --min-age", UNKNOWN)
        else:
            phrase = f"{older:.0f} of {phrase} older than {say_duration(options.min_age)}"
            finding.judge(older, options.messages, phrase, say_count)
    age = oldest(queues)
    if age is None:
        finding.judge(None, options.age, "age of the oldest", say_duration)
    elif age:
        finding.judge(age, options.age, f"oldest {say_duration(age)}", say_duration)
    elif options.age.given:
        finding.judge(0, options.age, "nothing waits", say_duration)
    held = total(q["held"] for q in queues.values())
    if held or options.held.given:
        finding.judge(held, options.held, f"{held or 0:.0f} held", say_count)
    size = total(q["bytes"] for q in queues.values())
    if options.size.given:
        finding.judge(size, options.size, say_size(size or 0), say_size)
    if snapshot["truncated"]:
        finding.say("not all of the queue could be read", UNKNOWN)
    elif finding.state != OK and (reasons := top(snapshot["reasons"])):
        finding.say(f"mostly {reasons[0][0]}")
    explain(finding, mta, queues)
    quantities = (
        ("messages", messages, "", options.messages if older is None else None),
        ("messages_old", older, "", options.messages),
        ("oldest_age", age, "s", options.age),
        ("held", held, "", options.held),
        ("size", size, "B", options.size),
    )
    for name, value, unit, limits in quantities:
        if value is not None:
            warning, critical = (limits.warning, limits.critical) if limits else (None, None)
            combine = "max" if name == "oldest_age" else "sum"
            finding.metrics.append(Metric(name, value, unit, warning, critical, combine=combine))
    if options.perfdata == "all":
        ranked = sorted(queues.items(), key=lambda item: -item[1]["messages"])[:MOST_QUEUES]
        finding.metrics += [Metric(label(name), q["messages"]) for name, q in sorted(ranked)]
    return finding


def oldest(queues: dict[str, Any]) -> float | None:
    """Seconds that the oldest message has waited, 0 if none waits, None if it is not known.

    Held mail waits for an operator, not for its delivery, and is not counted; --held-warning watches it.
    """
    age = 0.0
    for queue in queues.values():
        waits = queue["oldest_waiting_age_seconds"]
        if waits is None and queue["messages"] > (queue["held"] or 0):
            return None
        age = max(age, waits or 0.0)
    return age


def top(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """Reasons by the number of recipients that wait for them, most first."""
    return sorted(((r, n) for r, n in reasons.items() if n), key=lambda item: (-item[1], item[0]))


def explain(finding: Finding, mta: dict[str, Any], queues: dict[str, Any]) -> None:
    """The long output: each queue that is not empty, why its mail waits, and how it was read."""
    snapshot = mta["queue"]
    for name, queue in sorted(queues.items(), key=lambda item: -item[1]["messages"]):
        if queue["messages"]:
            age = queue["oldest_age_seconds"]
            known = "" if age is None else f", oldest {say_duration(age)}"
            finding.lines.append((1, f"{name}: {number(queue['messages'], 'message')}{known}"))
    reasons = top(snapshot["reasons"])
    if reasons:
        named = ", ".join(f"{reason} {count}" for reason, count in reasons[:5])
        finding.lines.append((1, f"recipients deferred by reason: {named}"))
    where = [f"{domain} {count}" for domain, count in snapshot["destinations"][:5]]
    if where:
        finding.lines.append((2, f"messages by destination: {', '.join(where)}"))
    for source in mta["sources"]:
        if source["source"] == snapshot["source"]:
            seconds = source["duration_seconds"]
            took = "" if seconds is None else f" in {seconds:.3f} s"
            finding.lines.append((2, f"read by {source['source']}{took}: {source['why']}"))
        if source["fault"]:
            fault = source["fault"]
            finding.lines.append((1, f"reading {source['source']} failed: {fault['text']}; {fault['hint']}"))
