"""The PowerShell script that is shipped: its syntax by a grammar, and what it promises by its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import smtpq_exporter.mta.exchange as package
from smtpq_exporter.mta.exchange.queue_clixml import FIELDS
from smtpq_exporter.mta.exchange.queue_json import SCHEMA

tree_sitter = pytest.importorskip("tree_sitter", reason="needs tree-sitter and tree-sitter-powershell")
grammar = pytest.importorskip("tree_sitter_powershell", reason="needs tree-sitter-powershell")
PATH = Path(package.__file__).with_name("collect_exchange_queues.ps1")
TEXT = PATH.read_text("ascii")


def walk(node: Any) -> Iterator[Any]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def tree(text: str) -> Any:
    """The syntax tree of a script."""
    return tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(text.encode()).root_node


def test_the_grammar_accepts_the_script() -> None:
    """There is no error and nothing missing anywhere in its syntax tree."""
    assert not [node for node in walk(tree(TEXT)) if node.is_error or node.is_missing]


@pytest.mark.parametrize(("good", "bad"), [
    ("    exit 0\n}", "    exit 0\n"), ("@($found |", "@($found |)"),
    ("if ($OutputPath -eq '') {", "if $OutputPath {"),
])
def test_the_grammar_finds_what_is_broken(good: str, bad: str) -> None:
    """A script with one mistake is not accepted: the test above can fail."""
    assert good in TEXT
    assert tree(TEXT.replace(good, bad, 1)).has_error


def test_it_only_reads() -> None:
    """Of Exchange it calls nothing but Get-: no cmdlet changes, sends or removes anything."""
    called = {node.text.decode() for node in walk(tree(TEXT)) if node.type == "command_name"}
    verbs = {name for name in called if re.fullmatch(r"[A-Z][a-z]+-\w+", name)}
    assert {name for name in verbs if not name.startswith("Get-")} <= {
        "Add-PSSnapin", "ConvertTo-Json", "ForEach-Object", "New-Object", "Select-Object", "Sort-Object",
        "Test-Path", "Where-Object", "Write-Report",
    }
    assert {"Get-Queue", "Get-Message", "Get-ExchangeDiagnosticInfo"} <= verbs


def test_it_writes_what_the_parser_reads() -> None:
    """Every field of the document has the name that the parser looks for; nobody's address is one of them."""
    written = set(re.findall(r"^\s+(\w+)\s+= ", TEXT, re.MULTILINE))
    assert {*FIELDS, "Suspended", "Oldest"} <= written
    assert {"schema", "collected", "version", "service", "oldest", "pressure", "queues"} <= written
    assert f"schema    = {SCHEMA}" in TEXT
    for private in ("Subject", "FromAddress", "Recipients", "InternetMessageId", "SourceIP"):
        assert f"$_.{private}" not in TEXT
        assert f".{private}" not in TEXT


def test_it_is_shipped() -> None:
    """The script lies in the package, so that the installation has it; ASCII, for any code page."""
    assert PATH.is_file()
    assert max(map(len, TEXT.splitlines())) < 140
