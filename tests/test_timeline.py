"""The multiset of seconds answers exactly, whatever goes in and out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.model import AGE_BUCKETS
from smtpq_exporter.timeline import Timeline, TimelineBuilder

SECONDS = st.one_of(st.integers(0, 5000), st.integers(1_795_000_000, 1_795_003_000), st.just(2**32 - 1))


def built(seconds: list[int]) -> TimelineBuilder:
    """A builder with these in it."""
    builder = TimelineBuilder()
    builder.extend(seconds)
    return builder


def plain(seconds: list[int]) -> Timeline:
    """The timeline of these."""
    return built(seconds).freeze()


@given(st.lists(SECONDS, max_size=300), SECONDS)
def test_until_counts_like_a_list(seconds: list[int], edge: int) -> None:
    """until(x) is the number of values <= x."""
    timeline = plain(seconds)
    assert timeline.until(edge) == sum(second <= edge for second in seconds)
    assert timeline.count == len(seconds)
    assert timeline.first() == min(seconds, default=None)
    assert dict(timeline.items()) == {second: seconds.count(second) for second in seconds}


@given(st.lists(SECONDS, max_size=200), st.floats(0, 20_000), st.floats(0, 2e9))
def test_older_than_counts_ages(seconds: list[int], age: float, now: float) -> None:
    """older_than(s, now) is the number of values whose age, at least 0, is more than s."""
    assert plain(seconds).older_than(age, now) == sum(max(0.0, now - second) > age for second in seconds)


@given(st.lists(SECONDS, max_size=200), st.integers(0, 2_000_000_000))
def test_ages_fill_the_histogram(seconds: list[int], now: int) -> None:
    """Each age is in the first bucket whose edge is not below it; the sum is that of all ages."""
    counts, total = plain(seconds).ages(AGE_BUCKETS, float(now))
    ages = [max(0, now - second) for second in seconds]
    edges = [*AGE_BUCKETS, math.inf]
    wanted = [0] * len(edges)
    for age in ages:
        wanted[next(i for i, edge in enumerate(edges) if age <= edge)] += 1
    assert list(counts) == wanted
    assert total == sum(ages)


@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=400))
def test_what_is_taken_out_is_gone(steps: list[tuple[int, bool]]) -> None:
    """After any puts and takes the timeline equals one made of what is left; frozen ones never change."""
    builder, left = TimelineBuilder(), []
    frozen = []
    for number, (second, put) in enumerate(steps):
        if put or not left:
            builder.extend((second,))
            left.append(second)
        else:
            builder.remove(left.pop(second % len(left)))
        if number % 50 == 0:
            frozen.append((builder.freeze(), sorted(left)))
    assert builder.freeze() == plain(left)
    for timeline, values in frozen:
        assert [second for second, n in timeline.items() for _ in range(n)] == values


def test_many_in_one_second_and_many_in_one_block() -> None:
    """A block that grows from a list to counts and shrinks again keeps every value."""
    values = [1_000_000 + i % 1000 for i in range(5000)]
    builder = built(values)
    first = builder.freeze()
    for value in values[:4000]:
        builder.remove(value)
    assert builder.freeze() == plain(values[4000:])
    assert first == plain(values)
    assert first != builder.freeze()
    assert first != "something else"


def test_an_unchanged_builder_gives_the_same_object() -> None:
    """Freezing costs nothing while nothing changes."""
    builder = built([5, 6])
    assert builder.freeze() is builder.freeze()
    assert "count=2" in repr(builder.freeze())


@pytest.mark.parametrize("second", [4, 5000])
def test_taking_out_what_is_not_in_is_an_error(second: int) -> None:
    """A wrong removal is noticed at once and changes nothing."""
    builder = built([5])
    with pytest.raises(ValueError, match="no "):
        builder.remove(second)
    assert builder.freeze() == plain([5])
