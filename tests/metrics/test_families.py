"""State -> families: what has a series and what has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smtpq_exporter.metrics.exposition import TEXT, encode
from smtpq_exporter.metrics.families import collectors, families
from smtpq_exporter.model import Filesystem, HostSample, QueueSnapshot, QueueStats, State
from smtpq_exporter.reasons import REASONS
from tests.states import NOW, QUEUES, sample, snapshot, source, state, stats


def series(given: State, name: str, now: float = NOW, only: frozenset[str] | None = None) -> dict[Any, float]:
    """Samples of one name: {values of their labels: value}."""
    return {
        tuple(one.labels.values()): one.value
        for family in families(given, now, only)
        for one in family.samples
        if one.name == name
    }


def test_known_queues_are_zero_filled_and_an_empty_one_has_no_age() -> None:
    """An empty queue is a visible 0 and has no oldest message."""
    given = state(sample(queue=snapshot(deferred=stats(5, 100.0))))
    messages = series(given, "smtpq_queue_messages")
    assert {key[2]: value for key, value in messages.items() if key[2] != "shadow"} == {
        **dict.fromkeys(QUEUES, 0), "deferred": 5}
    assert [key[2] for key in series(given, "smtpq_queue_oldest_message_age_seconds")] == ["deferred"]


def test_ages_are_computed_at_rendering() -> None:
    """A snapshot that is shown later shows a later age, and a clock set back gives no negative one."""
    given = state(sample(queue=snapshot(deferred=stats(1, 100.0))))
    key = ("postfix", "postfix", "deferred")
    assert series(given, "smtpq_queue_oldest_message_age_seconds", NOW + 7)[key] == 107
    assert series(given, "smtpq_queue_oldest_message_age_seconds", NOW - 500)[key] == 0


def test_what_a_source_cannot_tell_is_left_out() -> None:
    """None never becomes 0 on its way."""
    blind = QueueStats(messages=4, recipients=None, bytes=None, held=None, retry_due=None)
    given = state(sample(queue=QueueSnapshot(NOW, "listing", {"default": blind})))
    assert series(given, "smtpq_queue_messages") == {("postfix", "postfix", "default"): 4}
    for name in (
        "recipients",
        "bytes",
        "held_messages",
        "retry_due_messages",
        "message_age_seconds_bucket",
        "deferred_recipients",
        "forced_expiry_messages",
    ):
        assert series(given, f"smtpq_queue_{name}") == {}, name


def test_buckets_are_cumulative_and_end_in_inf() -> None:
    """Counts of one bucket each become counts of all up to its edge, canonical edges, +Inf = all."""
    given = state(sample(queue=snapshot(deferred=stats(5, 100.0))))
    buckets = {
        key[3]: value
        for key, value in series(given, "smtpq_queue_message_age_seconds_bucket").items()
        if key[2] == "deferred"
    }
    assert buckets["60.0"] == 0
    assert buckets["300.0"] == 5
    assert buckets["432000.0"] == 5
    assert list(buckets)[-1] == "+Inf"
    assert buckets["+Inf"] == 5


def test_reasons_are_zero_filled_where_the_source_shows_any() -> None:
    """All reason classes have a series as soon as one is known, so that a rate sees the first failure."""
    assert {key[2] for key in series(state(), "smtpq_queue_deferred_recipients")} == set(REASONS)
    deferrals = series(state(), "smtpq_log_deferrals_total")
    assert {key[2:] for key in deferrals} == {(r, s) for r in REASONS for s in ("true", "false")}
    assert deferrals["postfix", "postfix", "greylisted", "false"] == 1000
    assert series(state(), "smtpq_log_deliveries_total")["postfix", "postfix", "expired"] == 0


def test_collectors_choose_parts() -> None:
    """Each name of ?collect[]= shows its part and no other."""
    other = sample(mta="exim", instance="exim")
    given = state(sample(), other)
    assert collectors(given) == ("exim", "postfix", "host", "exporter")
    assert {key[0] for key in series(given, "smtpq_queue_messages", only=frozenset({"exim"}))} == {"exim"}
    assert series(given, "smtpq_host_load1", only=frozenset({"exim"})) == {}
    assert series(given, "smtpq_host_load1", only=frozenset({"host"})) == {(): 0.5}
    assert series(given, "smtpq_exporter_build_info", only=frozenset({"host"})) == {}
    assert len(series(given, "smtpq_exporter_build_info", only=frozenset({"exporter"}))) == 1


def test_a_file_system_without_inodes_shows_none() -> None:
    """A btrfs says 0 of 0 inodes; that is not "none left"."""
    given = state(sample(filesystem=Filesystem("/q", 100, 50, 0, 0)))
    assert series(given, "smtpq_spool_filesystem_size_bytes") == {("postfix", "postfix", "/q"): 100}
    assert series(given, "smtpq_spool_filesystem_files") == {}
    assert series(given, "smtpq_spool_disk_io_time_seconds_total") == {}


def test_a_host_that_shows_little_shows_little() -> None:
    """Unknown host values are absent."""
    given = state(host=HostSample(NOW))
    assert series(given, "smtpq_host_load1") == {}
    assert series(given, "smtpq_host_pressure_ratio") == {}


def test_a_source_that_was_never_tried_has_no_success() -> None:
    """Before the first reading there is neither success nor failure."""
    fresh = replace(source(), last_attempt=None, last_success=None, duration=None, success=False)
    given = state(sample(sources=(fresh,), queue=None))
    assert [key for key in series(given, "smtpq_source_success") if key[2] == "spool"] == []
    assert ("postfix", "postfix", "spool") in series(given, "smtpq_source_interval_seconds")


def test_a_domain_that_is_called_other() -> None:
    """It is counted with the rest: a series must not stand twice."""
    given = state(
        sample(queue=QueueSnapshot(NOW, "spool", {}, destinations=(("other", 5), ("a", 3), ("other", 2))))
    )
    found = [one for family in families(given, NOW) for one in family.samples if "domain" in one.labels]
    queued = [one for one in found if one.name == "smtpq_queue_destination_messages"]
    assert [(one.labels["domain"], one.value) for one in queued] == [("other", 7), ("a", 3)]


def test_no_series_stands_twice() -> None:
    """Prometheus refuses a whole scrape for one duplicate."""
    given = state(sample(), sample(mta="exim", instance="exim"), sample(instance="out"))
    seen = [
        (one.name, *sorted(one.labels.items())) for family in families(given, NOW) for one in family.samples
    ]
    assert len(seen) == len(set(seen))


def test_names_that_are_no_utf8_can_be_encoded() -> None:
    """A path with other bytes (as surrogates) is written out instead of failing the whole exposition."""
    given = state(sample(instance="caf\udce9", filesystem=Filesystem("/q/\udcff", 1, 1, 1, 1)))
    text = encode(families(given, NOW), TEXT).decode()
    assert r'mta_instance="caf\\udce9"' in text
