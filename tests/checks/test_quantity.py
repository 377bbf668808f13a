"""Durations and sizes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.checks.quantity import (
    duration_range,
    parse_duration,
    parse_size,
    say_count,
    say_duration,
    say_size,
    size_range,
)
from smtpq_exporter.checks.range import parse_number


@pytest.mark.parametrize(("text", "seconds"), [
    ("90", 90), ("90s", 90), ("15m", 900), ("4h", 14400), ("1d", 86400), ("2w", 1209600), ("1d12h", 129600),
    ("1.5h", 5400), ("0", 0), ("1h30m10s", 5410)])
def test_durations(text: str, seconds: float) -> None:
    """A number is seconds; units may be put together."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "1x", "1 h", "-5m", "1h30", "inf", "nan", "1e3", "\u0661h", "1_0",
                                  "1H", "1:2", "9" * 30, "5 ", "1.h"])
def test_no_duration(text: str) -> None:
    """Anything else is refused with words."""
    with pytest.raises(ValueError, match=r"duration|too long"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [
    ("512", 512), ("64K", 65536), ("10M", 10485760), ("1.5G", 1610612736), ("1T", 1024**4),
    ("10MiB", 10485760), ("10B", 10), ("2KB", 2048)])
def test_sizes(text: str, size: float) -> None:
    """Units are steps of 1024."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "10k", "-1", "1,5M", "10 M", "1e3", "9" * 30, "10MM", "\uff11M"])
def test_no_size(text: str) -> None:
    """Anything else is refused with words."""
    with pytest.raises(ValueError, match=r"size|too large"):
        parse_size(text)


def test_ranges_of_durations_and_sizes() -> None:
    """Both ends of a range carry their own unit."""
    between = duration_range("@1h:2h")
    assert (between.start, between.end, between.inside) == (3600, 7200, True)
    assert str(duration_range("4h")) == "14400"
    assert duration_range("~:30m").alerts(1801)
    assert str(size_range("1M:")) == "1048576:"
    with pytest.raises(ValueError, match="its start 7200 is above its end 3600"):
        duration_range("2h:1h")


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0s"), (0.25, "0.2s"), (9.99, "9.9s"), (45, "45s"), (61, "1m 1s"), (1380, "23m"), (3599, "59m"),
    (3600, "1h"), (3900, "1h 5m"), (147600, "1d 17h"), (86400, "1d"), (864000, "10d"), (-60, "-1m")])
def test_spoken_durations(seconds: float, text: str) -> None:
    """Two units at most."""
    assert say_duration(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (512, "512 B"), (4301, "4.2 KiB"), (1024**3, "1 GiB"),
                                            (1020 * 1024, "1 MiB"), (250 * 1024**2, "250 MiB")])
def test_spoken_sizes(size: float, text: str) -> None:
    """Three digits at most and a unit."""
    assert say_size(size) == text


def test_spoken_counts() -> None:
    """Small numbers keep decimals, large ones do not."""
    assert [say_count(v) for v in (0, 12, 1.234, 45.67, 1234.5)] == ["0", "12", "1.23", "45.7", "1234"]


@given(st.floats(0, 1e9))
def test_spoken_duration_is_close(seconds: float) -> None:
    """What is said is never more than what is, and less by no more than a tenth (or a second)."""
    said = sum(parse_duration(word) for word in say_duration(seconds).split())
    assert said <= seconds + 1e-9
    assert seconds - said < max(1, seconds / 10)


@given(st.text(max_size=8))
def test_any_text(text: str) -> None:
    """Any text is a number of seconds and bytes, or a ValueError."""
    for parse in (parse_duration, parse_size):
        try:
            value = parse(text)
        except ValueError:
            continue
        assert value >= 0
        assert re.fullmatch(r"[\x20-\x7e]+", text)


UNSIGNED = r"[0-9]+(?:\.[0-9]+)?"
#: The grammars as regular expressions, which the plugins do not load: each reads what its grammar matches.
GRAMMARS = {
    parse_duration: rf"{UNSIGNED}|(?:{UNSIGNED}[smhdw])+",
    parse_size: rf"{UNSIGNED}[KMGT]?(?:i?B)?",
    parse_number: r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)",
}


@pytest.mark.parametrize("parse", GRAMMARS)
@given(text=st.text("0123456789.-smhdwKMGTiB²٣ _\n", max_size=9)
       | st.lists(st.sampled_from(["1", "20", ".5", "1.5", "3.", "-", "s", "m", "h", "d", "w", "K", "M", "i", "B"]),
                  max_size=6).map("".join))
def test_grammars(parse: Callable[[str], float], text: str) -> None:
    """What is read by hand is exactly what the grammar says."""
    if re.fullmatch(GRAMMARS[parse], text, re.ASCII):
        found = re.findall(r"[0-9.-]+", text)
        assert parse(text) >= float(found[0])
    else:
        with pytest.raises(ValueError, match=r"no duration|no size|not a plain number"):
            parse(text)
