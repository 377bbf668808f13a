"""A real Postfix with more than 2,000 messages of many kinds, read in three ways and counted once more by
hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.discovery import complete
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.postfix.queue_showq import QUEUES
from smtpq_exporter.reasons import Classifier
from tests.servers.inject import Mail
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink

pytestmark = pytest.mark.server("postfix")
BODY = b"Subject: x\r\n\r\nx\r\n"
SOURCES = ("spool", "showq", "postqueue")
T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[PostfixServer]:
    """A Postfix whose queue holds every kind of message that a monitor must understand."""
    with Sink() as sink, PostfixServer(sink, settings={"always_bcc": "archive@refused.example"}) as server:
        server.inject(2200, "stay")
        server.inject(40, {"greylist": 1, "ok1": 1}, seed=2)  # some of them partly delivered
        server.send(
            Mail("", ("nobody@greylist.example",), BODY),
            Mail('"x> y"@sender.example', ('"a, b> c"@greylist.example',), BODY),
            Mail("x@Sender.Example", ("X@GreyList.Example", "y@greylist.example"), BODY),
            Mail("long@sender.example", ("x" * 60 + "@greylist.example",), BODY),
            Mail("many@sender.example", tuple(f"user{i}@greylist.example" for i in range(60)), BODY),
            Mail("more@sender.example", ("a@ok1.example", "b@greylist.example", "c@ok2.example"), BODY),
        )
        server.sendmail(b"To: a@greylist.example, b@refused.example\nCc: c@tempblock.example\n\nx\n")
        server.sendmail(b"Subject: bare\n\nx\n", "noat", sender="alsonoat")
        server.wait_idle()
        ids = sorted(entry["queue_id"] for entry in server.listing())
        server.postsuper("-h", *ids[:150])
        server.postsuper("-r", *ids[300:320])
        server.postsuper("-r", *ids[20:25])
        server.flush()
        server.wait_idle()
        server.postsuper("-e", *ids[140:160], *ids[200:230])
        yield server


def instance_of(server: PostfixServer) -> Instance:
    """The server as discovery completes it."""
    return complete(Instance("postfix", "here", config_directory=str(server.config_directory)))[0]


def snapshot(server: PostfixServer, source: str, now: float) -> QueueSnapshot:
    """One reading by one source."""
    reader = open_reader(replace(instance_of(server), source=source), classifier=Classifier())
    assert reader.source == source
    try:
        return reader.read(now, time.monotonic() + 60)
    finally:
        reader.close()


def quiet(server: PostfixServer, look: Callable[[float], T]) -> tuple[QueueSnapshot, T]:
    """What `look` sees at a moment while the queue stands still, and the spool as it is before and after that.

    A busy machine sends bounces and picks up requeued mail when it has the time for it.
    """
    for _ in range(50):
        server.wait_idle()
        now = time.time()
        before, seen, after = snapshot(server, "spool", now), look(now), snapshot(server, "spool", now)
        if before == after:
            return before, seen
    raise AssertionError("the queue never stood still")


def test_the_three_sources_give_the_same_snapshot(server: PostfixServer) -> None:
    """Spool, showq and postqueue agree in everything that a listing can show."""
    spool, (showq, postqueue) = quiet(
        server, lambda now: (snapshot(server, "showq", now), snapshot(server, "postqueue", now)))
    assert sum(queue.messages for queue in spool.queues.values()) > 2000
    assert spool.queues["hold"].held == spool.queues["hold"].messages >= 100
    assert (spool.forced_expiry or 0) > 20
    assert spool.queues["corrupt"].messages == 0
    assert len(spool.reasons) > 3
    for listing in (showq, postqueue):
        assert tuple(listing.queues) == tuple(name for name in spool.queues if name in QUEUES)
        for name, stats in listing.queues.items():
            assert stats == replace(spool.queues[name], retry_due=None), name
        assert listing.destinations == spool.destinations
        assert listing.senders == spool.senders
        assert listing.reasons == spool.reasons
        assert listing.forced_expiry == spool.forced_expiry
        assert not listing.skipped
    assert not spool.skipped


def test_they_agree_with_a_count_by_hand(server: PostfixServer) -> None:
    """Messages, recipients, bytes, oldest, domains are those that `postqueue -j` lists, counted in four
    lines.
    """
    found, lines = quiet(server, lambda now: server.listing())
    for name in QUEUES:
        entries = [line for line in lines if line["queue_name"] == name]
        stats = found.queues[name]
        assert stats.messages == len(entries)
        assert stats.recipients == sum(len(entry["recipients"]) for entry in entries)
        assert stats.bytes == sum(entry["message_size"] for entry in entries)
        assert stats.oldest_arrival == min((entry["arrival_time"] for entry in entries), default=None)
        assert sum(stats.ages.counts) == sum(stats.sizes.counts) == stats.messages
    domains = Counter(
        domain
        for entry in lines
        for domain in {one["address"].rpartition("@")[2].lower() for one in entry["recipients"]}
    )
    named = {name: n for name, n in found.destinations if not name.startswith("(") and name != "other"}
    assert named == {name: n for name, n in domains.items() if name in named}
    with_reason = sum("delay_reason" in one for entry in lines for one in entry["recipients"])
    assert sum(found.reasons.values()) == with_reason
    assert found.forced_expiry == sum(entry["forced_expire"] for entry in lines)


def test_a_steady_reader_follows_what_postfix_does(server: PostfixServer) -> None:
    """After holds, releases, deletions, retries and new mail an old spool reader equals one that starts
    anew.
    """
    reader = open_reader(replace(instance_of(server), source="spool"), classifier=Classifier())
    for step in range(4):
        ids = sorted(entry["queue_id"] for entry in server.listing() if entry["queue_name"] == "deferred")
        if step == 1:
            server.postsuper("-h", *ids[:20])
            server.postsuper("-d", *ids[30:40])
            server.inject(20, "stay", seed=9)
        elif step == 2:
            server.postsuper("-H", *ids[:5])
            server.postsuper("-e", *ids[50:55])
            server.flush()
        elif step == 3:
            server.postsuper("-r", *ids[60:65])
            server.flush()
        fresh, old = quiet(server, lambda now: reader.read(now, time.monotonic() + 60))
        assert replace(old, skipped={}) == replace(fresh, skipped={})


def test_the_daemon_is_seen_running_and_stopped() -> None:
    """up() follows the daemon; as root a stopped Postfix is still read, as a user it is a SourceError."""
    with Sink() as sink, PostfixServer(sink) as server:
        server.inject(5, "stay")
        server.wait_idle()
        readers = {
            source: open_reader(replace(instance_of(server), source=source), classifier=Classifier())
            for source in SOURCES
        }
        assert [reader.up() for reader in readers.values()] == [True, True, True]
        assert (readers["spool"].version() or "").startswith("3.")
        server.stop()
        assert [reader.up() for reader in readers.values()] == [False, False, False]
        now = time.time()
        assert readers["spool"].read(now, time.monotonic() + 30).queues["deferred"].messages == 5
        assert readers["postqueue"].read(now, time.monotonic() + 30).queues["deferred"].messages == 5
        with pytest.raises(SourceError) as caught:
            readers["showq"].read(now, time.monotonic() + 30)
        assert caught.value.kind == "unavailable"


AS_USER = """
import os, sys, time
from dataclasses import replace
from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.mta import postfix  # while this interpreter's own files can be read
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier
groups, directory, config, source = sys.argv[1:5]
os.setgroups([int(one) for one in groups.split(",") if one]); os.setgid(65534); os.setuid(65534)
try:
    reader = open_reader(Instance("postfix", "x", config, directory, source), classifier=Classifier())
    print(reader.source, "|", reader.why, "|", reader.up())
    print(sum(q.messages for q in reader.read(time.time(), time.monotonic() + 30).queues.values()))
except SourceError as error:
    print(error.kind, "|", error)
"""


def as_user(server: PostfixServer, source: str = "auto", groups: str = "") -> list[str]:
    """What a reader in a process of user nobody, with these groups, finds."""
    done = subprocess.run(
        [sys.executable, "-c", AS_USER, groups, str(server.queue_directory), str(server.config_directory),
         source],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3], check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unprivileged_process_takes_the_way_that_is_open(server: PostfixServer) -> None:
    """Group postdrop reads showq and says why; without it postqueue is the last way; no way gives a
    number.
    """
    import grp

    postdrop = str(grp.getgrnam("postdrop").gr_gid)
    first, count = as_user(server, groups=postdrop)
    source, why, up = (part.strip() for part in first.split("|"))
    assert (source, up) == ("showq", "True")
    assert "spool" in why
    assert "permission denied" in why
    assert int(count) > 2000
    assert as_user(server, "spool")[-1].startswith("permission")
    assert as_user(server, "showq")[-1].startswith("permission")
