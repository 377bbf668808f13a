"""Every log parser, line by line against its golden logs, and its two ways of reading against each other.

What is particular to one mail server stands in tests/mta/<mta>/test_log.py.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.logs.tally import Tally
from tests.logs import golden
from tests.mta.hostile import HOSTILE
from tests.mta.reading import READINGS, Reading

pytestmark = pytest.mark.usefixtures("utc")
each = pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
LOGS = [(reading, path) for reading in READINGS.values() for path in reading.paths]
each_log = pytest.mark.parametrize(("reading", "path"), LOGS, ids=[f"{r.mta}-{path.stem}" for r, path in LOGS])
#: Means something in any log.
PUT = (b"", b'"', b">", b": ", b"<", b"[", b"]", b"\0", b"\xff", b"@")


@each_log
def test_each_golden_line_means_what_stands_above_it(reading: Reading, path: Path) -> None:
    """Every line of the golden logs is understood exactly as its expectation says."""
    if os.environ.get("UPDATE_GOLDEN"):
        golden.rewrite(reading.mta, path)
    make = golden.make_parser(reading.mta)
    parser = make(Tally())
    for expected, line in golden.cases(path):
        said = golden.describe(make, parser, line)
        if (reading.mta, path.stem) == ("postfix", "forged") and "reason" in expected and expected["event"] != "reject":
            said["reason"] = expected["reason"]  # any class may be the one of a text that nobody means
        assert said == expected, line


@each_log
def test_feeding_equals_summing_events(reading: Reading, path: Path) -> None:
    """The hot loop counts what the events of the same lines come to, in batches of any size."""
    lines = [line for _, line in golden.cases(path)]
    whole = reading.both_ways(lines)
    for by in (1, 2, 7):
        assert reading.counted(lines, by=by) == whole


@each
def test_whole_logs_feed_as_they_sum(reading: Reading) -> None:
    """The same for all golden lines together and for a real log."""
    for lines in (reading.lines, reading.real):
        whole = reading.both_ways(lines)
        for by in (1, 7, 100):
            assert reading.counted(lines, by=by) == whole


@each
def test_every_line_is_counted_as_one_of_three(reading: Reading) -> None:
    """Understood, ignored and unparsed lines are together all lines."""
    assert sum(reading.counted(reading.lines).lines.values()) == len(reading.lines)


@each
@settings(max_examples=150)
@given(data=st.data(), by=st.integers(1, 9))
def test_any_order_of_lines_feeds_as_it_sums(reading: Reading, data: st.DataObject, by: int) -> None:
    """Whatever the order of lines and the size of batches, feeding and summing agree."""
    lines = reading.lines + reading.real[:400]
    reading.both_ways(data.draw(st.lists(st.sampled_from(lines), max_size=30)), by=by)


@st.composite
def damaged(draw: st.DrawFn, reading: Reading) -> bytes:
    """A golden line, cut, or with a few bytes put in, taken out or replaced behind its prefix."""
    line = draw(st.sampled_from(reading.lines))
    # Exim's own file has no prefix but its time
    start = 0 if line[:5] == b"2026-" and line[10:11] == b" " else line.find(b": ") + 2
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(start, max(start, len(line))))
        gone = draw(st.integers(0, 4))
        put = draw(st.sampled_from([*PUT, *reading.put]))
        line = line[:at] + put + line[at + gone :]
    return line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line


@each
@settings(max_examples=500)
@given(data=st.data())
def test_damaged_lines_feed_as_they_sum_and_never_raise(reading: Reading, data: st.DataObject) -> None:
    """Lines that are cut or hostile raise nothing, both ways of reading agree on them, each is one of three."""
    lines = data.draw(st.lists(damaged(reading), min_size=1, max_size=12))
    assert sum(reading.both_ways(lines).lines.values()) == len(lines)


@each
@settings(max_examples=200)
@given(lines=st.lists(st.binary(max_size=300), max_size=10))
def test_garbage_counts_nothing(reading: Reading, lines: list[bytes]) -> None:
    """Bytes that are no log of this mail server are passed over."""
    assert reading.counted(lines).lines["understood"] == 0


@each
def test_64_kib_of_hostile_text_is_one_line_like_any_other(reading: Reading) -> None:
    """Lines of 64 KiB, unbalanced quotes and brackets are read in one pass without a blow-up."""
    hostile = HOSTILE[reading.mta]
    before = time.process_time()
    assert sum(reading.both_ways(hostile).lines.values()) == len(hostile)
    assert time.process_time() - before < 20  # a blow-up would take hours
