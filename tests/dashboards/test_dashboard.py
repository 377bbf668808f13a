"""The dashboard is one that Grafana reads and that its linter would pass; no Grafana is there to be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import pytest

from tests.dashboards import promql

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Ids of units in Grafana's catalog that we use.
UNITS = {"short", "s", "bytes", "percentunit", "cps"}
KINDS = {"stat", "timeseries", "heatmap", "bargauge", "state-timeline"}


def variables() -> dict[str, dict[str, Any]]:
    """The template variables by name."""
    return {variable["name"]: variable for variable in promql.dashboard()["templating"]["list"]}


def test_the_frame_can_be_provisioned_and_linked_to() -> None:
    """A fixed uid, no id, no import-time inputs, annotations present, not editable: what a file must be."""
    board = promql.dashboard()
    assert board["uid"] == "smtpq-overview"
    assert len(board["uid"]) <= 40
    assert board["id"] is None
    assert board["editable"] is False
    assert board["annotations"] == {"list": []}
    assert not {"__inputs", "__requires", "__elements"} & set(board)
    assert 36 <= board["schemaVersion"] <= 41


def test_ids_and_titles_of_panels_are_unique() -> None:
    """Links and screenshots refer to a panel by its id, people by its title."""
    panels = promql.dashboard()["panels"]
    for key in ("id", "title"):
        values = [panel[key] for panel in panels]
        assert len(set(values)) == len(values)
    assert all(isinstance(panel["id"], int) and panel["id"] > 0 for panel in panels)


def test_panels_stand_beside_each_other() -> None:
    """No panel leaves the 24 columns and no two overlap; rows are full lines."""
    places = [(panel["title"], panel["gridPos"]) for panel in promql.dashboard()["panels"]]
    for title, place in places:
        assert set(place) == {"x", "y", "w", "h"}
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24, title
        assert place["h"] >= 1
    for (one, a), (two, b) in combinations(places, 2):
        apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                 or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
        assert apart, (one, two)


def test_every_row_has_panels() -> None:
    """No heading stands above nothing."""
    kinds = [panel["type"] for panel in promql.dashboard()["panels"]]
    assert kinds[0] == "row"
    assert kinds[-1] != "row"
    assert ("row", "row") not in list(pairwise(kinds))


@pytest.mark.parametrize("panel", promql.panels(), ids=lambda panel: panel["title"])
def test_a_panel_is_complete(panel: dict[str, Any]) -> None:
    """A description that teaches, the data source variable everywhere, a valid unit, distinct queries."""
    assert panel["type"] in KINDS
    assert len(panel["description"]) >= 50
    assert panel["description"].endswith((".", "?"))
    assert panel["datasource"] == SOURCE
    targets = panel["targets"]
    assert targets
    assert all(target["datasource"] == SOURCE for target in targets)
    assert len({target["refId"] for target in targets}) == len(targets)
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "heatmap":
        assert panel["options"]["yAxis"]["unit"] in UNITS
        assert panel["options"]["calculate"] is False
        assert targets[0]["format"] == "heatmap"
    elif panel["type"] == "state-timeline":
        assert defaults["mappings"]
    else:
        assert defaults["unit"] in UNITS
    if panel["type"] == "stat":
        # what is not known must not look like 0
        assert defaults["noValue"]


def test_thresholds_and_words_rise() -> None:
    """Steps begin without a lower end and rise; words cover all numbers from 0 without a hole."""
    for panel in promql.panels():
        defaults = panel["fieldConfig"]["defaults"]
        values = [step["value"] for step in defaults.get("thresholds", {"steps": []})["steps"]]
        if values:
            assert values[0] is None
            assert values[1:] == sorted(values[1:])
        words = [m["options"] for m in defaults.get("mappings", []) if m["type"] == "range"]
        if words:
            assert words[0]["from"] == 0
            assert words[-1]["to"] is None
            assert all(a["to"] + 1 == b["from"] for a, b in pairwise(words))


def test_the_words_of_the_verdict_stand_in_its_description() -> None:
    """Somebody who reads "mail is late" can find out what that means."""
    [panel] = [panel for panel in promql.panels() if panel["title"] == "Is mail late?"]
    for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
        assert mapping["options"]["result"]["text"] in panel["description"].lower()


def test_variables_follow_the_linter() -> None:
    """Data source, job and instance as the linter wants them; every query variable reloads in time."""
    found = variables()
    assert list(found) == ["datasource", "job", "instance", "mta", "mta_instance"]
    assert (found["datasource"]["type"], found["datasource"]["query"]) == ("datasource", "prometheus")
    assert found["datasource"]["label"] == "Data source"
    for name in ("job", "instance", "mta", "mta_instance"):
        variable = found[name]
        assert variable["type"] == "query"
        assert variable["datasource"] == SOURCE
        assert variable["multi"] is True
        assert variable["includeAll"] is True
        assert variable["refresh"] == 2
        assert variable["query"]["query"] == variable["definition"]
        assert variable["definition"].endswith(f", {name})")
    assert (found["job"]["label"], found["job"]["allValue"]) == ("Job", ".+")
    assert (found["instance"]["label"], found["instance"]["allValue"]) == ("Instance", ".+")


def test_variables_ask_for_labels_that_exist() -> None:
    """label_values() names a metric of the catalog and a label that it has."""
    for name, variable in variables().items():
        if variable["type"] == "query":
            selector = variable["definition"].removeprefix("label_values(").removesuffix(f", {name})")
            [found] = promql.selectors(promql.expand(selector))
            assert {name, *found.matchers} <= promql.labels_of(found.name)


@pytest.mark.parametrize(("title", "expression"), promql.panel_queries())
def test_every_selector_follows_the_variables(title: str, expression: str) -> None:
    """Every selector matches job, instance and, where the metric has them, the mail server by regex."""
    for selector in promql.selectors(promql.expand(expression, job="JOB", instance="INST", mta="MTA",
                                                   mta_instance="MI")):
        wanted = {"job": "JOB", "instance": "INST", "mta": "MTA", "mta_instance": "MI"}
        for label, value in wanted.items():
            if label in promql.labels_of(selector.name):
                operator, found = selector.matchers[label]
                assert found == value, (title, label)
                assert operator in ("=~", "MatchOp.Re") or "Re" in operator, operator


@pytest.mark.parametrize(("title", "expression"), promql.panel_queries())
def test_ranges_of_rates_follow_the_zoom(title: str, expression: str) -> None:
    """Every rate() takes $__rate_interval: a fixed range shows nothing or lies when the page is zoomed."""
    for selector in promql.selectors(promql.expand(expression, interval="98765s")):
        if "rate" in selector.functions:
            assert selector.range == 98765, title


def test_nothing_is_lost_in_grafanas_own_types() -> None:
    """Every key survives a round trip through Grafana's published types: none is misspelt or misplaced."""
    # `definition` is what Grafana's editor shows of a variable's query; the published types leave it out.
    assert not [path for path in lost(promql.dashboard()) if not path.endswith(".definition")]


@pytest.mark.parametrize("where", ["options", "fieldConfig", "gridPos"])
def test_the_round_trip_would_see_a_misspelt_key(where: str) -> None:
    """The test above really tests: a key that Grafana does not know is reported as lost."""
    board = promql.dashboard()
    number = next(i for i, panel in enumerate(board["panels"]) if panel["type"] == "timeseries")
    board["panels"][number][where]["nonsense"] = 1
    assert f".panels[{number}].{where}.nonsense" in lost(board)


def lost(board: dict[str, Any]) -> list[str]:
    """Keys that do not come back from Grafana's own types (grafana-foundation-sdk for Grafana 11.6)."""
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder",
                                  reason="needs grafana-foundation-sdk from PyPI")
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    back = encoder.JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board))
    return list(_lost(board, json.loads(back), ""))


def _lost(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if isinstance(ours, dict):
        for key, value in ours.items():
            # Null and empty mean "default" and may be left out.
            if value in (None, "", [], {}):
                continue
            if not isinstance(theirs, dict) or key not in theirs:
                yield f"{path}.{key}"
            else:
                yield from _lost(value, theirs[key], f"{path}.{key}")
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            yield path
        else:
            for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
                yield from _lost(a, b, f"{path}[{i}]")
    elif ours != theirs:
        yield f"{path}: {ours!r} became {theirs!r}"
