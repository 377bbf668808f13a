"""The advice of advice.py (one room up, where the plugins find it without this one) by the names of its parts."""

from __future__ import annotations

from typing import NamedTuple

from smtpq_exporter.advice import TEXTS


class Advice(NamedTuple):
    """One sentence or two each, no markup: `meaning`, `heals` (what happens if nobody acts), `action` (what
    to do).
    """

    meaning: str
    heals: str
    action: str


ADVICE: dict[str, Advice] = {reason: Advice(*texts) for reason, texts in TEXTS.items()}
