"""The frame of a dashboard: variables, rows, places and ids.

Pure and deterministic: the same rows give the same bytes. The id of a panel is made of its title, so that
links to it survive when others are added before it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.panels import DATASOURCE, TARGET, Json, Panel

WIDTH = 24
TAGS = ["mail-queue", "smtp"]


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading, laid out from left to right, then down."""

    title: str
    panels: Sequence[Panel]
    text: str = ""


def dashboard(uid: str, title: str, text: str, rows: Sequence[Row]) -> Json:
    """Build a dashboard in Grafana's classic model."""
    return {
        "id": None, "uid": uid, "title": title, "description": " ".join(text.split()), "tags": TAGS,
        "version": 1, "schemaVersion": 39, "editable": False, "graphTooltip": 1, "fiscalYearStartMonth": 0,
        "liveNow": False, "refresh": "1m", "time": {"from": "now-6h", "to": "now"}, "timepicker": {},
        "timezone": "browser", "weekStart": "", "annotations": {"list": []},
        "links": [{
            "asDropdown": True, "icon": "external link", "includeVars": True, "keepTime": True, "tags": TAGS,
            "targetBlank": False, "title": "Mail queues", "tooltip": "", "type": "dashboards", "url": "",
        }],
        "templating": {"list": _variables()},
        "panels": _place(rows),
    }


def as_text(value: Json) -> str:
    """Return the file's content: sorted keys, two spaces, a newline at the end."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def panel_id(title: str) -> int:
    """Return a number for a title, always the same one: 1 to 100,000."""
    return zlib.crc32(title.encode()) % 100_000 + 1


def _place(rows: Sequence[Row]) -> list[Json]:
    placed: list[Json] = []
    y = 0
    for row in rows:
        placed.append({
            "type": "row", "title": row.title, "collapsed": False, "panels": [],
            "id": panel_id("row: " + row.title), "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        })
        y += 1
        x = height = 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            placed.append(panel.body | {"id": panel_id(panel.title), "gridPos": place})
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return placed


def _variables() -> list[Json]:
    return [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "hide": 0,
         "includeAll": False, "multi": False, "options": [], "refresh": 1, "regex": "", "skipUrlSync": False,
         "current": {}},
        _variable("job", "Job", "smtpq_exporter_build_info", ".+"),
        _variable("instance", "Instance", 'smtpq_exporter_build_info{job=~"$job"}', ".+"),
        # ".*": the source "host" belongs to no mail server.
        _variable("mta", "Mail server", f"smtpq_source_success{{{TARGET}}}", ".*"),
        _variable("mta_instance", "Mail server instance",
                  f'smtpq_source_success{{{TARGET}, mta=~"$mta"}}', ".*"),
    ]


def _variable(name: str, label: str, selector: str, everything: str) -> Json:
    query = f"label_values({selector}, {name})"
    return {
        "type": "query", "name": name, "label": label, "definition": query, "datasource": DATASOURCE,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "allValue": everything, "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0, "includeAll": True, "multi": True, "options": [], "refresh": 2, "regex": "",
        "skipUrlSync": False, "sort": 1,
    }
