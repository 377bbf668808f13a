"""The span of time that a person asks for: --since and --until.

A moment is an ISO date or time in the zone of this host ("2026-11-24", "2026-11-24T03:00", "03:00" of today,
with an offset if wanted), or a duration before now ("2h", "1d").
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from smtpq_exporter.checks.quantity import parse_duration

Span = tuple[float | None, float | None]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --since and --until."""
    form = "2026-11-24, 2026-11-24T03:00, 03:00 (today), or how long ago: 2h, 1d"
    parser.add_argument("--since", default="", metavar="TIME", help=f"only lines from TIME on: {form}")
    parser.add_argument("--until", default="", metavar="TIME", help="only lines before TIME")


def of(args: argparse.Namespace, now: float) -> Span:
    """Return (since, until) as seconds since the epoch, None where open; ends the program on a wrong word."""
    try:
        return (
            moment_of(args.since, now) if args.since else None,
            moment_of(args.until, now) if args.until else None,
        )
    except ValueError as error:
        print(f"smtpq: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def moment_of(word: str, now: float) -> float:
    """Return the moment that a word means; ValueError says how to write one."""
    today = datetime.fromtimestamp(now, UTC).astimezone()
    try:
        if len(word) in (5, 8) and word[2] == ":":
            return datetime.fromisoformat(f"{today:%Y-%m-%d}T{word}").astimezone().timestamp()
        if word[:4].isdigit() and "-" in word:
            when = datetime.fromisoformat(word)
            return when.timestamp() if when.tzinfo else when.astimezone().timestamp()
        return now - parse_duration(word)
    except ValueError:
        raise ValueError(
            f"{word!r} is no time: write 2026-11-24, 2026-11-24T03:00, 03:00, 2h or 1d"
        ) from None
