"""The bytes that Prometheus gets."""

from __future__ import annotations

import gzip
import re
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from smtpq_exporter.metrics import catalog
from smtpq_exporter.metrics.exposition import OPENMETRICS, TEXT, encode, negotiate, render
from smtpq_exporter.metrics.families import families
from tests.metrics.promlint import lint
from tests.states import NOW, sample, source, state


def text(*args: object, **more: object) -> str:
    """The text exposition of a State."""
    return encode(families(state(*args, **more), NOW), TEXT).decode()  # type: ignore[arg-type]


def test_every_metric_of_the_catalog_appears_in_a_full_state() -> None:
    """What the catalog names can be had, and nothing else is exposed."""
    exposed = set(re.findall(r"^# TYPE (\S+)", text(), re.MULTILINE))
    named = {metric.name for metric in catalog.METRICS}
    gauge_parts = {name + end for name in named for end in ("_gsum", "_gcount")}
    assert named <= exposed
    assert exposed - named <= gauge_parts


def test_both_formats_can_be_parsed_and_tell_the_same() -> None:
    """The library's own parsers accept both formats, and each value is the same in both."""
    made = families(state(), NOW)

    def values(found: object) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (one.name, tuple(sorted(one.labels.items()))): one.value
            for family in found
            for one in family.samples  # type: ignore[attr-defined]
        }

    plain = values(parse_text(encode(made, TEXT).decode()))
    openmetrics = values(parse_openmetrics(encode(made, OPENMETRICS).decode()))
    assert plain == openmetrics
    assert len(plain) > 300


def test_promlint_finds_nothing() -> None:
    """The house rules of Prometheus hold for every family."""
    assert list(lint(text())) == []


def test_promlint_itself_finds_what_it_should() -> None:
    """The port of the linter is not blind."""
    bad = "# TYPE queueSize_milliseconds gauge\nqueueSize_milliseconds 1\n# TYPE x_total gauge\nx_total 1\n"
    assert len(list(lint(bad))) == 5


@pytest.mark.server("prometheus")
def test_promtool_finds_nothing() -> None:
    """`promtool check metrics` is content with the whole exposition."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text().encode(), capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")


def test_whole_numbers_are_printed_as_integers() -> None:
    """A million is 1000000 in both formats: Zabbix and shells cannot read 1e+06."""
    for content_type in (TEXT, OPENMETRICS):
        lines = encode(families(state(), NOW), content_type).decode().splitlines()
        received = [line for line in lines if line.startswith("smtpq_log_messages_received_total{")]
        assert received[0].endswith(" 1000000")
        assert not [line for line in lines if re.search(r"[0-9]e\+|\.0$", line) and not line.startswith("#")]


def test_timestamps_keep_their_fractions() -> None:
    """A number that is not whole is printed with all its digits and without an exponent."""
    assert re.search(r"^smtpq_log_last_line_timestamp_seconds\{[^}]*\} 1795499998\.5$", text(), re.MULTILINE)


def test_gauge_histograms_have_the_type_of_each_format() -> None:
    """OpenMetrics says gaugehistogram; the old format says histogram, with its sum and count as gauges."""
    made = families(state(), NOW)
    name = "smtpq_queue_message_age_seconds"
    assert f"# TYPE {name} gaugehistogram\n" in encode(made, OPENMETRICS).decode()
    plain = encode(made, TEXT).decode()
    assert f"# TYPE {name} histogram\n" in plain
    assert f"# TYPE {name}_gcount gauge\n" in plain
    assert "don't rate()" in plain.lower()


def test_there_is_no_created_series() -> None:
    """The library adds no _created series, which would double every counter."""
    assert "_created" not in text()


def test_compressed_and_plain_are_the_same() -> None:
    """The gzip body unpacks to the plain one and does not depend on the clock."""
    made = families(state(), NOW)
    first, again = render(made, TEXT), render(made, TEXT)
    assert gzip.decompress(first.gzipped) == first.plain
    assert first == again


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.7,*/*;q=0.1",
            OPENMETRICS,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5",
            OPENMETRICS,
        ),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0, text/plain", TEXT),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.9", TEXT),
        ("application/openmetrics-text;q=nonsense", TEXT),
        (",;;=,", TEXT),
        ("text/html,application/xhtml+xml", TEXT),
    ],
)
def test_negotiation(accept: str, expected: str) -> None:
    """OpenMetrics is sent to those who ask for it and to nobody else."""
    assert negotiate(accept) == expected


def test_label_values_are_escaped() -> None:
    """Quotes, backslashes and newlines in a name cannot break out of their label."""
    nasty = 'a"b\\c\nd'
    shown = text(sample(instance=nasty, sources=(source(),)))
    found = {
        one.labels["mta_instance"]
        for family in parse_text(shown)
        for one in family.samples
        if "mta_instance" in one.labels
    }
    assert nasty in found


def test_an_unknown_queue_has_no_series() -> None:
    """A queue that could not be read is absent, not 0, and its source says so."""
    failed = replace(source(), success=False)
    shown = text(sample(queue=None, log=None, filesystem=None, processes=None, up=None, sources=(failed,)))
    assert "smtpq_queue_" not in shown
    assert "smtpq_up" not in shown
    assert 'smtpq_source_success{mta="postfix",mta_instance="postfix",source="spool"} 0\n' in shown
