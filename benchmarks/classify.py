"""What a reason class costs: `python -m benchmarks.classify [FILE]`, CPU time of one core.

FILE is as for benchmarks.accuracy; by default our own corpus. "decided" is the whole way of a text that was
never seen; "remembered" is the hot path when addresses and ids differ and the rest repeats; "repeated" when
all repeats. The hostile texts are 64 KiB each and made of what costs most; none may cost more than 5 ms.
Phrases are compiled when they are first tried, once; that time is given as "compiling" and counted nowhere.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from smtpq_exporter.reasons import Classifier
from smtpq_exporter.reasons.needles import needles
from smtpq_exporter.reasons.rules import RULES

ROUNDS = 10
HOSTILE = (
    "a", "550 ", "said: ", "@", "<", "[1", "5.7.1 ", "550-", "-> 550 ", "1.", "a@", "満", "\\n",
    "to protect spam ",
    "mailbox user account recipient address ", "exceeded limit size quota ", "try again later in 5 ",
    "sender domain ip blocked by listed not ", " ".join(rule.example for rule in RULES) + " ",
    "".join(rule.example.replace(" ", "") for rule in RULES),
    " ".join(sorted({needle for rule in RULES for phrase in rule.phrases for needle in needles(phrase)[0]})),
)


def cost(work: Callable[[], object], times: int) -> float:
    """Microseconds for each of `times` texts."""
    begin = time.process_time()
    work()
    return 1e6 * (time.process_time() - begin) / times


def main() -> None:
    own = Path(__file__).parent.parent / "tests" / "golden" / "reasons" / "own.jsonl"
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else own
    texts = [json.loads(line)["text"].encode() for line in file.read_text("utf-8").splitlines()]
    classifier = Classifier()
    for text in texts:
        classifier.verdict(text)
    many = texts * ROUNDS
    decided = cost(lambda: [classifier.verdict(text) for text in many], len(many))
    other = [b"<n%d.%d@n.example> " % (n, n) + text for n, text in enumerate(many)]
    for text in other[: len(texts)]:
        classifier.reason(text)
    remembered = cost(lambda: [classifier.reason(text) for text in other], len(other))
    repeated = cost(lambda: [classifier.reason(text) for text in many], len(many))
    print(f"texts       {len(texts)}, {sum(map(len, texts)) / len(texts):.0f} bytes each")
    print(f"decided     {decided:6.2f} microseconds a text")
    print(f"remembered  {remembered:6.2f}")
    print(f"repeated    {repeated:6.2f}")
    hostile = [(piece * 65536).encode()[:65536] for piece in HOSTILE]
    compiling = cost(lambda: [classifier.verdict(text) for text in hostile], 1)
    worst, at = max((cost(partial(classifier.verdict, text), 1), at) for at, text in enumerate(hostile))
    print(f"hostile     {worst / 1000:6.2f} milliseconds for the worst: {HOSTILE[at][:40]!r} repeated")
    print(f"compiling   {compiling / 1000:6.0f} milliseconds, once")


if __name__ == "__main__":
    main()
