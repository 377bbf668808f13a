"""Folding: what is private or particular goes, what decides stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.reasons.fold import LONGEST_FOLDED, Folder, plain


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        (b"450 4.2.0 <Anna.B@Shop.example>: Try  again", "450 4.2.0 <>: try again"),
        (b"to anna@shop.example, please", "to @, please"),
        (b"host mx7.greylist.example[192.0.2.7]:25 said: 450", "host peer[] said: 450"),
        (b"host mail[private/dovecot-lmtp] said: 450", "host peer[] said: 450"),
        (b"Client host [192.0.2.7] blocked", "client host [ip] blocked"),
        (b"from 192.0.2.7 and 2001:db8::25", "from ip and ip"),
        ("Boîte pleine, Empfänger, Użytkownik".encode(), "boite pleine, empfanger, uzytkownik"),
        ("Boîte pleine".encode("latin-1"), "boite pleine"),
        ("Пользователь".encode(), "пользователь"),
        (b"line one\\n550-line two#012 three", "line one 550-line two three"),
        (b"due to5.7.26 domain", "due to 5.7.26 domain"),
        (b"t11si6005099wes.103 - gsmtp", "# - gsmtp"),
        (b"OFR_506 LPN007_510 (S3150) [TSS04] code 10061", "ofr_506 lpn007_510 (s3150) [tss04] code 10061"),
        (b"please wait 3599 seconds", "please wait 0 seconds"),
        (b"550-5.1.1 550 5.1.1 (#5.1.1)", "550-5.1.1 550 5.1.1 (#5.1.1)"),
        (b"<a@b.example>...User unknown", "<>... user unknown"),
    ],
)
def test_folded(text: bytes, folded: str) -> None:
    """Addresses, ids and peers' names go; codes, providers' codes and words stay, in one case."""
    assert Folder().fold(text) == folded


@given(st.binary(max_size=600))
def test_any_bytes(text: bytes) -> None:
    """Whatever the bytes, folding yields bounded text, and the same text whatever was folded before."""
    folder = Folder()
    once = folder.fold(text)
    folder.fold(b"warm " + text[::-1])
    assert folder.fold(text) == once
    assert len(once) <= LONGEST_FOLDED


WORDS = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"host", b"full.", b"(in", b"reply)", b"(", b".", b"d9443c01a7336-93bd04cf", b"\n"]),
    ),
    max_size=12,
).map(b" ".join)


@given(WORDS, WORDS)
def test_folding_goes_word_by_word(first: bytes, second: bytes) -> None:
    """Sentences are remembered whole; that changes nothing: two texts are folded as each of them alone."""
    alone = [Folder().fold(text) for text in (first, second) if text.split()]
    assert Folder().fold(first + b" " + second) == " ".join(alone)


@given(st.text(max_size=80))
def test_plain_is_stable(text: str) -> None:
    """A text that was made plain has no upper case letters left that plain would change."""
    once = plain(text)
    assert plain(once) == plain(plain(once))


@pytest.mark.parametrize("pad", [b"a", b"@", b"[", b"<", b"1.", b":", b"a@", b"550-", "満".encode()])
def test_hostile_length(pad: bytes) -> None:
    """However long and whatever it repeats, only a bounded beginning of a text is looked at."""
    assert len(Folder().fold(pad * (65536 // len(pad)))) <= LONGEST_FOLDED
