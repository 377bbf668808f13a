"""The one JSON shape that all faces read."""

from __future__ import annotations

import json
from typing import Any

from smtpq_exporter import view
from smtpq_exporter.model import QueueSnapshot, QueueStats, Sample, State
from tests.states import NOW, sample, state, stats

MTA_KEYS = {
    "mta",
    "instance",
    "up",
    "version",
    "sources",
    "queue",
    "log",
    "before",
    "filesystem",
    "processes",
    "history",
}


def test_it_is_json_and_complete() -> None:
    """Every key is there, everything is plain JSON without NaN."""
    made = view.as_json(state(), NOW, 600.0)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert {
        "version",
        "time",
        "demo",
        "started_at",
        "config_reload_ok",
        "host",
        "host_source",
        "mtas",
    } == set(made)
    assert set(made["mtas"][0]) == MTA_KEYS
    assert set(made["mtas"][0]["queue"]["queues"]["deferred"]) == {
        "oldest_waiting_age_seconds",
        "older_held",
        "messages",
        "recipients",
        "bytes",
        "oldest_arrival",
        "oldest_age_seconds",
        "held",
        "retry_due",
        "incoming_per_second",
        "outgoing_per_second",
        "older",
        "ages",
        "sizes",
    }


def test_a_key_is_never_missing() -> None:
    """What is not known is null, in the same place."""
    made = view.as_json(State(taken_at=NOW, samples=(Sample("exim", "exim"),)), NOW)
    assert made["host"] is None
    entry = made["mtas"][0]
    assert set(entry) == MTA_KEYS
    for key in ("up", "version", "queue", "log", "filesystem", "processes"):
        assert entry[key] is None
    assert (entry["sources"], entry["history"]) == ([], [])


def test_ages_are_those_of_now() -> None:
    """The age grows with the given moment."""
    queue: dict[str, Any] = view.as_json(state(), NOW + 10)["mtas"][0]["queue"]["queues"]["deferred"]
    assert queue["oldest_age_seconds"] == 147_610.0


class Arrivals:
    """Arrival times as QueueStats may carry them."""

    def older_than(self, seconds: float, now: float) -> int:
        """A number that depends on both."""
        return int(seconds + now - NOW)


def test_older_messages() -> None:
    """Messages older than an age are counted exactly where the source kept the times; else not known."""

    def older(one: QueueStats, min_age: float | None) -> object:
        given = state(sample(queue=QueueSnapshot(NOW, "spool", {"deferred": one})))
        return view.as_json(given, NOW + 1, min_age)["mtas"][0]["queue"]["queues"]["deferred"]["older"]

    assert older(stats(5, 100.0, arrivals=Arrivals()), 60.0) == 61
    assert older(stats(5, 100.0, arrivals=Arrivals()), None) is None
    assert older(stats(5, 100.0), 60.0) is None
    assert older(stats(0), 60.0) == 0


def test_counts_are_not_cumulative() -> None:
    """The distribution has one count for each bound, and one more."""
    ages = view.as_json(state(), NOW)["mtas"][0]["queue"]["queues"]["deferred"]["ages"]
    assert len(ages["counts"]) == len(ages["bounds"]) + 1
    assert sum(ages["counts"]) == 97
