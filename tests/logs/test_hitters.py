"""The top destinations: bounded, complete, steady."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.hitters import CANDIDATES, StreamSummary, TopDomains, label
from smtpq_exporter.model import OTHER

NAMES = st.sampled_from([f"d{n}.example" for n in range(40)] + ["", OTHER])
STREAM = st.lists(st.tuples(NAMES, st.integers(0, 3)), max_size=400)


@settings(deadline=None)
@given(STREAM)
def test_sums_agree_and_nothing_falls(stream: list[tuple[str, int]]) -> None:
    """At each moment the counts are all deliveries, OTHER never falls, and no more than `top` domains are
    named.
    """
    domains = TopDomains(5)
    seen: Counter[int] = Counter()
    before: dict[tuple[str, str], int] = {}
    for name, status in stream:
        domains.add(name, status)
        seen[status] += 1
        counts = domains.counts()
        assert sum(counts.values()) == seen.total()
        assert len({domain for domain, _ in counts} - {OTHER}) <= 5
        assert all(
            counts.get(key, 0) >= n for key, n in before.items() if key[0] == OTHER or key[0] in domains.rows
        )
        before = counts


@settings(max_examples=40, deadline=None)
@given(STREAM, st.integers(0, 400))
def test_a_restart_changes_nothing(stream: list[tuple[str, int]], cut: int) -> None:
    """Restored from its JSON, it goes on exactly as if nothing had happened."""
    whole, part = TopDomains(3), TopDomains(3)
    for name, status in stream:
        whole.add(name, status)
    for name, status in stream[:cut]:
        part.add(name, status)
    part = TopDomains.restore(json.loads(json.dumps(part.state())), 3)
    for name, status in stream[cut:]:
        part.add(name, status)
    assert part.state() == whole.state()
    assert part.known == {name.encode(): row for name, row in part.rows.items()}


@settings(deadline=None)
@given(STREAM)
@example([(f"d{n}.example", 0) for n in (0, 1, 2, *[3] * 30, 0, 1, 2, 3)])  # the fourth pushes one of the three out
def test_the_hot_loop_counts_the_same(stream: list[tuple[str, int]]) -> None:
    """Rows that it keeps until it is told that they are others now."""
    one_by_one, hot = TopDomains(3), TopDomains(3)
    rows: dict[str, list[int] | None] = {}
    for name, status in stream:
        one_by_one.add(name, status)
        row = rows.setdefault(name, hot.known.get(name.encode()))
        if row is not None:
            row[status] += 1
        elif hot.add(name, status):
            rows.clear()
        assert hot.state() == one_by_one.state()


def test_a_stream_of_new_names_moves_nobody_and_stays_bounded() -> None:
    """Random subdomains of an attacker neither enter the series nor grow the memory."""
    domains = TopDomains(10)
    for n in range(10):
        domains.add(f"d{n}.example", 0, 50)
    for n in range(20_000):
        domains.add(f"{n}.attack.example", 1)
    assert set(domains.rows) == {f"d{n}.example" for n in range(10)}
    assert len(domains._candidates.names) <= CANDIDATES * 10
    assert domains.counts()[OTHER, "deferred"] == 20_000


def test_equals_do_not_push_each_other_out() -> None:
    """Domains of about the same weight change places only once one is far ahead: series do not churn."""
    domains = TopDomains(3)
    changes, inside = 0, set()
    for n in range(3000):
        domains.add(f"d{n % 6}.example", 0)
        changes += len(set(domains.rows) - inside)
        inside = set(domains.rows)
    assert changes <= 6


def test_a_new_great_destination_gets_in() -> None:
    """Whoever outweighs the weakest by far takes its place, even where that one was great long ago."""
    domains = TopDomains(2)
    domains.add("old.example", 0, 500_000)
    domains.add("steady.example", 0, 900_000)
    for n in range(600_000):
        domains.add("new.example", 0)
        if n % 2:
            domains.add("steady.example", 0)
    assert set(domains.rows) == {"new.example", "steady.example"}
    assert domains.counts()[OTHER, "sent"] >= 500_000


def test_fewer_wanted_after_a_restart() -> None:
    """With a smaller `top` the lightest leave their counts to OTHER."""
    domains = TopDomains(3)
    for name, times in (("a.example", 5), ("b.example", 9), ("c.example", 7)):
        domains.add(name, 0, times)
    smaller = TopDomains.restore(domains.state(), 1)
    assert smaller.counts() == {("b.example", "sent"): 9, (OTHER, "sent"): 12}


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdefghij"), max_size=300))
def test_space_saving_never_counts_too_little(stream: list[str]) -> None:
    """Every count is at least the truth, at most the truth and its error, and frequent names are present."""
    summary = StreamSummary(4)
    for name in stream:
        summary.add(name)
    truth = Counter(stream)
    for name, (count, error, _) in summary.names.items():
        assert count - error <= truth[name] <= count
    assert {name for name, n in truth.items() if n > len(stream) / 4} <= set(summary.names)


def test_only_plain_names_are_labels() -> None:
    """No IP address, literal, free text or foreign script becomes a label."""
    good = {b"Example.COM.": "example.com", b"xn--bcher-kva.example": "xn--bcher-kva.example", b"lan": "lan"}
    assert {name: label(name) for name in good} == good
    bad = (
        b"",
        b"192.0.2.1",
        b"[192.0.2.1]",
        b"a b",
        b"b\xc3\xbccher.example",
        b'x"}',
        b"a" * 300,
        b"-a.example",
    )
    assert {label(name) for name in bad} == {""}
