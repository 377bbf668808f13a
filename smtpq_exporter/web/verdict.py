"""One sentence about a mail server: is mail late, why, and what to do.

Pure: reads the JSON of view.py, as every face does. "Late" is more than an hour: greylisting and short
outages of others heal within it, and people begin to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smtpq_exporter.checks.quantity import say_duration
from smtpq_exporter.reasons import ADVICE

#: Seconds after which mail counts as late.
LATE = 3600

GOOD, LATE_LEVEL, BAD, BLIND = "good", "late", "bad", "blind"
_NAMES = {
    "postfix": "Postfix",
    "exim": "Exim",
    "sendmail": "Sendmail",
    "opensmtpd": "OpenSMTPD",
    "exchange": "Exchange",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`level` is good, late, bad or blind; `sentence` says it; `advice` is what to do, "" if nothing."""

    level: str
    sentence: str
    advice: str = ""


def name(mta: dict[str, Any]) -> str:
    """What people call it."""
    return _NAMES.get(mta["mta"], str(mta["mta"]))


def judge(mta: dict[str, Any]) -> Verdict:
    """Judge one entry of `mtas`."""
    queue = mta["queue"]
    if queue is None:
        return _blind(mta)
    queues = queue["queues"].values()
    total = sum(each["messages"] for each in queues)
    least = "at least " if queue["truncated"] else ""
    if mta["up"] is False:
        return Verdict(
            BAD,
            f"{name(mta)} does not run; {least}{_messages(total)} {_wait(total)}.",
            f"Start it, and look in its log why it ended: systemctl status {mta['mta']}",
        )
    held = sum(each["held"] or 0 for each in queues)
    on_hold = (
        f" {_messages(held)} {'are' if held != 1 else 'is'} held and {_wait(held)} for a person."
        if held
        else ""
    )
    moving = [each for each in queues if each["messages"] and (each["held"] or 0) < each["messages"]]
    ages = [each["oldest_waiting_age_seconds"] for each in moving]
    oldest = max((age for age in ages if age is not None), default=None)
    if oldest is not None and oldest > LATE:
        late = sum(_older(each) for each in moving)
        reason, advice = _main_reason(queue["reasons"])
        many = (
            f"{least}{_messages(late)} {_wait(late)} longer than 1h"
            if late
            else f"{least}{_messages(total)} {_wait(total)}"
        )
        return Verdict(
            LATE_LEVEL, f"Mail is late: {many}, oldest {say_duration(oldest)}{reason}.{on_hold}", advice
        )
    if total == held:
        nothing = "No mail waits." if not held else "No other mail waits."
        return Verdict(
            GOOD if not held else LATE_LEVEL,
            (on_hold.strip() + " " if held else "") + nothing,
            "Look at them, then release or delete them." if held else "",
        )
    going = total - held
    since = f", the oldest for {say_duration(oldest)}" if oldest is not None else ""
    return Verdict(
        GOOD,
        f"Mail flows: {least}{_messages(going)} on {'their' if going != 1 else 'its'} way{since}.{on_hold}",
    )


def _blind(mta: dict[str, Any]) -> Verdict:
    for source in mta["sources"]:
        if not source["source"].startswith("log") and source["fault"] is not None:
            fault = source["fault"]
            return Verdict(BLIND, f"The queue cannot be read: {fault['text']}.", fault["hint"])
    return Verdict(BLIND, "The queue has not been read yet.")


def _older(queue: dict[str, Any]) -> int:
    ages = queue["ages"]
    if ages is None:
        return 0
    late = sum(
        count
        for bound, count in zip((*ages["bounds"], float("inf")), ages["counts"], strict=True)
        if bound > LATE
    )
    # The distribution counts held messages too.
    return int(min(late, queue["messages"] - (queue["held"] or 0)))


def _main_reason(reasons: dict[str, int]) -> tuple[str, str]:
    if not reasons:
        return "", ""
    reason = max(reasons, key=lambda each: reasons[each])
    if not reasons[reason]:
        return "", ""
    share = 100 * reasons[reason] // sum(reasons.values())
    advice = ADVICE.get(reason)
    return (f"; main reason: {words(reason)} ({share} %)", advice.action if advice is not None else "")


def words(reason: str) -> str:
    """A reason class as people write it."""
    return reason.replace("_", " ").replace("dns", "DNS").replace("tls", "TLS").replace("smtp", "SMTP")


def _messages(count: int) -> str:
    return f"{count:,} message{'s' if count != 1 else ''}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _wait(count: int) -> str:
    return "wait" if count != 1 else "waits"
