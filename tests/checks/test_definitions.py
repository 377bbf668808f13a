"""The definitions to copy: accepted by the real programs, complete, and each command line parses."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from checks import generate
from smtpq_exporter.checks.cli import PLUGINS, read_options
from tests.checks.exporter import FakeExporter
from tests.checks.nagios import ROOT, icinga, nagios
from tests.checks.samples import busy
from tests.servers.needs import find

CHECKS = ROOT / "checks"


def run(argv: list[str], **given: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, **given)  # type: ignore[call-overload,no-any-return]


def parses(line: str) -> str:
    """Assert that a command line of a definition parses; the plugin's name."""
    program, *words = shlex.split(line)
    name = Path(program).name.removeprefix("check_smtpq_")
    read_options(import_module(f"smtpq_exporter.checks.{name}"), words)
    assert (CHECKS / Path(program).name).exists()
    return name


@pytest.mark.server("nagios4")
def test_nagios_accepts(tmp_path: Path) -> None:
    """Nagios 4 finds nothing wrong with the shipped commands and services, not even a warning."""
    done = run([str(find("nagios4")), "-v", str(nagios(tmp_path, "http://127.0.0.1:1"))])
    assert done.returncode == 0, done.stdout
    assert re.search(r"Total Warnings: 0\s+Total Errors:\s+0", done.stdout)
    assert "Checked 6 services." in done.stdout


@pytest.mark.server("icinga2")
def test_icinga_accepts(tmp_path: Path) -> None:
    """Icinga 2 accepts the shipped commands and services, and applies each service once."""
    done = run([*icinga(tmp_path, "http://127.0.0.1:1"), "-C"])
    assert done.returncode == 0, done.stdout
    assert "Instantiated 6 Services." in done.stdout
    assert not re.search("warning|critical", done.stdout.split("Loading configuration")[1])


def test_icinga_commands_are_up_to_date() -> None:
    """The committed commands are those of the plugins' options: run checks/generate.py after a change."""
    assert generate.ICINGA.read_text(encoding="utf-8") == generate.icinga()
    assert {check.NAME for check in generate.CHECKS} == set(PLUGINS)


def test_nagios_command_lines() -> None:
    """Each service calls a command that exists, and its words parse."""
    commands = dict(re.findall(r"command_name\s+(\S+)\s+command_line\s+(.*)",
                               (CHECKS / "nagios" / "smtpq-commands.cfg").read_text()))
    services = re.findall(r"check_command\s+(.*)", (CHECKS / "nagios" / "smtpq-services.cfg").read_text())
    seen = set()
    for service in services:
        name, _, words = service.partition("!")
        line = commands[name].replace("$USER1$", "/p").replace("$_HOSTSMTPQ_URL$", "http://mx1:10125")
        seen.add(parses(line.replace("$ARG1$", words)))
    assert seen == set(PLUGINS)


def test_nrpe_command_lines() -> None:
    """Each NRPE line parses, needs no argument and contains nothing that NRPE eats."""
    lines = re.findall(r"^command\[(\w+)\]=(.*)$", (CHECKS / "nrpe" / "smtpq.cfg").read_text(), re.MULTILINE)
    assert {parses(line) for _, line in lines} == set(PLUGINS)
    assert not any("$" in line for _, line in lines)
    assert all("-t 8" in line for _, line in lines)


def test_checkmk_mrpe_lines() -> None:
    """Each MRPE line has a name, an interval and a command line that parses."""
    text = (CHECKS / "checkmk" / "mrpe.cfg").read_text()
    lines = re.findall(r"^(\w+) \(interval=60\) (.*)$", text, re.MULTILINE)
    assert {parses(line) for _, line in lines} == set(PLUGINS)


def test_sensu_definitions() -> None:
    """Each Sensu check is YAML, asks for Nagios perfdata and has a command line that parses."""
    documents = [d for d in yaml.safe_load_all((CHECKS / "sensu" / "smtpq-checks.yml").read_text()) if d]
    assert {parses(document["spec"]["command"]) for document in documents} == set(PLUGINS)
    for document in documents:
        assert document["type"] == "CheckConfig"
        assert document["spec"]["output_metric_format"] == "nagios_perfdata"
        assert document["spec"]["timeout"] > 10


def test_checkmk_local_check(tmp_path: Path) -> None:
    """The local check prints one well-formed line for each plugin and always ends with 0."""
    with FakeExporter(busy()) as exporter:
        for name in PLUGINS:
            wrapper = tmp_path / f"check_smtpq_{name}"
            wrapper.write_text(f'#!/bin/sh\nexec {CHECKS}/check_smtpq_{name} --url {exporter.url} "$@"\n')
            wrapper.chmod(0o755)
        done = run([str(CHECKS / "checkmk" / "smtpq_local")], env={"SMTPQ_PLUGINS": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(PLUGINS)
    for line in lines:
        assert re.fullmatch(r'0 "SMTP_\w+" [a-z_0-9]+=[-0-9.;|a-z_=]+ OK - .*', line), line


def test_single_file(tmp_path: Path) -> None:
    """check_smtpq.pyz runs every plugin with the standard library alone, by word and by name."""
    path = tmp_path / "check_smtpq.pyz"
    generate.pyz(path)
    first = path.read_bytes()
    generate.pyz(path)
    assert path.read_bytes() == first
    with FakeExporter(busy()) as exporter:
        for name in PLUGINS:
            link = tmp_path / f"check_smtpq_{name}"
            link.symlink_to(path)
            for argv in ([str(path), name], [str(link)]):
                done = run([*argv, "--url", exporter.url, "--output", "json"], env={}, cwd="/")
                assert (done.returncode, done.stderr) == (0, "")
                assert json.loads(done.stdout)["state"] == "OK"
