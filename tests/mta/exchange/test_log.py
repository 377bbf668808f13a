"""Message tracking and connectivity logs: the golden ones, and what happens to files in real life."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.mta.exchange.log import ExchangeLog
from smtpq_exporter.mta.exchange.log_csv import TRACKING, TRACKING_2010
from smtpq_exporter.reasons import REASONS, Classifier
from tests.logs.golden import GOLDEN, cases, describe, make_parser, rewrite

LOGS = sorted((GOLDEN / "exchange" / "log").glob("*.log"))
CLASSIFIER = Classifier()
NOW = 1795700000.0
LINES = [line for path in LOGS for _, line in cases(path)]


def counted(lines: list[bytes], tally: Tally | None = None) -> LogTally:
    """The counters of these lines."""
    tally = tally or Tally()
    ExchangeLog(tally, CLASSIFIER).feed(lines)
    return tally.freeze(NOW)


def record(**values: str) -> bytes:
    """A line of the tracking log."""
    named = {"date-time": "2026-11-24T08:00:00.000Z", "network-message-id": "id-1",
             **{name.replace("_", "-"): value for name, value in values.items()}}
    return ",".join(named.get(name, "") for name in TRACKING).encode()


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_golden_logs(path: Path) -> None:
    """Each line of a golden log means what stands above it."""
    make = make_parser("exchange")
    parser = make(Tally())
    for expected, line in cases(path):
        assert describe(make, parser, line) == expected, line


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_golden_logs_are_as_they_would_be_written(path: Path, tmp_path: Path) -> None:
    """Rewriting the expectations changes nothing."""
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    rewrite("exchange", copy)
    assert copy.read_bytes() == path.read_bytes()


def test_the_golden_logs_in_sum() -> None:
    """Attempts by recipient, messages by arrival and end, latency once for each delivered message."""
    found = counted(LINES)
    assert found.deliveries == {"sent": 2, "deferred": 2, "bounced": 3, "expired": 1}
    assert (found.received, found.expired, found.removed) == (2, 1, 4)
    assert found.deferrals == {("connection_refused", False): 1, ("rate_limited", False): 1}
    assert found.bounces == {"invalid_recipient": 1, "blocklisted": 2}
    assert {name: n for name, n in found.warnings.items() if n} == {
        "connect_failure": 1, "dns": 1, "tls": 1, "rate_limit": 1, "transport": 1}
    assert found.latency is not None
    assert (found.latency.count, found.latency.total) == (2, 16.513)
    assert (found.delays["in_queue"].count, found.delays["in_queue"].total) == (1, 13.818)
    assert found.delays["transmit"].total == 0.291
    assert found.delays["before_queue"].total == 0.33
    assert found.delays["connect"].count == 0, "nobody tells how long connecting took: not known is not 0"
    assert found.destinations["spam.example", "bounced"] == 2
    assert found.last_line is not None


def test_event_and_feed_agree() -> None:
    """Attempts, arrivals, reasons: what `event` says for each line adds up to what `feed` counts."""
    fed, told = Tally(), Tally()
    ExchangeLog(fed, CLASSIFIER).feed(LINES)
    parser = ExchangeLog(Tally(), CLASSIFIER)
    for line in LINES:
        event = parser.event(line)
        if event is not None:
            told.add(event)
    for name in ("received", "expired", "deferred", "bounces", "warnings"):
        assert getattr(fed, name) == getattr(told, name), name
    assert fed.cells == told.cells


def test_any_batches_give_the_same_counters() -> None:
    """Lines one by one, in pieces, or across a restart with saved counters come to the same."""
    whole = counted(LINES)
    generator = random.Random(4)
    for _ in range(20):
        tally, at = Tally(), 0
        parser = ExchangeLog(tally, CLASSIFIER)
        while at < len(LINES):
            size = generator.randint(1, 9)
            parser.feed(LINES[at : at + size])
            at += size
            if generator.random() < 0.5:
                tally = Tally.restore(tally.state())
                parser = ExchangeLog(tally, CLASSIFIER)
        assert tally.freeze(NOW) == whole


def test_who_goes_on_in_the_middle_needs_no_header() -> None:
    """Records without their header are understood; with fewer or more fields, too."""
    records = [line for line in LINES if line[:4] == b"2026"]
    assert counted(records).deliveries == counted(LINES).deliveries
    receive = record(event_id="RECEIVE", source="SMTP")
    assert counted([receive + b",new-field,another"]).received == 1
    named = {"date-time": "2010-01-02T03:04:05.000Z", "event-id": "RECEIVE"}
    old = ",".join(named.get(name, "") for name in TRACKING_2010)
    assert counted([old.encode()]).received == 1


def test_fields_are_taken_by_their_names() -> None:
    """A header with another order is obeyed, for records with as many fields."""
    header = b"#Fields: date-time,event-id,source,recipient-address,recipient-status,foo,bar"
    line = b"2026-11-24T08:00:00.000Z,FAIL,SMTP,a@b.example,550 5.1.1 User unknown,,"
    assert counted([b"\xef\xbb\xbf" + header, line]).bounces == {"invalid_recipient": 1}
    assert counted([line]).lines["unparsed"] == 1


def test_files_read_in_turn_do_not_disturb_each_other() -> None:
    """Lines of a tracking and of a connectivity log that come alternately mean the same."""
    tracking, connectivity = ([line for _, line in cases(path)] for path in reversed(LOGS))
    mixed = [line for pair in zip(tracking, connectivity, strict=False) for line in pair]
    mixed += tracking[len(connectivity) :]
    found, wanted = (replace(counted(lines), last_line=None) for lines in (mixed, [*tracking, *connectivity]))
    assert found == wanted


def test_a_record_over_several_lines_is_one() -> None:
    """A line break inside of quotes is part of the text; a record that is cut there costs no other record."""
    said = '"550 5.1.1\nUser unknown"'
    line = record(event_id="FAIL", recipient_address="a@b.example", recipient_status=said)
    assert counted(line.split(b"\n")).bounces == {"invalid_recipient": 1}
    cut = line.split(b"\n")[0]
    whole = record(event_id="RECEIVE")
    found = counted([cut, whole, whole])
    assert found.received == 2
    endless = counted([cut, *[b"x"] * 60, whole])
    assert (endless.received, endless.lines["unparsed"]) == (1, 1)


def test_recipients_have_their_own_answers() -> None:
    """As many answers as recipients belong together; one is for all; a semicolon in a text is none."""
    def bounces(addresses: str, said: str) -> dict[str, int]:
        line = record(event_id="FAIL", recipient_address=addresses, recipient_status=said)
        return dict(counted([line]).bounces)

    assert bounces("a@x.example;b@y.example", "550 5.1.1 User unknown;552 5.2.2 mailbox full") == {
        "invalid_recipient": 1, "mailbox_full": 1}
    assert bounces("a@x.example;b@y.example", "550 5.1.1 User unknown; try again") == {"invalid_recipient": 2}
    assert bounces("a@x.example;b@y.example",
                   "[{LED=550 5.1.1 User unknown};{IP=}];[{LED=552 5.2.2 mailbox full};{IP=}]") == {
        "invalid_recipient": 1, "mailbox_full": 1}


def test_members_of_a_group_are_waited_for() -> None:
    """After EXPAND a message is done with the last member, and its latency counts once."""
    deliver = {"event_id": "DELIVER", "source": "STOREDRIVER", "recipient_count": "1"}
    lines = [
        record(event_id="RECEIVE", recipient_count="1"),
        record(event_id="EXPAND", recipient_address="a@x.example;b@x.example;c@x.example"),
        *(record(**deliver, recipient_address=f"{who}@x.example", custom_data=f"S:E2ELatency={n}")
          for n, who in enumerate("abc", 1)),
        record(**deliver, recipient_address="late@x.example", custom_data="S:E2ELatency=9"),
    ]
    assert counted(lines[:4]).removed == 0
    found = counted(lines)
    assert found.latency is not None
    assert (found.removed, found.deliveries["sent"]) == (1, 4)
    assert (found.latency.count, found.latency.total) == (1, 3.0)


def test_hostile_lines_are_survived() -> None:
    """Random damage to records raises nothing, and what becomes a label stays in its closed set."""
    generator = random.Random(11)
    tally = Tally(top=3)
    parser = ExchangeLog(tally, CLASSIFIER)
    for _ in range(4000):
        line = bytearray(generator.choice(LINES))
        for _ in range(generator.randint(1, 6)):
            if line:
                line[generator.randrange(len(line))] = generator.randrange(256)
        parser.feed([bytes(line).replace(b"\n", b" ")])
        parser.event(bytes(line))
    found = tally.freeze(NOW)
    assert {reason for reason, _ in found.deferrals} | set(found.bounces) <= {*REASONS, ""}
    assert len({domain for domain, _ in found.destinations}) <= 4
    assert sum(found.lines.values()) == 4000
    assert len(tally.waiting) < 9000
