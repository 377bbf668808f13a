"""The laws of every parser of reports, for every mail server in MTAS that gives them.

tests/golden/<mta>/report/* are reports of one and the same server, whose sums are in expect.json, or of one
that is empty ("empty" in the name).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.mail_server import Mta
from smtpq_exporter.mta.report import CATEGORIES, STATES, Report
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.rollup import roll_up

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = 1795510800.0
CLASSIFIER = Classifier()
WITH_REPORTS = [mta for mta in MTAS.values() if mta.reports]
reporting = pytest.mark.parametrize("mta", WITH_REPORTS, ids=[mta.name for mta in WITH_REPORTS])


def files(mta: Mta) -> list[Path]:
    """The golden reports of a mail server."""
    found = sorted((GOLDEN / mta.name / "report").iterdir())
    assert found, f"{mta.name} has no golden report"
    return found


def parse(mta: Mta, data: bytes) -> Report:
    """A report as the first way of the mail server reads it."""
    assert mta.reports is not None
    report = mta.reports()[0].parser(data, CLASSIFIER, NOW)
    for row in report.rows:
        assert row.queue in (*mta.queues, *mta.asides)
        assert row.messages >= 0
        assert (row.state in STATES and row.category in CATEGORIES) or not (row.state or row.category)
    return report


@reporting
def test_law_1_silence_is_no_report(mta: Mta) -> None:
    """No bytes are an error, not an empty queue; a report of an empty queue is an explicit 0."""
    for nothing in (b"", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        with pytest.raises(ParseError):
            parse(mta, nothing)
    for path in files(mta):
        if "empty" in path.name:
            found = roll_up(parse(mta, path.read_bytes()), NOW, "x", queues=mta.queues, asides=mta.asides)
            messages = {name: queue.messages for name, queue in found.queues.items()}
            assert messages == dict.fromkeys(mta.queues, 0)
            assert {(queue.recipients, queue.held) for queue in found.queues.values()} == {(0, 0)}


@reporting
def test_law_2_a_cut_report_is_an_error(mta: Mta) -> None:
    """Cut at any byte a report is a ParseError, or whole because only what stands behind it was cut."""
    for path in files(mta):
        data = path.read_bytes()
        whole = parse(mta, data)
        for end in range(len(data)):
            try:
                part = parse(mta, data[:end])
            except ParseError:
                continue
            assert part == whole, f"{path.name} cut at {end}"


@reporting
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_law_3_only_parse_errors_whatever_the_bytes(mta: Mta, data: st.DataObject) -> None:
    """Random bytes, and reports with random damage, raise ParseError or give what can be added up."""
    whole = data.draw(st.sampled_from(files(mta))).read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    damage = data.draw(st.binary(max_size=40))
    for text in (whole[:start] + damage + whole[end:], damage):
        try:
            report = parse(mta, text)
        except ParseError:
            continue
        found = roll_up(report, NOW, "x", queues=mta.queues, asides=mta.asides)
        total = sum(queue.messages for queue in (*found.queues.values(), *found.aside.values()))
        assert total == sum(row.messages for row in report.rows)


@reporting
def test_law_4_sums_agree_in_every_form(mta: Mta) -> None:
    """Every golden report has the messages and the queues of expect.json."""
    wanted = json.loads((GOLDEN / mta.name / "expect.json").read_text())
    for path in files(mta):
        if "empty" in path.name:
            continue
        found = roll_up(parse(mta, path.read_bytes()), NOW, "x", queues=mta.queues, asides=mta.asides)
        messages = {name: queue.messages for name, queue in found.queues.items() if queue.messages}
        assert messages == wanted["queues"], path.name
        assert {name: q.messages for name, q in found.aside.items()} == wanted["aside"], path.name
        assert sum(q.messages for q in found.queues.values()) == wanted["messages"], path.name
        for queue in found.queues.values():
            assert queue.recipients == queue.bytes == (None if queue.messages else 0)
            assert queue.ages is queue.sizes is queue.arrivals is None


@reporting
def test_names_do_not_follow_the_rows(mta: Mta) -> None:
    """Whatever queues a server has, the names of queues, reasons and next hops are the same: no churn."""
    shapes = set()
    for path in files(mta):
        found = roll_up(parse(mta, path.read_bytes()), NOW, "x", queues=mta.queues, asides=mta.asides)
        shapes.add((tuple(found.queues), tuple(found.aside), tuple(found.reasons), tuple(found.next_hops)))
    assert len(shapes) == 1
