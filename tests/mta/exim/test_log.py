"""Exim's log: what is particular to it. Both ways of reading, line by line: tests/mta/test_log_golden.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mta.reading import EXIM, facts

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


@settings(max_examples=500)
@given(
    lines=st.lists(st.tuples(st.sampled_from([b"=>", b"->", b"==", b"**"]), ADDRESS, st.sampled_from(REST)), max_size=6)
)
def test_whatever_stands_for_an_address_feeds_as_it_sums(lines: list[tuple[bytes, bytes, bytes]]) -> None:
    """The short cut for plain addresses takes none for plain that means something else."""
    head = b"2026-11-24 03:17:58 1xVh2S-0002gu-0s "
    EXIM.both_ways([b"%b%b %b%b" % (head, flag, address, rest) for flag, address, rest in lines])
