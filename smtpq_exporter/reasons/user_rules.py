"""The rules of the user: (pattern, reason class) from the configuration, tried before ours.

Pure. They are searched in the text as the mail server wrote it, without regard to case. Strangers write
these texts, so a pattern that could run for ever on one is refused: quantifiers inside quantifiers, and more
than one wildcard without a bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.reasons.causes import CAUSES, REASONS
from smtpq_exporter.reasons.rule import nested, wildcards

LONGEST_TEXT = 1024
"""Characters of a text that a user's rule is searched in."""
_LONGEST_PATTERN = 500
_MOST_WILDCARDS = 1


class UserRules:
    """Compiled rules; raises ConfigError("reasons[n]", what to do) for the first that cannot be used."""

    def __init__(self, rules: Sequence[tuple[str, str]]) -> None:
        self._rules = [(_compiled(f"reasons[{at}]", *rule), rule[1]) for at, rule in enumerate(rules)]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def first(self, text: bytes) -> tuple[str, str] | None:
        """Return ("user:N", class) of the first rule that is found in the text."""
        if not self._rules:
            return None
        readable = text[: 4 * LONGEST_TEXT].decode("utf-8", "replace")[:LONGEST_TEXT]
        for at, (pattern, reason) in enumerate(self._rules):
            if pattern.search(readable):
                return f"user:{at}", reason
        return None


def _compiled(where: str, pattern: str, reason: str) -> re.Pattern[str]:
    if reason not in CAUSES:
        raise ConfigError(where, f"no reason class {reason!r}; the classes are {', '.join(REASONS)}")
    if not pattern or len(pattern) > _LONGEST_PATTERN:
        raise ConfigError(where, f"a pattern has 1 to {_LONGEST_PATTERN} characters")
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
        hangs, wild = nested(pattern), wildcards(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(where, f"pattern {pattern!r} is no regular expression: {error}") from error
    if hangs:
        raise ConfigError(where, f"pattern {pattern!r} repeats something that repeats, as in (a+)+; avoid it")
    if wild > _MOST_WILDCARDS:
        raise ConfigError(where, f"pattern {pattern!r} has several .* or the like; write .{{0,80}} instead")
    if compiled.search(""):
        raise ConfigError(where, f"pattern {pattern!r} matches the empty text and so every reply")
    return compiled
