"""Sendmail's log: what is particular to it. Both ways of reading, line by line: tests/mta/test_log_golden.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta.sendmail.log import SendmailLog
from tests.mta.reading import CLASSIFIER, NOW, SENDMAIL, facts

pytestmark = pytest.mark.usefixtures("utc")
REAL = SENDMAIL.real


def slowly(line: bytes) -> bytes:
    """The same line in an envelope that the hot loop does not know by heart."""
    front, colon, words = line.partition(b"]: ")
    return front + colon + b"message repeated 1 times: [ " + words + b"]"


def test_the_frequent_shapes_count_as_the_whole_grammar() -> None:
    """A whole real log comes to the same with each line in an envelope that only the slow way understands."""
    assert facts(SENDMAIL.counted([slowly(line) for line in REAL])) == facts(SENDMAIL.counted(REAL))


def test_a_real_log_is_understood_whole() -> None:
    """No line of a real log is left over, and recipients are counted one by one."""
    found = SENDMAIL.counted(REAL)
    assert found.lines == {"understood": len(REAL), "ignored": 0, "unparsed": 0}
    text = b"\n".join(REAL)
    recipients = sum(line.split(b", delay=")[0].count(b",<") + 1 for line in REAL if b": to=" in line)
    assert sum(found.deliveries.values()) == recipients > 1500
    assert found.received == text.count(b": from=<")
    assert (
        sum(n for (_, status), n in found.destinations.items() if status == "sent")
        == found.deliveries["sent"]
    )


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """No delivery to a forged domain and no sent message is counted, whatever strangers write."""
    tally = SENDMAIL.counted(SENDMAIL.golden("forged"))
    assert {domain for domain, _ in tally.destinations} == {"forge.example"}
    assert tally.deliveries == {"sent": 0, "deferred": 5, "bounced": 1, "expired": 0}
    assert tally.received == 1
    assert tally.removed == 1


def attempt(queue_id: str, to: str, delay: str, dsn: str, said: str) -> bytes:
    """A line about an attempt."""
    return (
        f"Nov 24 03:22:59 vm sm-mta[9]: {queue_id}: to={to}, delay={delay}, xdelay=00:00:00, mailer=esmtp, "
        "pri=3, "
        f"relay=mx.example. [192.0.2.1], dsn={dsn}, {said}"
    ).encode()


def received(queue_id: str, recipients: int) -> bytes:
    """A line about an arrival."""
    return (
        f"Nov 24 03:22:59 vm sm-mta[9]: {queue_id}: from=<a@sender.example>, size=1, class=0, "
        f"nrcpts={recipients}, "
        "msgid=<x@sender.example>, proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]"
    ).encode()


MANY = [
    received("6AO3Mx3Y000001", 4),
    attempt("6AO3Mx3Y000001", "<a@ok1.example>,<b@ok1.example>", "00:00:01", "2.0.0", "stat=Sent (ok)"),
    attempt("6AO3Mx3Y000001", "<c@ok2.example>", "00:00:02", "4.2.0", "stat=Deferred: 450 4.2.0 Greylisted"),
    attempt("6AO3Mx3Y000001", "<d@no.example>", "00:00:02", "5.1.1", "stat=User unknown"),
    attempt("6AO3Mx3Y000001", "<c@ok2.example>", "1+00:00:02", "2.0.0", "stat=Sent (ok)"),
]


def test_each_message_has_one_latency_at_its_final_delivery() -> None:
    """A message with four recipients is done, once, with the last of them; its latency is that of the last
    success.
    """
    for end in range(4):
        found = SENDMAIL.counted(MANY[: end + 1])
        assert (found.removed, found.latency and found.latency.count) == (0, 0)
    found = SENDMAIL.counted(MANY)
    assert found.latency is not None
    assert (found.removed, found.latency.count, found.latency.total) == (1, 1, 86402.0)
    assert SENDMAIL.counted(MANY, by=1) == found


def test_an_alias_with_many_addresses_is_one_message() -> None:
    """More deliveries than from= said are deliveries, and one message."""
    lines = [received("6AO3Mx3Y000002", 1)] + [
        attempt("6AO3Mx3Y000002", f"<u{n}@ok1.example>", "00:00:05", "2.0.0", "stat=Sent (ok)")
        for n in range(3)
    ]
    found = SENDMAIL.counted(lines)
    assert found.latency is not None
    assert (found.deliveries["sent"], found.removed, found.latency.count) == (3, 1, 1)


def test_what_waits_survives_a_restart() -> None:
    """With counters saved and restored between any two lines, the message is still counted once."""
    for cut in range(1, len(MANY)):
        assert facts(SENDMAIL.restarted(MANY, cut)) == facts(SENDMAIL.counted(MANY)), cut


def test_a_message_that_was_too_long_in_the_queue_is_expired_and_done() -> None:
    """Cannot send message for 5 days counts as expired, once, and ends the message."""
    found = SENDMAIL.counted(
        [
            received("6AO3Mx3Y000003", 2),
            attempt("6AO3Mx3Y000003", "<a@ok1.example>", "00:00:01", "2.0.0", "stat=Sent (ok)"),
            attempt(
                "6AO3Mx3Y000003",
                "<b@old.example>",
                "5+00:00:01",
                "4.4.1",
                "stat=Deferred: Connection refused by b.",
            ),
            b"Nov 29 03:22:59 vm sm-mta[9]: 6AO3Mx3Y000003: 6AT3MxZZ9: DSN: Cannot send message for 5 days",
        ]
    )
    assert found.latency is not None
    assert (found.expired, found.deliveries["expired"], found.removed, found.latency.count) == (1, 1, 1, 1)


def test_only_its_own_names_are_read() -> None:
    """With names in the configuration, lines of other names are ignored; without any, Sendmail's usual ones
    are read.
    """
    lines = [line for line in REAL if b": to=<" in line][:50]
    renamed = [line.replace(b" sendmail[", b" out-mta[") for line in lines]
    assert SENDMAIL.counted(renamed).lines["ignored"] == 50
    tally = Tally()
    SendmailLog(tally, CLASSIFIER, ("out-mta",)).feed([*renamed, *lines])
    assert tally.lines["understood"] == 50
    assert tally.lines["ignored"] == 50
    assert facts(tally.freeze(NOW)) == facts(SENDMAIL.counted(lines))


@settings(max_examples=300)
@given(st.data())
def test_no_bytes_break_the_parser_or_make_mail_that_was_not_sent(data: st.DataObject) -> None:
    """Damaged lines raise nothing, and every line is counted as one of three."""
    line = data.draw(st.sampled_from(SENDMAIL.lines))
    start = data.draw(st.integers(0, len(line)))
    damaged = (
        line[:start] + data.draw(st.binary(max_size=20)) + line[data.draw(st.integers(start, len(line))) :]
    )
    assert sum(SENDMAIL.both_ways([damaged, line]).lines.values()) == 2


def test_line_by_line_it_counts_the_same() -> None:
    """Telling each line, as a report does, comes to what feeding the whole log comes to."""
    tally = Tally()
    parser = SendmailLog(tally, CLASSIFIER, now=NOW)
    events = [parser.tell(line) for line in REAL]
    assert None not in events
    assert tally.freeze(NOW) == SENDMAIL.counted(REAL)
