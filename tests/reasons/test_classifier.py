"""The decision, the memo that must not change it, and the rules of the user."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.reasons import CAUSES, REASONS, Classifier, classify, phrases
from smtpq_exporter.reasons import classifier as module
from smtpq_exporter.reasons.codes import EXACT, REPLY, by_enhanced, by_reply
from smtpq_exporter.reasons.fold import LONGEST_FOLDED
from smtpq_exporter.reasons.unwrap import LONGEST_TEXT
from tests.reasons.corpus import classifier, own

WORD = "Zulu"  # a word that no rule knows


@pytest.mark.parametrize("item", own(), ids=lambda item: item["id"])
def test_own_corpus(item: dict[str, Any]) -> None:
    """Each text of our own corpus gets the class we want, or one that is also accepted."""
    verdict = classify(item["text"])
    assert verdict.reason in {item["reason"], *item["also_accepted"]}, verdict
    assert verdict.cause == CAUSES[verdict.reason]


def test_own_corpus_strictly() -> None:
    """The own corpus is large, holds each class, and is nearly always decided as wanted, not merely
    acceptably.
    """
    items = own()
    hits = sum(classify(item["text"]).reason == item["reason"] for item in items)
    assert len(items) >= 600
    assert {item["reason"] for item in items} == set(REASONS)
    assert hits >= 0.95 * len(items)


def test_codes_of_the_corpus() -> None:
    """Code and enhanced code that are labelled are found in the text."""
    for item in own():
        if item["enhanced"] and "->" not in item["text"]:
            assert classify(item["text"]).enhanced == item["enhanced"], item["text"]


@pytest.mark.parametrize("code", [*sorted(REPLY), "403", "499"])
def test_reply_code_alone(code: str) -> None:
    """A text that says nothing is decided by its reply code."""
    verdict = classify(f"{code} {WORD}")
    assert (verdict.reason, verdict.code) == (by_reply(code), code)


@pytest.mark.parametrize("enhanced", ["4.2.2", "5.1.1", "5.1.10", "5.7.26", "5.4.317", *sorted(EXACT)])
def test_enhanced_code_alone(enhanced: str) -> None:
    """A text that says nothing is decided by its enhanced code, before its reply code."""
    verdict = classify(f"{enhanced[0]}50 {enhanced} {WORD}")
    assert (verdict.reason, verdict.enhanced) == (by_enhanced(enhanced), enhanced)


@pytest.mark.parametrize(
    ("text", "dsn", "reason"),
    [
        ("Service unavailable", "", "recipient_server_error"),
        ("Service unavailable", "5.1.1", "invalid_recipient"),
        ("Service unavailable", "5.0.0", "recipient_server_error"),
        (WORD, "5.2.2", "mailbox_full"),
        (WORD, "", "unknown"),
        ("550 5.1.1 Mailbox full", "5.1.1", "mailbox_full"),
        ("host a[192.0.2.1] said: 554 5.7.1 blocked using zen.spamhaus.org", "4.0.0", "blocklisted"),
    ],
)
def test_dsn_is_the_last_resort(text: str, dsn: str, reason: str) -> None:
    """What the own server wrote decides only where the text tells nothing better."""
    assert classify(text, dsn).reason == reason
    assert Classifier().reason(text.encode(), dsn.encode()) == reason


def variants(text: str) -> list[bytes]:
    """One text as a log shows it on other days: other addresses, ids and peers."""
    found = [text]
    for new, old in (("q1w2@other.example", "@"), ("<w7@third.example>", "<")):
        if old in text:
            found.append(" ".join(new if old in word else word for word in text.split(" ")))
    found += [f"{text} t{n}si6005{n}wes.{n} - gsmtp" for n in (11, 222)]
    return [one.encode() for one in found]


def test_a_stranger_gives_no_number() -> None:
    """The number of Exim's defer counts only where Exim writes it, not in what a peer says."""
    assert classify("R=mx T=smtp defer (-37) H=a.example [192.0.2.1]: Zulu").reason == "tls_failure"
    assert classify("host a[192.0.2.1] said: 550 5.1.1 defer (-37): Zulu").reason == "invalid_recipient"


def test_memo_changes_nothing() -> None:
    """Totals per class are the same with the memo, without it, and in another order, on texts that repeat
    and differ.
    """
    texts = [text for item in own() for text in variants(item["text"])]
    remembering = Classifier()
    one_by_one = [classifier().verdict(text).reason for text in texts]
    first = [remembering.reason(text) for text in texts]
    again = [remembering.reason(text) for text in reversed(texts)][::-1]
    assert first == one_by_one
    assert again == one_by_one
    assert Counter(first) == Counter(one_by_one)


def test_late_words_decide() -> None:
    """Texts that are the same for hundreds of bytes but for an address still get their own classes."""
    remembering = Classifier()
    for n in range(50):
        front = f"host mx{n}.very-long-name-of-a-host.example[192.0.2.{n}] said: 450 "
        front += f"<user.{n}.{'x' * 50}@long.example>: Recipient address rejected: "
        assert remembering.reason((front + "Greylisted").encode()) == "greylisted"
        assert remembering.reason((front + "User unknown").encode()) == "invalid_recipient"
        assert remembering.reason((front + "Mailbox full").encode()) == "mailbox_full"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different texts and words come, what is remembered stays within its bounds."""
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 64)
    monkeypatch.setattr(phrases, "MOST_WORDS", 64)
    bounded = Classifier()
    for n in range(400):
        word = "".join(chr(97 + (n >> shift) % 16) for shift in (0, 4, 8))
        assert bounded.reason(f"550 {word} user unknown {word * 2}".encode()) == "invalid_recipient"
        assert len(bounded._exact) <= 64
        assert len(bounded._folded) <= 64
        assert len(phrases.phrases().masks) <= 64


HOSTILE = [
    "a", "550 ", "said: ", "mailbox user account ", "exceeded ", "@", "<", "[1", "5.7.1 ", "550-", "-> 550 ",
    "{led=", "host x[1.2.3.4] said: ", "please try again later in 5 ", "to protect spam ", "too many ",
    "recipient address rejected unknown full quota spam ", "sender domain ip blocked by listed ", "not ",
    "満", "\\n", "#012", "defer (",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text(piece: str) -> None:
    """Of a hostile text of 64 KiB only a bounded part reaches the patterns, and it gets a class of the
    closed set.
    """
    text = (piece * 65536).encode()[:65536]
    folded, reply = classifier().explain(text)
    assert len(folded) <= LONGEST_FOLDED
    assert len(reply.text) <= LONGEST_TEXT
    assert Classifier().reason(text) in REASONS


@given(st.binary(max_size=400), st.sampled_from([b"", b"4.2.2", b"5.0.0", b"x"]))
def test_any_bytes(text: bytes, dsn: bytes) -> None:
    """Any bytes get a class of the closed set, the same one as a str and from the memo."""
    verdict = classifier().verdict(text, dsn.decode())
    assert verdict.reason in REASONS
    assert classifier().verdict(text.decode("utf-8", "surrogateescape"), dsn.decode()) == verdict
    assert classifier().reason(text, dsn) == verdict.reason


def test_user_rules_come_first() -> None:
    """A rule of the user wins over ours, in any case, on addresses and hosts as the server wrote them."""
    rules = (("@Partner\\.example", "policy_rejected"), ("user unknown", "expired"), ("known", "greylisted"))
    mine = Classifier(user_rules=rules)
    text = b"550 5.1.1 <a@partner.example>: User unknown"
    assert mine.verdict(text).rule == "user:0"
    assert mine.reason(text) == "policy_rejected"
    assert mine.reason(b"550 5.1.1 <a@other.example>: User Unknown") == "expired"
    assert mine.reason(b"550 5.1.1 <a@partner.example>: User unknown") == "policy_rejected"
    assert mine.reason(b"552 Mailbox full") == "mailbox_full"
    assert (mine.wants_addresses, Classifier().wants_addresses) == (True, False)


@pytest.mark.parametrize(
    ("pattern", "reason", "what"),
    [
        ("spam", "nonsense", "no reason class 'nonsense'"),
        ("(", "expired", "no regular expression"),
        ("(a+)+$", "expired", "repeats something that repeats"),
        ("", "expired", "1 to 500 characters"),
        ("x" * 501, "expired", "1 to 500 characters"),
        (".*a.*b", "expired", "several .* or the like"),
        ("[^a]+b(?:c|\\S*)", "expired", "several .* or the like"),
        ("a*", "expired", "matches the empty text"),
        ("a{99999999999999999999}", "expired", "no regular expression"),
    ],
)
def test_bad_user_rule(pattern: str, reason: str, what: str) -> None:
    """A rule that cannot be used is refused with its place and what to do."""
    with pytest.raises(ConfigError) as error:
        Classifier(user_rules=(("fine", "expired"), (pattern, reason)))
    assert error.value.where == "reasons[1]"
    assert what in str(error.value)


@pytest.mark.parametrize(
    ("text", "suspended"),
    [
        (b"delivery temporarily suspended: connect to a[192.0.2.1]:25: Connection refused", True),
        (b"retry time not reached for any host", True),
        (b"defer (-54) DT=0s: Retry time not yet reached for any host for 'a.example'", True),
        (b"host a[192.0.2.1] said: 450 delivery temporarily suspended", False),
        (b"host a[192.0.2.1] said: 450 4.2.0 defer (-54): retry time not reached", False),
        (b"450 retry time not reached", False),
        (b"450 4.2.0 Greylisted", False),
    ],
)
def test_suspended(text: bytes, suspended: bool) -> None:
    """The hot path and the verdict agree on whether the text tells of an attempt that was not made."""
    assert classifier().suspended(text) is suspended
    assert classifier().verdict(text).suspended is suspended
