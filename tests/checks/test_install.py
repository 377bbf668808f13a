"""The recipe by which packaging/README.md installs the checks, below a directory of its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from smtpq_exporter.checks.cli import PLUGINS
from tests.checks.exporter import FakeExporter
from tests.checks.nagios import ROOT
from tests.checks.samples import busy


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with an empty environment."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
                          stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"})


def test_recipe(tmp_path: Path) -> None:
    """Each line works; every file of the table is where the table says; the plugins run from there."""
    section = (ROOT / "packaging" / "README.md").read_text().partition("\n## Checks\n")[2].partition("\n## ")[0]
    recipe = "\n".join(re.findall(r"^    (.*)$", section, re.MULTILINE))
    done = run("sh", "-ec", re.sub(r" /(?=usr/|etc/)", f" {tmp_path}/", recipe))
    assert (done.returncode, done.stderr) == (0, "")
    for source, target in re.findall(r"^\| `(checks/\S+?)`.*? \| `(/\S+?)`", section, re.MULTILINE):
        names = [path.name for path in ROOT.glob(source)]
        assert names
        assert all((tmp_path / target[1:] / name).is_file() for name in names), source
    plugins = tmp_path / "usr/lib/nagios/plugins"
    missing = run(str(plugins / "check_smtpq_queue"))
    assert (missing.returncode, missing.stderr) == (3, "")
    assert missing.stdout.startswith("SMTPQ UNKNOWN - plugin is not installed: ")
    launcher = plugins / "check_smtpq"
    launcher.write_text(launcher.read_text().replace("/usr/share/", f"{tmp_path}/usr/share/"))
    with FakeExporter(busy()) as exporter:
        for name in PLUGINS:
            done = run(str(plugins / f"check_smtpq_{name}"), "--url", exporter.url)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout
