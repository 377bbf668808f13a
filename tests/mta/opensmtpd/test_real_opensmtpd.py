"""A real OpenSMTPD with more than 500 messages of many kinds: both readers, its own tool, its log, the sink's
book.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.discovery import HostProbe
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.opensmtpd import OPENSMTPD
from smtpq_exporter.mta.opensmtpd.log import OpensmtpdLog
from smtpq_exporter.mta.opensmtpd.settings import settle
from smtpq_exporter.reasons import Classifier
from tests.mta.opensmtpd.server import BOX, LocalServer
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
from tests.servers.inject import Mail
from tests.servers.replies import Reply
from tests.servers.sink import Sink
from tests.wait import wait_for

pytestmark = pytest.mark.server("opensmtpd")
SOURCES = ("spool", "smtpctl")
#: What smtpctl says, read in another way than the parser does: from both ends.
ROW = re.compile(
    r"([0-9a-f]{8})[0-9a-f]{8}\|\w+\|(\w+)\|([a-z,]*)\|"
    r".*@[^|]*\|(\d+)\|\d+\|\d+\|\d+\|(?:pending|inflight|offline)\|(-?\d*)\|"
)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """An OpenSMTPD whose queue holds every kind of message that a monitor must understand."""
    with Sink() as sink, LocalServer(sink) as server:
        server.inject(540, "stay")
        server.inject(
            60, {"greylist": 1, "ok1": 1}, seed=2
        )  # partly delivered where there are several recipients
        server.inject(100, "mixed", seed=3)
        server.send(
            *odd_mail(many=60),
            Mail(
                "a|b@sender.example", ("x|1|2|3|4|pending|-5|y@greylist.example", "y|@greylist.example"), BODY
            ),
            Mail("box@sender.example", (BOX,), BODY),
            Mail("both@sender.example", (BOX, "a@greylist.example"), BODY),
            Mail("big@sender.example", ("a@greylist.example",), BODY + (b"y" * 70 + b"\r\n") * 3000),
        )
        server.wait_idle()
        keep_everything(sink)
        names = messages(server)
        for name in names[:20]:
            server.run("smtpctl", "pause", "envelope", name)
        for name in names[20:25]:
            server.run("smtpctl", "remove", name)
        server.run("smtpctl", "schedule", names[30])
        server.wait_idle()
        settled(server)
        yield server


def messages(server: LocalServer) -> list[str]:
    """Message ids in the spool, in order, without the one that has two queues."""
    return sorted(path.parent.name for path in server.spool.glob("queue/*/*/message"))


def instance_of(server: LocalServer, source: str = "auto") -> Instance:
    """The server as discovery completes it, its commands found in its world."""
    options = (
        ("smtpctl_path", str(server.bin / "smtpctl")),
        ("control_socket", str(server.root / "run/smtpd.sock")),
    )
    made = Instance("opensmtpd", "", queue_directory=str(server.spool), source=source, options=options)
    return settle(made, HostProbe())[0]


def snapshot(server: LocalServer, source: str, now: float) -> QueueSnapshot:
    """One reading by one source."""
    return read(instance_of(server, source), now)


def settled(server: LocalServer) -> None:
    """Wait until a listing is believed: smtpd is up for a while."""

    def believed() -> bool:
        try:
            snapshot(server, "smtpctl", time.time())
        except SourceError as error:
            if "may still be reading its queue" not in str(error):
                raise
            return False
        return True

    wait_for(believed, 60, every=0.5)


def test_both_sources_give_the_same_snapshot(server: LocalServer) -> None:
    """Spool and listing agree in all that both can show; what one cannot see is None, never 0."""
    now = time.time()
    spool, listing = (snapshot(server, source, now) for source in SOURCES)
    assert total(spool) > 500
    assert tuple(spool.queues) == tuple(listing.queues) == ("mta", "mda", "bounce")
    for name, stats in spool.queues.items():
        shown = listing.queues[name]
        assert (stats.messages, stats.recipients, stats.oldest_arrival, stats.ages, stats.arrivals) == (
            shown.messages,
            shown.recipients,
            shown.oldest_arrival,
            shown.ages,
            shown.arrivals,
        )
        assert (stats.held, stats.retry_due, shown.bytes, shown.sizes) == (None, None, None, None)
    assert (spool.destinations, spool.senders, spool.reasons) == (
        listing.destinations,
        listing.senders,
        listing.reasons,
    )
    assert spool.queues["mda"].messages == 1
    assert len(spool.reasons) > 4
    assert not spool.skipped
    assert not listing.skipped


def test_they_agree_with_smtpctl(server: LocalServer) -> None:
    """Messages, recipients, oldest, held and due are what smtpctl show queue lists; envelopes what show stats
    counts.
    """
    now = time.time()
    found, spool = snapshot(server, "smtpctl", now), snapshot(server, "spool", now)
    lines = server.run("smtpctl", "show", "queue").splitlines()
    rows = [ROW.match(line) for line in lines]
    assert all(rows)
    byid: dict[str, list[re.Match[str]]] = defaultdict(list)
    for row in rows:
        byid[row[1]].append(row)
    held = [
        name for name, some in byid.items() if all("suspend" in row[3] for row in some)
    ]
    assert (total(found), sum(q.recipients or 0 for q in found.queues.values())) == (len(byid), len(lines))
    assert sum(q.held or 0 for q in found.queues.values()) == len(held) >= 20
    assert min(q.oldest_arrival for q in found.queues.values() if q.messages) == min(
        int(row[4]) for row in rows
    )
    assert sum(q.retry_due or 0 for q in found.queues.values()) == sum(
        any(row[5] and int(row[5]) <= 0 for row in some) for some in byid.values()
    )
    stats = dict(
        line.split("=", 1) for line in server.run("smtpctl", "show", "stats").splitlines() if "=" in line
    )
    assert int(stats["scheduler.envelope"]) == len(lines)
    assert total(spool) == server.count() == len(byid)
    sizes = [path.stat().st_size for path in server.spool.glob("queue/*/*/message")]
    assert sum(q.bytes or 0 for q in spool.queues.values()) == sum(sizes)


def test_a_steady_reader_follows_what_smtpctl_does(server: LocalServer) -> None:
    """After pauses, removals, retries and new mail an old spool reader equals one that starts anew, and
    smtpctl.
    """
    reader = reader_of(instance_of(server, "spool"))
    for step in range(5):
        names = messages(server)
        if step == 1:
            for name in names[100:105]:
                server.run("smtpctl", "remove", name)
            server.inject(20, "stay", seed=9)
        elif step == 2:
            several = next(p for p in server.spool.glob("queue/*/*") if len(list(p.iterdir())) > 20)
            for envelope in sorted(one.name for one in several.iterdir() if one.name != "message")[:5]:
                server.run("smtpctl", "remove", envelope)
        elif step == 3:
            server.sink.answer("greylist", Reply("rcpt", "452 4.2.2 <{rcpt}>: Mailbox full"))
            for name in names[150:170]:
                server.run("smtpctl", "schedule", name)
        elif step == 4:
            for name in names[:5]:
                server.run("smtpctl", "resume", "envelope", name)
            server.run("smtpctl", "schedule", names[31])
        server.wait_idle()
        now = time.time()
        old, new, shown = (
            again(reader, now),
            *(snapshot(server, one, now) for one in SOURCES),
        )
        assert old == new
        assert (old.destinations, old.reasons) == (shown.destinations, shown.reasons)
        assert total(old) == server.count() == total(shown)


def test_readings_during_work_are_right_or_faults(server: LocalServer) -> None:
    """While mail is paused, resumed, removed and tried, each reading lies between what was before and is
    after.
    """
    names = messages(server)
    keep = total(snapshot(server, "spool", time.time()))

    def work() -> None:
        for begin in range(0, 20, 5):
            for name in names[300 + begin : 305 + begin]:
                server.run("smtpctl", "pause", "envelope", name)
                server.run("smtpctl", "resume", "envelope", name)
                server.run("smtpctl", "remove", names[names.index(name) + 100])
        server.flush()

    readers = [reader_of(instance_of(server, source)) for source in SOURCES]
    for found in readings_during(work, readers):
        left_aside = found.skipped.get("incomplete", 0)  # without envelopes: being removed
        assert keep - 20 <= total(found) + left_aside
        assert total(found) <= keep
    server.wait_idle()
    now = time.time()
    assert (
        total(again(readers[0], now))
        == total(snapshot(server, "smtpctl", now))
        == keep - 20
    )


def test_stop_and_restart_never_give_a_wrong_number(server: LocalServer) -> None:
    """While smtpd stops, is down and starts again, each reading is right or a fault; up() follows."""
    readers = [reader_of(instance_of(server, source)) for source in SOURCES]
    before = total(snapshot(server, "spool", time.time()))
    seen: dict[str, set[int | str]] = {source: set() for source in SOURCES}

    def look() -> bool:
        for reader in readers:
            try:
                seen[reader.source].add(total(again(reader)))
            except SourceError as error:
                seen[reader.source].add(error.kind)
        return "unavailable" not in seen["smtpctl"]

    assert [reader.up() for reader in readers] == [True, True]
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    while stopper.is_alive():
        look()
    stopper.join(30)
    wait_for(lambda: not server.processes(), 20)
    assert [reader.up() for reader in readers] == [False, False]
    seen["smtpctl"].clear()
    look()
    assert seen["smtpctl"] == {before}  # smtpctl reads the spool itself: state "offline"
    server.start()
    wait_for(lambda: readers[0].up() is True, 20)

    def readable() -> bool:
        seen["smtpctl"].discard("unavailable")
        return look()

    wait_for(readable, 60, every=0.2)
    for source in SOURCES:
        assert seen[source] <= {before, "unavailable"}, seen
    assert before in seen["spool"]


def test_an_empty_queue_is_proved(make_server) -> None:
    """Nothing is 0 only if show stats says so; smtpd down, just started or without permission is a fault."""
    server = make_server("opensmtpd")
    with pytest.raises(SourceError, match="may still be reading") as caught:
        snapshot(server, "smtpctl", time.time())
    assert caught.value.kind == "unavailable"
    assert total(snapshot(server, "spool", time.time())) == 0
    settled(server)
    assert total(snapshot(server, "smtpctl", time.time())) == 0
    nobody = as_nobody(server, "smtpctl")
    reader = reader_of(replace(instance_of(server, "smtpctl"), options=(("smtpctl_path", str(nobody)),)))
    with pytest.raises(SourceError) as caught:
        again(reader)
    assert caught.value.kind == "permission"
    assert "--textfile" in caught.value.hint
    server.stop()
    with pytest.raises(SourceError, match="show stats does not say"):
        snapshot(server, "smtpctl", time.time())


def test_the_version_is_found(server: LocalServer) -> None:
    """The program tells its version on standard error and fails; both are coped with."""
    said = server.run(*OPENSMTPD.discovery.version)
    assert re.search(OPENSMTPD.discovery.version_pattern.decode(), said)[1].startswith("6.")


def test_the_log_equals_the_book_of_the_sink() -> None:
    """What the log counts as sent, deferred and refused is what the sink did, domain by domain, and what
    smtpd counts.
    """
    with Sink() as sink, LocalServer(sink) as server:
        mails = server.inject(520, EVERY_ANSWER)
        server.send(Mail("box@sender.example", (BOX, "a@ok1.example"), BODY))
        server.wait_idle()
        server.flush()
        server.wait_idle()
        lines = server.log.read_bytes().splitlines()
        tally = Tally(200)
        OpensmtpdLog(tally, Classifier()).feed(lines)
        found = tally.freeze(time.time())
        assert found.lines["unparsed"] == 0, list(tally.samples)
        equals_the_book(found, sink)
        assert found.received == len(mails) + 1 + sink.book["bounces"].accepted
        assert found.removed == found.received - total(snapshot(server, "spool", time.time()))
        assert found.latency is not None
        assert 0 < found.latency.count <= found.removed
        stats = dict(
            line.split("=", 1) for line in server.run("smtpctl", "show", "stats").splitlines() if "=" in line
        )
        assert found.deliveries["deferred"] == int(stats["scheduler.delivery.tempfail"]) > 100
        assert found.deliveries["bounced"] == int(stats["scheduler.delivery.permfail"])
