"""Exim's log: what is particular to it. Both ways of reading, line by line: tests/mta/test_log_golden.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta.exim.log import EximLog
from tests.mta.reading import CLASSIFIER, EXIM, NOW, facts

pytestmark = pytest.mark.usefixtures("utc")
LINES = EXIM.lines


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """No delivery to a forged domain and no completed message is counted, whatever strangers write."""
    tally = EXIM.counted(EXIM.golden("forged"))
    assert {domain for domain, _ in tally.destinations} == {"real.example", "forge.example"}
    assert tally.deliveries == {"sent": 3, "deferred": 3, "bounced": 2, "expired": 0}
    assert tally.removed == 0
    assert tally.received == 1
    assert tally.auth_failures == 1


def test_what_was_not_tried_is_no_attempt() -> None:
    """Retry times that are not reached are suspended; mail that is queued on purpose counts nowhere."""
    lines = [line for line in EXIM.golden("attempts") if b" == " in line]
    tally = EXIM.counted(lines)
    assert tally.deliveries["deferred"] == 12
    assert sum(n for (_, suspended), n in tally.deferrals.items() if suspended) == 4
    assert sum(n for (_, suspended), n in tally.deferrals.items() if not suspended) == 12


def test_each_message_has_one_latency() -> None:
    """Of several deliveries of a message the last one before Completed counts, by QT= or by the id's own
    time.
    """
    head = b"2026-11-24 03:17:58 1xVh2S-0002gu-0s "
    lines = [
        head + b"=> a@ok1.example R=mx T=t H=h [192.0.2.1] QT=3s",
        head + b"-> b@ok1.example R=mx T=t H=h [192.0.2.1] QT=7s",
        head + b"Completed QT=7s",
        head + b"Completed",
        b"2026-11-24 03:17:58 1xVh2S-0002gu-0t => c@ok1.example R=mx T=t",
        b"2026-11-24 03:17:58 1xVh2S-0002gu-0t Completed",
    ]
    latency = EXIM.counted(lines).latency
    assert latency is not None
    assert (latency.count, latency.total) == (2, 17.0)


FORMS = {
    "millisec": lambda stamp, rest: stamp + b".123 " + rest,
    "zone": lambda stamp, rest: stamp + b" +0000 " + rest,
    "pid": lambda stamp, rest: stamp + b" [4711] " + rest,
    "zone, pid": lambda stamp, rest: stamp + b" +0100 [4711] " + rest,
    "all": lambda stamp, rest: stamp + b".123 +0000 [99] " + rest,
    "syslog": lambda stamp, rest: b"Nov 24 03:17:48 mail exim[12]: " + stamp + b" " + rest,
    "syslog without time": lambda stamp, rest: b"Nov 24 03:17:48 mail exim[12]: " + rest,
    "syslog, all": lambda stamp, rest: (
        b"2026-11-24T03:17:48+00:00 mail exim[12]: " + stamp + b".001 +0000 [12] " + rest
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_log_selector_variant_counts_the_same(form: str) -> None:
    """Milliseconds, time zones, process ids and syslog around the same entries change no counter."""
    lines = [
        line
        for line in EXIM.golden("attempts") + EXIM.golden("forged")
        if line.startswith(b"2026-11-24 ") and line[19:23] not in (b".123", b" +01")
    ]
    varied = [FORMS[form](line[:19], line[20:]) for line in lines]
    rounded = "syslog" in form or "milli" in form or form == "all"
    without = frozenset({"latency", "delays"} if rounded else ())
    assert facts(EXIM.both_ways(varied), without=without) == facts(EXIM.counted(lines), without=without)


def test_last_message_repeated_counts_the_line_before() -> None:
    """A syslog daemon's repetition counts what it repeats, also across batches and restarts."""
    line = b"Nov 24 03:17:48 mail exim[12]: 2026-11-24 03:17:48 no host name found for IP address 192.0.2.8"
    lines = [line, b"Nov 24 03:17:49 mail last message repeated 4 times"]
    for by in (1, 2):
        assert EXIM.counted(lines, by=by).warnings["dns"] == 5
    EXIM.both_ways(lines)


def test_the_state_survives_a_restart() -> None:
    """Stopped, saved and restored anywhere, the counters come to the same."""
    lines = [line for line in LINES if b"Completed" in line or b" => " in line or b" == " in line]
    whole = EXIM.counted(lines)
    unmixed = frozenset({"deferrals"})  # what a domain failed with before is not saved
    for at in range(0, len(lines), 5):
        assert facts(EXIM.restarted(lines, at), without=unmixed) == facts(whole, without=unmixed)


#: Pieces of what may stand where an address does.
ADDRESS = st.lists(
    st.sampled_from([
        b"a", b"@", b"x.example", b'"', b" ", b"<", b">", b"|", b"/", b":", b"(", b")", b"=", b"\\", b"\t", b"R",
    ]),
    min_size=1, max_size=7,
).map(b"".join)
REST = (
    b" R=r T=t H=h [192.0.2.1]:25 DT=1s: 450 4.2.0 no", b" R=r T=t defer (-44) H=h [192.0.2.1] DT=0s: 450 4.2.0 no",
    b" <p@y.example> R=r defer (-1): wait", b' R=r T=t H=h [192.0.2.1] C="250 2.0.0 ok" QT=2s',
    b": no such user", b" F=<s@z.example>: no", b"",
)


LONG, SHORT = b"10HmaX-000000005vi-0000", b"1xVh2S-0002gu-0s"
HEAD = b"2026-11-24 03:17:58 1xVh2S-0002gu-0s "


@settings(max_examples=500)
@given(
    lines=st.lists(st.tuples(st.sampled_from([b"=>", b"->", b"==", b"**"]), ADDRESS, st.sampled_from(REST)), max_size=6)
)
def test_whatever_stands_for_an_address_feeds_as_it_sums(lines: list[tuple[bytes, bytes, bytes]]) -> None:
    """The short cut for plain addresses takes none for plain that means something else."""
    EXIM.both_ways([b"%b%b %b%b" % (HEAD, flag, address, rest) for flag, address, rest in lines])


#: What may stand before "@", between it and the fields, and after that.
LOCALS = (
    b"a", b"a.b", b"", b"/a", b"|a", b"a/b", b":a", b"a:b", b'"a"', b'"a b"', b"a b", b"a\tb", b"u <a", b"u  <a",
    b" <a", b"u <", b"<a", b"u v <a", b"u=v <a", b"u <a b", b"u: <a", b"/u <a", b"|u <a", b"a(b)", b"\xe4", b"b@a",
    b'a"b', b"u <a <b", b"u a<b", b"u: a",
)
DOMAINS = (
    b"x.example", b"X.Example", b"x.example>", b"x.example.", b"[192.0.2.1]", b"", b"x.example <p@y.example>",
    b'x.example <"p q"@y.example>', b"x.example> <p@y.example>", b"x.example (p@y.example)", b"x.example:",
    b"x.example <",
)
RESTS = (
    b"", b" ", b" R=r T=t", b" r", b" R=r T=t QT=1s", b" R=r QT=9s QT=2m3s DT=1s", b" R=r QT=1x",
    b" R=r QT=" + b"0" * 90 + b"1s",
    b' R=r C="250 2.0.0 ok" QT=1s', b' R=r C="250 2.0.0 ok"', b' R=r C="250 2.0.01234 ok" QT=1s',
    b' R=r C="250 2.0.0" QT=1s', b' R=r C="250 OK" QT=1s DT=0s\r', b' R=r DN="250 2.9.9 x" QT=1s',
    b' R=r C="250 2.0.0 ok" QT=9s" QT=1s', b' R=r C="" QT=1s', b' C="250 2.0.0 ok', b" C=250",
    b' R=r XC="250 2.9.9" QT=1s', b" R=r T=t defer (-44) H=h [192.0.2.1] DT=0s: 450 4.2.0 no", b" R=r defer (0)",
    b" R=r defer (0) ", b" R=r routing defer (-1): 450 4.2.0 no",
    b" R=r T=t H=h [192.0.2.1]: 550 5.1.1 <a@x.example> no", b" R=r : no", b": no: no",
    b" R=r T=t: all hosts for 'x.example' have been failing for a long time (and retry time not reached)",
    b" R=r defer (-54): retry time not reached for any host", b" R=r defer (-1): domain is held",
    b" R=r: retry timeout exceeded",
)


@pytest.mark.parametrize("flag", [b"=> ", b"-> ", b"== ", b"** "])
def test_every_piece_of_a_line_feeds_as_it_sums(flag: bytes) -> None:
    """Pieces that are remembered are taken only for what the whole line means, usual or not."""
    for local in LOCALS:
        for domain in DOMAINS:
            lines = [HEAD + flag + local + b"@" + domain + rest for rest in RESTS]
            EXIM.both_ways(lines + lines[::-1])
    usual = HEAD + flag + b"a@x.example"
    for rest in RESTS:
        EXIM.both_ways([usual + rest, usual + rest, HEAD + b"Completed"])


PREFIXES: Mapping[bytes, Sequence[bytes]] = {
    b"2026-11-24 03:17:58 [12] ": [
        b"2026-11-24 03:17:58 " + pid
        for pid in (
            b"", b"[1] ", b"[1234567890] ", b"[12345678901] ", b"[] ", b"[x] ", b"[1", b"[1]", b"[1/2] ", b"[1] [1] ",
        )
    ],
    b"Nov 24 03:17:48 mail exim[12]: 2026-11-24 03:17:58 ": [
        head + b"2026-11-24 03:17:58 "
        for head in (
            b"Nov 24 03:17:48 mail exim[x]: ", b"Nov 24 03:17:48 mail exim[]: ", b"Nov 24 03:17:48 mail exim: ",
            b"Nov 24 03:17:48 mail exim[12: ", b"Nov 24 03:17:48 mail exim[12]x: ", b"Nov 24 03:17:48 mail exim[12] ",
            b"Nov 24 03:17:48 mail exim[12]: [1/2] ", b"Nov 24 03:17:48 mail exim[12]: [2/2] ", b"",
            b"Nov 24 03:17:48 mail exim[12]: x: ", b"Nov 24 03:17:48 host exim[12]: ",
            b"Nov 24 03:17:48 mail smtp[12]: ", b"Nov 24 03:17:48 mail exim[12345678901]: ",
            b"Nov 2x 03:17:48 mail exim[12]: ", b"Nov 24 03-17:48 mail exim[12]: ", b"Dec  1 03:17:48 mail exim[7]: ",
            b"1700000000 a b  mail exim[12]: ",
        )
    ],
    b"Nov 24 03:17:48 mail exim[12]: ": [
        b"Nov 24 03:17:48 mail exim[12]: [12] ", b"Nov 24 03:17:48 mail smtp[12]: ", b"Nov 24 03:17:48 mail exim[x]: ",
    ],
    b"2026-11-24 03:17:58 ": [
        b"2026-11-24 03:17:5x ", b"2026-11-24 03:17:58", b"2026-11-24 03:17:58  ", b"2026-11-24 03:17:58 +0100 ", b"",
        b"2026-11-24 03:17:58.123 ", b" 2026-11-24 03:17:58 ", b"H=(2026-11-24 03:17:58 ",
    ],
}


@pytest.mark.parametrize("usual", PREFIXES)
def test_a_line_that_begins_in_another_way_feeds_as_it_sums(usual: bytes) -> None:
    """What the lines before looked like is only what is looked for first."""
    entries = [
        SHORT + b" <= s@y.example H=h [192.0.2.1]", SHORT + b" => a@x.example R=r T=t", SHORT + b" Completed",
        SHORT + b" == a@x.example R=r defer (-1): wait", b"no host name found for IP address 192.0.2.8",
    ]
    known = [usual + entry for entry in entries]
    for prefix in PREFIXES[usual]:
        odd = [prefix + entry for entry in entries]
        for lines in (known + odd + known, [line for pair in zip(known, odd, strict=True) for line in pair]):
            whole = EXIM.both_ways(lines)
            for by in (1, 3):
                assert facts(EXIM.both_ways(lines, by=by)) == facts(whole)


def test_a_reply_forges_neither_confirmation_nor_time() -> None:
    """Quotes, times and codes that a remote server put into its reply stay its text."""
    lines = [
        HEAD + rb'=> a@x.example R=r T=t H=h [192.0.2.1] C="250 OK \" QT=9s\" C=\"250 2.9.9 " QT=3s',
        HEAD + rb'=> b@x.example R=r T=t H=h [192.0.2.1] C="250 2.0.0 ok" QT=9s" QT=3s DT=1s',
        HEAD + rb'=> c@x.example R=r T=t H=h [192.0.2.1] DN="C=\"250 2.9.9\"" C="250 2.0.0 ok" QT=3s',
        HEAD + b"=> d@x.example R=r T=t QT=9s QT=3s",
        HEAD + b"=> e <e@x.example> R=r T=t QT=3s",
    ]
    usual = HEAD + b"=> a@x.example R=r T=t QT=9s", HEAD + b'=> a@x.example R=r C="a" QT=9s'
    EXIM.both_ways([each for line in (*lines, *usual, *lines) for each in (line, HEAD + b"Completed")])
    for line in lines:
        tally = EXIM.both_ways([line, HEAD + b"Completed"])
        assert set(tally.replies) <= {("sent", "2.0")}
        assert (tally.destinations, tally.latency and tally.latency.total) == ({("x.example", "sent"): 1}, 3.0)


@pytest.mark.parametrize("form", FORMS)
def test_long_and_short_ids_in_one_log_count_the_same(form: str) -> None:
    """What most ids of a log are like only decides what is fast; ids that are none are none."""
    words = (b"<= s@y.example H=h [192.0.2.1]", b"=> a@x.example R=r T=t QT=1s", b"Completed", b"** a@x.example: no")
    odd = b"1xVh2S-0002g-u0s", b"1xVh2S-0002gu-0", b"10HmaX-000000005vi-000", b"10HmaX_000000005vi-0000", SHORT + b"0"
    for ids in (LONG,), (SHORT,), (LONG, LONG, SHORT), (SHORT, SHORT, LONG), (LONG, SHORT), (LONG, SHORT, *odd):
        rests = [each + b" " + word for word in words for _ in range(3) for each in ids]
        lines = [FORMS[form](b"2026-11-24 03:17:58", rest) for rest in rests]
        whole = EXIM.both_ways(lines)
        good = 3 * len(set(ids) - set(odd)) + (3 if len(ids) == 3 else 0)
        assert (whole.received, whole.removed, whole.deliveries["bounced"]) == (good, good, good)
        for by in (1, 2, 5):
            assert facts(EXIM.counted(lines, by=by)) == facts(whole)


def test_a_newline_at_the_end_changes_nothing() -> None:
    """Lines may have their newlines: the same is counted, kept as samples and remembered for what is repeated."""
    for lines in (LINES, [FORMS["syslog"](line[:19], line[20:]) for line in LINES]):
        told = []
        for end in (b"", b"\n"):
            tally = Tally()
            parser = EximLog(tally, CLASSIFIER, now=NOW)
            for start in range(0, len(lines), 50):
                parser.feed([line + end for line in lines[start : start + 50]])
            told.append((tally.state(), list(tally.samples)))
        assert told[0] == told[1]


def test_destinations_that_change_places_are_counted_as_they_are() -> None:
    """Which domains are the top ones changes again and again; pieces that are remembered notice."""
    texts = (
        b'=> a@%b R=r T=t C="250 ok" QT=1s', b"=> u <u@%b> R=r T=t", b"== a@%b R=r defer (-1): wait", b"** a@%b: no",
        b"== u <u@%b> R=r defer (-1): wait",
    )
    for kinds in ((0, 1), (2, 3), (4, 0), (4, 2), (0, 1, 2, 3, 4)):
        lines = []
        for turn, times in enumerate((4, 20, 60, 180)):
            domains = [b"d%d.example" % (n + turn % 2 * 15) for n in range(25)]
            lines += [HEAD + texts[kinds[n % len(kinds)]] % domain for n in range(times) for domain in domains]
        whole = EXIM.both_ways(lines)
        assert sum(whole.destinations.values()) == len(lines)
        assert facts(EXIM.counted(lines, by=97)) == facts(whole)
    for text in texts[:4]:
        top = [HEAD + text % b"d%d.example" % n for n in range(20)]
        newcomer = [HEAD + b"== u <u@new.example> R=r defer (-1): wait"] * 40
        assert sum(EXIM.both_ways(top * 3 + newcomer + top).destinations.values()) == 120


def test_messages_that_are_never_completed_are_counted_early() -> None:
    """Of more messages than are waited for the oldest are counted, as soon as by their events."""
    lines = [b"2026-11-24 03:17:58 1xVh2S-%06d-0s => a@x.example R=r T=t QT=%ds" % (n % 9000, n) for n in range(11000)]
    whole = EXIM.both_ways(lines)
    assert facts(EXIM.counted(lines, by=700)) == facts(whole)
    assert whole.latency is not None
    assert whole.latency.count > 0


def test_the_address_is_masked_in_whatever_it_stands_in() -> None:
    """The reason is that of the text without the recipient, however long the text is."""
    said = b"SMTP error from remote mail server after RCPT TO:<a@x.example>: 451 4.2.0 <a@x.example>: "
    for filler in (b"", b"a@x.example " * 300, b"x" * 2040 + b"a@x.example" * 3):
        for flag, defer in (b"==", b" defer (-44)"), (b"**", b""):
            line = HEAD + flag + b" a@x.example R=r T=t" + defer + b": " + said + filler + b"retry timeout exceeded"
            EXIM.both_ways([line, line])
