"""The first rule that matches a subject, found without trying all of them.

Pure. Every phrase of every rule has a place, in the rules' order. Each word of the subject says, by a bit
mask, for which phrases it holds a needle (needles.py); a phrase is tried only if needles of
both its sets are there. Words repeat from text to text, so their masks are remembered within bounds. A phrase
is compiled when it is first tried. The table is made once and shared by all classifiers and threads: it is
only looked up and added to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from operator import or_

from smtpq_exporter.reasons.needles import Needles, needles_of
from smtpq_exporter.reasons.rule import Rule
from smtpq_exporter.reasons.rules import RULES

MOST_WORDS = 20_000


class Masks(dict[str, int]):
    """Folded word -> bit mask of the needles in it, remembered within bounds.

    Bit n: the word holds a needle of the first set of phrase n; bit width + n: one of its second set.
    """

    def __init__(self, phrases: Iterable[tuple[Needles, Needles]], width: int) -> None:
        self.width = width
        self.always = 0
        self._starts: dict[str, list[tuple[str, int]]] = {}
        starts = self._starts.setdefault
        for place, sets in enumerate(phrases):
            for bit, wanted in zip((place, width + place), sets, strict=True):
                if not wanted:
                    self.always |= 1 << bit
                for needle in wanted:
                    starts(needle[:2], []).append((needle, bit))

    def candidates(self, subject: str) -> int:
        """Return the bit mask of the phrases that may match."""
        seen = reduce(or_, map(self.__getitem__, subject.split(" ")), self.always)
        return seen & (seen >> self.width)

    def __missing__(self, word: str) -> int:
        mask, starts = 0, self._starts
        for at in range(len(word) - 1):
            for needle, bit in starts.get(word[at : at + 2], ()):
                if word.startswith(needle, at):
                    mask |= 1 << bit
        if len(self) >= MOST_WORDS:
            self.clear()
        self[word] = mask
        return mask


class Phrases:
    """All phrases in order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._phrases = [(phrase, rule) for rule in rules for phrase in rule.phrases]
        self._compiled: list[re.Pattern[str] | None] = [None] * len(self._phrases)
        self.masks = Masks(needles_of(rules), len(self._phrases))
        self._own = self._scope("remote")
        self._remote = self._scope("own")

    def _scope(self, left_out: str) -> int:
        return sum(1 << place for place, (_, rule) in enumerate(self._phrases) if rule.scope != left_out)

    def first(self, subject: str, *, remote: bool) -> Rule | None:
        """Return the first rule of which a phrase is found in the subject."""
        candidates = self.masks.candidates(subject) & (self._remote if remote else self._own)
        compiled = self._compiled
        while candidates:
            lowest = candidates & -candidates
            place = lowest.bit_length() - 1
            pattern = compiled[place]
            if pattern is None:
                pattern = compiled[place] = re.compile(self._phrases[place][0])
            if pattern.search(subject):
                return self._phrases[place][1]
            candidates ^= lowest
        return None


@cache
def phrases() -> Phrases:
    """Return the table of our rules, made when the first text must be decided: a short run may need none."""
    return Phrases(RULES)
