"""The aggregate equals what one would count by hand, whatever went in and out."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter import aggregate
from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.model import AGE_BUCKETS, SIZE_BUCKETS, Message

QUEUES = ("incoming", "deferred", "hold")
NOW = 1_795_000_000.0
DOMAINS = st.sampled_from(["a.example", "b.example", "c.example", "other", "(none)"])
MESSAGES = st.builds(
    Message,
    queue=st.sampled_from(QUEUES),
    queue_id=st.text("ABC", min_size=1, max_size=3),
    arrival=st.integers(1_794_000_000, 1_795_000_100),
    size=st.one_of(st.integers(0, 100_000), st.integers(0, 2**63 - 1)),
    sender_domain=st.one_of(st.just(""), DOMAINS),
    domains=st.lists(DOMAINS, max_size=4).map(tuple),
    reasons=st.lists(st.sampled_from(["greylisted", "unknown"]), max_size=2).map(tuple),
    next_retry=st.one_of(st.none(), st.integers(1_794_999_900, 1_795_000_100)),
    held=st.booleans(),
    forced_expiry=st.booleans(),
)


@given(st.lists(MESSAGES, max_size=30), st.lists(MESSAGES, max_size=10))
def test_the_snapshot_is_what_a_count_by_hand_gives(kept: list[Message], gone: list[Message]) -> None:
    """Messages put in, less those taken out, are counted in every sum."""
    aggregator = Aggregator(QUEUES, top=2)
    for message in [*gone, *kept]:
        aggregator.add(message)
    for message in gone:
        aggregator.remove(message)
    found = aggregator.snapshot(NOW, "test", skipped={"vanished": 0, "duplicate": 1})
    assert tuple(found.queues) == QUEUES
    for name, queue in found.queues.items():
        mine = [message for message in kept if message.queue == name]
        assert queue.messages == len(mine)
        assert queue.recipients == sum(len(message.domains) for message in mine)
        assert queue.bytes == sum(message.size for message in mine)
        assert queue.oldest_arrival == min((message.arrival for message in mine), default=None)
        assert queue.held == sum(message.held for message in mine)
        retries = [message.next_retry for message in mine if message.next_retry is not None]
        assert queue.retry_due == sum(retry <= NOW for retry in retries)
        assert queue.ages is not None
        assert queue.sizes is not None
        assert queue.arrivals is not None
        assert queue.ages.bounds == AGE_BUCKETS
        assert queue.ages.total == sum(max(0.0, NOW - message.arrival) for message in mine)
        assert queue.sizes.bounds == SIZE_BUCKETS
        assert queue.sizes.count == queue.ages.count == queue.arrivals.count == len(mine)
        assert queue.arrivals.older_than(600, NOW) == sum(NOW - message.arrival > 600 for message in mine)
    domains = Counter(domain for message in kept for domain in set(message.domains))
    assert sum(n for _, n in found.destinations) == sum(domains.values())
    for domain, n in found.destinations:
        assert domain == "other" or n == domains[domain]
    assert sum(n for _, n in found.senders) == len(kept)
    assert Counter(found.reasons) == Counter(reason for message in kept for reason in message.reasons)
    assert found.forced_expiry == sum(message.forced_expiry for message in kept)
    assert found.skipped == {"duplicate": 1}


@given(st.lists(MESSAGES, min_size=1, max_size=40), st.integers(0, 5))
def test_many_at_once_are_the_same_as_one_by_one(messages: list[Message], most: int) -> None:
    """Of several queues, with facts that many share, and more of them than are added up at a time."""
    alone, together = Aggregator(QUEUES), Aggregator(QUEUES)
    entries = [alone.add(message) for message in messages]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregate, "_MOST_FACTS", most)
        together.put_all(entries)
        together.put_all(())
        assert together.snapshot(NOW, "test") == alone.snapshot(NOW, "test")
        together.put_all(entries)
        for entry in entries:
            together.take(entry)
        assert together.snapshot(NOW, "test") == alone.snapshot(NOW, "test")


def test_the_top_is_sorted_and_the_rest_is_other() -> None:
    """Most first, ties by name, then the rest under one name; a domain named "other" goes into the rest."""
    aggregator = Aggregator(QUEUES, top=2)
    for count, domain in enumerate(("d.example", "b.example", "a.example", "c.example", "other")):
        for number in range((count + 4) // 2):
            aggregator.add(Message("deferred", f"{count}{number}", 0, 0, domain, (domain,)))
    found = aggregator.snapshot(NOW, "test")
    assert found.destinations == (("a.example", 3), ("c.example", 3), ("other", 8))
    assert [name for name, _ in found.destinations] == [name for name, _ in found.senders]
    names = [name for name, _ in found.destinations]
    assert len(names) == len(set(names))


def test_ties_go_by_name() -> None:
    """Of equally frequent domains those that come first in the alphabet are named, so that series stay."""
    aggregator = Aggregator(QUEUES, top=2)
    for domain in ("c.example", "a.example", "b.example"):
        aggregator.add(Message("deferred", domain, 0, 0, "", (domain,)))
    assert aggregator.snapshot(NOW, "test").destinations == (("a.example", 1), ("b.example", 1), ("other", 1))


def test_the_null_sender_has_a_name_of_its_own() -> None:
    """Bounces are shown as "<>", never as an empty label."""
    aggregator = Aggregator(QUEUES)
    aggregator.add(Message("deferred", "A", 0, 0, "", ("a.example",)))
    assert aggregator.snapshot(NOW, "test").senders == (("<>", 1),)


def test_several_recipients_in_one_domain_are_one_message_there() -> None:
    """Destinations count messages, recipients count recipients."""
    aggregator = Aggregator(QUEUES)
    aggregator.add(Message("deferred", "A", 0, 0, "", ("a.example", "a.example", "b.example")))
    found = aggregator.snapshot(NOW, "test")
    assert found.destinations == (("a.example", 1), ("b.example", 1))
    assert found.queues["deferred"].recipients == 3


def test_what_a_source_cannot_see_is_absent() -> None:
    """Queues not shown are missing, retries and forced expiry not shown are None, and an empty queue is 0."""
    found = Aggregator(QUEUES).snapshot(NOW, "test", shown=("deferred",), retries=False, forced=False)
    assert tuple(found.queues) == ("deferred",)
    assert found.queues["deferred"].retry_due is None
    assert found.forced_expiry is None
    assert found.queues["deferred"].messages == 0
    assert found.queues["deferred"].oldest_arrival is None


def test_a_future_arrival_has_age_zero() -> None:
    """A clock that was wrong gives no negative age."""
    aggregator = Aggregator(QUEUES)
    aggregator.add(Message("deferred", "A", int(NOW) + 5000, 0))
    found = aggregator.snapshot(NOW, "test").queues["deferred"]
    assert found.ages is not None
    assert found.ages.total == 0
    assert found.ages.counts[0] == 1


def test_a_message_of_an_unknown_queue_is_an_error() -> None:
    """A parser that invents queues is noticed."""
    with pytest.raises(KeyError):
        Aggregator(QUEUES).add(Message("nowhere", "A", 0, 0))
