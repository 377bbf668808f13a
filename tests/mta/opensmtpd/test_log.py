"""OpenSMTPD's log: what is particular to it. Both ways of reading, line by line: tests/mta/test_log_golden.py."""

from __future__ import annotations

import pytest

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta.opensmtpd.log import OpensmtpdLog
from tests.mta.reading import CLASSIFIER, OPENSMTPD

pytestmark = pytest.mark.usefixtures("utc")
HEAD = b"Nov 24 03:23:57 vm smtpd[4529]: "


def envelope(message: int, number: int) -> bytes:
    """A line for an envelope."""
    return HEAD + b"b7dc7d7b0dbcfbbf smtp envelope evpid=%08x%08x from=<a@b.example> to=<c@d.example>" % (
        message,
        number,
    )


def delivery(message: int, number: int, result: str = "Ok", delay: str = "3s") -> bytes:
    """A line for an attempt."""
    return (
        HEAD
        + (
            f"b7dc7d8ae003ee52 mta delivery evpid={message:08x}{number:08x} from=<a@b.example> "
            "to=<c@d.example> rcpt=<-> "
            f'source="192.0.2.9" relay="192.0.2.4 (mx.d.example)" delay={delay} result="{result}" '
            'stat="250 2.0.0 Ok"'
        ).encode()
    )


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """The first result= behind relay= counts, whatever a remote server, a client or a mailbox writes."""
    tally = OPENSMTPD.counted(OPENSMTPD.golden("forged"))
    assert {domain for domain, _ in tally.destinations} == {"real.example", "forge.example"}
    assert tally.deliveries == {"sent": 0, "deferred": 3, "bounced": 1, "expired": 0}
    assert (tally.received, tally.expired, tally.auth_failures, tally.removed) == (0, 0, 1, 1)


def test_a_message_is_done_with_the_last_of_its_envelopes() -> None:
    """Delivered, refused, expired or removed: the last one ends it, and its latency is counted once."""
    expire = (
        HEAD
        + b"relay: Expire for 0000000100000003: from=<a@b.example>, to=<c@d.example>, rcpt=<->, delay=4d, "
        + b"stat=Envelope expired"
    )
    lines = [
        envelope(1, 1),
        envelope(1, 2),
        envelope(1, 3),
        envelope(2, 1),
        delivery(1, 1, delay="7s"),
        delivery(1, 2, "TempFail"),
        delivery(1, 2, "PermFail"),
        delivery(2, 1, delay="1h"),
    ]
    for by in (1, 3, len(lines)):
        found = OPENSMTPD.counted(lines, by=by)
        assert found.removed == 1
        assert found.latency is not None
        assert (found.latency.count, found.latency.total) == (1, 3600.0)
        whole = OPENSMTPD.counted([*lines, expire], by=by)
        assert whole.removed == 2
        assert whole.latency is not None
        assert (whole.latency.count, whole.latency.total) == (2, 3607.0)
        assert whole.expired == 1


def session(number: int, words: bytes) -> bytes:
    """A line of a session with another server."""
    return HEAD + b"%016x mta " % number + words


def test_why_a_session_broke_is_remembered_until_one_to_the_same_address_goes_well() -> None:
    """In both ways of reading: what was learnt from the frequent shapes of `connecting` and `disconnected` counts."""
    network = delivery(1, 1, "TempFail").replace(b"250 2.0.0 Ok", b"Network error on destination MXs")
    connecting = b"connecting address=smtp://192.0.2.4:25 host=mx.d.example"
    lines = [
        session(1, connecting),
        session(1, b"error reason=Connection refused"),
        network,
        session(2, connecting),
        session(2, b"disconnectedly reason=quit messages=1"),  # no such word: nothing went well
        network,
        session(3, b"connecting address=elsewhere host=mx.d.example"),  # no such address
        session(3, b"disconnected reason=quit messages=1"),
        network,
        session(2, b"disconnected reason=quit messages=1"),
        network,
    ]
    found = OPENSMTPD.both_ways(lines)
    assert found.deferrals == {("connection_refused", False): 3, ("connection_timeout", False): 1}


def test_the_memory_for_open_messages_is_bounded() -> None:
    """Messages with one envelope are not kept, and of others no more than PENDING."""
    tally = Tally()
    parser = OpensmtpdLog(tally, CLASSIFIER)
    parser.feed([envelope(n, 1) for n in range(3 * PENDING)])
    assert len(tally.waiting) <= 1
    parser.feed([envelope(n // 2, n % 2) for n in range(4 * PENDING)])
    assert len(tally.waiting) <= PENDING + 1
    parser.feed([HEAD + b"%016x mta connecting address=smtp://192.0.2.1:25 host=x" % n for n in range(5000)])
    parser.feed(
        [
            HEAD + b"%016x mta connecting address=smtp://10.%d.%d.1:25 host=x" % (n, n >> 8, n & 255)
            for n in range(5000)
        ]
    )
    parser.feed([HEAD + b"%016x mta error reason=IO Error: Connection refused" % n for n in range(5000)])
    assert len(parser._known._sessions) <= 1024
    assert len(parser._known._errors) <= 1024


def test_the_state_survives_a_restart() -> None:
    """Stopped, saved and restored anywhere, the counters come to the same."""
    lines = [
        envelope(1, 1),
        envelope(1, 2),
        envelope(2, 1),
        delivery(1, 1),
        delivery(2, 1),
        delivery(1, 2),
        envelope(3, 1),
        delivery(3, 1, "TempFail"),
        delivery(3, 1),
    ]
    whole = OPENSMTPD.counted(lines)
    assert whole.removed == 3
    for at in range(len(lines)):
        assert OPENSMTPD.restarted(lines, at) == whole


def test_last_message_repeated_counts_the_line_before() -> None:
    """A syslog daemon's repetition counts what it repeats, also across batches."""
    lines = [
        HEAD + b"smtp-out: Failed to resolve MX for [relay:x]: Host not found",
        b"Nov 24 03:17:49 vm last message repeated 4 times",
    ]
    for by in (1, 2):
        assert OPENSMTPD.counted(lines, by=by).warnings["dns"] == 5
