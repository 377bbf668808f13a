"""Text of an SMTP reply or of a mail server -> one of a closed set of reason classes. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """What a text means. `rule` names the rule that decided; enhanced and code are "" where there is none."""

    reason: str
    cause: str
    enhanced: str = ""
    code: str = ""
    rule: str = ""
    suspended: bool = False


def classify(text: str | bytes, dsn: str = "") -> Verdict:
    """Classify one text; `dsn` is what the sending mail server itself wrote and is only the last resort."""
    return Verdict("unknown", "unknown")
