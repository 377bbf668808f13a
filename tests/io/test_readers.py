"""The way to read is chosen by what this process may do, and said in words."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from smtpq_exporter.errors import ConfigError, SourceError
from smtpq_exporter.io.liveness import Liveness, accepts, is_locked
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from tests.io.spools import Spool
from tests.mta.spooled import Class


def instance(root: Path, source: str = "auto") -> Instance:
    """A Postfix whose queue is here."""
    return Instance(
        "postfix", "x", config_directory=str(root / "etc"), queue_directory=str(root), source=source)


def listen(root: Path) -> socket.socket:
    """A showq that accepts and says nothing."""
    (root / "public").mkdir(exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(root / "public" / "showq"))
    server.listen()
    return server


def test_readable_directories_are_read(tmp_path: Path) -> None:
    """Reading files is the first choice."""
    Spool(tmp_path).add()
    reader = open_reader(instance(tmp_path), classifier=Class(), top=3)
    assert reader.source == "spool"
    assert "readable" in reader.why
    assert reader.read(time.time(), time.monotonic() + 20).queues["deferred"].messages == 1
    assert reader.up() is False
    reader.close()


def test_without_directories_the_socket_is_asked(tmp_path: Path) -> None:
    """The second choice says what the first one lacks."""
    with listen(tmp_path):
        reader = open_reader(instance(tmp_path), classifier=Class())
    assert reader.source == "showq"
    assert "spool:" in reader.why
    assert "is not there" in reader.why


def test_a_fixed_source_is_taken_and_said(tmp_path: Path) -> None:
    """What the configuration fixes is used although another way would be better."""
    Spool(tmp_path)
    reader = open_reader(instance(tmp_path, "postqueue"), classifier=Class())
    assert (reader.source, reader.why) == ("postqueue", "fixed in the configuration")


def test_a_source_that_does_not_exist_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    """The error names those that there are."""
    with pytest.raises(ConfigError, match="spool, showq, postqueue"):
        open_reader(instance(tmp_path, "carrier-pigeon"), classifier=Class())


def test_no_way_at_all_is_an_error_that_names_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing is open the error says what every way lacks."""
    from smtpq_exporter.io import readers

    monkeypatch.setattr(readers, "PATH", str(tmp_path))
    with pytest.raises(SourceError) as caught:
        open_reader(instance(tmp_path), classifier=Class())
    assert caught.value.kind == "unavailable"
    for source in ("spool", "showq", "postqueue"):
        assert f"{source}:" in str(caught.value)


def test_the_lock_of_the_daemon_tells_that_it_runs(tmp_path: Path) -> None:
    """Locked = running, not locked or absent = not running; looking takes no lock away from anybody."""
    path = tmp_path / "master.pid"
    assert is_locked(path) is False
    path.write_text("1")
    assert is_locked(path) is False
    with path.open() as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert is_locked(path) is True
        assert is_locked(path) is True
    assert is_locked(path) is False


def test_a_socket_tells_that_somebody_listens(tmp_path: Path) -> None:
    """Accepting = running, refused or absent = not running, anything else = unknown."""
    path = tmp_path / "public" / "showq"
    assert accepts(path) is False
    with listen(tmp_path):
        assert accepts(path) is True
    assert accepts(path) is False
    assert accepts(tmp_path) is not True


def test_liveness_prefers_the_lock_and_remembers_the_version(tmp_path: Path) -> None:
    """The version is asked for once; a mail server without lock and socket is of unknown health."""
    program = tmp_path / "version"
    program.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\necho mail_version = 3.9.1\n")
    program.chmod(0o755)
    facts = replace(
        MTAS["postfix"].discovery, version=(str(program),), version_pattern=rb"= (\S+)", lock="", socket="")
    liveness = Liveness(instance(tmp_path), facts)
    assert [liveness.version(), liveness.version()] == ["3.9.1", "3.9.1"]
    assert (tmp_path / "runs").read_text() == "run\n"
    assert liveness.up() is None
    broken = Liveness(instance(tmp_path), replace(facts, version=("no-such-program",)))
    assert broken.version() is None
    with listen(tmp_path):
        assert Liveness(instance(tmp_path), replace(facts, socket="public/showq")).up() is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_lock_that_may_not_be_looked_at_is_unknown(tmp_path: Path) -> None:
    """Without permission the answer is None, never False."""
    import subprocess
    import sys

    path = tmp_path / "closed" / "master.pid"
    path.parent.mkdir()
    path.write_text("1")
    path.parent.chmod(0o700)
    code = ("import os,sys; from pathlib import Path\n"
            "from smtpq_exporter.io.liveness import is_locked, accepts\n"
            "os.setuid(65534); print(is_locked(Path(sys.argv[1])), accepts(Path(sys.argv[1])))")
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=30,
                          cwd=root, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert done.stdout.split() == ["None", "None"], done.stderr
