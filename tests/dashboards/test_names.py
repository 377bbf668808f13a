"""Law 6: a metric name is written in the catalog, and everything else is checked against it."""

from __future__ import annotations

import re

import pytest
import yaml

from smtpq_exporter.metrics import catalog
from smtpq_exporter.model import AGE_BUCKETS, FAULT_KINDS, STATUSES
from smtpq_exporter.reasons import REASONS
from tests.dashboards import promql

QUERIES = [
    *((title, promql.expand(expr)) for title, expr in promql.panel_queries()),
    *((rule["alert"], rule["expr"]) for rule in promql.rules("alerts")),
    *((rule["record"], rule["expr"]) for rule in promql.rules("records")),
]
CASES = [pytest.param(expr, id=f"{i}-{name}") for i, (name, expr) in enumerate(QUERIES)]
CLOSED = {"reason": set(REASONS), "status": set(STATUSES), "kind": set(FAULT_KINDS),
          "suspended": {"true", "false"}}
#: Not needed to see whether mail is late; docs/metrics.md explains them.
NOT_SHOWN = {
    "smtpq_queue_recipients", "smtpq_queue_bytes", "smtpq_queue_message_size_bytes",
    "smtpq_queue_forced_expiry_messages", "smtpq_queue_skipped_entries", "smtpq_log_replies_total",
    "smtpq_log_connections_total", "smtpq_log_auth_failures_total", "smtpq_log_tls_connections_total",
    "smtpq_log_warnings_total", "smtpq_host_load1", "smtpq_source_configured_interval_seconds",
    "smtpq_source_truncated", "smtpq_log_lines_total", "smtpq_log_rotations_total",
    "smtpq_log_last_line_timestamp_seconds", "smtpq_mta_info", "smtpq_config_last_reload_successful",
    "smtpq_queue_incoming_messages_per_second", "smtpq_queue_outgoing_messages_per_second",
    "smtpq_queue_next_hops", "smtpq_queue_next_hop_messages", "smtpq_queue_back_pressure_level",
    "smtpq_queue_report_timestamp_seconds",
    "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes",
}


@pytest.mark.parametrize("expression", CASES)
def test_every_metric_and_label_of_an_expression_is_in_the_catalog(expression: str) -> None:
    """No expression asks for a name or a label that the program does not make."""
    found = promql.selectors(expression)
    assert found
    allowed: set[str] = set()
    for selector in found:
        assert selector.name == "up" or selector.name in promql.series_of_the_catalog(), selector.name
        labels = promql.labels_of(selector.name)
        assert set(selector.matchers) <= labels, selector
        allowed |= labels
        for label, (operator, value) in selector.matchers.items():
            if label in CLOSED and operator in ("=", "MatchOp.Equal"):
                assert value in CLOSED[label], (label, value)
    assert promql.grouped(expression) <= allowed


@pytest.mark.parametrize("expression", CASES)
def test_rate_stands_before_counters_and_only_there(expression: str) -> None:
    """Counters and histograms are rated; gauges and gauge histograms describe one moment and never are."""
    for selector in promql.selectors(expression):
        if selector.name == "up":
            continue
        kind = promql.series_of_the_catalog()[selector.name].kind
        rated = bool({"rate", "irate", "increase"} & set(selector.functions))
        assert rated == (kind in (catalog.COUNTER, catalog.HISTOGRAM)), selector


@pytest.mark.parametrize("expression", CASES)
def test_edges_of_ages_are_edges_that_exist(expression: str) -> None:
    """An `le` that is no edge of the distribution would silently find nothing."""
    for selector in promql.selectors(expression):
        if "le" in selector.matchers:
            edge = selector.matchers["le"][1].replace("(\\.0)?", ".0")
            assert edge == "+Inf" or float(edge) in AGE_BUCKETS, edge


def test_every_metric_of_the_catalog_is_used_or_left_out_on_purpose() -> None:
    """A new metric is shown, alarmed on or named in NOT_SHOWN; nothing is forgotten."""
    used = {promql.series_of_the_catalog()[s.name].name for _, expr in QUERIES for s in promql.selectors(expr)
            if s.name != "up"}
    names = {metric.name for metric in catalog.METRICS}
    assert names - used == NOT_SHOWN & names
    assert names >= NOT_SHOWN


def test_series_in_unit_tests_of_rules_exist() -> None:
    """Input series have the names and labels that the program really makes: no test proves a dream."""
    for path in sorted((promql.PROMETHEUS / "tests").glob("*.yml")):
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for series in test["input_series"]:
                name, _, labels = series["series"].partition("{")
                written = set(re.findall(r"(\w+)=", labels))
                if name == "up":
                    assert written == promql.TARGET_LABELS
                else:
                    assert written == promql.labels_of(name), (path.name, series["series"])


def test_names_in_the_documents_exist() -> None:
    """Every metric that a page of this project names exists, or is the beginning of one that does."""
    known = {metric.name for metric in catalog.METRICS} | set(promql.series_of_the_catalog())
    pages = [path for folder in ("docs", "dashboards", "packaging")
             for path in (promql.ROOT / folder).rglob("*.md")]
    for page in [*pages, *promql.ROOT.glob("*.md")]:
        text = page.read_text("utf-8")
        for name in re.findall(r"(?<![\w/.-])smtpq_(?!exporter\b)\w+(?!\w|\.py)", text):
            good = name in known or (name.endswith("_") and any(one.startswith(name) for one in known))
            assert good, (str(page.relative_to(promql.ROOT)), name)


def test_reasons_named_in_descriptions_exist() -> None:
    """Where a description lists reasons it uses the words of the closed set."""
    words = {reason for reason in REASONS if "_" in reason}
    assert words
    prefixes = {reason.partition("_")[0] + "_" for reason in words}
    for panel in promql.panels():
        for word in re.findall(r"\b[a-z]+_[a-z_]*", panel["description"]):
            if word in ("before_queue", "in_queue"):
                continue
            assert word in words or word in prefixes, (panel["title"], word)
