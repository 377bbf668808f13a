"""Mail servers are found by their traces, and configured ones completed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smtpq_exporter.io import discovery
from smtpq_exporter.io.discovery import HostProbe, complete, discover
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance


def only(monkeypatch: pytest.MonkeyPatch, **facts: tuple[str, ...]) -> None:
    """Let this host know Postfix alone, by these traces."""
    traces = replace(MTAS["postfix"].discovery, **{"binaries": (), "spools": (), **facts})
    monkeypatch.setattr(discovery, "MTAS", {"postfix": replace(MTAS["postfix"], discovery=traces)})


def test_a_program_is_a_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed program means that the mail server is there, and the instance says so."""
    program = tmp_path / "postfix"
    only(monkeypatch, binaries=(str(program),))
    assert discover() == []
    program.write_text("")
    program.chmod(0o755)
    [found] = discover()
    assert (found.mta, found.name) == ("postfix", "postfix")
    assert found.queue_directory
    assert str(program) in found.found_by


def test_a_spool_with_something_in_it_is_a_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container that shares a spool has no program; an empty directory is left over from nothing."""
    spool = tmp_path / "spool"
    only(monkeypatch, spools=(str(spool),))
    assert discover() == []
    spool.mkdir()
    assert discover() == []
    (spool / "deferred").mkdir()
    [found] = discover()
    assert str(spool) in found.found_by


def test_several_instances_from_one_configuration(tmp_path: Path) -> None:
    """multi_instance_directories gives further instances with queues and names of their own."""
    second = tmp_path / "postfix-out"
    second.mkdir()
    (second / "main.cf").write_text(
        f"queue_directory = {tmp_path}/out\nmulti_instance_name = postfix-out\n")
    first = tmp_path / "etc"
    first.mkdir()
    (first / "main.cf").write_text(f"queue_directory = {tmp_path}/in\n")
    found = complete(Instance("postfix", "in", config_directory=str(first)))
    found += complete(Instance("postfix", "", config_directory=str(second)))
    assert [(one.name, one.queue_directory) for one in found] == [
        ("in", f"{tmp_path}/in"), ("postfix-out", f"{tmp_path}/out")]


def test_the_same_queue_is_one_instance_and_names_differ() -> None:
    """Two configurations of one queue directory are one; two of one name are told apart."""
    one = Instance("postfix", "a", queue_directory="/q1")
    found = discovery._distinct([one, replace(one, name="b"), replace(one, queue_directory="/q2")])
    assert [(each.name, each.queue_directory) for each in found] == [("a", "/q1"), ("a-2", "/q2")]


def test_the_probe_only_looks(tmp_path: Path) -> None:
    """Missing files, closed directories and failing programs are None."""
    probe = HostProbe()
    (tmp_path / "file").write_text("text")
    assert probe.read(str(tmp_path / "file")) == b"text"
    assert probe.read(str(tmp_path / "absent")) is None
    assert probe.exists(str(tmp_path))
    assert probe.listdir(str(tmp_path)) == ["file"]
    assert probe.listdir(str(tmp_path / "absent")) is None
    assert probe.run(["cat", str(tmp_path / "file")]) == b"text"
    assert probe.run(["cat", str(tmp_path / "absent")]) is None
    assert probe.run(["no-such-program"]) is None
