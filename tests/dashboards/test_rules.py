"""The rules: promtool accepts them and their tests, and each alert has what a person needs at night."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.dashboards import promql

RUNBOOKS = promql.ROOT / "docs" / "runbooks"
BASE = "https://smtpq-exporter.example/runbooks/"
UNIT_TESTS = sorted((promql.PROMETHEUS / "tests").glob("*.yml"))


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool with a deadline."""
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.mark.server("promtool")
@pytest.mark.parametrize("name", ["alerts", "records"])
def test_promtool_accepts_the_rules(name: str) -> None:
    """`promtool check rules` finds no error and no duplicate."""
    done = promtool("check", "rules", "--lint-fatal", promql.PROMETHEUS / f"{name}.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server("promtool")
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_unit_tests_of_the_rules_pass(path: Path) -> None:
    """`promtool test rules`: firing, not firing, recovery, missing data."""
    done = promtool("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server("promtool")
def test_promtool_accepts_the_example_configuration() -> None:
    """`promtool check config` with the rule files that it names beside it."""
    done = promtool("check", "config", promql.PROMETHEUS / "prometheus.example.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server("promtool")
def test_promtool_parses_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    """Every panel's expression, variables filled in, is PromQL to Prometheus itself."""
    rules = [{"record": f"panel:{i}", "expr": promql.expand(expr)} for i, (_, expr) in
             enumerate(promql.panel_queries())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server("promtool")
def test_a_broken_rule_would_be_seen(tmp_path: Path) -> None:
    """The unit tests really test: with a threshold changed they fail."""
    shutil.copytree(promql.PROMETHEUS, tmp_path / "prometheus")
    alerts = tmp_path / "prometheus" / "alerts.yml"
    changed = alerts.read_text("utf-8").replace("> 14400", "> 1440000")
    assert changed != alerts.read_text("utf-8")
    alerts.write_text(changed, "utf-8")
    assert promtool("test", "rules", tmp_path / "prometheus" / "tests" / "old.yml").returncode != 0


@pytest.mark.parametrize("rule", promql.rules("alerts"), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_how_bad_and_where_to_read_on(rule: dict[str, object]) -> None:
    """Common first word, severity of the closed set, `for`, summary, description, runbook."""
    name = str(rule["alert"])
    labels, annotations = rule["labels"], rule["annotations"]
    assert isinstance(labels, dict)
    assert isinstance(annotations, dict)
    assert re.fullmatch(r"SmtpQueue([A-Z][a-z]+)+", name)
    assert labels["severity"] in ("info", "warning", "critical")
    assert "for" in rule
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert annotations["summary"].endswith(".")
    assert "{{" not in annotations["summary"]
    assert annotations["description"].endswith(".")
    assert annotations["runbook_url"] == f"{BASE}{name}.md"


def test_there_are_the_six_alerts() -> None:
    """Old, growing, held, server down, source failing, spool filling."""
    assert {rule["alert"] for rule in promql.rules("alerts")} == {
        "SmtpQueueOld", "SmtpQueueGrowing", "SmtpQueueHeld", "SmtpQueueServerDown",
        "SmtpQueueSourceFailing", "SmtpQueueSpoolFilling"}


def test_ages_are_told_in_words_of_time() -> None:
    """An alert whose value is an age says it with humanizeDuration, not in seconds."""
    for rule in promql.rules("alerts"):
        if "age_seconds" in rule["expr"] or "time() -" in rule["expr"]:
            assert "$value | humanizeDuration" in rule["annotations"]["description"]


def test_alerts_and_runbooks_match_both_ways() -> None:
    """Each alert has a page, each page has an alert, and each page has the four headings in their order."""
    pages = {path.stem: path.read_text("utf-8") for path in RUNBOOKS.glob("*.md")}
    assert set(pages) == {rule["alert"] for rule in promql.rules("alerts")}
    for name, text in pages.items():
        assert text.startswith(f"# {name}\n")
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
        for link in re.findall(r"\]\(([^)]+\.md)\)", text):
            assert (RUNBOOKS / link).exists(), (name, link)


def test_panels_named_in_runbooks_exist() -> None:
    """A runbook that says "panel *X*" sends nobody to look for something that is not there."""
    titles = {panel["title"] for panel in promql.panels()}
    for path in RUNBOOKS.glob("*.md"):
        text = " ".join(path.read_text("utf-8").split())
        for group in re.findall(r"[Pp]anels? ((?:\*[^*]+\*(?:, | and )?)+)", text):
            for title in re.findall(r"\*([^*]+)\*", group):
                assert title in titles, (path.name, title)


def test_every_alert_is_tried_in_all_ways() -> None:
    """Each alert has a unit test file that sees it fire, sees it quiet, and sees data go missing."""
    names = {"old": "SmtpQueueOld", "growing": "SmtpQueueGrowing", "held": "SmtpQueueHeld",
             "server_down": "SmtpQueueServerDown",
             "source_failing": "SmtpQueueSourceFailing", "spool_filling": "SmtpQueueSpoolFilling"}
    for stem, alert in names.items():
        text = (promql.PROMETHEUS / "tests" / f"{stem}.yml").read_text("utf-8")
        tests = yaml.safe_load(text)["tests"]
        outcomes = [bool(one["exp_alerts"]) for test in tests for one in test["alert_rule_test"]
                    if one["alertname"] == alert]
        assert True in outcomes
        assert False in outcomes
        assert re.search(r"name: .*recover", text)
        assert re.search(r"stale|_x\d+", text)
