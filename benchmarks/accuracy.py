"""How often the reason classes are right: `python -m benchmarks.accuracy FILE [--misses] [--no-dsn]`.

FILE holds one JSON object a line: text, reason, also_accepted, and optionally id, kind, count, code,
enhanced, mta_dsn; tests/golden/reasons/own.jsonl is such a file. Right ("overall") is the class or one that
is also accepted, "strict" is the class itself, "macro" the mean over the classes of the recall, "4xx" the
items whose code, enhanced code or else the sending server's begins with 4, "logs" texts of delivery logs,
weighted by count.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smtpq_exporter.reasons import Classifier, Verdict

LOG_KINDS = ("postfix_log", "exim_log", "sendmail_log")
FEW = 10
"""A class with fewer items says nothing by its share."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An item and what we say about it."""

    item: dict[str, Any]
    verdict: Verdict

    @property
    def right(self) -> bool:
        """The class, or one that is also accepted."""
        return self.strict or self.verdict.reason in self.item.get("also_accepted", ())

    @property
    def strict(self) -> bool:
        """The class itself."""
        return bool(self.verdict.reason == self.item["reason"])

    @property
    def temporary(self) -> bool:
        """Whether a code of the text, else of the sending server, begins with 4."""
        codes = [self.item.get("code"), self.item.get("enhanced")]
        known = [str(code) for code in codes if code] or [str(self.item.get("mta_dsn") or "")]
        return any(code.startswith("4") for code in known)


def ask(items: Iterable[dict[str, Any]], *, dsn: bool = True) -> list[Answer]:
    classifier = Classifier()
    hint = "mta_dsn" if dsn else ""
    return [Answer(item, classifier.verdict(item["text"], item.get(hint) or "")) for item in items]


def share(hits: Iterable[bool]) -> str:
    values = list(hits)
    return f"{100 * sum(values) / len(values):5.1f} % of {len(values)}" if values else "no items"


def report(answers: list[Answer]) -> Iterator[str]:
    total = Counter(answer.item["reason"] for answer in answers)
    good = Counter(answer.item["reason"] for answer in answers if answer.right)
    recall = {reason: good[reason] / n for reason, n in total.items()}
    yield f"overall  {share(answer.right for answer in answers)}"
    yield f"strict   {share(answer.strict for answer in answers)}"
    yield f"macro    {100 * sum(recall.values()) / len(recall):5.1f} % over {len(recall)} classes"
    yield f"4xx      {share(answer.right for answer in answers if answer.temporary)}"
    yield f"unknown  {share(answer.verdict.reason == 'unknown' for answer in answers)}"
    logs = [answer for answer in answers if answer.item.get("kind") in LOG_KINDS]
    if logs:
        lines = sum(answer.item.get("count", 1) for answer in logs)
        hits = sum(answer.item.get("count", 1) for answer in logs if answer.right)
        yield f"logs     {100 * hits / lines:5.1f} % of {lines} lines"
    weak = sorted((value, reason) for reason, value in recall.items() if total[reason] >= FEW)
    named = (f"{reason} {100 * value:.0f} % of {total[reason]}" for value, reason in weak[:6])
    yield "weakest  " + ", ".join(named)


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("file", type=Path)
    parser.add_argument("--misses", action="store_true", help="print every item that is wrong")
    parser.add_argument("--no-dsn", action="store_true", help="do not use the sending server's own code")
    options = parser.parse_args()
    items = [json.loads(line) for line in options.file.read_text("utf-8").splitlines() if line.strip()]
    answers = ask(items, dsn=not options.no_dsn)
    print("\n".join(report(answers)))
    for answer in answers if options.misses else ():
        if not answer.right:
            item, verdict = answer.item, answer.verdict
            print(f"{item.get('id', '-')} wanted {item['reason']}, got {verdict.reason} by {verdict.rule}")
            print(f"    {item['text'][:240]}")


if __name__ == "__main__":
    main()
