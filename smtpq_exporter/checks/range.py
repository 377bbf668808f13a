"""A threshold range ``[@]start:end`` of the Monitoring Plugins Development Guidelines.

Law: pure, ASCII only, and strict: what known implementations read differently is rejected, with one
sentence that says what was wrong. An end is good itself; with ``@`` the inside alerts, ends included.
Source: Monitoring Plugins Development Guidelines, "Threshold and Ranges".
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Beyond this no count, byte or second is meant, and a float no longer prints exactly.
LARGEST = 1e15


class Range:
    """Values that are good (or, with `inside`, bad). `start` and `end` in the unit of the measured value."""

    __slots__ = ("end", "inside", "start")

    def __init__(self, start: float, end: float, inside: bool = False) -> None:
        self.start, self.end, self.inside = start, end, inside

    def alerts(self, value: float) -> bool:
        """Whether `value` violates the range."""
        return (self.start <= value <= self.end) is self.inside

    def __str__(self) -> str:
        """The shortest form that means the same, as it stands in perfdata."""
        start = "~:" if self.start == -INFINITY else "" if self.start == 0 else f"{plain(self.start)}:"
        end = "" if self.end == INFINITY else plain(self.end)
        return ("@" if self.inside else "") + (f"{start}{end}" if start or end else "0:")

    def __repr__(self) -> str:
        return f"Range({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Range) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


INFINITY = float("inf")


def plain(value: float) -> str:
    """A number as perfdata wants it: no exponent, no locale, no point if whole, at most six decimals."""
    if value == int(value):
        return str(int(value))
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0") else text


def parse_number(text: str) -> float:
    """A decimal number; ValueError says what is wrong. No exponent, no sign ``+``, no digit but 0 to 9."""
    whole, _, part = text.removeprefix("-").partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{text!r} is not a plain number")
    value = float(text)
    if abs(value) > LARGEST:
        raise ValueError(f"{text[:20]!r} is too large")
    return value


def parse_range(text: str, number: Callable[[str], float] = parse_number) -> Range:
    """Read one range whose ends are read by `number`; ValueError says what is wrong and what is right."""
    body = text.strip(" ")
    inside = body.startswith("@")
    start, colon, end = body.removeprefix("@").partition(":")
    if not colon:
        start, end = "", start
    if not start and not end:
        raise ValueError(f"{text!r} is no range: write 10, 10:, ~:10, 10:20 or @10:20")
    try:
        low = -INFINITY if start == "~" else number(start) if start else 0.0
        high = number(end) if end else INFINITY
    except ValueError as error:
        raise ValueError(f"{text!r} is no range: {error}") from None
    if low > high:
        raise ValueError(f"{text!r} is no range: its start {plain(low)} is above its end {plain(high)}")
    return Range(low, high, inside)
