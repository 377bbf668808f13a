"""Times in front of log lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.moment import moment

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (b"2026-11-24T03:00:00Z", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (b"2026-11-24T03:00:00.25+02:00", datetime(2026, 11, 24, 1, 0, 0, 250000, tzinfo=UTC)),
        (b"2026-11-24 03:00:00,5 -0130", datetime(2026, 11, 24, 4, 30, 0, 500000, tzinfo=UTC)),
        (b"Tue 2026-11-24 03:00:00 UTC", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (b"Nov 24 03:00:00", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (b"Dec 31 23:59:59", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"Nov 25 01:00:00", datetime(2026, 11, 25, 1, tzinfo=UTC)),
        (b"Feb 29 01:00:00", datetime(2024, 2, 29, 1, tzinfo=UTC)),
        (b"Nov  1 03:00:00.5", datetime(2026, 11, 1, 3, 0, 0, 500000, tzinfo=UTC)),
        (b"2013 Jun 10 06:27:30.123", datetime(2013, 6, 10, 6, 27, 30, 123000, tzinfo=UTC)),
        (b"Tue Nov 24 03:00:00 2026", datetime(2026, 11, 24, 3, tzinfo=UTC)),
        (b"1795489200.5", datetime(2026, 11, 24, 3, 0, 0, 500000, tzinfo=UTC)),
    ],
)
def test_known_stamps_are_dated(stamp: bytes, expected: datetime) -> None:
    """A stamp without a year is the last one that is not after now; a day ahead is forgiven."""
    assert moment(stamp, NOW, UTC) == pytest.approx(expected.timestamp())


@pytest.mark.parametrize(
    "stamp", [b"", b"Foo 24 03:00:00", b"Feb 31 03:00:00", b"2026-13-01T00:00:00Z", b"Nov 24 25:00:00"]
)
def test_what_is_no_time_is_none(stamp: bytes) -> None:
    """Nothing is guessed."""
    assert moment(stamp, NOW, UTC) is None


def test_without_now_only_stamps_with_a_year_are_dated() -> None:
    """A year is never invented."""
    assert moment(b"Nov 24 03:00:00", None) is None
    assert moment(b"2026-11-24T03:00:00Z", None) is not None


@settings(deadline=None)
@given(st.integers(10**9, 2 * 10**9), st.integers(-720, 720))
def test_iso_round_trip(seconds: int, minutes: int) -> None:
    """A time written in RFC 3339 with any offset is read back."""
    aware = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
    assert moment(aware.isoformat().encode(), None) == aware.timestamp()
