"""The values in a report, in every form in which the versions of PowerShell write them.

Pure. ConvertTo-Json of Windows PowerShell 5.1 writes enums as integers, or as {"value":3,"Value":"Retry"}
after remoting; DateTime as ``/Date(ms)/``, perhaps inside an object with its extended properties; TimeSpan as
an object with Ticks; arrays as {"value":[..],"Count":n}. PowerShell 7 writes ISO times with seven digits.
What an integer of an enum means is nowhere documented: it is never guessed.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_DATE = re.compile(r"\\?/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_CLOCK = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d\d):(\d\d(?:\.\d+)?)")
#: What a nested object is written as where the depth is used up.
_TYPE_NAME = re.compile(r"(?:System|Microsoft)\.[\w.`+\[\]]+")
#: Before 2000 and after 2100 no message arrives.
_FIRST, _LAST = 946684800.0, 4102444800.0


def plain(value: Any) -> Any:
    """A value without the object that PowerShell wraps around it."""
    for _ in range(3):
        if not isinstance(value, dict) or "value" not in value:
            return value
        value = value["value"]
    return value


def rows(value: Any) -> list[Any] | None:
    """The items of an array, of a wrapped one, or of a single object; None if it is neither."""
    value = value if isinstance(value, dict) and "value" in value and "identity" in value else plain(value)
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else None


def word(value: Any) -> str:
    """A text; "" where there is none or only the name of a type. An enum's integer is ``unknown_3``."""
    value = plain(value)
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return f"unknown_{value}"
    if not isinstance(value, str) or _TYPE_NAME.fullmatch(value.strip()):
        return ""
    text = value.strip()
    return f"unknown_{text}" if text.isdigit() else text


def text(value: Any) -> str:
    """A free text; "" where there is none. An array is joined."""
    value = plain(value)
    if isinstance(value, list):
        return " ".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) and not _TYPE_NAME.fullmatch(value.strip()) else ""


def number(value: Any) -> float | None:
    """A number, also one that was written as a text in some culture; None where there is none."""
    value = plain(value)
    if isinstance(value, str):
        written = value.strip().replace("\u2212", "-")
        if "," in written and "." not in written:
            written = written.replace(",", ".", 1)
        if not re.fullmatch(r"[+-]?\d{1,15}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?", written):
            return None
        value = float(written)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e15:
        return None
    return float(value)


def count(value: Any) -> int | None:
    """A number of things; None where there is none or it is no such number."""
    found = number(value)
    return None if found is None or found < 0 or found != int(found) else int(found)


def moment(value: Any) -> float | None:
    """Epoch seconds of a time; None where there is none, or where its zone or order of parts is not told."""
    value = plain(value)
    if not isinstance(value, str):
        return None
    found = _DATE.fullmatch(value.strip())
    if found:
        seconds = int(found[1]) / 1000
    else:
        try:
            when = datetime.fromisoformat(value.strip())
            if when.tzinfo is None:
                return None
            seconds = when.timestamp()
        except (ValueError, OverflowError):
            return None
    return seconds if _FIRST <= seconds <= _LAST else None


def seconds(value: Any) -> float | None:
    """Length of a TimeSpan; None where there is none."""
    if isinstance(value, dict) and "ticks" in value:
        ticks = number(value["ticks"])
        return None if ticks is None else ticks / 1e7
    value = plain(value)
    if not isinstance(value, str):
        return None
    found = _DURATION.fullmatch(value) or _CLOCK.fullmatch(value)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest
