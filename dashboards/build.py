"""Write the generated files of this directory, or say whether they are current.

    python -m dashboards.build            writes them
    python -m dashboards.build --check    writes nothing; exit code 1 if a file is not current

Source of truth: overview.py for the dashboard, prometheus/alerts.yml and records.yml (written by
hand, with their reasons) for the rules. Deterministic: no clock, no environment.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from dashboards.frame import as_text
from dashboards.overview import overview

HERE = Path(__file__).resolve().parent
RULES = ("alerts", "records")

_NOTE = "# Made from alerts.yml and records.yml by `python -m dashboards.build`; change those.\n"


def files() -> dict[Path, str]:
    """Return the content that each generated file should have."""
    return {
        HERE / "grafana" / "smtpq-overview.json": as_text(overview()),
        HERE / "prometheus" / "prometheusrule.yml": prometheus_rule(),
    }


def prometheus_rule() -> str:
    """Return both rule files as one PrometheusRule for the Prometheus operator (monitoring.coreos.com/v1)."""
    groups = [
        group
        for name in RULES
        for group in yaml.safe_load((HERE / "prometheus" / f"{name}.yml").read_text("utf-8"))["groups"]
    ]
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "smtpq-exporter", "labels": {"app.kubernetes.io/name": "smtpq-exporter"}},
        "spec": {"groups": groups},
    }
    return _NOTE + yaml.safe_dump(resource, sort_keys=False, width=110, allow_unicode=True)


def stale() -> list[Path]:
    """Return the files that are missing or not current."""
    return [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 = done or current, 1 = not current."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.build", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what is not current")
    arguments = parser.parse_args(argv)
    old = stale()
    for path in old:
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path], "utf-8")
        print(("not current: " if arguments.check else "written: ") + str(path.relative_to(HERE.parent)))
    return 1 if arguments.check and old else 0


if __name__ == "__main__":
    sys.exit(main())
