"""What the tests know about PromQL: variables filled in; names, labels and ranges out of the parse tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from smtpq_exporter.metrics import catalog

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "dashboards" / "grafana" / "smtpq-overview.json"
PROMETHEUS = ROOT / "dashboards" / "prometheus"
#: Labels that Prometheus gives to what it scrapes, and those of our own recording rules' level.
TARGET_LABELS = {"job", "instance"}


@dataclass
class Selector:
    """One `name{matchers}` of an expression; `range` in seconds if it has one, `functions` around it."""

    name: str
    matchers: dict[str, tuple[str, str]] = field(default_factory=dict)
    range: float | None = None
    functions: tuple[str, ...] = ()


def expand(expression: str, interval: str = "5m", **variables: str) -> str:
    """Fill in the variables of a dashboard: everything, unless told otherwise."""
    values = {"job": ".+", "instance": ".+", "mta": ".*", "mta_instance": ".*"} | variables
    expression = expression.replace("$__rate_interval", interval)
    return re.sub(r"\$(\w+)", lambda match: values[match[1]], expression)


def selectors(expression: str) -> list[Selector]:
    """All selectors of an expression, with the functions around each."""
    return list(_walk(promql_parser.parse(expression), ()))


def grouped(expression: str) -> set[str]:
    """Labels that the expression groups or joins by."""
    return set(re.findall(r"\w+", " ".join(re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression))))


def _walk(node: Any, functions: tuple[str, ...]) -> Iterator[Selector]:
    kind = type(node).__name__
    if kind == "VectorSelector":
        yield Selector(node.name, {m.name: (str(m.op), m.value) for m in node.matchers.matchers},
                       functions=functions)
    elif kind == "MatrixSelector":
        for found in _walk(node.vector_selector, functions):
            found.range = node.range.total_seconds()
            yield found
    elif kind == "Call":
        for argument in node.args:
            yield from _walk(argument, (*functions, node.func.name))
    elif kind == "BinaryExpr":
        yield from _walk(node.lhs, functions)
        yield from _walk(node.rhs, functions)
    elif kind not in ("NumberLiteral", "StringLiteral"):
        yield from _walk(node.expr, functions)


def dashboard() -> dict[str, Any]:
    """The dashboard as it lies on disk."""
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return loaded


def panels() -> list[dict[str, Any]]:
    """Its panels without the rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def panel_queries() -> list[tuple[str, str]]:
    """(title, expression) of every query."""
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def rules(name: str) -> list[dict[str, Any]]:
    """The rules of alerts.yml or records.yml."""
    groups = yaml.safe_load((PROMETHEUS / f"{name}.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def series_of_the_catalog() -> dict[str, catalog.Metric]:
    """Sample name -> its metric."""
    return {series: metric for metric in catalog.METRICS for series in metric.series}


def labels_of(series: str) -> set[str]:
    """The labels that a sample name can have in Prometheus."""
    if series == "up":
        return set(TARGET_LABELS)
    metric = series_of_the_catalog()[series]
    return {*metric.labels, *TARGET_LABELS, *(("le",) if series.endswith("_bucket") else ())}
