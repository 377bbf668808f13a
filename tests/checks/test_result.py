"""The output keeps the rules of monitoring systems whatever is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.checks.range import parse_range
from smtpq_exporter.checks.result import (
    CRITICAL,
    OK,
    UNKNOWN,
    WARNING,
    Metric,
    Result,
    as_json,
    checkmk,
    clean,
    cut,
    label,
    nagios,
    worst,
)
from tests.checks.readers import check_rules, checkmk_mrpe, sensu

nasty = st.text(max_size=300) | st.text("|;=$`\"'<>&\x00\r\n\t\x1b \ud800é名", max_size=300)
ranges = st.none() | st.sampled_from(["10", "10:", "~:10", "@10:20", "-5:5", "0.5"]).map(parse_range)
metrics = st.builds(
    Metric,
    st.text(min_size=1, max_size=30).map(label).filter(lambda name: name != "q_" and len(name) > 2),
    st.floats(-1e12, 1e12) | st.integers(0, 10**12),
    st.sampled_from(["", "s", "B", "%", "c"]),
    ranges, ranges, st.none() | st.just(0), st.none() | st.just(100),
)
results = st.builds(
    Result, st.just("SMTPQ"), st.sampled_from([OK, WARNING, CRITICAL, UNKNOWN]), nasty,
    st.lists(st.tuples(st.integers(0, 3), nasty), max_size=60), st.lists(metrics, max_size=60))


@given(results, st.integers(0, 4))
def test_rules_hold(result: Result, verbosity: int) -> None:
    """Whatever is said, at any verbosity: one bar, sizes, printable, labels; foreign readers agree."""
    check_rules(nagios(result, verbosity), result.state)


@given(results, st.integers(0, 4))
def test_checkmk_rules_hold(result: Result, verbosity: int) -> None:
    """A local check is one line: state, quoted name, metrics without blanks or -, text."""
    line = checkmk(result, verbosity, 'SMTP "queue"')
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line[:-1].isprintable()
    assert len(line.encode()) <= 4096
    state, _, rest = line.partition(" ")
    name, _, rest = rest[1:].partition('" ')
    numbers, _, text = rest.partition(" ")
    assert (int(state), name) == (result.state, "SMTP 'queue'")
    assert text.startswith(("OK", "WARNING", "CRITICAL", "UNKNOWN"))
    assert numbers == "-" or len(numbers.split("|")) == len(result.metrics)


@given(results)
def test_json_holds(result: Result) -> None:
    """JSON is plain JSON with the same state and numbers."""
    data = json.loads(json.dumps(as_json(result)))
    assert data["code"] == result.state
    assert [metric["label"] for metric in data["metrics"]] == [metric.label for metric in result.metrics]


def test_line() -> None:
    """The form of line 1, character by character."""
    numbers = [Metric("messages", 120, "", parse_range("100"), parse_range("500")), Metric("age", 1.5, "s"),
               Metric("share", 12, "%", minimum=None)]
    result = Result("SMTPQ", WARNING, "postfix: 120 messages", [(1, "deferred=120")], numbers)
    assert nagios(result) == (
        "SMTPQ WARNING - postfix: 120 messages | messages=120;100;500;0 age=1.5s;;;0 share=12%;\n")
    assert nagios(result, 1).endswith("\ndeferred:120\n")
    assert checkmk(result, 1) == (
        '1 "SMTPQ" messages=120;100;500;0|age=1.5;;;0|share=12 '
        "WARNING - postfix: 120 messages\\ndeferred=120\n")


def test_unknown_has_no_number() -> None:
    """What is not known is not printed as a number, in no form of output."""
    result = Result("SMTPQ", UNKNOWN, "no permission", metrics=[Metric("messages", 0)])
    assert nagios(result) == "SMTPQ UNKNOWN - no permission\n"
    assert checkmk(result) == '3 "SMTPQ" - UNKNOWN - no permission\n'
    assert as_json(result)["metrics"] == []


def test_too_many_numbers() -> None:
    """Numbers that do not fit are left out from the last on, each as a whole; the first ones stay."""
    result = Result("SMTPQ", OK, "x" * 400, metrics=[Metric(f"metric_number_{i}", i) for i in range(80)])
    numbers = sensu(nagios(result))
    assert 15 < len(numbers) < 80
    assert list(numbers) == [f"metric_number_{i}" for i in range(len(numbers))]


def test_too_many_lines() -> None:
    """Long output that does not fit ends by saying how much is missing."""
    text = nagios(Result("SMTPQ", OK, "fine", [(0, f"line {i} {'y' * 90}") for i in range(100)]))
    lines = text.splitlines()
    assert lines[-1] == f"... {100 - (len(lines) - 2)} more lines"


def test_duplicate_labels() -> None:
    """Of two numbers with one label the first stays."""
    result = Result("SMTPQ", OK, "fine", metrics=[Metric("a", 1), Metric("b", 2), Metric("a", 3)])
    assert checkmk_mrpe(nagios(result)) == {"a": (1, None, None), "b": (2, None, None)}


@pytest.mark.parametrize(("name", "value", "unit"), [
    ("Messages", 1, ""), ("a" * 20, 1, ""), ("9a", 1, ""), ("a b", 1, ""), ("", 1, ""),
    ("a", float("nan"), ""), ("a", float("inf"), ""), ("a", 1, "KB"), ("a=b", 1, "")])
def test_bad_metric(name: str, value: float, unit: str) -> None:
    """A number that some system would misread cannot be made."""
    with pytest.raises(ValueError, match="not a metric"):
        Metric(name, value, unit)


def test_worst() -> None:
    """CRITICAL is worst; a blind spot is worse than a warning; nothing is OK."""
    assert worst([OK, WARNING]) == WARNING
    assert worst([WARNING, UNKNOWN]) == UNKNOWN
    assert worst([UNKNOWN, CRITICAL, OK]) == CRITICAL
    assert worst([]) == OK


@pytest.mark.parametrize(("text", "cleaned"), [
    ("451 4.7.1 foo|bar", "451 4.7.1 foo/bar"), ("a;b", "a,b"), ('cost $5 `x` "q"', "cost _5 'x' 'q'"),
    ("<a@b.example>", "a@b.example"), ("a\r\n\tb", "a b"), ("nul\x00", "nul\\x00"), ("\ud800", "\\xd800")])
def test_clean(text: str, cleaned: str) -> None:
    """Each character that breaks some system becomes one that does not."""
    assert clean(text) == cleaned


def test_cut_at_a_character() -> None:
    """Text is never cut inside a character."""
    assert cut("é" * 10, 20) == "é" * 10
    assert cut("é" * 11, 20) == "é" * 8 + "..."


@pytest.mark.parametrize(("text", "name"), [
    ("deferred", "deferred"), ("My Queue!", "my_queue"), ("2nd", "q_2nd"), ("a" * 30, "a" * 19),
    ("x" * 18 + "__y", "x" * 18)])
def test_label(text: str, name: str) -> None:
    """Any queue's name becomes a label that RRD and Checkmk accept."""
    assert label(text) == name
