"""Postfix's log: what strangers write. Both ways of reading, line by line: tests/mta/test_log_golden.py."""

from __future__ import annotations

from tests.mta.hostile import HOSTILE
from tests.mta.reading import POSTFIX


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """No delivery to a forged domain, no removal and no size is counted, whatever strangers write."""
    tally = POSTFIX.counted(POSTFIX.golden("forged"))
    assert {domain for domain, _ in tally.destinations} == {"real.example", "greylist.example", "other"}
    assert tally.deliveries == {"sent": 1, "deferred": 9, "bounced": 1, "expired": 1}
    assert tally.removed == 2
    assert tally.received == 1
    assert tally.auth_failures == 4
    assert sum(tally.warnings.values()) == 1


def test_hostile_text_delivers_nothing() -> None:
    """Unbalanced quotes and brackets are no delivery."""
    assert POSTFIX.counted(HOSTILE["postfix"]).deliveries["sent"] == 0
