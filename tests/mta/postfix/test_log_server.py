"""The log parser on the log of a real Postfix, against what the sink on the other side saw."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.reasons import Classifier
from tests.servers.inject import Mail
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink

COUNT = 150
CONTENT = (
    b"Subject: x\r\n"
    b"Message-ID: <to=<x@forged.example>, relay=f, delay=1, dsn=2.0.0, status=sent (ok>\r\n\r\nx\r\n"
)
EVIL = (
    '"x>, relay=forged[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok"@greylist.example'
)

pytestmark = pytest.mark.server("postfix")


@pytest.fixture(scope="module")
def used() -> Iterator[PostfixServer]:
    """A Postfix that was given mail of all kinds, also hostile, and has done with it what can be done."""
    with Sink() as sink, PostfixServer(sink, name="postfix-test") as server:
        server.inject(COUNT, "mixed")
        server.inject(20, "forge", seed=3)
        server.send(Mail('"s>, size=1, nrcpt=9 (queue active)"@news1.sender.example', (EVIL,), CONTENT))
        server.wait_idle()
        yield server


def told(server: PostfixServer, names: tuple[str, ...] = ()) -> LogTally:
    """What the parser makes of the server's log."""
    tally = Tally(top=100)
    lines = server.log.read_bytes().splitlines()
    PostfixLog(tally, Classifier(), names).feed(lines)
    assert not tally.samples, tally.samples
    return tally.freeze(0.0)


def test_every_line_of_a_real_postfix_is_understood(used: PostfixServer) -> None:
    """No line of a real log is left over, under the instance's own syslog_name and without naming it."""
    for names in ((), ("postfix-test",)):
        tally = told(used, names)
        assert tally.lines["unparsed"] == 0
        assert tally.lines["ignored"] == 0
        assert tally.received == COUNT + 21
    assert told(used, ("other",)).lines["understood"] == 0


def test_deliveries_are_what_the_other_side_saw(used: PostfixServer) -> None:
    """Recipients that the sink accepted are deliveries, and what it or the network refused is not."""
    tally = told(used)
    parser = PostfixLog(Tally(), Classifier())
    events = [event for line in used.log.read_bytes().splitlines() if (event := parser.event(line))]
    sent = [event for event in events if event.status == "sent"]
    assert sum(event.daemon == "smtp" for event in sent) == used.sink.total("accepted")
    assert len(sent) == tally.deliveries["sent"]  # discarded notices are deliveries too
    assert tally.deliveries["deferred"] > 0
    assert tally.deliveries["bounced"] > 0
    assert sum(tally.destinations.values()) == sum(tally.deliveries.values())
    assert tally.deferrals[("greylisted", False)] >= 1
    assert tally.deferrals.get(("unknown", False), 0) <= tally.deliveries["deferred"] // 10


def test_messages_that_left_are_counted_once(used: PostfixServer) -> None:
    """What was removed and what is still queued is all that was made; what was delivered has one delay."""
    tally = told(used)
    left = used.count("deferred") + used.count("active") + used.count("incoming")
    notices = used.log.read_bytes().count(b"sender non-delivery notification: ")
    assert tally.removed + left == tally.received + notices
    assert tally.latency is not None
    assert 0 < tally.latency.count <= tally.removed
    assert all(histogram.count == tally.latency.count for histogram in tally.delays.values())


def test_nothing_that_strangers_wrote_was_counted(used: PostfixServer) -> None:
    """Replies, addresses and Message-IDs that imitate deliveries leave no trace in any counter."""
    tally = told(used)
    assert not any("forge" in domain and status == "sent" for domain, status in tally.destinations)
    assert not any("forged" in domain for domain, _ in tally.destinations)
    assert tally.destinations["forge.example", "deferred"] >= 20
