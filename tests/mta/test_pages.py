"""What people read about each mail server: docs/mta/<mta>.md, its name on the page and in the help of the plugins.

A page stands under the same headings as every other, and tells what each metric means for this mail server.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smtpq_exporter.checks.manual import COMMON
from smtpq_exporter.metrics.catalog import LOG, METRICS, QUEUE
from smtpq_exporter.mta import MTAS
from smtpq_exporter.web import verdict

PAGES = Path(__file__).parents[2] / "docs" / "mta"
HEADINGS = [
    "What is read", "Which permission buys what", "Metrics and their meaning here", "Useful queries", "Known limits",
]
each = pytest.mark.parametrize("mta", MTAS)


@each
def test_each_mail_server_has_a_page_under_the_fixed_headings(mta: str) -> None:
    """A reader finds the same things at the same place on every page."""
    assert re.findall(r"^## (.*)$", (PAGES / f"{mta}.md").read_text("utf-8"), re.MULTILINE) == HEADINGS


@each
def test_its_page_tells_what_each_metric_means(mta: str) -> None:
    """Every metric of the queue and of the log is explained, and none is named that there is not."""
    page = (PAGES / f"{mta}.md").read_text("utf-8")
    told = set(re.findall(r"smtpq_\w+\w", page.partition(HEADINGS[2])[2].partition(HEADINGS[3])[0]))
    names = {metric.name for metric in METRICS}
    wanted = {
        metric.name for metric in METRICS
        if metric.group in (QUEUE, LOG) and (mta == "exchange" or not metric.text.endswith("Exchange only."))
    }
    assert wanted - told == set()
    assert told - names == set()


@each
def test_the_plugins_and_the_status_page_know_its_name(mta: str) -> None:
    """A plugin imports no mail server, so it has their names by itself; the page writes them as people do."""
    [option] = [option for option in COMMON if option.dest == "mta"]
    assert option.kind is not None
    assert option.kind(mta) == mta
    assert mta in option.help
    assert verdict.name({"mta": mta}).lower() == mta
    assert verdict.name({"mta": mta}) != mta
