"""The texts of tests/golden/reasons/own.jsonl: written by hand after documented formats, with the class we
want.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from smtpq_exporter.reasons import Classifier

GOLDEN = Path(__file__).parent.parent / "golden" / "reasons"


@cache
def own() -> tuple[dict[str, Any], ...]:
    """Return the items: id, text, code, enhanced, reason, also_accepted."""
    return tuple(json.loads(line) for line in (GOLDEN / "own.jsonl").read_text("utf-8").splitlines())


@cache
def classifier() -> Classifier:
    """Return one classifier for all tests that do not look at its memory."""
    return Classifier()
