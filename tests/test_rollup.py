"""Rows of queues become a snapshot, and what no row tells stays unknown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.mta.report import CATEGORIES, STATES, Report, Row
from smtpq_exporter.rollup import roll_up

QUEUES, ASIDES = ("a", "b"), ("copies",)
NOW = 1000.0
ROWS = st.builds(
    Row, queue=st.sampled_from((*QUEUES, *ASIDES)), messages=st.integers(0, 50),
    domain=st.sampled_from(("", "x", "y")),
    category=st.sampled_from(CATEGORIES), state=st.sampled_from(STATES), held=st.none() | st.integers(0, 5),
    oldest=st.none() | st.floats(1, NOW), next_retry=st.none() | st.floats(1, 2 * NOW),
    incoming=st.none() | st.floats(0, 9), outgoing=st.none() | st.floats(0, 9),
)


@given(st.lists(ROWS, max_size=20), st.integers(0, 3))
def test_sums_agree_and_gaps_stay_gaps(rows: list[Row], top: int) -> None:
    """Each sum is that of its rows, is None if a row with mail does not tell, and no part of the copies."""
    found = roll_up(Report(tuple(rows)), NOW, "x", queues=QUEUES, asides=ASIDES, top=top)
    for name, stats in {**found.queues, **found.aside}.items():
        mine = [row for row in rows if row.queue == name]
        full = [row for row in mine if row.messages]
        assert stats.messages == sum(row.messages for row in mine)
        assert (stats.held is None) == any(row.held is None for row in full)
        assert (stats.incoming is None) == any(row.incoming is None for row in mine)
        assert (stats.recipients, stats.bytes) == ((None, None) if full else (0, 0))
        assert stats.oldest_arrival is None or all(row.oldest is not None for row in full)
        if stats.retry_due is not None:
            assert all(row.state == "retry" and row.next_retry is not None for row in full)
            assert stats.retry_due <= stats.messages
    counted = [row for row in rows if row.queue in QUEUES]
    assert sum(messages for _, messages in found.next_hops.values()) == sum(row.messages for row in counted)
    assert sum(n for _, n in found.destinations) == sum(row.messages for row in counted if row.domain)
    assert len(found.destinations) <= top + 1


def test_the_first_of_all_counts_where_it_lies() -> None:
    """The oldest of all makes the age of its kind known, although a queue of it was not asked."""
    rows = (Row("a", 1, oldest=900.0), Row("a", 1), Row("b", 1))
    first = roll_up(Report(rows, first=(1, 800.0)), NOW, "x", queues=QUEUES).queues
    assert (first["a"].oldest_arrival, first["b"].oldest_arrival) == (800, None)
