"""The demonstration: invented mail on a real spool, read by the ordinary readers."""

from __future__ import annotations

import http.client
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from smtpq_exporter.demo import Demo
from smtpq_exporter.demo.disk import LARGEST_LOG, Disk
from smtpq_exporter.demo.sites import BACKLOG, SITES
from smtpq_exporter.demo.world import MOST, World
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.reasons import Classifier
from tests.test_cli import PATIENCE, running
from tests.wait import wait_for

NOW = 1_795_500_000.0


def day(world: World, seconds: int, step: float = 1.0) -> Counter[str]:
    """Let time pass; what happened, by kind and outcome."""
    seen: Counter[str] = Counter()
    for number in range(int(seconds / step)):
        for one in world.step(NOW + number * step):
            outcome = one.letter.outcome
            seen[one.what if outcome is None or one.what != "attempted" else outcome.status] += 1
    return seen


def test_the_same_seed_gives_the_same_mail() -> None:
    """A demonstration can be repeated."""

    def story(seed: int) -> list[object]:
        world = World(seed)
        begun = [(one.letter.queue_id, one.letter.recipient) for one in world.begin(NOW)]
        return begun + [
            (one.what, one.letter.queue_id, one.at) for n in range(300) for one in world.step(NOW + n)
        ]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_it_begins_with_a_backlog() -> None:
    """There is something to see at once: old mail, several reasons, held mail."""
    world = World()
    happened = world.begin(NOW)
    assert len(happened) == sum(number for _, number, _, _ in BACKLOG) + 3
    assert max(NOW - one.letter.arrival for one in happened if one.what == "backlog") > 40 * 3600
    assert {one.letter.queue for one in happened} == {"deferred", "hold"}


def test_mail_comes_and_goes() -> None:
    """In an hour mail arrives, is delivered, deferred and bounced; the dead destination stays dead."""
    world = World()
    world.begin(NOW)
    seen = day(world, 3600)
    assert seen["arrived"] > 3000
    assert seen["sent"] > 2500
    assert seen["deferred"] > 200
    assert seen["bounced"] > 10
    assert any(one.site.domain == "dead.example" for one in world.waiting.values())


def test_it_never_grows_without_bound() -> None:
    """After two days the queue is not larger than its limit, and each destination keeps its own."""
    world = World(3)
    world.begin(NOW)
    day(world, 2 * 86_400, step=20.0)
    assert len(world.waiting) <= MOST
    load = Counter(one.site.domain for one in world.waiting.values())
    for site in SITES:
        assert load[site.domain] <= site.limit
        assert load[site.domain] == world._load[site.domain]


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.domain)
def test_every_text_is_understood(site: object) -> None:
    """Whatever a destination says is classified: the demonstration shows no unknown reasons."""
    classifier, random = Classifier(), Random(1)
    for tries in range(50):
        outcome = site.habit(site, NOW + 100 * tries, tries, random)  # type: ignore[attr-defined]
        if outcome.status != "sent":
            assert classifier.reason(outcome.text.encode(), outcome.dsn.encode()) != "unknown", outcome.text


def test_the_ordinary_reader_sees_what_the_world_holds(tmp_path: Path) -> None:
    """After some minutes the spool on disk is exactly the mail of the world."""
    world, disk = World(), Disk(tmp_path)
    for one in world.begin(NOW):
        disk.show(one)
    for second in range(400):
        for one in world.step(NOW + second):
            disk.show(one)
    disk.flush()
    demo_instance = Demo.instances.__get__(type("Shown", (), {"disk": disk})())()[0]
    reader = open_reader(demo_instance, classifier=Classifier(), top=50)
    try:
        snapshot = reader.read(NOW + 400, 1e12)
    finally:
        reader.close()
        disk.close()
    queues = Counter(one.queue for one in world.waiting.values())
    assert {name: stats.messages for name, stats in snapshot.queues.items() if stats.messages} == dict(queues)
    assert dict(snapshot.destinations) == Counter(one.site.domain for one in world.waiting.values())
    assert sum(snapshot.reasons.values()) == queues["deferred"]
    assert "unknown" not in {reason for reason, number in snapshot.reasons.items() if number}
    assert snapshot.skipped.get("foreign_name", 0) == 0


def test_the_log_is_rotated(tmp_path: Path) -> None:
    """The disk that it uses is bounded: one log and one old one."""
    disk = Disk(tmp_path)
    for _ in range(3):
        for _ in range(LARGEST_LOG // 1000 + 10):
            disk._say(NOW, "smtp", "x" * 950)
        disk.flush()
    disk.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mail.log", "mail.log.1", "spool"]
    assert sum(path.stat().st_size for path in tmp_path.glob("mail.log*")) < 3 * LARGEST_LOG


def test_it_cleans_up() -> None:
    """Nothing is left in the temporary directory."""
    with Demo() as demo:
        directory = demo.directory
        assert directory.is_dir()
        assert str(directory).startswith(tempfile.gettempdir())
    assert not directory.exists()


def test_the_demo_is_shown_within_seconds() -> None:
    """The real program with --demo says that it is one and shows late mail, reasons and a log that moves."""
    with running("--demo") as daemon:
        port = daemon.port()
        assert "(demo: a simulated mail server, not yours)" in daemon.output

        def fetch(path: str) -> str:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", path)
            body = connection.getresponse().read().decode()
            connection.close()
            return body

        page = fetch("/")
        assert "This is a simulated mail server" in page
        wait_for(lambda: "Mail is late" in fetch("/"), PATIENCE)
        text = fetch("/metrics")
        assert re.search(
            r'smtpq_queue_messages\{mta="postfix",mta_instance="demo",queue="deferred"\} 1\d\d\n', text
        )
        assert 'smtpq_up{mta="postfix",mta_instance="demo"} 1\n' in text
        wait_for(
            lambda: re.search(r'smtpq_log_deliveries_total\{[^}]*status="sent"\} [1-9]', fetch("/metrics")),
            PATIENCE,
        )
        assert "@" not in text
        assert daemon.end() == 0
    assert daemon.log.count("level=ERROR") == 0
    assert sys.version_info >= (3, 11)
