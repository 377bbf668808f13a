"""docs/metrics.md, printed from the catalog: python -m smtpq_exporter.metrics.reference (make docs). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from smtpq_exporter.metrics.catalog import HOST, ITSELF, LOG, METRICS, QUEUE, Metric
from smtpq_exporter.model import AGE_BUCKETS, DELAY_BUCKETS, FAULT_KINDS, SIZE_BUCKETS, STAGES, STATUSES
from smtpq_exporter.reasons import CAUSES

_GROUPS = (
    (QUEUE, "Queue", "What is in the queues now, all of it from one reading: the numbers fit together."),
    (LOG, "Log", "What the log has told. The counters outlive restarts while the state directory lives."),
    (HOST, "Host", "The machine under the mail server; `host: {enabled: false}` leaves it out."),
    (ITSELF, "The exporter itself", "Whether the numbers above can be trusted, and what getting them costs."),
)
_COLUMNS = "| metric | type | labels | meaning |\n|---|---|---|---|"
_HEAD = """\
# Metrics

<!-- Printed from smtpq_exporter/metrics/catalog.py by `make docs`; a test compares them. -->

A number that could not be read is absent, never 0; `smtpq_source_success` then says 0. No address, local
part, queue id or IP address is ever a label: `domain` is the top of a list plus `other`, other labels have a
closed set of values. `mta_instance` is the name of the mail server's instance.
"""


def markdown() -> str:
    """The whole page."""
    parts = [_HEAD]
    for group, title, text in _GROUPS:
        rows = "\n".join(_row(metric) for metric in METRICS if metric.group == group)
        parts.append(f"## {title}\n\n{text}\n\n{_COLUMNS}\n{rows}\n")
    parts.append(_values())
    return "\n".join(parts)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"  # noqa: RUF001  (a dash in a table)
    kind = {"gaugehistogram": "gauge histogram"}.get(metric.kind, metric.kind)
    return f"| `{metric.name}` | {kind} | {labels} | {metric.text} |"


def _values() -> str:
    rows = (
        ("`status`", _words(STATUSES)),
        ("`stage`", _words(STAGES)),
        ("`kind` of `smtpq_source_errors_total`", _words(FAULT_KINDS)),
        ("`reason`", _words(CAUSES)),
        ("`le` of ages, in seconds", ", ".join(map(str, AGE_BUCKETS))),
        ("`le` of sizes, in bytes", ", ".join(map(str, SIZE_BUCKETS))),
        ("`le` of delays, in seconds", ", ".join(f"{bound:g}" for bound in DELAY_BUCKETS)),
    )
    table = "\n".join(f"| {label} | {values} |" for label, values in rows)
    return f"""\
## Values of labels

| label | values |
|---|---|
{table}

A gauge histogram shows what is there now. Use `histogram_quantile(0.9, ..._bucket)` on it as it is, without
`rate()`; in the text format its sum and count are `_gsum` and `_gcount`.
"""


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    print(markdown(), end="")
