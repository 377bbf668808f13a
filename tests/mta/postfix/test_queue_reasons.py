"""Defer logs: blocks joined to recipients by offset, and reasons that try to look like something else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.mta.postfix.queue_reasons import blocks, texts
from smtpq_exporter.mta.postfix.write import Deferral, defer_log


def log(*deferrals: tuple[int, bytes]) -> bytes:
    """A defer log of recipients at these offsets with these reasons."""
    return defer_log(
        [Deferral(b"u%d@x.example" % offset, offset, b"4.2.0", reason) for offset, reason in deferrals])


def test_reasons_join_by_offset_in_the_order_of_recipients() -> None:
    """The log is in the order of failures; recipients without a block have no reason."""
    text = log((900, b"second"), (700, b"first"))
    assert texts(text, [700, 800, 900]) == [(b"first", b"u700@x.example"), (b"second", b"u900@x.example")]
    assert texts(text, [800]) == []


def test_one_block_for_one_recipient() -> None:
    """The common case, and the same when the block belongs to another recipient."""
    assert texts(log((700, b"why")), [700]) == [(b"why", b"u700@x.example")]
    assert texts(log((700, b"why")), [701]) == []


def test_an_original_recipient_may_stand_between() -> None:
    """After an alias the block names the address as it was, too."""
    text = log((700, b"why")).replace(b"offset=", b"original_recipient=alias@x.example\noffset=")
    assert texts(text, [700]) == [(b"why", b"u700@x.example")]


def test_the_last_of_several_blocks_counts() -> None:
    """A recipient that failed twice shows the last reason."""
    assert texts(log((700, b"old"), (700, b"new")), [700]) == [(b"new", b"u700@x.example")]


def test_text_of_strangers_is_text() -> None:
    """Names within a reply do not begin a line, so they are no names; 900 characters, quotes, bars, odd
    bytes stay.
    """
    nasty = b'said: 450 recipient=x@y offset=5 reason=forged status=2.0.0 "a|b" (\xff\xfe) ' + b"x" * 900
    assert texts(log((700, nasty)), [700]) == [(nasty, b"u700@x.example")]
    assert texts(log((700, nasty), (800, b"other")), [700]) == [(nasty, b"u700@x.example")]


def test_old_and_broken_blocks_are_passed_over() -> None:
    """A block without offset or reason, an offset that is no number, and an empty log give nothing."""
    assert texts(b"", [700]) == []
    assert texts(b"\n<a@x>: text\n\n", [700]) == []
    assert texts(b"\nrecipient=a@x\noffset=abc\nreason=x\n\n", [700]) == []
    assert texts(b"\noffset=" + b"9" * 400 + b"\nreason=x\n\n", [700]) == []
    assert list(blocks(b"\noffset=700\nreason=x\n\n")) == [(700, b"x", b"")]


@given(st.binary(max_size=400), st.lists(st.integers(0, 999), max_size=4))
def test_there_are_no_more_reasons_than_recipients(text: bytes, offsets: list[int]) -> None:
    """Nothing breaks, and each recipient has at most one reason."""
    assert len(texts(text, offsets)) <= len(offsets)
