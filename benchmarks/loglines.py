"""Agreement of a log parser with labelled log lines: how many lines are understood as their labels say.

    python benchmarks/loglines.py DIRECTORY [MTA]

DIRECTORY holds pairs <mta>-<source>.log and .jsonl, one object a line: {"n": line number, "label_basis":
"source" | "derived" | .., "expected": {..}}. `source` labels were stated by the owner of the line,
`derived` ones extracted by regular expressions: an agreement check, not truth. Lines without a prefix are
read as the bare words. Prints one table and every disagreement; exits 1 if less than 99 % of the derived
facts agree.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.reasons import Classifier

FACTS = ("queue_id", "status", "dsn", "delay", "relay")
GOAL = 0.99
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


def pairs(directory: Path, mta: str) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield (source, line, label) of every labelled line."""
    for labels in sorted(directory.glob(f"{mta}-*.jsonl")):
        lines = labels.with_suffix(".log").read_bytes().split(b"\n")
        for row in labels.read_text().splitlines():
            label = json.loads(row)
            yield labels.stem.removeprefix(f"{mta}-"), lines[label["n"] - 1], label


def derived(event: LogEvent | None, expected: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Compare the facts that the label states, one by one."""
    for fact in FACTS:
        if expected.get(fact) is not None:
            found = getattr(event, fact) if event is not None else None
            yield fact, found == expected[fact]


def sourced(event: LogEvent | None, expected: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Compare what the owner of the line said about it."""
    if "match" in expected:  # fail2ban: who is to be blamed
        host = expected.get("host")
        yield "understood", event is not None
        if host and event is not None:
            yield "host", host in event.client + event.relay + event.text
        return
    program = expected.get("appname") or ""
    ours = program.startswith("postfix") or (program in {"", "-"} and event is not None)
    yield "understood", (event is not None) is ours
    if not ours or event is None:
        return
    if expected["action"] in ACTIONS:
        yield "action", event.event in ACTIONS[expected["action"]]
    if expected["action"] in {"sent", "deferred", "bounced"}:
        yield "status", event.status == expected["action"]
    if expected["queue_id"]:
        yield "queue_id", event.queue_id == expected["queue_id"]
    if expected["to"] and event.event in {"attempt", "reject"}:
        yield "recipient", event.recipient_domain == expected["to"][0].rpartition("@")[2].lower()


def measure(directory: Path, mta: str = "postfix") -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """Return {(basis, fact, right or all): n} and a text for every disagreement."""
    parser = PostfixLog(Tally(), Classifier(), bare=True)
    counts: Counter[tuple[str, str, str]] = Counter()
    wrong: list[str] = []
    for source, line, label in pairs(directory, mta):
        basis, expected = label["label_basis"], label["expected"]
        event = parser.event(line)
        compare = sourced if basis == "source" else derived
        for fact, right in compare(event, expected):
            counts[basis, fact, "all"] += 1
            counts[basis, fact, "right"] += right
            if not right:
                name = event.event if event else None
                where = f"{source}:{label['n']} {fact}"
                wrong.append(f"{where}: {name}, not {expected.get(fact)!r}: {line[:80]!r}")
    return counts, wrong


def main(argv: list[str]) -> int:
    counts, wrong = measure(Path(argv[1]), *argv[2:3])
    print(f"{'basis':8} {'fact':12} {'agree':>6} {'of':>6}  share")
    low = False
    for basis, fact in sorted({key[:2] for key in counts}):
        right, total = counts[basis, fact, "right"], counts[basis, fact, "all"]
        low |= basis == "derived" and right < GOAL * total
        print(f"{basis:8} {fact:12} {right:6} {total:6}  {right / total:.2%}")
    print(*wrong, sep="\n")
    return int(low)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
