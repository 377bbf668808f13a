"""The words that a phrase cannot do without, found in its pattern or read from a table.

Pure. `needles` reads the parsed pattern (the standard library's own parser) and returns two sets of literals;
every match contains at least one of each, within one word. A phrase whose needles are not there is passed
over without a try.

Doing so for 1,700 phrases takes 70 ms, which a program that starts for one text would wait for. So
needle_data.py holds what was found, printed by `make docs`. It only saves time: it has a checksum of each
rule's phrases, and a rule that was changed since is worked out anew. A row is a line for each phrase: the
needles of the first set, a ``|``, those of the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any
from zlib import crc32

from smtpq_exporter.reasons.rule import REPEATS, Rule

#: The literals of one set, none of which holds a blank; an empty set promises nothing.
Needles = Sequence[str]
_LEAST_WORTH = 2
_SHORTEST = 2
_MOST_RUNS = 9
_SPECIAL = frozenset("\\.^$*+?{}[]|()")
_LONGEST_CLASS = 3  # [ea] is written out as two literals, a larger class ends the literal


def checksum(rule: Rule) -> int:
    """What tells whether the phrases of a rule are those that the table was made from."""
    return crc32("\n".join(rule.phrases).encode())


def row(rule: Rule) -> str:
    """The needles of a rule, worked out."""
    return "\n".join("|".join(" ".join(sorted(wanted)) for wanted in needles(phrase)) for phrase in rule.phrases)


def needles_of(rules: Sequence[Rule]) -> Iterator[tuple[Needles, Needles]]:
    """Two sets of needles for each phrase of each rule, in order."""
    from smtpq_exporter.reasons.needle_data import NEEDLES  # noqa: PLC0415 - it is printed by this

    for rule in rules:
        known, text = NEEDLES.get(rule.id, (-1, ""))
        for line in (text if known == checksum(rule) else row(rule)).split("\n"):
            first, _, second = line.partition("|")
            yield first.split(), second.split()


def needles(pattern: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return two sets of literals without blanks; a match holds one of each. Empty sets promise nothing."""
    if _SPECIAL.isdisjoint(pattern):  # plain words need no parser
        found: list[set[str]] = [{word} for word in pattern.split(" ")]
    else:
        found = _sets(parser.parse(pattern))
    sets = sorted(found, key=_worth, reverse=True)
    telling = [frozenset(literals) for literals in sets if _worth(literals) >= _LEAST_WORTH]
    return (*telling[:2], frozenset(), frozenset())[:2]  # type: ignore[return-value]


def _worth(literals: set[str]) -> int:
    """Rate a set by its shortest member: long literals are rare. Letters of other scripts say more each."""
    if not literals or min(map(len, literals)) < _SHORTEST:
        return 0
    return min(sum(1 if c.isascii() else 2 for c in literal) for literal in literals)


def _best(node: Any) -> set[str]:
    """Return the most telling set of alternatives of a sequence, empty if there is none."""
    return max(_sets(node), key=_worth, default=set())


def _sets(node: Any) -> list[set[str]]:
    """Return for each part of a sequence that every match must hold the literals that it may be."""
    found: list[set[str]] = []
    run: list[str] = [""]
    for name, value in node:
        if name is op.LITERAL and chr(value) != " ":
            run = [text + chr(value) for text in run]
        elif name is op.IN and len(value) <= _LONGEST_CLASS and len(run) < _MOST_RUNS and _letters(value):
            run = [text + letter for text in run for letter in _letters(value)]
        elif name is not op.AT:
            found.append(set(run))
            run = [""]
            if name is op.BRANCH:
                branches = [_best(branch) for branch in value[1]]
                found.append(set().union(*branches) if all(branches) else set())
            elif name is op.SUBPATTERN:
                found.append(_best(value[3]))
            elif name in REPEATS and int(value[0]) > 0:
                found.append(_best(value[2]))
    found.append(set(run))
    return found


def _letters(items: Any) -> list[str]:
    """Return the letters of a small class such as [ea], or nothing if it is more than letters."""
    if any(name is not op.LITERAL or chr(value) == " " for name, value in items):
        return []
    return [chr(value) for _, value in items]
