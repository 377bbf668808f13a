"""How often the reason classes are right: `python benchmarks/accuracy.py FILE [--misses] [--no-dsn] [--only IDS]`.

FILE holds one JSON object a line: text, reason, also_accepted, and optionally kind, count, code, enhanced, mta_dsn.
Right ("overall") is the class or one that is also accepted; "strict" is the class itself; "macro" the mean over the
classes of the recall; "4xx" the items whose code, else the sending server's, begins with 4; "logs" the texts of
delivery logs weighted by their count. tests/golden/reasons/own.jsonl is such a file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from smtpq_exporter.reasons import Classifier, Verdict

LOG_KINDS = ("postfix_log", "exim_log", "sendmail_log")


def right(item: dict[str, Any], reason: str) -> bool:
    return reason == item["reason"] or reason in item.get("also_accepted", ())


def temporary(item: dict[str, Any]) -> bool:
    for key in ("code", "enhanced", "mta_dsn"):
        if item.get(key):
            if str(item[key]).startswith("4"):
                return True
            if key == "enhanced" or not item.get("enhanced"):
                continue
    return False


def share(hits: Iterable[bool]) -> str:
    values = list(hits)
    return f"{100 * sum(values) / len(values):5.1f} % of {len(values)}" if values else "no items"


def report(items: list[dict[str, Any]], verdicts: list[Verdict], *, misses: bool) -> None:
    hits = [right(item, verdict.reason) for item, verdict in zip(items, verdicts, strict=True)]
    total: Counter[str] = Counter(item["reason"] for item in items)
    good: Counter[str] = Counter(item["reason"] for item, hit in zip(items, hits, strict=True) if hit)
    recall = {reason: good[reason] / n for reason, n in total.items()}
    strict = [item["reason"] == verdict.reason for item, verdict in zip(items, verdicts, strict=True)]
    print(f"overall  {share(hits)}")
    print(f"strict   {share(strict)}")
    print(f"macro    {100 * sum(recall.values()) / len(recall):5.1f} % over {len(recall)} classes")
    print(f"4xx      {share(hit for item, hit in zip(items, hits, strict=True) if temporary(item))}")
    print(f"unknown  {share(verdict.reason == 'unknown' for verdict in verdicts)}")
    logs = [(hit, item.get("count", 1)) for item, hit in zip(items, hits, strict=True) if item.get("kind") in LOG_KINDS]
    if logs:
        weight = sum(count for _, count in logs)
        print(f"logs     {100 * sum(count for hit, count in logs if hit) / weight:5.1f} % of {weight} lines")
    weak = sorted((share_, reason) for reason, share_ in recall.items() if total[reason] >= 10)
    print("weakest  " + ", ".join(f"{reason} {100 * value:.0f} % of {total[reason]}" for value, reason in weak[:6]))
    if misses:
        for item, verdict, hit in zip(items, verdicts, hits, strict=True):
            if not hit:
                print(f"{item.get('id', '')} want {item['reason']} got {verdict.reason} by {verdict.rule}: {item['text'][:240]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--misses", action="store_true", help="print every item that is wrong")
    parser.add_argument("--no-dsn", action="store_true", help="do not use the code that the sending server wrote")
    parser.add_argument("--only", type=Path, help="JSON list of ids to look at")
    parser.add_argument("--but", type=Path, help="JSON list of ids to leave out")
    options = parser.parse_args()
    items = [json.loads(line) for line in options.file.read_text("utf-8").splitlines() if line.strip()]
    if options.only:
        wanted = set(json.loads(options.only.read_text()))
        items = [item for item in items if item["id"] in wanted]
    if options.but:
        unwanted = set(json.loads(options.but.read_text()))
        items = [item for item in items if item["id"] not in unwanted]
    classifier = Classifier()
    begin = time.perf_counter()
    verdicts = [classifier.verdict(item["text"], "" if options.no_dsn else item.get("mta_dsn") or "") for item in items]
    spent = time.perf_counter() - begin
    report(items, verdicts, misses=options.misses)
    print(f"time     {1e6 * spent / len(items):.1f} microseconds a text, rules compiled on the way")


if __name__ == "__main__":
    main()
