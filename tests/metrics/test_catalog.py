"""The catalog and what is printed from it."""

from __future__ import annotations

import re
from pathlib import Path

from smtpq_exporter.metrics import reference
from smtpq_exporter.metrics.catalog import GAUGE_HISTOGRAM, HISTOGRAM, METRICS

ROOT = Path(__file__).parents[2]


def test_names_are_unique_and_speak_of_one_thing() -> None:
    """No name stands twice, all have help, and no label clashes with those of a scrape."""
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert metric.help.strip().endswith("."), metric.name
        assert not {"instance", "job", "type", "zone", "service"} & set(metric.labels), metric.name
        assert re.fullmatch(r"(smtpq|process)_[a-z0-9_]+", metric.name)


def test_series_of_distributions() -> None:
    """A query finds a distribution under the names that Prometheus gives it."""
    kinds = {metric.kind: metric for metric in METRICS}
    assert [name.rsplit("_", 1)[1] for name in kinds[HISTOGRAM].series] == ["bucket", "count", "sum"]
    assert [name.rsplit("_", 1)[1] for name in kinds[GAUGE_HISTOGRAM].series] == ["bucket", "gcount", "gsum"]


def test_docs_agree_with_the_catalog() -> None:
    """docs/metrics.md is what `make docs` prints."""
    assert (ROOT / "docs" / "metrics.md").read_text("utf-8") == reference.markdown()
