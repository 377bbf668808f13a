"""The Zabbix templates as files: what they must keep, what the rules catch, what Zabbix's validator says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from checks.zabbix import build
from checks.zabbix.plan import DISCOVERED, EXPORTER
from checks.zabbix.template import KINDS, template, uuid
from smtpq_exporter.reasons import REASONS
from tests.checks.nagios import ROOT
from tests.checks.zabbix_rules import nodes, problems

HERE = ROOT / "checks" / "zabbix"
FILES = [kind.file for kind in KINDS]
#: Zabbix's own reader and validator, without a database or a web server.
VALIDATOR = r"""<?php
chdir('/usr/share/zabbix');
set_error_handler(function ($level, $text) {
    throw new ErrorException($text);
});
require_once 'include/classes/core/CAutoloader.php';
$places = [];
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('include/classes',
        FilesystemIterator::SKIP_DOTS), RecursiveIteratorIterator::SELF_FIRST) as $place) {
    if ($place->isDir()) { $places[] = $place->getPathname(); }
}
$loader = new CAutoloader();
$loader->addNamespace('', $places);
$loader->register();
require_once 'include/gettextwrapper.inc.php';
require_once 'include/defines.inc.php';
require_once 'include/func.inc.php';
require_once 'vendor/autoload.php';
try {
    $data = CImportReaderFactory::getReader(CImportReaderFactory::YAML)->read(file_get_contents($argv[1]));
    (new CXmlValidator(new CImportValidatorFactory('yaml'), 'yaml'))->validate($data, '/');
    echo 'VALID';
}
catch (Exception $error) {
    echo 'INVALID ', $error->getMessage();
}
"""


@pytest.fixture(scope="module")
def text() -> str:
    """The template by HTTP."""
    return (HERE / "smtpq_by_http.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(build.files()))
def test_committed_files_are_what_the_plan_says(name: str) -> None:
    """Nobody edited a generated file, or forgot `python3 -m checks.zabbix.build`."""
    assert (HERE / name).read_text("utf-8") == build.files()[name]


@pytest.mark.parametrize("file", FILES)
def test_a_template_keeps_the_rules(file: str) -> None:
    """All that a server would let through and that would then go wrong is right."""
    assert problems((HERE / file).read_text("utf-8")) == []


def test_all_templates_watch_the_same() -> None:
    """Keys, trigger names and macros are the same by HTTP and by agent, but for the way to the exporter."""
    seen = []
    for kind in KINDS:
        made = template(kind)["zabbix_export"]
        keys = {node["key"] for name, node in nodes(made) if name in ("items", "item_prototypes")}
        triggers = {node["name"] for name, node in nodes(made) if name in ("triggers", "trigger_prototypes")}
        macros = {macro["macro"] for macro in made["templates"][0]["macros"]} - {m for m, _, _ in kind.macros}
        seen.append((keys - {kind.master["key"]}, triggers, macros))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][0]) == sum(len(group.values) for group in (EXPORTER, *DISCOVERED))


def test_uuids_are_those_of_the_first_release() -> None:
    """A uuid never changes: users would lose their history. They follow from the path of an object alone."""
    assert uuid("http") == "2983015f58dd423a8597288fae86dfd9"
    assert uuid("http", "item", "queue.messages") == "5aff755a931d4a87b37d7b6c65392f1c"
    assert uuid("agent", "trigger", "queue", "oldest_high") == "1eb88a41a12e43f49b70e513ad7eff87"


def test_contexts_are_reasons_and_queues() -> None:
    """A macro with the context of a reason names one that exists."""
    found = re.findall(r'REASON\.WARN:"(\w+)"', (HERE / FILES[0]).read_text("utf-8").replace("{#", "<"))
    assert set(found) - {"REASON"} <= set(REASONS)


def test_user_parameters() -> None:
    """Each line has a key, never lets stderr into a value, and names arguments without quotes of its own."""
    lines = (HERE / "userparameter_smtpq.conf").read_text("utf-8").splitlines()
    form = re.compile(r"UserParameter=([a-z.]+)(\[\*\])?,(/\S+) .*2>(?:/dev/null|&1).*")
    lines = [line for line in lines if line and line[0] != "#"]
    keys = [found[1] if (found := form.fullmatch(line)) else line for line in lines]
    assert keys == ["smtpq.json", "smtpq.discovery", "smtpq.get", "smtpq.check"]
    assert "smtpq.json" in {kind.master["key"] for kind in KINDS}


MUTATIONS = {
    "no uuid": (r"uuid: '[0-9a-f]+'\n +name: 'SMTP queue: sources'", "name: 'SMTP queue: sources'"),
    "uuid with dashes": (r"uuid: '(.{8})(.{24})'", r"uuid: '\1-\2'"),
    "uuid of another version": (r"uuid: '(.{12})4", r"uuid: '\g<1>5"),
    "uuid of another variant": (r"uuid: '(.{16})[89ab]", r"uuid: '\g<1>c"),
    "uuid that is a number": (r"uuid: '.{32}'", "uuid: 12345678901244e39123456789012345"),
    "uuid twice": (r"(?s)(uuid: '.{32}')(\n    template:.*?)uuid: '.{32}'", r"\1\2\1"),
    "key twice": (r"key: smtpq\.exporter\.sources_failed\n", "key: smtpq.exporter.sources\n"),
    "version is a number": (r"version: '6\.0'", "version: 6.0"),
    "newer version": (r"version: '6\.0'", "version: '9.0'"),
    "number without quotes": (r"delay: '0'", "delay: 0"),
    "history without quotes": (r"history: '0'", "history: 0"),
    "yes": (r"manual_close: 'YES'", "manual_close: yes"),
    "no master item": (r"\n +master_item:\n +key: smtpq.metrics", ""),
    "unknown master item": (r"(master_item:\n +key: )smtpq.metrics", r"\1smtpq.other"),
    "pattern with one parameter": (r"\n +- function\n +- count", ""),
    "pattern in a rule": (r"type: PROMETHEUS_TO_JSON", "type: PROMETHEUS_PATTERN"),
    "trigger on an unknown item": (r"nodata\(/SMTP queue by HTTP/smtpq\.exporter\.sources,",
                                   "nodata(/SMTP queue by HTTP/smtpq.exporter.nothing,"),
    "trigger of another host": (r"nodata\(/SMTP queue by HTTP/", "nodata(/Other/"),
    "old trigger syntax": (r"expression: 'nodata.*'", "expression: '{Other:smtpq.json.nodata(10m)}=1'"),
    "macro in lower case": (r"\{\$SMTPQ\.NODATA\}", "{$smtpq.nodata}"),
    "macro not defined": (r"macro: '\{\$SMTPQ\.NODATA\}'", "macro: '{$SMTPQ.OTHER}'"),
    "no such value map": (r"(valuemap:\n +name: )'Success'", r"\1'Other'"),
    "prototype without macro": (r"smtpq\.server\.up\[\{#MTA\},\{#INSTANCE\}\]", "smtpq.server.up"),
    "unknown macro of discovery": (r"lld_macro: '\{#QUEUE\}'", "lld_macro: '{#OTHER}'"),
    "condition without formulaid": (r"\n +formulaid: A", ""),
    "graph of another host": (r"host: 'SMTP queue by HTTP'", "host: 'Other'"),
    "dashboard without its graph": (r"name: 'SMTP queue: sources of the exporter'", "name: 'Other'"),
    "tab": (r"\n  version", "\n\tversion"),
    "byte order mark": (r"^zabbix_export", "\ufeffzabbix_export"),
    "an unsigned number": (r"value_type: FLOAT", "value_type: UNSIGNED"),
    "trigger without history": (r"(key: smtpq\.exporter\.sources\n)", r"\1      history: '0'\n"),
    "host in a macro": (r"value: '10125'", "value: '{HOST.CONN}:10125'"),
    "lost dependency": (r"(?s)(dependencies:\n +- name: )'[^\n]*'", r"\1'other'"),
}


@pytest.mark.parametrize("case", MUTATIONS)
def test_the_rules_catch_what_servers_do_not(text: str, case: str) -> None:
    """Each way in which templates are known to break is found."""
    pattern, replacement = MUTATIONS[case]
    broken, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1
    assert problems(broken)


def validate(directory: Path, text: str) -> str:
    """What Zabbix's own validator says."""
    (directory / "val.php").write_text(VALIDATOR)
    (directory / "template.yaml").write_text(text, "utf-8")
    done = subprocess.run(["php", str(directory / "val.php"), str(directory / "template.yaml")],
                          capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


@pytest.mark.server("zabbix-frontend")
@pytest.mark.parametrize("file", FILES)
def test_zabbix_itself_finds_it_valid(tmp_path: Path, file: str) -> None:
    """The import validator of Zabbix 6.0 takes each template."""
    assert validate(tmp_path, (HERE / file).read_text("utf-8")) == "VALID"


@pytest.mark.server("zabbix-frontend")
@pytest.mark.parametrize("case", ["no uuid", "newer version", "version is a number",
                                  "number without quotes", "pattern in a rule"])
def test_zabbix_itself_finds_it_invalid(tmp_path: Path, text: str, case: str) -> None:
    """The validator does look: what it is known to refuse it refuses."""
    assert validate(tmp_path, re.sub(*MUTATIONS[case], text, count=1)).startswith("INVALID")


def test_yaml_is_the_same_to_a_strict_reader(text: str) -> None:
    """Every scalar is text to a YAML 1.1 reader; nothing becomes a date, a number or a truth."""
    assert yaml.safe_load(text) == yaml.load(text, yaml.BaseLoader)
