"""Held mail waits for an operator: the view tells the oldest message that waits for its delivery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter import view
from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.model import Message, Sample, State

NOW = 1_800_000_000.0
messages = st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=30)


@given(messages, st.integers(0, 30), st.integers(0, 500))
def test_oldest_waiting(made: list[tuple[int, bool]], gone: int, min_age: int) -> None:
    """Whatever came and went, it is the greatest age of those not held; `older_held` counts the others."""
    aggregator = Aggregator(("default",))
    entries = [aggregator.add(Message("default", str(n), int(NOW) - age, 100, held=held))
               for n, (age, held) in enumerate(made)]
    for entry in entries[:gone]:
        aggregator.take(entry)
    left = made[gone:]
    state = State(NOW, (Sample("exim", "exim", queue=aggregator.snapshot(NOW, "spool")),))
    queue = view.as_json(state, NOW, min_age)["mtas"][0]["queue"]["queues"]["default"]
    assert queue["oldest_waiting_age_seconds"] == max((age for age, held in left if not held), default=None)
    assert queue["older_held"] == sum(1 for age, held in left if held and age > min_age)
    assert queue["older"] == sum(1 for age, _ in left if age > min_age)
