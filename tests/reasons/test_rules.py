"""The rules are data: these tests read them as such."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smtpq_exporter.reasons import REASONS
from smtpq_exporter.reasons.fold import plain
from smtpq_exporter.reasons.needle_table import module
from smtpq_exporter.reasons.needles import needles, needles_of
from smtpq_exporter.reasons.rule import Rule, nested, repeats, wildcards
from smtpq_exporter.reasons.rules import RULES
from smtpq_exporter.reasons.unwrap import unwrap
from tests.reasons.corpus import classifier, own

PHRASES = [(rule, phrase) for rule in RULES for phrase in rule.phrases]
LONGEST_GAP = 320


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_example(rule: Rule) -> None:
    """Each rule's example is decided by this very rule and has its class."""
    verdict = classifier().verdict(rule.example)
    assert (verdict.rule, verdict.reason) == (rule.id, rule.reason)


def test_identities() -> None:
    """No two rules share an id, every class is of the closed set, every scope is known."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {rule.reason for rule in RULES} <= set(REASONS)
    assert {rule.scope for rule in RULES} <= {"any", "own", "remote"}


def test_every_class_is_reachable() -> None:
    """No class of the closed set but unknown lacks a rule."""
    assert set(REASONS) - {rule.reason for rule in RULES} <= {"unknown"}


def test_no_nested_quantifiers() -> None:
    """No phrase repeats something that repeats, and none has an unbounded gap: time grows with the text's
    length.
    """
    for rule, phrase in PHRASES:
        assert not nested(phrase), f"{rule.id}: {phrase}"
        assert all(most <= LONGEST_GAP for _, most, _ in repeats(phrase)), f"{rule.id}: {phrase}"


def test_phrases_are_folded() -> None:
    """Phrases are written as texts are compared: in lower case and without diacritics."""
    for rule, phrase in PHRASES:
        letters = re.sub(r"\\.", "", phrase)
        assert plain(letters) == letters, f"{rule.id}: {phrase}"


def test_every_phrase_has_a_needle() -> None:
    """A phrase without a needle would be tried on every text."""
    for rule, phrase in PHRASES:
        assert needles(phrase)[0], f"{rule.id}: {phrase}"


def test_the_table_of_needles_is_current() -> None:
    """needle_data.py is what the rules say now (make docs)."""
    printed = (Path(__file__).parents[2] / "smtpq_exporter" / "reasons" / "needle_data.py").read_text("utf-8")
    assert module(RULES) == printed


def test_an_old_table_changes_no_answer() -> None:
    """A rule whose phrases are not those of the table has the needles of its own phrases."""
    changed = RULES[0]._replace(phrases=("gr[ea]y-? ?list", *RULES[0].phrases))
    fresh = Rule("not-in-the-table", "unknown", "", ("mailbox full",))
    rules = (changed, fresh, *RULES[1:])
    found = [tuple(map(frozenset, sets)) for sets in needles_of(rules)]
    assert found == [needles(phrase) for rule in rules for phrase in rule.phrases]


def test_no_phrase_twice_in_a_rule() -> None:
    """A phrase that stands twice in a rule was put there by mistake."""
    for rule in RULES:
        assert len(set(rule.phrases)) == len(rule.phrases), rule.id


def test_needles_promise_nothing_false() -> None:
    """Whatever phrase matches a text, its needles are found in one word of the text each."""
    compiled = [(phrase, re.compile(phrase), needles(phrase)) for _, phrase in PHRASES]
    texts = [item["text"] for item in own()[::4]] + [rule.example for rule in RULES]
    for text in texts:
        subject = unwrap(classifier().explain(text)[0]).subject
        words = subject.split(" ")
        for phrase, pattern, sets in compiled:
            if pattern.search(subject):
                for wanted in sets:
                    held = any(needle in word for needle in wanted for word in words)
                    assert held or not wanted, (phrase, text)


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("gr[ea]y-? ?list", {"grey", "gray"}),
        ("mailbox (?:is )?full", {"mailbox"}),
        ("(?:user|recipient) unknown", {"unknown"}),
        (r"\d+", frozenset()),
        ("(?:abc|)", frozenset()),
        ("邮箱满", {"邮箱满"}),
        ("(?!never)always", {"always"}),
    ],
)
def test_needles(pattern: str, first: set[str]) -> None:
    """The most telling part that a match cannot do without is the first needle set."""
    assert needles(pattern)[0] == first


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("a.*b", 1),
        ("a.*b.*", 2),
        ("(?:a|.*)[^b]+", 2),
        (r"\S+ \W*? (?=.*)", 3),
        (r"\d+ \s* \w+ [abc]+ .{0,80}", 0),
    ],
)
def test_wildcards(pattern: str, count: int) -> None:
    """Quantifiers without a bound over nearly any character are counted, others are not."""
    assert wildcards(pattern) == count


@pytest.mark.parametrize(
    ("pattern", "hangs"),
    [
        ("(a+)+", True),
        ("(?:a|b+)*c", True),
        ("(?:[a-z]{1,9}){2,}", True),
        ("(?=(a+))*", True),
        ("(?:a+)?b+", False),
        ("(?:ab)+", False),
        ("a{1,5}b{2}", False),
    ],
)
def test_nested(pattern: str, hangs: bool) -> None:
    """A quantifier that may repeat and holds one that may repeat is found wherever it hides."""
    assert nested(pattern) is hangs
