"""A real Exim with more than 500 messages of many kinds: every reader, its own tool, its log and the sink's
book.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.discovery import HostProbe
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally, QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exim import EXIM
from smtpq_exporter.mta.exim.log import EximLog
from smtpq_exporter.mta.exim.message_id import arrival
from smtpq_exporter.mta.exim.settings import settle
from smtpq_exporter.reasons import Classifier
from tests.mta.real import (
    BODY,
    EVERY_ANSWER,
    again,
    as_nobody,
    equals_the_book,
    keep_everything,
    odd_mail,
    read,
    reader_of,
    readings_during,
    total,
)
from tests.servers.exim import EximServer
from tests.servers.inject import Mail
from tests.servers.sink import Sink
from tests.wait import wait_for

pytestmark = pytest.mark.server("exim")
SOURCES = ("spool", "exim")
HEAD = re.compile(r"^ *\d+[mhd] +[\d.]+[KM]? (\S+) <(.*?)>( \*\*\* frozen \*\*\*)?$")


@pytest.fixture(scope="module")
def server() -> Iterator[EximServer]:
    """An Exim whose queue holds every kind of message that a monitor must understand."""
    with Sink() as sink, EximServer(sink) as server:
        server.inject(540, "stay")
        server.inject(
            60, {"greylist": 1, "ok1": 1}, seed=2
        )  # partly delivered where there are several recipients
        server.inject(120, "mixed", seed=3)
        server.send(
            *odd_mail(many=60),
            Mail('"x> y"@sender.example', ('"a, b> c"@greylist.example',), BODY),
            Mail("long@sender.example", ("a@greylist.example",), b"X-Long: " + b"x " * 2000 + b"\r\n" + BODY),
            Mail("big@sender.example", ("a@greylist.example",), BODY + b"y" * 70 * 30000 + b"\r\n"),
        )
        server.wait_idle()
        keep_everything(sink)
        ids = sorted(path.name[:-2] for path in server.spool.glob("input/*/*-H"))
        server.run("exim4", "-Mf", *ids[:30])
        server.run("exim4", "-Mrm", *ids[30:40])
        server.run("exim4", "-MG", "bulk", *ids[40:60])
        many = next(path.name[:-2] for path in server.spool.glob("**/*-H") if b"<many@" in path.read_bytes())
        server.run("exim4", "-Mmd", many, "user1@greylist.example", "user7@greylist.example")
        server.wait_idle()
        yield server


def instance_of(server: EximServer, source: str = "auto") -> Instance:
    """The server as discovery completes it, its commands found in its world."""
    options = (
        ("exim_path", str(server.bin / "exim")),
        ("pid_file_path", str(server.root / "run/exim4/exim.pid")),
    )
    made = Instance("exim", "", queue_directory=str(server.spool), source=source, options=options)
    return settle(made, HostProbe())[0]


def snapshot(server: EximServer, source: str, now: float) -> QueueSnapshot:
    """One reading by one source."""
    return read(instance_of(server, source), now)


def test_both_sources_give_the_same_snapshot(server: EximServer) -> None:
    """Spool and listing agree in everything that a listing can show; sizes to its three digits."""
    now = time.time()
    spool, listing = (snapshot(server, source, now) for source in SOURCES)
    assert total(spool) > 500
    assert tuple(spool.queues) == tuple(listing.queues) == ("default", "bulk")
    assert spool.queues["bulk"].messages == 20
    assert spool.queues["default"].held >= 30
    for name, stats in spool.queues.items():
        shown = listing.queues[name]
        assert (
            stats.messages,
            stats.recipients,
            stats.held,
            stats.oldest_arrival,
            stats.ages,
            stats.arrivals,
        ) == (shown.messages, shown.recipients, shown.held, shown.oldest_arrival, shown.ages, shown.arrivals)
        assert stats.bytes == pytest.approx(shown.bytes, rel=0.01)
    assert (spool.destinations, spool.senders) == (listing.destinations, listing.senders)
    assert not spool.skipped
    assert not listing.skipped
    assert len(spool.reasons) > 4
    assert not listing.reasons


def test_they_agree_with_exims_own_tools(server: EximServer) -> None:
    """Messages are what exim -bpc says; recipients, oldest, held and each size what exim -bp lists, counted
    by hand.
    """
    found = snapshot(server, "spool", time.time())
    for name, stats in found.queues.items():
        which = () if name == "default" else (f"-qG{name}",)
        assert stats.messages == int(server.run("exim4", *which, "-bpc"))
        lines = server.run("exim4", *which, "-bp").splitlines()
        heads = [head for head in map(HEAD.match, lines) if head]
        assert stats.messages == len(heads)
        assert stats.recipients == sum(line.startswith("          ") for line in lines)
        assert stats.held == sum(head[3] is not None for head in heads)
        assert stats.oldest_arrival == min(arrival(head[1].encode()) for head in heads)
        small = [line.split()[1] for line in lines if HEAD.match(line)]
        exact = Counter(int(size) for size in small if size.isdigit())
        assert stats.sizes is not None
        assert stats.sizes.counts[0] == sum(exact.values())
    assert set(server.run("exiqgrep", "-i", "-z").split()) == {
        path.name[:-2] for path in server.spool.glob("input/*/*-H") if b"\n-frozen " in path.read_bytes()
    }


def test_sizes_are_those_that_exim_shows(server: EximServer) -> None:
    """Message by message, the size of the spool reader rounds to what exim -bp prints."""
    shown = {
        line.split()[2]: line.split()[1]
        for line in server.run("exim4", "-bpr").splitlines()
        if HEAD.match(line)
    }
    reader = reader_of(instance_of(server, "spool"))
    again(reader)
    checked = 0
    for directory in reader._census.directories.values():  # type: ignore[attr-defined]
        for name in directory.ledger.rows:
            size = directory.ledger.get(name)[2]
            text = shown.get(name[:-2].decode())
            if text is None:  # of a named queue
                continue
            checked += 1
            if text[-1] not in "KM":
                assert size == int(text), name
            else:
                unit = {"K": 1024, "M": 1 << 20}[text[-1]]
                rounded = f"{size / unit:.1f}" if size < 10 * unit else str((size + unit // 2) // unit)
                assert rounded == text[:-1], name
    assert checked == len(shown) > 500


def test_a_steady_reader_follows_what_exim_does(server: EximServer) -> None:
    """After freezing, thawing, deletions, moves, queue runs and new mail an old reader equals one that
    starts anew.
    """
    reader = reader_of(instance_of(server, "spool"))
    for step in range(5):
        ids = sorted(path.name[:-2] for path in server.spool.glob("input/*/*-H"))
        if step == 1:
            server.run("exim4", "-Mf", *ids[100:120])
            server.run("exim4", "-Mrm", *ids[120:130])
            server.inject(20, "stay", seed=9)
        elif step == 2:
            server.run("exim4", "-Mt", *ids[100:110])
            server.run("exim4", "-MG", "late", *ids[140:150])
        elif step == 3:
            server.flush()
        elif step == 4:
            server.run("exim4", "-Mmad", *ids[200:205])
            server.run("exim4", "-q")
        server.wait_idle()
        now = time.time()
        old, new = again(reader, now), snapshot(server, "spool", now)
        assert set(old.queues) == set(new.queues)
        assert {name: old.queues[name] for name in new.queues} == dict(new.queues)
        assert (old.destinations, old.senders) == (new.destinations, new.senders)
        assert sum(old.reasons.values()) == sum(new.reasons.values())
        assert total(old) == server.count() + len(list(server.spool.glob("*/input/*/*-H")))


def test_readings_during_work_are_right_or_faults(server: EximServer) -> None:
    """While mail is frozen, thawed, removed and tried, each reading lies between what was there before and
    after.
    """
    ids = sorted(path.name[:-2] for path in server.spool.glob("input/*/*-H"))
    keep = total(snapshot(server, "spool", time.time()))

    def work() -> None:
        for begin in range(0, 40, 10):
            some = ids[300 + begin : 310 + begin]
            server.run("exim4", "-Mf", *some)
            server.run("exim4", "-Mt", *some)
            server.run("exim4", "-Mrm", *ids[400 + begin : 405 + begin])
        server.flush()

    readers = [reader_of(instance_of(server, source)) for source in SOURCES]
    for found in readings_during(work, readers):
        assert keep - 20 <= total(found) <= keep, found
    server.wait_idle()
    now = time.time()
    assert total(again(readers[0], now)) == total(snapshot(server, "exim", now)) == keep - 20


def test_stop_and_restart_are_seen_and_the_queue_stays(server: EximServer) -> None:
    """up() follows the daemon; the queue is read in both ways while it is down."""
    readers = [reader_of(instance_of(server, source)) for source in SOURCES]
    assert [reader.up() for reader in readers] == [True, True]
    assert (readers[0].version() or "").startswith("4.") or readers[
        0
    ].version() is None  # asked of the host's own exim
    before = total(snapshot(server, "spool", time.time()))
    server.stop()
    wait_for(lambda: not server.processes(), 20)
    assert [reader.up() for reader in readers] == [False, False]
    assert [total(again(reader)) for reader in readers] == [before, before]
    server.start()
    wait_for(lambda: readers[0].up() is True, 20)


def test_an_empty_queue_is_proved(make_server) -> None:
    """No output is believed only because exim -bpc prints 0; without the right to list there is a fault and
    no number.
    """
    server = make_server("exim")
    (server.spool / "input").mkdir(exist_ok=True)
    assert [total(snapshot(server, source, time.time())) for source in SOURCES] == [0, 0]
    nobody = as_nobody(server, "/usr/sbin/exim4")
    reader = reader_of(replace(instance_of(server, "exim"), options=(("exim_path", str(nobody)),)))
    with pytest.raises(SourceError) as caught:
        again(reader)
    assert caught.value.kind == "permission"
    assert "queue_list_requires_admin" in caught.value.hint
    assert "Debian-exim" in caught.value.hint


def counted(server: EximServer) -> LogTally:
    """What the whole log comes to, fed as lines and summed as events."""
    lines = server.log.read_bytes().splitlines()
    fed, summed = Tally(200), Tally(200)
    EximLog(fed, Classifier()).feed(lines)
    parser = EximLog(summed, Classifier())
    for line in lines:
        event = parser.event(line)
        if event is not None:
            summed.add(event)
    assert fed.lines["unparsed"] == 0, list(fed.samples)
    found, other = fed.freeze(time.time()), summed.freeze(time.time())
    assert replace(found, lines={}, last_line=None, taken_at=0) == replace(
        other, lines={}, last_line=None, taken_at=0
    )
    return found


def test_the_log_equals_the_book_of_the_sink() -> None:
    """What the log counts as sent, deferred and refused is what the sink accepted, deferred and refused,
    domain by domain.
    """
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        server = stack.enter_context(EximServer(sink))
        mails = server.inject(520, EVERY_ANSWER)
        server.wait_idle()
        server.flush()
        server.wait_idle()
        found = counted(server)
        equals_the_book(found, sink)
        bounces = len(re.findall(rb" <= <> R=", server.log.read_bytes()))
        assert found.received == len(mails) + bounces
        assert found.deliveries["deferred"] == sum(
            entry.deferred for domain, entry in sink.book.items() if domain != "bounces"
        ) > 100
        assert found.removed == found.received - total(snapshot(server, "spool", time.time()))
        assert found.latency is not None
        assert 0 < found.latency.count <= found.removed


def test_discovery_says_what_it_looks_for() -> None:
    """The parts of Discovery that other rooms rely on are there."""
    assert EXIM.discovery.binaries[0] == "/usr/sbin/exim4"
    assert "/var/spool/exim4" in EXIM.discovery.spools
    assert os.path.basename(EXIM.discovery.logs[0]) == "mainlog"
