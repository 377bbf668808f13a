"""How the values of a configuration are read: text, durations, shares, addresses, lists.

Pure. Errors name the remedy. Each reader takes a value as strict_yaml.load made it and the path of its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from smtpq_exporter.checks.quantity import parse_duration
from smtpq_exporter.errors import ConfigError
from smtpq_exporter.reasons import REASONS
from smtpq_exporter.strict_yaml import join, kind, section, suggest

T = TypeVar("T")

DEFAULT_PORT = 10125
_LOG_PREFIXES = ("syslog:", "docker:", "cri:", "journal:")
_LOG_WORDS = ("auto", "journal", "stdin")


def text(value: Any, where: str) -> str:
    """Text; anything else should have stood in quotes."""
    if not isinstance(value, str):
        raise ConfigError(where, f"must be text, not {kind(value)}; put it in quotes")
    return value


def flag(value: Any, where: str) -> bool:
    """True or false, and no other word for it."""
    if not isinstance(value, bool):
        raise ConfigError(where, f"must be true or false, not {value!r}")
    return value


def count(least: int, most: int) -> Callable[[Any, str], int]:
    """A reader of whole numbers in a range."""
    def read(value: Any, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ConfigError(where, f"must be a whole number from {least} to {most}, not {value!r}")
        return value

    return read


def duration(least: float, most: float) -> Callable[[Any, str], float]:
    """A reader of durations with their unit, in seconds."""
    def read(value: Any, where: str) -> float:
        if not isinstance(value, str) or value.isdecimal():
            raise ConfigError(
                where, f"must be a duration with its unit, such as 15s, 5m or 1h, not {value!r}"
            )
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            raise ConfigError(where, str(error)) from None
        if not least <= seconds <= most:
            raise ConfigError(where, f"must be between {least:g} and {most:g} seconds, not {value!r}")
        return seconds

    return read


def percent(value: Any, where: str) -> float:
    """A share such as 5%, as a ratio."""
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s?%", value) if isinstance(value, str) else None
    if match is None or not 0.1 <= float(match[1]) <= 100:
        raise ConfigError(where, f"must be a share such as 5%, from 0.1% to 100%, not {value!r}")
    return float(match[1]) / 100


def choice(*words: str) -> Callable[[Any, str], str]:
    """A reader of one of some words."""
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise ConfigError(where, f"must be one of {', '.join(words)}, not {value!r}")
        return str(value)

    return read


def several(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    """A reader of lists."""
    def read_all(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ConfigError(where, f"must be a list, not {kind(value)}")
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_all


def part(cls: type[T]) -> Callable[[Any, str], T]:
    """A reader of a mapping into a dataclass."""
    return lambda value, where: section(cls, value, where)


def directory(value: Any, where: str) -> str:
    """An absolute path."""
    path = text(value, where)
    if not path.startswith("/"):
        raise ConfigError(where, f"must be an absolute path, not {value!r}")
    return path.rstrip("/") or "/"


def log_source(value: Any, where: str) -> str:
    """Where a log is: a path, or one of the words and prefixes of mta.base.Instance.logs."""
    source = text(value, where)
    if source in _LOG_WORDS or source.startswith(("/", *_LOG_PREFIXES)):
        return source
    raise ConfigError(
        where,
        f"must be an absolute path, {', '.join(_LOG_WORDS)}, or begin with"
        f" {', '.join(_LOG_PREFIXES)}, not {value!r}",
    )


def address(value: Any, where: str) -> tuple[str, int]:
    """Host and port of ``:10125``, ``127.0.0.1:10125``, ``[::1]:10125``; no host means all addresses."""
    match = re.fullmatch(
        r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/\[\]]*)):([0-9]{1,5})", text(value, where), re.ASCII
    )
    if match is None or int(match[3]) > 65535:
        raise ConfigError(where, f"must be HOST:PORT or :PORT such as :{DEFAULT_PORT}, not {value!r}")
    return match[1] or match[2], int(match[3])


def url_path(value: Any, where: str) -> str:
    """The path of an address."""
    path = text(value, where)
    if not re.fullmatch(r"/[A-Za-z0-9_./~-]+", path):
        raise ConfigError(where, f"must be a path such as /metrics, not {value!r}")
    return path


def options(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    """A mapping of names to texts."""
    if not isinstance(value, dict):
        raise ConfigError(where, f"must be a mapping of names to texts, not {kind(value)}")
    return tuple((name, text(item, join(where, name))) for name, item in value.items())


def pattern(value: Any, where: str) -> str:
    """A regular expression."""
    written = text(value, where)
    try:
        re.compile(written)
    except re.error as error:
        raise ConfigError(where, f"is no regular expression: {error}") from error
    return written


def reason(value: Any, where: str) -> str:
    """A reason class."""
    written = text(value, where)
    if written not in REASONS:
        raise ConfigError(where, f"unknown reason class {written!r}; {suggest(written, REASONS)}")
    return written
