"""The envelope of a syslog line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.prefix import KEPT, meant, repeated, split, stamp_of, unwrap

FORMS = {
    b"Nov  1 02:11:18 conch exim[19328]: words": (b"conch", b"exim", b"19328"),
    b"Nov 1 02:11:18 conch exim: words": (b"conch", b"exim", b""),
    b"2025-04-09T08:25:46.545425+00:00 86ea smtpd[706]: words": (b"86ea", b"smtpd", b"706"),
    b"2025-04-09T08:25:46,5-0300 h sendmail[706]: words": (b"h", b"sendmail", b"706"),
    b"2025-04-09 08:25:46 h a/b/c[706]: words": (b"h", b"a/b/c", b"706"),
    b"Nov 9 12:01:30 src@e sendmail[4306]: [ID 801593 mail.info] words": (b"src@e", b"sendmail", b"4306"),
    b"<22>1 2025-01-01T00:00:00Z host postfix/smtp 123 - - words": (b"host", b"postfix/smtp", b"123"),
    b"<22>1 2025-01-01T00:00:00Z host postfix/smtp - - - \xef\xbb\xbfwords": (b"host", b"postfix/smtp", b"-"),
    b"Tue Nov 24 03:00:00 2026 h x[1]: words": (b"h", b"x", b"1"),
    b"[1795489200.5] h x[1]: words": (b"h", b"x", b"1"),
    b"sendmail[15824]: [ID 801593 mail.info] words": (b"", b"sendmail", b"15824"),
    b"template of my own h x[1]: words": (b"", b"x", b"1"),
}


@pytest.mark.parametrize(("line", "expected"), FORMS.items(), ids=lambda value: repr(value)[:40])
def test_every_known_form_is_split(line: bytes, expected: tuple[bytes, bytes, bytes]) -> None:
    """Host, program and process are found, and the words begin where the program's own words begin."""
    prefix = split(line)
    assert prefix is not None
    assert (prefix.host, prefix.tag, prefix.pid) == expected
    assert line[prefix.start :] == b"words"
    assert stamp_of(line) == prefix.stamp


@pytest.mark.parametrize("line", [b"2026-11-24 03:00:00 1tFa7x-000001-AB == a@b",
                                  b"2026-11-24 03:00:00.123 [5] 1tFa7x-000001-AB == a@b",
                                  b"Nov 24 03:00:00 mail last message repeated 3 times"])
def test_the_time_is_found_without_a_program(line: bytes) -> None:
    """Exim's own log has a time and nothing else in front."""
    assert stamp_of(line) == line[: line.index(b":00:00") + 6] + (b".123" if b".123" in line else b"")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Nov 24 03:00:00 mail said postfix/smtp[1]: words",
        b"Nov 24 03:00:00 mail last message repeated 3 times",
        b"Jan: 1 00:00:00 host postfix/smtp[1]: words",
        b"Nov 24 03:00:00 mail x[1",
        b"Nov 24 03:00:00 mail x[1]:",
        b"one two three four five six seven eight nine x[1]: words",
    ],
)
def test_what_has_no_tag_at_its_place_is_no_prefix(line: bytes) -> None:
    """A tag further to the right is a stranger's and is not looked for."""
    assert split(line) is None


def test_repeats_are_read_only_at_their_place() -> None:
    """The repeat line of syslogd is the whole line; the wrapper of rsyslog begins the words."""
    assert repeated(b"Nov 24 03:00:00 mail last message repeated 3 times") == 3
    assert repeated(b"Nov 24 03:00:00 mail x[1]: last message repeated 3 times") == 0
    assert unwrap(b"message repeated 3 times: [ a [b] c]") == (b"a [b] c", 3)
    assert unwrap(b"message repeated 3 times: [ cut off") == (b"cut off", 3)
    assert unwrap(b"he said message repeated 3 times: [ a]") == (b"he said message repeated 3 times: [ a]", 1)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_split_without_error(line: bytes) -> None:
    """The start lies within the line, whatever the bytes."""
    prefix = split(line)
    assert prefix is None or 0 < prefix.start <= len(line)


def test_a_repeat_means_the_last_line_that_is_none() -> None:
    """However many repeats stand between, and though it stands in the batch before."""
    again = b"Nov 24 03:00:00 mail last message repeated 3 times"
    lines = [again, b"one", again, again, b"x" * (KEPT + 1), again]
    assert meant(lines, 0, b"before") == (b"before", 3)
    assert meant(lines, 1, b"before") == (b"one", 0)
    assert meant(lines, 3, b"before") == (b"one", 3)
    assert meant(lines, 4, b"before") == (b"x" * (KEPT + 1), 0)
    assert meant(lines, 5, b"before") == (b"x" * KEPT, 3)
