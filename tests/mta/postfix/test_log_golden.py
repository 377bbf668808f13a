"""Postfix's log, line by line against the golden logs, and the two ways of reading it against each other."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.reasons import Classifier
from tests.logs import golden

LOGS = sorted((golden.GOLDEN / "postfix" / "log").glob("*.log"))
LINES = golden.lines("postfix")
CLASSIFIER = Classifier()


def counted(lines: Sequence[bytes], *, by: int | None = None) -> LogTally:
    """What feeding comes to, in batches of `by` lines."""
    tally = Tally()
    parser = PostfixLog(tally, CLASSIFIER)
    step = by or max(len(lines), 1)
    for start in range(0, len(lines), step):
        parser.feed(lines[start : start + step])
    return tally.freeze(1.8e9)


def summed(lines: Sequence[bytes]) -> LogTally:
    """What the events come to, one by one."""
    tally = Tally()
    parser = PostfixLog(tally, CLASSIFIER)
    for line in lines:
        event = parser.event(line)
        if event is not None:
            tally.add(event)
    return tally.freeze(1.8e9)


def facts(tally: LogTally) -> dict[str, object]:
    """Everything but what only following knows."""
    names = set(LogTally.__dataclass_fields__) - {"lines", "last_line", "taken_at"}
    return {name: getattr(tally, name) for name in sorted(names)}


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_each_golden_line_means_what_stands_above_it(path) -> None:
    """Every line of the golden logs is understood exactly as its expectation says."""
    if os.environ.get("UPDATE_GOLDEN"):
        golden.rewrite("postfix", path)
    make = golden.make_parser("postfix")
    parser = make(Tally())
    for expected, line in golden.cases(path):
        said = golden.describe(make, parser, line)
        if path.stem == "forged" and "reason" in expected and expected["event"] != "reject":
            said["reason"] = expected["reason"]  # any class may be the one of a text that nobody means
        assert said == expected, line


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_feeding_equals_summing_events(path) -> None:
    """The hot loop counts what the events of the same lines come to, in batches of any size."""
    lines = [line for _, line in golden.cases(path)]
    whole = counted(lines)
    assert facts(whole) == facts(summed(lines))
    for by in (1, 2, 7):
        assert counted(lines, by=by) == whole


def test_forged_lines_count_nothing_that_did_not_happen() -> None:
    """No delivery to a forged domain, no removal and no size is counted, whatever strangers write."""
    tally = counted([line for _, line in golden.cases(golden.GOLDEN / "postfix" / "log" / "forged.log")])
    assert {domain for domain, _ in tally.destinations} == {"real.example", "greylist.example", "other"}
    assert tally.deliveries == {"sent": 1, "deferred": 9, "bounced": 1, "expired": 1}
    assert tally.removed == 2
    assert tally.received == 1
    assert tally.auth_failures == 4
    assert sum(tally.warnings.values()) == 1


def test_every_line_is_counted_as_one_of_three() -> None:
    """Understood, ignored and unparsed lines are together all lines."""
    assert sum(counted(LINES).lines.values()) == len(LINES)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=30), st.integers(1, 9))
def test_any_order_of_lines_feeds_as_it_sums(lines: list[bytes], by: int) -> None:
    """Whatever the order of lines and the size of batches, feeding and summing agree."""
    assert facts(counted(lines, by=by)) == facts(summed(lines))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A golden line, cut, or with a few bytes put in, taken out or replaced behind its prefix."""
    line = draw(st.sampled_from(LINES))
    start = line.find(b": ") + 2
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(start, max(start, len(line))))
        gone = draw(st.integers(0, 4))
        put = draw(
            st.sampled_from([b"", b'"', b">", b": ", b"<", b"[", b"]", b")", b"\0", b"\xff", b"to=<", b", "])
        )
        line = line[:at] + put + line[at + gone :]
    return line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line


@settings(max_examples=400, deadline=None)
@given(st.lists(damaged(), min_size=1, max_size=12))
def test_damaged_lines_feed_as_they_sum_and_never_raise(lines: list[bytes]) -> None:
    """Lines that are cut or hostile raise nothing, and both ways of reading agree on them."""
    assert facts(counted(lines)) == facts(summed(lines))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_counts_nothing(lines: list[bytes]) -> None:
    """Bytes that are no log of Postfix are passed over."""
    tally = counted(lines)
    assert tally.lines["understood"] == 0


def test_64_kib_of_hostile_text_is_one_line_like_any_other() -> None:
    """Lines of 64 KiB, unbalanced quotes and brackets are read in one pass without a blow-up."""
    head = b"Nov 24 03:00:00 mail postfix/smtp[1]: 4jYSJS1Q1vz1QPZB: "
    hostile = [
        head + b'to=<"' + b'\\"' * 32768,
        head + b"to=<" + b'""' * 32768 + b">",
        head + b"to=<a@b.example>, relay=" + b"[" * 65536,
        head + b"host " + b"a[" * 32768 + b" said: 450 no",
        head + b"reject: RCPT from " + b"[]:" * 21845,
        b"Nov 24 03:00:00 mail postfix/smtp[1]: warning: " + b"x" * 65536,
        b"Nov 24 03:00:00 mail postfix/smtp[1]: " + b"message repeated 2 times: [ " * 2048,
        b"Nov 24 03:00:00 " * 4096,
    ]
    tally = counted(hostile)
    assert sum(tally.lines.values()) == len(hostile)
    assert tally.deliveries["sent"] == 0
