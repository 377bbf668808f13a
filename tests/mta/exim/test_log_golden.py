"""Exim's log, line by line against the golden logs, and the two ways of reading it against each other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.mta.exim.log import EximLog
from smtpq_exporter.reasons import Classifier
from tests.logs import golden

LOGS = sorted((golden.GOLDEN / "exim" / "log").glob("*.log"))
LINES = golden.lines("exim")
CLASSIFIER = Classifier()
NOW = 1.8e9


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
    parser = EximLog(tally, CLASSIFIER, now=NOW)
    step = by or max(len(lines), 1)
    for start in range(0, len(lines), step):
        parser.feed(lines[start : start + step])
    return tally.freeze(NOW)


def summed(lines: Sequence[bytes]) -> LogTally:
    """What the events come to, one by one."""
    tally = Tally()
    parser = EximLog(tally, CLASSIFIER, now=NOW)
    for line in lines:
        event = parser.event(line)
        if event is not None:
            tally.add(event)
    return tally.freeze(NOW)


def facts(tally: LogTally) -> dict[str, object]:
    """Everything but what only following knows."""
    names = set(LogTally.__dataclass_fields__) - {"lines", "last_line", "taken_at"}
    return {name: getattr(tally, name) for name in sorted(names)}


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_each_golden_line_means_what_stands_above_it(path) -> None:
    """Every line of the golden logs is understood exactly as its expectation says."""
    make = golden.make_parser("exim")
    parser = make(Tally())
    for expected, line in golden.cases(path):
        assert golden.describe(make, parser, line) == expected, line


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_feeding_equals_summing_events(path) -> None:
    """The hot loop counts what the events of the same lines come to, in batches of any size."""
    lines = [line for _, line in golden.cases(path)]
    whole = counted(lines)
    assert facts(whole) == facts(summed(lines))
    for by in (1, 2, 7):
        assert counted(lines, by=by) == whole


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """No delivery to a forged domain and no completed message is counted, whatever strangers write."""
    tally = counted([line for _, line in golden.cases(golden.GOLDEN / "exim" / "log" / "forged.log")])
    assert {domain for domain, _ in tally.destinations} == {"real.example", "forge.example"}
    assert tally.deliveries == {"sent": 3, "deferred": 3, "bounced": 2, "expired": 0}
    assert tally.removed == 0
    assert tally.received == 1
    assert tally.auth_failures == 1


def test_what_was_not_tried_is_no_attempt() -> None:
    """Retry times that are not reached are suspended; mail that is queued on purpose counts nowhere."""
    lines = [
        line for _, line in golden.cases(golden.GOLDEN / "exim" / "log" / "attempts.log") if b" == " in line
    ]
    tally = counted(lines)
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
    latency = counted(lines).latency
    assert latency is not None
    assert (latency.count, latency.total) == (2, 17.0)


def test_every_line_is_counted_as_one_of_three() -> None:
    """Understood, ignored and unparsed lines are together all lines."""
    assert sum(counted(LINES).lines.values()) == len(LINES)


FORMS = {
    "millisec": lambda stamp, rest: stamp + b".123 " + rest,
    "zone": lambda stamp, rest: stamp + b" +0000 " + rest,
    "pid": lambda stamp, rest: stamp + b" [4711] " + rest,
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
        for path in LOGS
        if path.stem in {"attempts", "forged"}
        for _, line in golden.cases(path)
        if line.startswith(b"2026-11-24 ") and line[19:23] not in (b".123", b" +01")
    ]
    varied = [FORMS[form](line[:19], line[20:]) for line in lines]
    wanted, found = counted(lines), counted(varied)
    without = {"latency", "delays"} if "syslog" in form or "milli" in form or form == "all" else set()
    assert {k: v for k, v in facts(found).items() if k not in without} == {
        k: v for k, v in facts(wanted).items() if k not in without
    }
    assert facts(found) == facts(summed(varied))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(LINES), max_size=30), st.integers(1, 9))
def test_any_order_of_lines_feeds_as_it_sums(lines: list[bytes], by: int) -> None:
    """Whatever the order of lines and the size of batches, feeding and summing agree."""
    assert facts(counted(lines, by=by)) == facts(summed(lines))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A golden line, cut, or with a few bytes put in, taken out or replaced."""
    line = draw(st.sampled_from(LINES))
    start = (
        0 if line[:5] == b"2026-" and line[10:11] == b" " else line.find(b": ") + 2
    )  # of syslog's prefix nothing
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
                    b"]",
                    b")",
                    b"\0",
                    b"\xff",
                    b" => ",
                    b" defer (1)",
                    b' C="',
                    b" QT=1s",
                    b"@",
                    b"/",
                ]
            )
        )
        line = line[:at] + put + line[at + gone :]
    return line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(damaged(), min_size=1, max_size=12))
def test_damaged_lines_feed_as_they_sum_and_never_raise(lines: list[bytes]) -> None:
    """Lines that are cut or hostile raise nothing, and both ways of reading agree on them."""
    assert facts(counted(lines)) == facts(summed(lines))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_counts_nothing(lines: list[bytes]) -> None:
    """Bytes that are no log of Exim are passed over."""
    assert counted(lines).lines["understood"] == 0


def test_64_kib_of_hostile_text_is_one_line_like_any_other() -> None:
    """Lines of 64 KiB, unbalanced quotes and brackets are read in one pass without a blow-up."""
    head = b"2026-11-24 03:00:00 1xVh2S-0002gu-0s "
    hostile = [
        head + flag + text
        for flag in (b"=> ", b"== ", b"** ", b"<= ", b"")
        for text in (
            b'"' + b'\\"' * 32768,
            b"<" + b'""' * 32768 + b">",
            b"a@b.example" + b" R=x" * 16384,
            b"a@b.example H=" + b"[" * 65536,
            b"a b " * 16384,
            b"|x " * 20000,
            b"a@b.example R=m T=t defer (1)" + b" DT=1s" * 10000,
            b"a <b@c.example" * 4000,
            b"H=(x) [1.2.3.4] " * 4000 + b"rejected",
            b"a (b) <" * 9000,
            b'a@b.example C="250 ' + b"x" * 60000 + b'" QT=1s',
            b"F=<" + b'"' * 60000,
            b"a@b.example R=m: SMTP error from remote mail server after RCPT TO:<" + b"a:" * 30000,
        )
    ]
    before = time.process_time()
    assert facts(counted(hostile)) == facts(summed(hostile))
    assert time.process_time() - before < 20  # a blow-up would take hours


def test_last_message_repeated_counts_the_line_before() -> None:
    """A syslog daemon's repetition counts what it repeats, also across batches and restarts."""
    line = b"Nov 24 03:17:48 mail exim[12]: 2026-11-24 03:17:48 no host name found for IP address 192.0.2.8"
    lines = [line, b"Nov 24 03:17:49 mail last message repeated 4 times"]
    for by in (1, 2):
        assert counted(lines, by=by).warnings["dns"] == 5
    assert facts(counted(lines)) == facts(summed(lines))


def test_the_state_survives_a_restart() -> None:
    """Stopped, saved and restored anywhere, the counters come to the same."""
    lines = [line for line in LINES if b"Completed" in line or b" => " in line or b" == " in line]
    whole = counted(lines)
    for at in range(0, len(lines), 5):
        first = Tally()
        EximLog(first, CLASSIFIER, now=NOW).feed(lines[:at])
        second = Tally.restore(first.state())
        EximLog(second, CLASSIFIER, now=NOW).feed(lines[at:])
        found = facts(second.freeze(NOW))
        assert {k: v for k, v in found.items() if k != "deferrals"} == {
            k: v for k, v in facts(whole).items() if k != "deferrals"
        }
