"""Text of an SMTP reply or of a mail server -> one of a closed set of reason classes. Pure.

`classify` answers once; a `Classifier` holds the user's rules and the memo of the hot path. The parts:
fold.py (make texts comparable, mask first), unwrap.py (the innermost reply), rules*.py (data, in order),
codes.py (when words say nothing), classifier.py (the decision), advice.py (what each class means and what
to do).
"""

from __future__ import annotations

from functools import cache

from smtpq_exporter.reasons.advice import ADVICE, Advice
from smtpq_exporter.reasons.causes import CAUSES, REASONS
from smtpq_exporter.reasons.classifier import Classifier, Verdict

__all__ = ["ADVICE", "CAUSES", "REASONS", "Advice", "Classifier", "Verdict", "classify"]


@cache
def _classifier() -> Classifier:
    return Classifier()


def classify(text: str | bytes, dsn: str = "") -> Verdict:
    """Classify one text; `dsn` is what the sending mail server itself wrote and is only the last resort."""
    return _classifier().verdict(text, dsn)
