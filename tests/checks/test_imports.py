"""What the plugins may not import: start-up time is most of their run time, and 200 may start at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.exporter import FakeExporter
from tests.checks.samples import busy

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"argparse", "asyncio", "collections", "dataclasses", "difflib", "email", "encodings.idna", "enum",
             "functools", "http", "importlib.metadata", "json", "logging", "pathlib", "prometheus_client", "psutil",
             "re", "selectors", "signal", "smtpq_exporter.model", "smtpq_exporter.reasons", "smtpq_exporter.view",
             "socket", "ssl", "subprocess", "threading", "traceback", "types", "typing", "yaml"}
PLUGINS = sorted(path.name for path in (ROOT / "checks").glob("check_smtpq_*") if path.is_symlink())
PROBE = """
import os, sys
sys.argv = [sys.argv[1], "--url", *sys.argv[2:]]
sys.path.insert(0, {root!r})
import smtpq_exporter.checks.watchdog as watchdog
def ended(text, code):
    os.write(1, repr([text, code, sorted(sys.modules)]).encode())
    os._exit(0)
watchdog.finish = ended
from smtpq_exporter.checks.cli import main
main()
"""


@pytest.mark.parametrize("words", [(), ("-v",), ("-vvv",)])
@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_path(plugin: str, words: tuple[str, ...]) -> None:
    """A run that asks the exporter imports nothing that is slow to import."""
    with FakeExporter(busy()) as exporter:
        command = [sys.executable, "-I", "-S", "-c", PROBE.format(root=str(ROOT)), plugin, exporter.url, *words]
        done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    text, code, modules = ast.literal_eval(done.stdout.decode())
    assert code == 0, text
    assert not FORBIDDEN & set(modules)
    assert len(modules) < 60
