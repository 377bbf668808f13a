"""A glance at a spool counts what a whole reading counts, without opening files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.glance import GlanceReader
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.postfix.queue_id import short_id
from smtpq_exporter.mta.postfix.queue_spool import PostfixSpool
from smtpq_exporter.mta.postfix.write import queue_file
from smtpq_exporter.reasons import Classifier
from tests.checks.queues import FakeQueue


def both(queue: Path) -> tuple[QueueSnapshot, QueueSnapshot]:
    """The same spool read in both ways at one moment."""
    layout, now = PostfixSpool(str(queue), Classifier()), time.time()
    readers = GlanceReader(layout), SpoolReader(layout)
    glance, whole = (reader.read(now, time.monotonic() + 30) for reader in readers)
    return glance, whole


def test_counts_and_ages_agree() -> None:
    """Messages, ages, held and left out ones are those of the whole reading; sizes, reasons are unknown."""
    with FakeQueue() as queue:
        queue.folders()
        queue.put("deferred", 9000, 40)
        queue.put("deferred", 500_000, 3)
        queue.put("hold", 70, 5)
        queue.put("active", 5, 2)
        queue.put("incoming", 1, 4)
        first, second, *_ = (queue.queue / "incoming").iterdir()
        first.chmod(0o600)  # still being written
        second.chmod(0o400)  # corrupt
        (queue.queue / "deferred" / "README").write_text("x")
        glance, whole = both(queue.queue)
        old = queue.queue / "deferred" / "A"
        old.mkdir(exist_ok=True)
        name = old / short_id(0xABCDE, 77).decode()
        name.write_bytes(queue_file(time.time() - 7777, b"a@s.example", [b"b@d.example"]).data)
        name.chmod(0o700)
        again, _ = both(queue.queue)
    for name, stats in whole.queues.items():
        seen = glance.queues[name]
        assert (seen.messages, seen.held) == (stats.messages, stats.held)
        assert seen.oldest_arrival == stats.oldest_arrival
        assert seen.ages == stats.ages
        assert seen.arrivals == stats.arrivals
        assert seen.bytes is seen.recipients is seen.sizes is None
    assert glance.queues["corrupt"].messages == 1
    assert glance.skipped == whole.skipped == {"incomplete": 1, "foreign_name": 1}
    assert (glance.reasons, glance.destinations) == ({}, ())
    # a short id does not tell its arrival: that file is opened
    assert again.queues["deferred"].messages == 44
    assert again.queues["deferred"].arrivals.older_than(7700, again.taken_at) == 44
    assert again.queues["deferred"].arrivals.older_than(8500, again.taken_at) == 43


def test_moved_meanwhile_counts_once() -> None:
    """The same id in two queues is one message, in the later of them."""
    with FakeQueue() as queue:
        queue.folders()
        queue.put("active", 60, 1)
        [path] = (queue.queue / "active").iterdir()
        (queue.queue / "deferred" / "0").mkdir()
        (queue.queue / "deferred" / "0" / path.name).hardlink_to(path)
        glance, _ = both(queue.queue)
    assert glance.queues["active"].messages == 0
    assert glance.queues["deferred"].messages == 1


def test_missing_directory_fails() -> None:
    """A spool without its queues is no empty queue."""
    with FakeQueue() as queue, pytest.raises(SourceError, match="no such queue directory"):
        GlanceReader(PostfixSpool(str(queue.queue), Classifier())).read(time.time(), time.monotonic() + 30)


def test_deadline() -> None:
    """A deadline that has passed is a fault of kind timeout."""
    with FakeQueue() as queue:
        queue.folders()
        queue.put("deferred", 10, 3)
        with pytest.raises(SourceError) as caught:
            GlanceReader(PostfixSpool(str(queue.queue), Classifier())).read(time.time(), time.monotonic() - 1)
    assert caught.value.kind == "timeout"
