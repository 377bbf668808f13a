"""Durations and sizes as people write and read them: ``90``, ``15m``, ``1d12h``; ``512``, ``10M``.

Law: pure, ASCII only, strict; the same words in options and in output. Seconds and bytes inside.
"""

from __future__ import annotations

from smtpq_exporter.checks.range import LARGEST, Range, parse_range, plain

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def _unsigned(text: str) -> bool:
    """Whether it is ``12`` or ``1.5``: digits on both sides of a point, if there is one."""
    return all(part.isascii() and part.isdigit() for part in text.split(".", 1))


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``15m``, ``4h``, ``1d``, ``2w`` or ``1d12h``; ValueError otherwise."""
    seconds, number = 0.0, ""
    for character in text:
        if character in _SECONDS and _unsigned(number):
            seconds, number = seconds + float(number) * _SECONDS[character], ""
        else:
            number += character
    if number == text and _unsigned(text):
        seconds = float(text)
    elif number or not text:
        raise ValueError(f"{text!r} is no duration: write 90, 15m, 4h, 1d or 1d12h")
    if seconds > LARGEST:
        raise ValueError(f"{text[:20]!r} is too long")
    return seconds


def parse_size(text: str) -> float:
    """Bytes of ``512``, ``64K``, ``10M``, ``1.5G`` (steps of 1024; B or iB may follow); else ValueError."""
    number = text.removesuffix("B").removesuffix("i") if text.endswith("B") else text
    unit = number[-1:] if number[-1:] in _BYTES else ""
    number = number.removesuffix(unit)
    if not _unsigned(number):
        raise ValueError(f"{text!r} is no size: write 512, 64K, 10M or 1.5G")
    size = float(number) * _BYTES[unit]
    if size > LARGEST:
        raise ValueError(f"{text[:20]!r} is too large")
    return size


def duration_range(text: str) -> Range:
    """A range of durations such as ``4h`` or ``@1h:2h``."""
    return parse_range(text, parse_duration)


def size_range(text: str) -> Range:
    """A range of sizes such as ``100M``."""
    return parse_range(text, parse_size)


def say_duration(seconds: float) -> str:
    """Two units at most, rounded down: ``45s``, ``23m``, ``1h 5m``, ``1d 17h``; one decimal below 10 s."""
    if seconds < 0:
        return f"-{say_duration(-seconds)}"
    if seconds < 10 and seconds != int(seconds):
        return f"{plain(int(seconds * 10) / 10)}s"
    whole = int(seconds)
    for unit, smaller in (("d", "h"), ("h", "m"), ("m", "s")):
        size = _SECONDS[unit]
        if whole >= size:
            rest = whole % size // _SECONDS[smaller]
            # Seconds beside minutes matter only while there are few minutes.
            shown = rest and (unit != "m" or whole < 600)
            return f"{whole // size}{unit}" + (f" {rest}{smaller}" if shown else "")
    return f"{whole}s"


def say_size(size: float) -> str:
    """Three significant digits: ``512 B``, ``4.2 KiB``, ``1.5 GiB``."""
    unit = "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1000:
            break
        size, unit = size / 1024, larger
    digits = 0 if unit == "B" or abs(size) >= 100 else 1
    return f"{plain(round(size, digits))} {unit}"


def say_count(value: float) -> str:
    """A plain number with at most two decimals below 10 and one below 100."""
    return plain(round(value, 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0))
