"""What the plugins may not import: start-up time is most of their run time, and 200 may start at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.exporter import FakeExporter
from tests.checks.samples import busy

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"argparse", "asyncio", "dataclasses", "difflib", "email", "http", "importlib.metadata",
             "logging", "pathlib", "prometheus_client", "psutil", "smtpq_exporter.model",
             "smtpq_exporter.view", "ssl", "subprocess", "threading", "traceback", "typing", "yaml"}
PLUGINS = sorted(path.name for path in (ROOT / "checks").glob("check_smtpq_*") if path.is_symlink())
PROBE = """
import os, sys, json
sys.argv = [sys.argv[1], "--url", sys.argv[2]]
sys.path.insert(0, {root!r})
import smtpq_exporter.checks.watchdog as watchdog
def ended(text, code):
    os.write(1, json.dumps([text, code, sorted(sys.modules)]).encode())
    os._exit(0)
watchdog.finish = ended
from smtpq_exporter.checks.cli import main
main()
"""


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_path(plugin: str) -> None:
    """A run that asks the exporter imports nothing that is slow to import."""
    with FakeExporter(busy()) as exporter:
        command = [sys.executable, "-I", "-S", "-c", PROBE.format(root=str(ROOT)), plugin, exporter.url]
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    text, code, modules = json.loads(done.stdout)
    assert code == 0, text
    assert not FORBIDDEN & set(modules)
    assert len(modules) < 110
