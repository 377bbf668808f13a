"""OpenSMTPD's log, line by line against golden logs, and its two ways of reading against each other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.delays import PENDING
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.mta.opensmtpd.log import OpensmtpdLog
from smtpq_exporter.reasons import Classifier
from tests.logs import golden

LOGS = sorted((golden.GOLDEN / "opensmtpd" / "log").glob("*.log"))
LINES = golden.lines("opensmtpd")
CLASSIFIER = Classifier()
NOW = 1.8e9
HEAD = b"Nov 24 03:23:57 vm smtpd[4529]: "
#: What only feeding tells, as no line says that a message is done; and what only following knows.
FED_ONLY = {"removed", "latency", "delays", "lines", "last_line", "taken_at"}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stamps without a zone were made in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def counted(lines: Sequence[bytes], *, by: int | None = None) -> LogTally:
    """What feeding comes to, in batches of `by` lines."""
    tally = Tally()
    parser = OpensmtpdLog(tally, CLASSIFIER, now=NOW)
    step = by or max(len(lines), 1)
    for start in range(0, len(lines), step):
        parser.feed(lines[start : start + step])
    return tally.freeze(NOW)


def summed(lines: Sequence[bytes]) -> LogTally:
    """What the events come to, one by one."""
    tally = Tally()
    parser = OpensmtpdLog(tally, CLASSIFIER, now=NOW)
    for line in lines:
        event = parser.event(line)
        if event is not None:
            tally.add(event)
    return tally.freeze(NOW)


def facts(tally: LogTally) -> dict[str, object]:
    """What feeding and summing have in common."""
    return {name: getattr(tally, name) for name in sorted(set(LogTally.__dataclass_fields__) - FED_ONLY)}


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


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_each_golden_line_means_what_stands_above_it(path: Path) -> None:
    """Every line of the golden logs is understood exactly as its expectation says."""
    make = golden.make_parser("opensmtpd")
    parser = make(Tally())
    for expected, line in golden.cases(path):
        assert golden.describe(make, parser, line) == expected, line


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_feeding_equals_summing_events(path: Path) -> None:
    """The hot loop counts what the events of the same lines come to, in batches of any size."""
    lines = [line for _, line in golden.cases(path)]
    whole = counted(lines)
    assert facts(whole) == facts(summed(lines))
    for by in (1, 2, 7):
        assert counted(lines, by=by) == whole


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """The first result= behind relay= counts, whatever a remote server, a client or a mailbox writes."""
    tally = counted([line for _, line in golden.cases(golden.GOLDEN / "opensmtpd" / "log" / "forged.log")])
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
        found = counted(lines, by=by)
        assert found.removed == 1
        assert found.latency is not None
        assert (found.latency.count, found.latency.total) == (1, 3600.0)
        whole = counted([*lines, expire], by=by)
        assert whole.removed == 2
        assert whole.latency is not None
        assert (whole.latency.count, whole.latency.total) == (2, 3607.0)
        assert whole.expired == 1


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
    whole = counted(lines)
    assert whole.removed == 3
    for at in range(len(lines)):
        first = Tally()
        OpensmtpdLog(first, CLASSIFIER, now=NOW).feed(lines[:at])
        second = Tally.restore(first.state())
        OpensmtpdLog(second, CLASSIFIER, now=NOW).feed(lines[at:])
        assert second.freeze(NOW) == whole


def test_every_line_is_counted_as_one_of_three() -> None:
    """Understood, ignored and unparsed lines are together all lines."""
    assert sum(counted(LINES).lines.values()) == len(LINES)


def test_last_message_repeated_counts_the_line_before() -> None:
    """A syslog daemon's repetition counts what it repeats, also across batches."""
    lines = [
        HEAD + b"smtp-out: Failed to resolve MX for [relay:x]: Host not found",
        b"Nov 24 03:17:49 vm last message repeated 4 times",
    ]
    for by in (1, 2):
        assert counted(lines, by=by).warnings["dns"] == 5


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(LINES), max_size=30), st.integers(1, 9))
def test_any_order_of_lines_feeds_as_it_sums(lines: list[bytes], by: int) -> None:
    """Whatever the order of lines and the size of batches, feeding and summing agree."""
    assert facts(counted(lines, by=by)) == facts(summed(lines))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A golden line, cut, or with a few bytes put in, taken out or replaced behind syslog's prefix."""
    line = draw(st.sampled_from(LINES))
    start = line.find(b": ") + 2
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(start, max(start, len(line))))
        gone = draw(st.integers(0, 4))
        put = draw(
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b">",
                    b": ",
                    b"<",
                    b"[",
                    b"\0",
                    b"\xff",
                    b' result="Ok"',
                    b" to=<x@y>",
                    b"@",
                    b"\n",
                    b"event=",
                    b"0",
                ]
            )
        )
        line = line[:at] + put + line[at + gone :]
    return line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(damaged(), min_size=1, max_size=12))
def test_damaged_lines_feed_as_they_sum_and_never_raise(lines: list[bytes]) -> None:
    """Lines that are cut or hostile raise nothing, and both ways of reading agree on them."""
    assert facts(counted(lines)) == facts(summed(lines))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_counts_nothing(lines: list[bytes]) -> None:
    """Bytes that are no log of OpenSMTPD are passed over."""
    assert counted(lines).lines["understood"] == 0


def test_64_kib_of_hostile_text_is_one_line_like_any_other() -> None:
    """Lines of 64 KiB, unbalanced quotes and brackets are read in one pass without a blow-up."""
    session = HEAD + b"b7dc7d8ae003ee52 "
    hostile = [
        session + text
        for text in (
            b"mta delivery evpid=0000000100000001 from=<" + b'"' * 60000,
            b"mta delivery evpid=0000000100000001 from=<" + b'""' * 30000 + b">",
            b"mta delivery evpid=0000000100000001 from=<> to=<" + b'"\\' * 30000,
            b"mda delivery evpid=0000000100000001 from=<> to=<> user=" + b" delay=1s" * 7000,
            b"smtp failed-command command=" + b'" result="' * 6000,
            b"mta error reason=" + b"x" * 65536,
            b'mta delivery evpid=0000000100000001 from=<> to=<a@b> rcpt=<-> source="-" relay="'
            + b"(" * 60000,
            delivery(1, 1)[len(session) : -1] + b'" result="Ok" stat="' * 3000,
        )
    ]
    hostile += [
        HEAD + b"relay: Ok for 0000000100000001: session=b7dc7d8ae003ee52, from=<" + b">, to=<" * 9000,
        HEAD + b"delivery: Ok for 0000000100000001: from=<>, to=<>, user=" + b", method=" * 7000,
    ]
    before = time.process_time()
    assert facts(counted(hostile)) == facts(summed(hostile))
    assert time.process_time() - before < 20  # a blow-up would take hours
