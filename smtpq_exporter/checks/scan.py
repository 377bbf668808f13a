"""JSON by the scanner in C alone: package json imports re and enum, which cost more than all the rest of a plugin.

Pure. What is read is the same: RFC 8259, with the same exceptions of Python's json (NaN, Infinity are read, too).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLANK = " \t\r\n"


class _Context:
    """What the scanner asks for, as json.JSONDecoder has it."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


_CONTEXT: Any = _Context


def loads(data: bytes) -> Any:
    """The value that `data` is in UTF-8; ValueError (or RecursionError) if it is none."""
    try:
        from _json import make_scanner
    except ImportError:  # no CPython
        import json

        return json.loads(data)
    text = data.decode("utf-8").strip(_BLANK)
    try:
        value, end = make_scanner(_CONTEXT)(text, 0)
    except StopIteration as stop:
        raise ValueError(f"no JSON at {stop.value}") from None
    if end != len(text):
        raise ValueError(f"something follows at {end}")
    return value
