"""Postfix's log: what strangers write. Both ways of reading, line by line: tests/mta/test_log_golden.py."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mta.hostile import HOSTILE
from tests.mta.reading import POSTFIX


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """No delivery to a forged domain, no removal and no size is counted, whatever strangers write."""
    tally = POSTFIX.counted(POSTFIX.golden("forged"))
    assert {domain for domain, _ in tally.destinations} == {"real.example", "greylist.example", "other"}
    assert tally.deliveries == {"sent": 1, "deferred": 9, "bounced": 1, "expired": 1}
    assert tally.removed == 2
    assert tally.received == 1
    assert tally.auth_failures == 4
    assert sum(tally.warnings.values()) == 1


def test_lines_with_their_newlines_count_the_same() -> None:
    """A report leaves them there; the very last line may have none."""
    for lines in (POSTFIX.lines, POSTFIX.real):
        ended = [line + b"\n" for line in lines]
        for by in (1, 7, 100, len(lines)):
            assert POSTFIX.counted(ended, by=by) == POSTFIX.counted(lines, by=by)
            assert POSTFIX.counted([*ended[:-1], lines[-1]], by=by) == POSTFIX.counted(lines, by=by)


def test_hostile_text_delivers_nothing() -> None:
    """Unbalanced quotes and brackets are no delivery."""
    assert POSTFIX.counted(HOSTILE["postfix"]).deliveries["sent"] == 0


def failure(to: bytes, said: bytes, status: bytes = b"5.1.1, status=bounced") -> bytes:
    """A delivery that failed."""
    start = b"Nov 24 03:00:00 mail postfix/smtp[1]: AAAAAA1: to=<" + to + b">, relay=mx[192.0.2.1]:25, delay=9, "
    return start + b"delays=9/0/0/0, dsn=" + status + b" (" + said


FULL, UNKNOWN = b"552 5.2.2 Mailbox full", b"550 5.1.1 User unknown"
#: Lines of which two or more are the same to who looks at them carelessly once the recipient's address is out.
ALIKE = (
    failure(b"a@b.example", b"<a@b.example>: " + FULL + b")"),
    failure(b"c@d.example", b"<c@d.example>: " + FULL + b")"),
    failure(b"c@d.example", b"<a@b.example>: " + FULL + b")"),
    failure(b"(a@b.example", b"(a@b.example " + FULL + b")"),
    failure(b"(a@b.example", b"a@b.example " + FULL + b")"),
    failure(b"a)@b.example", b"a)@b.example"),
    failure(b"a@b)", FULL + b" (a@b)"),
    failure(b"a@b.example", FULL + b" (a@b.example"),
    failure(b"a@b.example", b"no words) " + UNKNOWN, b"5.0.0, status=bounced"),
    failure(b"a@b.example", b"the same words for both of " * 9 + FULL + b")", b"5.0.0, status=bounced"),
    failure(b"a@b.example", b"the same words for both of " * 9 + UNKNOWN + b")", b"5.0.0, status=bounced"),
    failure(b"a@b.example", b"a@b.example " * 400 + FULL + b")"),
    failure(b"a" * 60 + b"@b.example", (b"a" * 60 + b"@b.example ") * 400 + FULL + b")"),
    failure(b"a@b.example", FULL + b")", b"4.2.2, status=deferred"),
    failure(b"a@b.example", FULL + b")", b"5.1.1, status=deferred"),
    failure(b"a@b.example", b"delivery temporarily suspended: " + FULL + b")", b"4.2.2, status=deferred"),
    failure(b"a@b.example", b"", b"4.2.2, status=deferred"),
    failure(b"a@b.example", b"250 ok)", b"2.0.0, status=sent"),
    failure(b"a@b.example", b"250 ok)", b"2.0.100, status=sent"),
    failure(b"a@b.example", b"250 ok)", b"5.0.0, status=sent"),
    failure(b"a@b.example", b"250 ok)", b"2.0.0, status=deliverable"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(ALIKE), max_size=12))
def test_what_is_remembered_of_one_failure_answers_for_no_other(lines: list[bytes]) -> None:
    """Replies are remembered without the recipient's address; none is taken for another, whatever came before."""
    POSTFIX.both_ways(lines)
