"""What the Postfix log parser promises beyond single lines: names, repeats, bounds, once per message."""

from __future__ import annotations

import pytest

from smtpq_exporter.logs.tally import SAMPLES, Tally
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.reasons import Classifier

HEAD = b"Nov 24 03:00:00 mail postfix/smtp[1]: "


def feed(*lines: bytes, names: tuple[str, ...] = (), tally: Tally | None = None) -> Tally:
    """Feed lines into a tally in one batch."""
    tally = tally or Tally()
    PostfixLog(tally, Classifier(), names).feed(lines)
    return tally


def sent(queue_id: bytes, delay: bytes, domain: bytes = b"a.example") -> bytes:
    """A successful delivery."""
    way = delay + b", delays=" + delay + b"/0/0/0"
    return (
        HEAD
        + queue_id
        + b": to=<x@"
        + domain
        + b">, relay=none, delay="
        + way
        + b", dsn=2.0.0, status=sent (ok)"
    )


def removed(queue_id: bytes) -> bytes:
    """The end of a message."""
    return b"Nov 24 03:00:00 mail postfix/qmgr[2]: " + queue_id + b": removed"


@pytest.mark.parametrize(
    ("names", "tag", "ours"),
    [
        ((), b"postfix/qmgr", True),
        ((), b"postfix-out/qmgr", True),
        ((), b"postfix-out/submission/qmgr", True),
        ((), b"mx/qmgr", False),
        (("mx",), b"mx/qmgr", True),
        (("mx",), b"mx/submission/qmgr", True),
        (("mx",), b"mx2/qmgr", False),
        (("mx",), b"postfix/qmgr", False),
        (("postfix",), b"postfix-out/qmgr", False),
        (("192.0.2.1",), b"192.0.2.1/qmgr", True),
        (("mx",), b"mx/dovecot", False),
    ],
)
def test_syslog_names_say_whose_lines_these_are(names: tuple[str, ...], tag: bytes, ours: bool) -> None:
    """Without names all of postfix* is ours, with names only these and what stands below them."""
    tally = feed(b"Nov 24 03:00:00 mail " + tag + b"[2]: 4jYSJS1Q1vz1QPZB: removed", names=names)
    assert tally.removed == ours
    assert tally.lines["ignored"] == (not ours)


def test_a_message_is_counted_once_with_its_last_delivery() -> None:
    """Three recipients, one of them late: one message with the way of the late one, when it is removed."""
    tally = feed(sent(b"AAAAAA1", b"0.4"), sent(b"AAAAAA1", b"0.5"), sent(b"AAAAAA1", b"700"))
    assert tally.freeze(0).latency.count == 0
    feed(removed(b"AAAAAA1"), removed(b"AAAAAA1"), tally=tally)
    frozen = tally.freeze(0)
    assert frozen.latency.count == 1
    assert frozen.latency.total == 700.0
    assert frozen.delays["before_queue"].count == frozen.delays["transmit"].count == 1
    assert frozen.deliveries["sent"] == 3


def test_a_message_that_only_bounced_has_no_way() -> None:
    """Delays of messages that were never delivered are in no histogram."""
    bounce = (
        HEAD
        + b"AAAAAA1: to=<x@a.example>, relay=none, delay=9, delays=9/0/0/0, dsn=5.1.1, status=bounced (no)"
    )
    assert feed(bounce, removed(b"AAAAAA1")).freeze(0).latency.count == 0


def test_last_message_repeated_means_the_line_before_even_over_batches() -> None:
    """`last message repeated N times` counts the line before it N more times, across batches and restarts."""
    repeat = b"Nov 24 03:00:00 mail last message repeated 4 times"
    tally = feed(sent(b"AAAAAA1", b"1"), repeat)
    assert tally.freeze(0).deliveries["sent"] == 5
    again = Tally.restore(tally.state())
    feed(repeat, repeat, tally=again)
    assert again.freeze(0).deliveries["sent"] == 13
    foreign = feed(b"Nov 24 03:00:00 mail dovecot: x", repeat)
    assert foreign.lines == {"understood": 0, "ignored": 2, "unparsed": 0}


def test_samples_of_what_was_not_understood_are_bounded() -> None:
    """Lines of Postfix that say nothing known are counted; the newest few are kept, cut."""
    tally = feed(*(HEAD + b"gibberish %d " % n + b"x" * 9999 for n in range(100)))
    assert tally.lines["unparsed"] == 100
    assert len(tally.samples) == SAMPLES
    assert max(map(len, tally.samples)) <= 512
    assert b"gibberish 99 " in tally.samples[-1]


def test_many_hosts_and_outcomes_stay_within_bounds() -> None:
    """A stream of new host names and enhanced codes is counted right and does not grow what is kept to be
    fast.
    """
    tally = Tally()
    parser = PostfixLog(tally, Classifier())
    line = b"Nov 24 03:00:00 h%d postfix/smtp[1]: AAAAAA1: to=<x@a.example>, relay=none, delay=1,"
    line += b" delays=1/0/0/0, dsn=2.%d.%d, status=sent (ok)"
    parser.feed([line % (n, n % 10, n % 1000) for n in range(5000)])
    assert tally.freeze(0).deliveries["sent"] == 5000
    delivery = b"Nov 24 03:00:00 h1 postfix/smtp[1]: AAAAAA1: to=<x@a.example>, relay=%b, delay=1,"
    delivery += b" delays=1/0/0/0, dsn=2.0.0, status=sent (ok)"
    parser.feed([delivery % relay for n in range(100) for relay in (b"%d" % n, b"%d" % n + b"x" * 9999)])
    assert len(parser._places) == 99  # but the first line, which only told the program
    assert len(parser._stems) <= 1024
    assert max(map(len, (parser._heads, parser._places, parser._delays, parser._sent))) <= 8192
    assert set(tally.freeze(0).replies) == {("sent", f"2.{n}") for n in range(8)} | {("sent", "other")}
    refused = delivery.replace(b"2.0.0, status=sent (ok)", b"5.1.1, status=bounced (No such user %d)") % (b"m", 7)
    parser.feed([refused.replace(b"7)", b"%d)" % n) for n in range(9000)])
    parser.feed([refused.replace(b"7)", b"x" * 9999 + b"%d)" % n) for n in range(99)])
    assert tally.freeze(0).deliveries["bounced"] == 9099
    assert len(parser._failed) == 9000 - 8192


def test_interim_replies_are_no_deferrals() -> None:
    """A message that tries four hosts is one deferral, not four."""
    said = (
        HEAD
        + b"AAAAAA1: host mx%d[192.0.2.1] said: 450 4.7.1 Greylisted (in reply to RCPT TO command)"
    )
    end = (
        HEAD
        + b"AAAAAA1: to=<x@a.example>, relay=mx4[192.0.2.4]:25, delay=9, delays=9/0/0/0, dsn=4.7.1, "
    )
    end += b"status=deferred (host mx4[192.0.2.4] said: 450 4.7.1 Greylisted (in reply to RCPT TO command))"
    tally = feed(*(said % n for n in range(3)), end)
    assert tally.freeze(0).deferrals == {("greylisted", False): 1}


def test_suspended_destinations_are_counted_apart_by_their_inner_reason() -> None:
    """A deferral without an attempt is suspended, with the reason that is quoted in it."""
    line = (
        HEAD + b"AAAAAA1: to=<x@a.example>, relay=none, delay=9, delays=9/0/0/0, dsn=4.4.1, status=deferred "
    )
    line += b"(delivery temporarily suspended: connect to a.example[192.0.2.1]:25: Connection refused)"
    assert feed(line).freeze(0).deferrals == {("connection_refused", True): 1}


def test_a_user_rule_still_sees_the_address() -> None:
    """The recipient's address is taken out of the text only where no rule of the user may ask for it."""
    line = (
        HEAD
        + b"AAAAAA1: to=<vip@a.example>, relay=none, delay=9, delays=9/0/0/0, dsn=4.4.1, status=deferred "
    )
    line += b"(host mx[192.0.2.1] said: 450 4.2.0 <vip@a.example>: Greylisted (in reply to RCPT TO command))"
    for rules, reason in (((), "greylisted"), (((r"<vip@a\.example>", "mailbox_full"),), "mailbox_full")):
        tally = Tally()
        parser = PostfixLog(tally, Classifier(rules))
        parser.feed([line])
        assert tally.freeze(0).deferrals == {(reason, False): 1}
        event = parser.event(line)
        assert event is not None
        assert event.reason == reason


def test_the_time_of_the_last_line_is_told() -> None:
    """The newest stamp is kept as it stands and dated when the counters are read."""
    tally = feed(b"2026-11-24T03:00:00.5Z mail postfix/qmgr[2]: AAAAAA1: removed", b"no line of a log")
    assert tally.freeze(0).last_line == pytest.approx(1795489200.5)


def test_bare_words_are_read_only_where_asked() -> None:
    """A line without a prefix counts only if the file is known to hold Postfix's words alone."""
    line = b"4jYSJS1Q1vz1QPZB: to=<x@a.example>, relay=none, delay=9, dsn=2.0.0, status=sent (ok)"
    assert PostfixLog(Tally(), Classifier()).event(line) is None
    event = PostfixLog(Tally(), Classifier(), bare=True).event(line)
    assert event is not None
    assert event.recipient_domain == "a.example"


def test_a_recipient_without_a_domain_has_none_though_its_alias_has() -> None:
    """What is remembered of "domain>, relay=.." does not answer for the address behind orig_to=."""
    end = b", relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)"
    known = HEAD + b"4jYSJS1Q1vz1QPZB: to=<x@a.example>" + end
    tally = feed(known, known, HEAD + b"4jYSJS1Q1vz1QPZB: to=<root>, orig_to=<root@a.example>" + end)
    assert tally.destinations.counts() == {("a.example", "sent"): 2, ("other", "sent"): 1}


def test_a_reply_is_not_taken_for_the_recipient_who_has_no_domain() -> None:
    """The first "@" of such a line stands in what the remote server says, and so does a whole delivery behind it."""
    delivered = b"@a.example>, relay=mx.a.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent ("
    known = HEAD + b"4jYSJS1Q1vz1QPZB: to=<x" + delivered + b"250 2.0.0 Ok)"
    for said in (b"450 no <x" + delivered, b"450 no x" + delivered, delivered, b'450 "x"' + delivered):
        way = b", relay=mx.b.example[192.0.2.2]:25, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred ("
        tally = feed(known, known, HEAD + b"4jYSJS1Q1vz1QPZC: to=<root>" + way + said + b"250 2.0.0 Ok))")
        assert tally.destinations.counts() == {("a.example", "sent"): 2, ("other", "deferred"): 1}


def test_a_top_destination_is_known_however_it_is_spelt() -> None:
    """Its row is the same in capitals or with a dot behind it, though other destinations push from outside."""
    end = b", relay=none, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (no)"
    spelt = [b"a.example", b"A.Example", b"a.example."]
    lines = [HEAD + b"4jYSJS1Q1vz1QPZB: to=<x@" + domain + b">" + end for domain in [*spelt * 20, b"b.example"] * 2]
    tally = Tally(top=1)
    PostfixLog(tally, Classifier()).feed(lines)
    assert tally.destinations.counts() == {("a.example", "deferred"): 120, ("other", "deferred"): 2}
