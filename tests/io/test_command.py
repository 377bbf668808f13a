"""Programs of the mail server end when they must, and say why they failed. All of them are real
executables.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import Command, output
from tests.wait import wait_for


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A place for a shell script."""
    return tmp_path / "program"


def write(path: Path, text: str) -> str:
    """Make an executable script of this text."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


RUN = """
import sys, time
from smtpq_exporter.io.command import Command
b"".join(Command(sys.argv[1:], time.monotonic() + 500))
"""


def soon(seconds: float = 20.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_output_comes_in_pieces_and_the_exit_code_after_it(program: Path) -> None:
    """All output is there, in order, and the code is the program's own."""
    command = Command([write(program, "echo one; echo two >&2; echo three; exit 7")], soon())
    assert b"".join(command) == b"one\nthree\n"
    assert command.code == 7
    assert command.complaint == b"two\n"


def test_arguments_are_words_not_shell(program: Path) -> None:
    """Blanks, quotes and dollars in arguments reach the program as they are."""
    text = output([write(program, 'for a; do echo "$a"; done'), "a b", "$(id)", "'\""], seconds=20)
    assert text == b"a b\n$(id)\n'\"\n"


def test_the_environment_is_ours_alone(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment reaches the program but TZ; its input is empty."""
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("TZ", "UTC")
    text = output([write(program, "cat; env | sort; pwd")], seconds=20).decode().splitlines()
    names = {line.partition("=")[0] for line in text[:-1]}
    assert "SECRET" not in names
    assert {"LC_ALL", "PATH", "TZ"} <= names
    assert text[-1] == "/"


def test_a_program_that_hangs_is_killed_with_its_children(program: Path, tmp_path: Path) -> None:
    """At the deadline the whole group goes, also a child that holds the output open."""
    pids = tmp_path / "pids"
    script = write(program, f"echo partial; sleep 1000 & echo $! >> {pids}; echo $$ >> {pids}; sleep 1000")
    with pytest.raises(SourceError) as caught:
        b"".join(Command([script], time.monotonic() + 1.0))
    assert caught.value.kind == "timeout"
    for pid in map(int, pids.read_text().split()):
        wait_for(lambda pid=pid: gone(pid))


def test_a_child_that_outlives_the_program_does_not_hang_the_reading(program: Path, tmp_path: Path) -> None:
    """A background process that keeps the pipe is a timeout, not a reading without end."""
    pids = tmp_path / "pids"
    with pytest.raises(SourceError) as caught:
        b"".join(Command([write(program, f"sleep 1000 & echo $! > {pids}; exit 0")], time.monotonic() + 1.0))
    assert caught.value.kind == "timeout"
    wait_for(lambda: gone(int(pids.read_text())))


def test_output_is_capped(program: Path) -> None:
    """A program that never stops writing is ended at the cap."""
    with pytest.raises(SourceError) as caught:
        output([write(program, "yes")], seconds=20, most=100_000)
    assert caught.value.kind == "truncated"


def test_a_program_that_is_not_installed_is_unavailable() -> None:
    """The error says so and where was looked."""
    with pytest.raises(SourceError) as caught:
        output(["no-such-program-here"], seconds=5)
    assert caught.value.kind == "unavailable"
    assert "not installed" in str(caught.value)


def test_a_reading_given_up_in_the_middle_ends_the_program(program: Path, tmp_path: Path) -> None:
    """A consumer that fails leaves no process behind."""
    pids = tmp_path / "pids"
    command = Command([write(program, f"echo $$ > {pids}; echo x; sleep 1000")], soon())
    pieces = iter(command)
    assert next(pieces) == b"x\n"
    pieces.close()  # type: ignore[attr-defined]
    wait_for(lambda: gone(int(pids.read_text())))
    command.kill()


def test_it_dies_with_this_process(program: Path, tmp_path: Path) -> None:
    """When the reader is killed outright, its program ends too, although no signal handler could run."""
    pids = tmp_path / "pids"
    script = write(program, f"echo $$ > {pids}.new; mv {pids}.new {pids}; exec sleep 1000")
    parent = subprocess.Popen(
        [sys.executable, "-c", RUN, script],
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    try:
        wait_for(pids.exists, 20)
        pid = int(pids.read_text())
        assert not gone(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        wait_for(lambda: gone(pid))
    finally:
        parent.kill()
        parent.wait(10)


def test_nothing_is_left_after_many_runs(program: Path) -> None:
    """Watchers, pipes and zombies do not pile up."""
    script = write(program, "echo x")
    output([script], seconds=20)
    me = psutil.Process()
    before = me.num_fds()
    for _ in range(20):
        assert output([script], seconds=20) == b"x\n"
    assert me.num_fds() == before
    wait_for(lambda: not [child for child in me.children(recursive=True) if child.name() == "sh"])


def test_complaints_are_cut_and_printable(program: Path) -> None:
    """A failing program's words reach the error in one short line."""
    noise = r"printf 'bad\033[31m\nthing\n' >&2; head -c 100000 /dev/zero | tr '\0' x >&2; exit 3"
    script = write(program, noise)
    with pytest.raises(SourceError) as caught:
        output([script], seconds=20)
    assert "exit code 3: bad?[31m thing" in str(caught.value)
    assert len(str(caught.value)) < 600
