"""The lines of the program's own log."""

from __future__ import annotations

import json
import logging
import sys

from smtpq_exporter.logfmt import Formatter


def record(message: str, *values: object, level: int = logging.WARNING, **extra: object) -> logging.LogRecord:
    """A record with `extra` as logging makes it."""
    made = logging.LogRecord("smtpq", level, "x.py", 1, message, values, None)
    made.created = 1_795_500_000.25
    vars(made).update(extra)
    return made


def test_a_line() -> None:
    """Time in UTC, level, message, and what was given beside it; empty values are left out."""
    line = Formatter().format(
        record("cannot read: %s", "gone", source="postfix/postfix queue", kind="timeout", hint="")
    )
    assert line == (
        'time=2026-11-24T06:00:00.250Z level=WARNING msg="cannot read: gone"'
        ' source="postfix/postfix queue" kind=timeout'
    )


def test_nothing_breaks_a_line() -> None:
    """Quotes, newlines and equals signs are escaped: one event is one line."""
    line = Formatter().format(record('a "b"\nc=d', source="x=y"))
    assert "\n" not in line
    assert r'msg="a \"b\"\nc=d"' in line
    assert 'source="x=y"' in line


def test_json() -> None:
    """The same fields as JSON."""
    assert json.loads(Formatter(as_json=True).format(record("hello", level=logging.INFO, n=5))) == {
        "time": "2026-11-24T06:00:00.250Z",
        "level": "INFO",
        "msg": "hello",
        "n": 5,
    }


def test_under_the_journal() -> None:
    """The priority stands first and the time is left to the journal."""
    assert Formatter(journal=True).format(record("x", level=logging.ERROR)) == "<3>level=ERROR msg=x"


def test_a_traceback_stays_on_its_line() -> None:
    """An error's place is a value like any other."""
    made = record("bad")
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        made.exc_info = sys.exc_info()
    line = Formatter().format(made)
    assert "\n" not in line
    assert "ZeroDivisionError: " in line
