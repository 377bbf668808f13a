"""Ranges: the truth table of the Guidelines, what is rejected, and another implementation as an oracle."""

from __future__ import annotations

import nagiosplugin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.checks.range import Range, parse_range, plain

VALUES = (-15, -1, 0, 0.5, 5, 10, 10.5, 20, 21)
TRUTH = {
    "10": "!!....!!!", "0": "!!.!!!!!!",
    "10:": "!!!!!....", "0:": "!!.......",
    "~:10": "......!!!", "~:0": "...!!!!!!",
    "10:20": "!!!!!...!", "@0": "..!......", "@0:0": "..!......",
    "@10:20": ".....!!!.", "1:": "!!!!.....",
    "@~:10": "!!!!!!...", ":10": "!!....!!!",
    "@10:": ".....!!!!", "~:": ".........",
    "@10": "..!!!!...", "-10:-1": "!.!!!!!!!",
    "-10:": "!........", "~:-1": "..!!!!!!!",
    "10:10": "!!!!!.!!!", "@-10:10": ".!!!!!...",
    ".5": "!!..!!!!!", "10.5": "!!.....!!",
}
REJECTED = ("~", "20:10", "-10", "10:20:30", "10-20", "abc", "10:~", "inf", "nan", "1,5", "@@10", "--10",
            "0x10", "10%", "10s", "", ":", "@", "@:", "1e3", "1_000", "\u0661\u0660", "1:\uff12", " ",
            "10 20", "+5", "-", "1e400", "9" * 400, "-~:10", "~~:3", "10\n")
number = st.integers(-(10**9), 10**9) | st.decimals(-1000, 1000, places=3).map(float)


@pytest.mark.parametrize(("text", "truth"), TRUTH.items())
def test_truth_table(text: str, truth: str) -> None:
    """Every row of the table of the reference holds for every value."""
    limit = parse_range(text)
    assert "".join(".!"[limit.alerts(value)] for value in VALUES) == truth


@pytest.mark.parametrize("text", REJECTED)
def test_rejected(text: str) -> None:
    """What is no range, or is read differently by different programs, is refused with words."""
    with pytest.raises(ValueError, match="no range"):
        parse_range(text)


@pytest.mark.parametrize("text", TRUTH)
def test_oracle_table(text: str) -> None:
    """Another implementation agrees on every row."""
    other = nagiosplugin.Range(text)
    limit = parse_range(text)
    assert [limit.alerts(value) for value in VALUES] == [not other.match(value) for value in VALUES]


@given(start=st.none() | st.just("~") | number, end=st.none() | number, inside=st.booleans(), value=number)
def test_oracle(start: str | float | None, end: float | None, inside: bool, value: float) -> None:
    """For any range that can be written, another implementation agrees on any value, at the ends too."""
    text = "@" * inside + ("" if start is None else f"{start if start == '~' else plain(float(start))}:")
    text += "" if end is None else plain(float(end))
    low = -1e18 if start == "~" else float(start or 0)
    if not text.strip("@:") or low > (1e18 if end is None else end) or text.endswith("~"):
        with pytest.raises(ValueError, match="no range"):
            parse_range(text)
        return
    limit, other = parse_range(text), nagiosplugin.Range(text)
    for probe in (value, low, end or 0):
        assert limit.alerts(probe) == (not other.match(probe))


@given(start=number, width=st.integers(0, 10**6), inside=st.booleans())
def test_written_and_read_again(start: float, width: int, inside: bool) -> None:
    """What a range prints reads back as the same range, without exponent."""
    end = float(plain(start + width))
    limit = Range(start, end, inside)
    again = parse_range(str(limit))
    assert again == limit
    assert "e" not in str(limit)
    for value in (start, end, start - 1):
        assert again.alerts(value) == limit.alerts(value)


@given(st.text(max_size=12))
def test_any_text(text: str) -> None:
    """Any text is a range that prints as one, or a ValueError, nothing else."""
    try:
        limit = parse_range(text)
    except ValueError:
        return
    assert parse_range(str(limit)) == limit


@pytest.mark.parametrize(("text", "short"), [
    ("0:10", "10"), ("0:", "0:"), ("~:", "~:"), ("@0:5", "@5"), ("10:20", "10:20"), ("1.50", "1.5"),
    ("-5:0", "-5:0"), ("~:0", "~:0")])
def test_normal_form(text: str, short: str) -> None:
    """Perfdata shows the shortest form that means the same."""
    assert str(parse_range(text)) == short


@pytest.mark.parametrize(("value", "text"), [
    (15.0, "15"), (0.1 + 0.2, "0.3"), (1e9, "1000000000"), (-0.0, "0"), (1e-9, "0"), (1.5, "1.5"),
    (-2.25, "-2.25"), (1e15, "1" + "0" * 15)])
def test_plain_numbers(value: float, text: str) -> None:
    """No exponent, no locale, no point where none is needed."""
    assert plain(value) == text
