"""The generator is deterministic, its files are current, and the mixin shows the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dashboards import build
from dashboards.frame import Row, dashboard, panel_id
from dashboards.panels import Query, timeseries
from tests.dashboards import promql


def test_files_on_disk_are_current() -> None:
    """Nobody edits a generated file by hand; `python -m dashboards.build` makes it again."""
    assert build.stale() == []


def test_check_says_whether_files_are_current() -> None:
    """`--check` exits with 0, writes nothing and prints nothing when all is current."""
    done = subprocess.run([sys.executable, "-m", "dashboards.build", "--check"], cwd=promql.ROOT,
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_names_what_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` exits with 1 and writes nothing; without it the file is written, and then is current."""
    here = tmp_path / "dashboards"
    (here / "prometheus").mkdir(parents=True)
    for name in build.RULES:
        text = (promql.PROMETHEUS / f"{name}.yml").read_text("utf-8")
        (here / "prometheus" / f"{name}.yml").write_text(text, "utf-8")
    monkeypatch.setattr(build, "HERE", here)
    assert build.main(["--check"]) == 1
    assert "not current: dashboards/grafana/smtpq-overview.json" in capsys.readouterr().out
    assert not (here / "grafana").exists()
    assert build.main([]) == 0
    assert build.main(["--check"]) == 0
    assert (here / "grafana" / "smtpq-overview.json").read_bytes() == promql.DASHBOARD.read_bytes()


def test_the_same_bytes_in_every_process() -> None:
    """No hash seed, time or environment gets into the files."""
    code = "from dashboards.build import files; import sys; sys.stdout.write(''.join(files().values()))"
    outputs = {
        subprocess.run([sys.executable, "-c", code], cwd=promql.ROOT, capture_output=True, timeout=60,
                       check=True,
                       env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(promql.ROOT), "PYTHONUTF8": "1"}).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_panel_keeps_its_id_when_others_come_before_it() -> None:
    """Links to a panel survive a new one above it."""
    one, two = (timeseries(title, "text", Query("up"), unit="short") for title in ("one", "two"))
    before = dashboard("u", "t", "d", [Row("r", [two])])["panels"]
    after = dashboard("u", "t", "d", [Row("r", [one, two])])["panels"]
    assert before[-1]["id"] == after[-1]["id"] == panel_id("two")
    assert (after[1]["gridPos"]["x"], after[2]["gridPos"]["x"]) == (0, 12)


def test_keys_are_sorted() -> None:
    """A change of one panel is a small diff."""
    text = promql.DASHBOARD.read_text("utf-8")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_the_prometheus_rule_holds_both_rule_files() -> None:
    """The Kubernetes resource has exactly the groups of alerts.yml and records.yml."""
    made = yaml.safe_load((promql.PROMETHEUS / "prometheusrule.yml").read_text("utf-8"))
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    rules = [rule for group in made["spec"]["groups"] for rule in group["rules"]]
    assert rules == promql.rules("alerts") + promql.rules("records")


def test_the_mixin_shows_the_same_files() -> None:
    """mixin.libsonnet evaluates; its objects equal the files, but for what `_config` changes."""
    jsonnet = pytest.importorskip("_jsonnet", reason="needs jsonnet from PyPI")
    code = """
      local mixin = (import 'dashboards/mixin.libsonnet') + %s;
      { alerts: mixin.prometheusAlerts, records: mixin.prometheusRules, boards: mixin.grafanaDashboards }"""

    def evaluate(change: str) -> dict[str, dict[str, list[dict[str, list[dict[str, dict[str, str]]]]]]]:
        return json.loads(jsonnet.evaluate_snippet("test", code % change, jpathdir=[str(promql.ROOT)]))

    plain = evaluate("{}")
    assert plain["alerts"]["groups"][0]["rules"] == [
        rule | {"labels": rule["labels"]} for rule in promql.rules("alerts")]
    assert plain["records"]["groups"][0]["rules"] == promql.rules("records")
    assert plain["boards"] == {"smtpq-overview.json": promql.dashboard()}
    ours = "{ runbookBase: 'https://wiki.example/', alertLabels: { team: 'mail' } }"
    changed = evaluate(f"{{ _config+:: {ours} }}")
    for rule in changed["alerts"]["groups"][0]["rules"]:
        assert rule["labels"]["team"] == "mail"
        assert rule["annotations"]["runbook_url"] == f"https://wiki.example/{rule['alert']}.md"
