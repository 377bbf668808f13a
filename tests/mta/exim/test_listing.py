"""Asking Exim through real executables that behave like it: emptiness needs a proof, a refusal is a fault."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io.listing import voided
from smtpq_exporter.io.liveness import runs
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier

ENTRY = " 0m   197 1xVh2S-0002gw-0x <a@s.example>\\n          b@x.example\\n\\n"


def program(place: Path, script: str) -> str:
    """An executable called exim."""
    path = place / "exim"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def read(path: str, queues: str = "") -> QueueSnapshot:
    """One reading by asking this program."""
    instance = Instance(
        "exim",
        "x",
        queue_directory="/nonexistent",
        source="exim",
        options=(("exim_path", path), ("queues", queues)),
    )
    return open_reader(instance, classifier=Classifier()).read(time.time(), time.monotonic() + 20)


def fault(path: str) -> SourceError:
    """The error of such a reading."""
    with pytest.raises(SourceError) as caught:
        read(path)
    return caught.value


def test_messages_are_read_queue_by_queue(tmp_path: Path) -> None:
    """Each queue's own command; an empty one is proved by its own count."""
    path = program(
        tmp_path,
        f"""case "$*" in
-bpr|"-qGbulk -bpr") printf '{ENTRY}';; *-bpr) ;; "-qGslow -bpc") echo 0;; *) exit 1;; esac""",
    )
    found = read(path, "bulk slow")
    assert {name: q.messages for name, q in found.queues.items()} == {"default": 0, "bulk": 1, "slow": 0}
    assert found.skipped == {"duplicate": 1}  # one id is one message, wherever it is shown


def test_nothing_and_a_zero_is_an_empty_queue(tmp_path: Path) -> None:
    """No output is 0 messages if exim -bpc says 0."""
    assert read(program(tmp_path, '[ "$1" = -bpc ] && echo 0; exit 0')).queues["default"].messages == 0


@pytest.mark.parametrize("answer", ["", "12", "exim: something", "00 1"])
def test_nothing_without_a_zero_is_a_fault(tmp_path: Path, answer: str) -> None:
    """No output proves nothing: if the count says otherwise, or nothing, there is no number."""
    error = fault(program(tmp_path, f'[ "$1" = -bpc ] && echo "{answer}"; exit 0'))
    assert error.kind == "unavailable"


def test_mail_that_comes_before_the_proof_is_read_again(tmp_path: Path) -> None:
    """A message that arrives between listing and count is found by the second look."""
    path = program(
        tmp_path,
        f"""if [ "$1" = -bpc ]; then touch "$0.came"; echo 1
elif [ -e "$0.came" ]; then printf '{ENTRY}'; fi""",
    )
    assert read(path).queues["default"].messages == 1


def test_a_refusal_says_what_helps(tmp_path: Path) -> None:
    """queue_list_requires_admin: permission, with both remedies."""
    error = fault(program(tmp_path, 'echo "exim: permission denied" >&2; exit 1'))
    assert error.kind == "permission"
    assert "queue_list_requires_admin" in error.hint
    assert "Debian-exim" in error.hint


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        f"printf '{ENTRY}'; exit 1",
        f"printf '{ENTRY}{ENTRY[:30]}'",
        "echo 'LOG: MAIN PANIC'",
        "kill -KILL $$",
    ],
)
def test_failures_are_faults_and_never_numbers(tmp_path: Path, script: str) -> None:
    """An exit code, a cut listing, other words: no snapshot."""
    with pytest.raises((SourceError, ParseError)):
        read(program(tmp_path, script))


def test_a_program_without_its_set_user_id_bit_is_seen(tmp_path: Path) -> None:
    """Under no_new_privs a set-user-id program sees only what we see: its "nothing" is no proof."""
    path = Path(program(tmp_path, "exit 0"))
    flag = tmp_path / "status"
    flag.write_text("Name:\tx\nNoNewPrivs:\t1\n")
    assert not voided(str(path), flag)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        path.chmod(0o4755)
        assert voided(str(path), flag)
        flag.write_text("Name:\tx\nNoNewPrivs:\t0\n")
        assert not voided(str(path), flag)
        os.chown(path, 0, 0)
        path.chmod(0o4755)
        flag.write_text("NoNewPrivs:\t1\n")
        assert not voided(str(path), flag)  # we are its user already
    assert not voided(str(tmp_path / "none"), flag)


def proc(root: Path, *processes: tuple[int, str, str], space: str = "pid:[4026531836]") -> Path:
    """A /proc with these processes: number, name, NSpid."""
    for number, name, inner in processes:
        (root / str(number)).mkdir(parents=True)
        (root / str(number) / "status").write_text(f"Name:\t{name}\nPid:\t{number}\nNSpid:\t{inner}\n")
    (root / "self" / "ns").mkdir(parents=True)
    (root / "self" / "ns" / "pid").symlink_to(space)
    return root


def test_the_pid_file_tells_whether_the_daemon_runs(tmp_path: Path) -> None:
    """A process of that number and name runs, also in a container; what we cannot see is not called down."""
    pid = tmp_path / "exim.pid"
    pid.write_text("17\n")
    names = ("exim4", "exim")
    assert runs(pid, names, proc(tmp_path / "a", (17, "exim4", "17")))
    assert runs(pid, names, proc(tmp_path / "b", (4711, "exim4", "4711\t17")))
    assert runs(pid, names, proc(tmp_path / "c", (17, "bash", "17"), (18, "exim4", "18"))) is False
    assert runs(pid, names, proc(tmp_path / "d", (18, "exim4", "18"), space="pid:[4026532000]")) is None
    pid.unlink()
    assert runs(pid, names, tmp_path / "a") is False
    assert runs(tmp_path / "elsewhere" / "exim.pid", names, tmp_path / "a") is None
