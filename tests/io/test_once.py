"""A spool that is read once gives what a reading gives that keeps everything for the next."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import once
from smtpq_exporter.io.once import OnceReader
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.mail_server import Mta
from smtpq_exporter.mta.postfix.queue_spool import PostfixSpool
from smtpq_exporter.reasons import Classifier
from tests.checks.queues import FakeQueue
from tests.mta.exim.eximspool import Spool, message_id
from tests.mta.spooled import copy_spool
from tests.mta.test_laws import GOLDEN, NOW, layout_of

SPOOLS = [mta for mta in MTAS.values() if mta.layout is not None]


@pytest.mark.parametrize("listed", [1, 2, 5, once.LISTED])
@pytest.mark.parametrize("mta", SPOOLS, ids=lambda mta: mta.name)
def test_same_snapshot(mta: Mta, tmp_path: Path, listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mail server's golden spool, in every field, also where a directory is held in parts only."""
    monkeypatch.setattr(once, "LISTED", listed)
    root = copy_spool(GOLDEN / mta.name / "spool", tmp_path)
    for place in layout_of(mta, root).roots():
        Path(place.path.decode()).mkdir(parents=True, exist_ok=True)
    found, whole = (kind(layout_of(mta, root)).read(NOW, time.monotonic() + 30) for kind in (OnceReader, SpoolReader))
    assert sum(queue.messages for queue in found.queues.values()) > 0
    assert found == whole


def test_named_queues_and_what_is_left_aside(tmp_path: Path) -> None:
    """Queues that are found on the way are counted, and foreign and broken files are told."""
    spool = Spool(tmp_path / "spool")
    for number in range(30):
        spool.add(message_id(number), "a@d.example", split=bool(number % 2), queue="bulk" if number % 3 else "",
                  frozen=number % 5 == 0, log="x")
    spool.place("").joinpath("README").write_text("x")
    spool.add(message_id(99), "a@d.example").write_text("rubbish")
    layouts = (spool.reader()._layout for _ in range(2))
    found, whole = (kind(layout).read(time.time(), time.monotonic() + 30)
                    for kind, layout in zip((OnceReader, SpoolReader), layouts, strict=True))
    assert found.queues["bulk"].messages == 20
    assert found.skipped == whole.skipped == {"foreign_name": 1, "corrupt_record": 1}
    assert {name: (q.messages, q.held, q.bytes) for name, q in found.queues.items()} == {
        name: (q.messages, q.held, q.bytes) for name, q in whole.queues.items()}


def test_moved_meanwhile_counts_once() -> None:
    """The same id in two queues is one message."""
    with FakeQueue() as queue:
        queue.folders()
        queue.put("active", 60, 1)
        [path] = (queue.queue / "active").iterdir()
        (queue.queue / "deferred" / "0").mkdir()
        (queue.queue / "deferred" / "0" / path.name).hardlink_to(path)
        found = OnceReader(PostfixSpool(str(queue.queue), Classifier())).read(time.time(), time.monotonic() + 30)
    assert sum(stats.messages for stats in found.queues.values()) == 1


@pytest.mark.parametrize(("made", "seconds", "kind"), [(False, 30, "unavailable"), (True, -1, "timeout")])
def test_faults(made: bool, seconds: float, kind: str) -> None:
    """A spool without its queues is no empty queue; a deadline that has passed is a fault."""
    with FakeQueue() as queue:
        if made:
            queue.folders()
            queue.put("deferred", 10, 3)
        with pytest.raises(SourceError) as caught:
            OnceReader(PostfixSpool(str(queue.queue), Classifier())).read(time.time(), time.monotonic() + seconds)
    assert caught.value.kind == kind
