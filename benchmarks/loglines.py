"""Agreement of the log parsers with labelled log lines: how many lines are understood as their labels say.

    python benchmarks/loglines.py DIRECTORY [MTA ...]

DIRECTORY holds pairs <mta>-<source>.log and .jsonl, one object a line: {"n": line number, "label_basis":
"source" | "derived" | .., "expected": {..}}. `source` labels were stated by the owner of the line,
`derived` ones extracted by regular expressions: an agreement check, not truth. Postfix lines without a prefix
are read as the bare words. Prints one table and every disagreement; exits 1 if less than 99 % of the derived
facts of a mail server agree. Lines that neither the label nor the parser understands are counted apart.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import LogParser
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.reasons import Classifier

Facts = Iterator[tuple[str, object, object]]
"""Name of a fact, what the label says, what the parser says."""
GOAL = 0.99
NEITHER = "(neither)"
#: What the label `action` of a source means in our words; others are actions of other programs.
ACTIONS = {
    "sent": ("attempt",),
    "deferred": ("attempt",),
    "bounced": ("attempt",),
    "disconnect": ("info",),
    "connect": ("connection",),
    "lost connection": ("info",),
    "filter": ("info",),
    "accept": ("info",),
}
#: What the label `event` means in our words; one that is not here ("other") says too little.
EVENTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "postfix": {
        "bounce_notification": ("bounce_notice",),
        "cleanup": ("info",),
        "connect_failed": ("connect_failure",),
        "connection_problem": ("connect_failure",),
        "delivery": ("attempt",),
        "error": ("warning",),
        "expired": ("expired",),
        "fatal": ("warning",),
        "lifecycle": ("info",),
        "pickup": ("received",),
        "postscreen": ("info",),
        "queue_active": ("active",),
        "received": ("received",),
        "reject": ("reject",),
        "remote_reply": ("interim_reply",),
        "removed": ("removed",),
        "sasl_login_failed": ("auth_failure",),
        "skipped": ("info",),
        "smtpd_connect": ("connection",),
        "smtpd_disconnect": ("info",),
        "smtpd_lost_connection": ("info",),
        "smtpd_timeout": ("info",),
        "statistics": ("info",),
        "tls_established": ("tls",),
        "warning": ("warning", "info"),  # "please avoid flushing the whole queue" is no trouble
        "warning_dns": ("warning",),
    },
    "exim": {
        "auth_failed": ("auth_failure", "warning"),  # a client at our door; we at another's
        "completed": ("removed",),
        "connection_problem": ("connect_failure", "warning", "info"),
        # a held domain, mail that is queued on purpose: no attempt
        "deferred": ("attempt", "suspended", "info"),
        "delivered": ("attempt",),
        "delivered_additional": ("attempt",),
        "delivery_suppressed": ("info",),
        "failed": ("attempt", "expired"),
        "frozen": ("held",),
        "queue_run": ("info",),
        "received": ("received",),
        # what a filter says about its refusal, which has a line of its own; clients that were cut off
        "reject": ("reject", "info", "warning"),
        "reject_rcpt": ("reject",),
        "smtp_connection": ("connection", "info", "warning"),
        "smtp_error": ("interim_reply", "info"),
        "tls_error": ("warning",),
        "unfrozen": ("released",),
        "warning": ("warning", "info"),
    },
    "sendmail": {"delivery": ("attempt",), "received": ("received",), "reject": ("reject",)},
    "opensmtpd": {"smtp-in": ("connection", "info", "received", "reject", "tls")},
}
_CLOCK = re.compile(r"(?:(\d+)\+)?(\d+):(\d\d):(\d\d)")


def make(mta: str) -> LogParser:
    """A log parser of this mail server."""
    if mta == "postfix":
        return PostfixLog(Tally(), Classifier(), bare=True)
    new = MTAS[mta].log
    assert new is not None
    return new(Tally(), Classifier(), ())


def pairs(directory: Path, mta: str) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield (source, line, label) of every labelled line."""
    for labels in sorted(directory.glob(f"{mta}-*.jsonl")):
        lines = labels.with_suffix(".log").read_bytes().split(b"\n")
        for row in labels.read_text().splitlines():
            label = json.loads(row)
            yield labels.stem.removeprefix(f"{mta}-"), lines[label["n"] - 1], label


def seconds(delay: object) -> object:
    """A delay as a number: Sendmail writes D+HH:MM:SS."""
    clock = _CLOCK.fullmatch(delay) if isinstance(delay, str) else None
    if clock is None:
        return delay
    days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + rest


def derived(event: LogEvent | None, expected: dict[str, Any], mta: str) -> Facts:
    """Compare the facts that the label states, one by one; of a line that is not understood all are wrong."""
    said = {name: getattr(event, name, None) for name in ("queue_id", "status", "dsn", "delay", "relay")}
    for fact, found in said.items():
        if expected.get(fact) is not None:
            yield fact, seconds(expected[fact]), found
    kind = expected.get("event", "")
    if kind in EVENTS[mta]:
        name = event.event if event else None
        yield "event", kind, kind if name in EVENTS[mta][kind] else name
    if expected.get("H") is not None:  # Exim's field H=: who gave or who took the message
        shown = (event.client + event.relay if event else "") or None
        # NAME [IP], the label without the port behind
        yield "host", expected["H"], expected["H"] if shown and shown.startswith(expected["H"]) else shown


def sourced(event: LogEvent | None, expected: dict[str, Any], mta: str) -> Facts:
    """Compare what the owner of the line said about it."""
    if "match" in expected:  # fail2ban: who is to be blamed
        host = expected.get("host")
        yield "understood", True, event is not None
        if host and event is not None:
            shown = event.client + event.relay + event.text
            yield "host", host, host if host in shown else shown
        return
    program = expected.get("appname") or ""
    ours = program.startswith(mta) or (program in {"", "-"} and event is not None)
    yield "understood", ours, event is not None
    if not ours or event is None:
        return
    if expected["action"] in ACTIONS:
        action = expected["action"]
        yield "action", action, action if event.event in ACTIONS[action] else event.event
    if expected["action"] in {"sent", "deferred", "bounced"}:
        yield "status", expected["action"], event.status
    if expected["queue_id"]:
        yield "queue_id", expected["queue_id"], event.queue_id
    if expected["to"] and event.event in {"attempt", "reject"}:
        yield "recipient", expected["to"][0].rpartition("@")[2].lower(), event.recipient_domain


def measure(directory: Path, mta: str = "postfix") -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """Return {(basis, fact, right or all): n} and a text for every disagreement."""
    counts: Counter[tuple[str, str, str]] = Counter()
    wrong: list[str] = []
    parser, before = make(mta), ""
    for source, line, label in pairs(directory, mta):
        if source != before:  # another log: nothing is remembered from the one before
            parser, before = make(mta), source
        basis, expected = label["label_basis"], label["expected"]
        event = parser.event(line)
        if event is None and expected.get("event", "other") == "other" and basis == "derived":
            counts[basis, NEITHER, "all"] += 1
            continue
        compare = sourced if basis == "source" else derived
        for fact, said, found in compare(event, expected, mta):
            right = found == said
            counts[basis, fact, "all"] += 1
            counts[basis, fact, "right"] += right
            if not right:
                wrong.append(f"{mta}-{source}:{label['n']} {fact}: {found!r}, not {said!r}: {line[:120]!r}")
    return counts, wrong


def main(argv: list[str]) -> int:
    directory = Path(argv[1])
    print(f"{'mta':9} {'basis':8} {'fact':10} {'agree':>6} {'of':>6}  share")
    low, disagreements = False, []
    for mta in argv[2:] or EVENTS:
        counts, wrong = measure(directory, mta)
        disagreements += wrong
        agreed = facts = 0
        for basis, fact in sorted({key[:2] for key in counts}):
            right, total = counts[basis, fact, "right"], counts[basis, fact, "all"]
            if fact == NEITHER:
                print(f"{mta:9} {basis:8} {fact:10} {'':6} {total:6}")
                continue
            print(f"{mta:9} {basis:8} {fact:10} {right:6} {total:6}  {right / total:.2%}")
            if basis == "derived":
                agreed, facts = agreed + right, facts + total
        low |= agreed < GOAL * facts
    print(*disagreements, sep="\n")
    return int(low)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
