"""The counters of a log: what counts for what, and across a restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.delays import PENDING, DelayHistogram, FinalDelays
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import DELAY_BUCKETS, STATUSES, LogEvent
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.reasons import Classifier
from tests.logs import golden

LINES = golden.lines("postfix")
CLASSIFIER = Classifier()


@settings(deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=60), st.integers(0, 60))
def test_a_restart_in_between_changes_no_counter(lines: list[bytes], cut: int) -> None:
    """Fed in two lives with the state saved as JSON between them, the counters are those of one life."""
    whole, part = Tally(4), Tally(4)
    PostfixLog(whole, CLASSIFIER).feed(lines)
    PostfixLog(part, CLASSIFIER).feed(lines[:cut])
    part = Tally.restore(json.loads(json.dumps(part.state())), 4)
    PostfixLog(part, CLASSIFIER).feed(lines[cut:])
    assert part.freeze(1.8e9) == whole.freeze(1.8e9)
    assert part.delays.pending.keys() == whole.delays.pending.keys()


STATE = Tally().state()


@pytest.mark.parametrize("state", [{}, {"format": 2}, {**STATE, "cells": None}, {**STATE, "lines": {}}])
def test_a_foreign_state_is_refused(state: dict) -> None:
    """What is no state of this program raises, so that the pump can set it aside."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Tally.restore(state)


def test_facts_of_the_following_go_into_the_value() -> None:
    """freeze() takes what only the follower knows."""
    tally = Tally().freeze(9.0, lag_bytes=7, rotations=2, last_line=5.0)
    assert (tally.taken_at, tally.lag_bytes, tally.rotations, tally.last_line) == (9.0, 7, 2, 5.0)


def test_destinations_and_deliveries_are_the_same_attempts() -> None:
    """For each status the counts of all domains and OTHER are the deliveries."""
    tally = Tally(2)
    PostfixLog(tally, CLASSIFIER).feed(LINES)
    frozen = tally.freeze(0)
    for status in STATUSES:
        assert sum(n for (_, s), n in frozen.destinations.items() if s == status) == frozen.deliveries[status]
    assert sum(frozen.deferrals.values()) == frozen.deliveries["deferred"]
    assert sum(frozen.bounces.values()) == frozen.deliveries["bounced"]


def test_repeated_events_count_as_often() -> None:
    """`repeat` multiplies."""
    tally = Tally()
    tally.add(
        LogEvent("attempt", status="deferred", reason="greylisted", recipient_domain="a.example", repeat=5)
    )
    tally.add(LogEvent("connection", repeat=3))
    assert tally.freeze(0).deferrals == {("greylisted", False): 5}
    assert tally.connections == 3


def test_kinds_outside_the_closed_sets_are_other() -> None:
    """A warning or protocol that is not in the set cannot become a label."""
    tally = Tally()
    tally.add(LogEvent("warning", kind="made up"))
    tally.add(LogEvent("tls", kind="TLSv9.9"))
    assert tally.freeze(0).warnings["other"] == 1
    assert tally.freeze(0).tls == {"other": 1}


def test_pending_deliveries_are_bounded_and_not_lost() -> None:
    """Beyond the bound the oldest messages are counted early; every message is counted once."""
    delays = FinalDelays()
    for n in range(PENDING + 100):
        delays.delivered(b"%d" % n, b"1/1/0/0/0")
    assert PENDING // 2 < len(delays.pending) <= PENDING
    for n in range(PENDING + 100):
        delays.removed(b"%d" % n)
    latency, stages = delays.freeze()
    assert latency.count == stages["in_queue"].count == PENDING + 100


def test_ways_of_one_part_and_of_five_may_mix() -> None:
    """A mail server that tells only the whole delay feeds the latency alone."""
    delays = FinalDelays()
    delays.done([b"1", b"2/1/0/0/1", b"elay=3elays=1/1/0/1", b"", b"4/x/y/z/0"])
    latency, stages = delays.freeze()
    assert (latency.count, latency.total) == (3, 6.0)
    assert stages["before_queue"].count == 2


@settings(deadline=None)
@given(st.lists(st.decimals(0, 999999, places=2)))
def test_sums_are_exact_whatever_the_order(values: list) -> None:
    """Two orders of the same delays give the same histogram to the last digit."""
    texts = [str(value).encode() for value in values]
    one, two = DelayHistogram(), DelayHistogram()
    one.feed(texts)
    for text in reversed(texts):
        two.feed([text])
        two.freeze()
    assert one.freeze() == two.freeze()
    assert DelayHistogram.restore(one.state()).freeze() == one.freeze()


def test_edges_belong_to_their_bucket() -> None:
    """A value equal to an edge lies in the bucket of that edge."""
    histogram = DelayHistogram()
    histogram.feed(str(edge).encode() for edge in DELAY_BUCKETS)
    assert histogram.freeze().counts == (*([1] * len(DELAY_BUCKETS)), 0)


def test_the_parts_of_a_log_keep_what_is_still_waiting() -> None:
    """Messages that still have recipients are kept when parts are put together, but those that ended later."""
    first, later = Tally(), Tally()
    first.waiting = {b"A": 2, b"B": 1, b"C": 1}
    later.waiting = {b"D": 3}
    first.merge(later, ended=[b"B"], gone=[b"C"])
    assert first.waiting == {b"A": 2, b"D": 3}
