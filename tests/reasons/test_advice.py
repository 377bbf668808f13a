"""Advice is complete, and the documentation is printed from it."""

from __future__ import annotations

from pathlib import Path

from smtpq_exporter.reasons import ADVICE, CAUSES, REASONS
from smtpq_exporter.reasons.reference import markdown

ROOT = Path(__file__).parent.parent.parent


def test_complete() -> None:
    """Each class has a cause and advice of whole sentences, and there is no advice for anything else."""
    assert tuple(ADVICE) == REASONS == tuple(CAUSES)
    for reason, advice in ADVICE.items():
        for part in advice:
            assert part[0].isupper(), reason
            assert part.endswith("."), reason
            assert "  " not in part, reason


def test_causes() -> None:
    """There are 26 classes, and the first seven causes are those that mail operators name."""
    assert len(REASONS) == 26
    assert set(CAUSES.values()) == {
        "volume", "dns_network", "greylisting", "blocklisting", "configuration", "host", "recipient_server",
        "authentication", "unknown",
    }


def test_page_agrees() -> None:
    """docs/reasons.md is what the rules and the advice say now (make docs)."""
    assert (ROOT / "docs" / "reasons.md").read_text("utf-8") == markdown()
