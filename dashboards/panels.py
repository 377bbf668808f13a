"""Grafana panels as values: what a panel shows and says, without where it stands.

Pure. Each function returns a Panel whose `body` is the JSON of Grafana's classic dashboard model
(schemaVersion 39, read by Grafana 10 to 13); frame.py adds position and id. Every panel gets its data source
from the variable `datasource`: a file with a fixed one could not be provisioned elsewhere.
In expressions `@mta` and `@host` stand for the selectors of the variables, see SELECTORS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

TARGET = 'job=~"$job", instance=~"$instance"'
#: `job` and `instance` are labels of the scrape, mta and mta_instance are ours; the host's metrics have none
#: of ours.
SELECTORS = {"@mta": TARGET + ', mta=~"$mta", mta_instance=~"$mta_instance"', "@host": TARGET}

#: Steps of a threshold: (from this value, this colour); the first has no lower end.
Steps = Sequence[tuple[float | None, str]]
PLAIN: Steps = ((None, "blue"),)


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and the name of its lines."""

    expr: str
    legend: str = ""

    @property
    def promql(self) -> str:
        """The expression with its selectors written out."""
        text = " ".join(self.expr.split()).replace("} [", "}[")
        for short, selector in SELECTORS.items():
            text = text.replace(short, selector)
        return text


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of the given width (24 make a row of the screen) and height."""

    width: int
    height: int
    body: Json

    @property
    def title(self) -> str:
        """What stands above it; unique in a dashboard, its id is made of it."""
        return str(self.body["title"])


def stat(title: str, text: str, expr: str, *, unit: str, steps: Steps, no_value: str = "not known",
         words: Sequence[tuple[float, float | None, str, str]] = (), width: int = 4) -> Panel:
    """One number. `words` = (from, to, text, colour) show a word instead of the number in that range."""
    ranges = [
        {"type": "range",
         "options": {"from": low, "to": high, "result": {"text": word, "color": color, "index": i}}}
        for i, (low, high, word, color) in enumerate(words)
    ]
    body = _body("stat", title, text, [Query(expr)], instant=True, defaults={
        "unit": unit, "color": {"mode": "thresholds"}, "thresholds": _thresholds(steps), "mappings": ranges,
        "noValue": no_value,
    })
    body["options"] = {
        "colorMode": "background", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": "auto", "reduceOptions": _LAST,
    }
    return Panel(width, 4, body)


def timeseries(title: str, text: str, *queries: Query, unit: str, stacked: bool = False, steps: Steps = (),
               maximum: float | None = None, width: int = 12, height: int = 8) -> Panel:
    """Lines over time; stacked where the parts make a whole. `steps` are drawn as lines."""
    custom: Json = {
        "drawStyle": "line", "fillOpacity": 40 if stacked else 8, "lineWidth": 1, "showPoints": "never",
        # A gap is a reading that failed: it must stay visible.
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
        "thresholdsStyle": {"mode": "line" if steps else "off"},
    }
    defaults: Json = {
        "unit": unit, "min": 0, "color": {"mode": "palette-classic"}, "custom": custom, "mappings": [],
        "thresholds": _thresholds(steps or PLAIN),
    }
    if maximum is not None:
        defaults["max"] = maximum
    body = _body("timeseries", title, text, queries, defaults=defaults)
    body["options"] = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom",
                   "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(width, height, body)


def heatmap(title: str, text: str, expr: str, *, unit: str, width: int = 12, height: int = 8) -> Panel:
    """A distribution over time, from the buckets of a histogram."""
    body = _body("heatmap", title, text, [Query(expr, "{{le}}")], defaults={
        "custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False},
                   "scaleDistribution": {"type": "linear"}},
    })
    body["targets"][0]["format"] = "heatmap"
    body["options"] = {
        "calculate": False, "cellGap": 1, "cellValues": {"unit": "short"},
        "color": {"exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": False,
                  "scale": "exponential", "scheme": "Oranges", "steps": 64},
        "exemplars": {"color": "rgba(255,0,255,0.7)"}, "filterValues": {"le": 1e-09},
        "legend": {"show": True}, "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    return Panel(width, height, body)


def bars(title: str, text: str, expr: str, legend: str, *, unit: str, width: int = 12,
         height: int = 8) -> Panel:
    """The state of now as horizontal bars, one for each series."""
    body = _body("bargauge", title, text, [Query(expr, legend)], instant=True, defaults={
        "unit": unit, "min": 0, "color": {"mode": "continuous-BlYlRd"}, "mappings": [],
        "thresholds": _thresholds(PLAIN),
    })
    body["options"] = {
        "displayMode": "gradient", "minVizHeight": 10, "minVizWidth": 0, "orientation": "horizontal",
        "reduceOptions": _LAST, "showUnfilled": True, "valueMode": "color",
    }
    return Panel(width, height, body)


def states(title: str, text: str, *queries: Query, words: dict[str, tuple[str, str]], width: int = 24,
           height: int = 6) -> Panel:
    """Bands over time: `words` maps a value to (word, colour)."""
    mapping = {value: {"text": word, "color": color, "index": i} for i, (value, (word, color)) in
               enumerate(words.items())}
    body = _body("state-timeline", title, text, queries, defaults={
        "color": {"mode": "thresholds"}, "thresholds": _thresholds(PLAIN),
        "custom": {"fillOpacity": 70, "lineWidth": 0}, "mappings": [{"type": "value", "options": mapping}],
    })
    body["options"] = {
        "alignValue": "left", "mergeValues": True, "rowHeight": 0.8, "showValue": "auto",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(width, height, body)


_LAST: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def _body(kind: str, title: str, text: str, queries: Sequence[Query], *, defaults: Json,
          instant: bool = False) -> Json:
    return {
        "type": kind, "title": title, "description": " ".join(text.split()), "datasource": DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"datasource": DATASOURCE, "editorMode": "code", "expr": query.promql, "instant": instant,
             "legendFormat": query.legend or "__auto", "range": not instant, "refId": chr(ord("A") + i)}
            for i, query in enumerate(queries)
        ],
    }


def _thresholds(steps: Steps) -> Json:
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}
