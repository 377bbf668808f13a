"""Reports: hand-over files that are fresh, old or broken, and programs that behave, lie, hang or fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from smtpq_exporter import config
from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io import report
from smtpq_exporter.io.discovery import complete
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exchange.settings import SCRIPT
from smtpq_exporter.mta.exchange.ways import WAYS
from smtpq_exporter.reasons import Classifier
from tests.io.fake_powershell import called, install, pids
from tests.wait import wait_for

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "exchange" / "report"
BODY = (GOLDEN / "script.json").read_bytes()
CLASSIFIER = Classifier()
COLLECTED = 1795510800.0
NOW = COLLECTED + 60
SUMS = {"submission": 4, "delivery": 28, "retry": 17, "suspended": 6, "unreachable": 2, "poison": 1}


def instance(source: str, **options: str) -> Instance:
    """A configured instance."""
    return Instance("exchange", "ex01", source=source, options=tuple(options.items()))


def read(source: str, seconds: float = 30.0, **options: str) -> QueueSnapshot:
    """One reading, at NOW."""
    reader = open_reader(instance(source, **options), classifier=CLASSIFIER)
    try:
        return reader.read(NOW, time.monotonic() + seconds)
    finally:
        reader.close()


def fails(source: str, seconds: float = 30.0, **options: str) -> SourceError:
    """One reading that fails."""
    with pytest.raises(SourceError) as caught:
        read(source, seconds, **options)
    return caught.value


def sums(found: QueueSnapshot) -> dict[str, int]:
    """Messages of the queues that are not empty."""
    return {name: queue.messages for name, queue in found.queues.items() if queue.messages}


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fresh hand-over file."""
    path = tmp_path / "exchange.json"
    path.write_bytes(BODY)
    os.utime(path, (NOW, NOW - 5))
    return path


def test_a_fresh_file_is_the_queue(file: Path) -> None:
    """The sums of the report, at the time that it tells; version and service come with it."""
    reader = open_reader(instance("handover", handover_file=str(file)), classifier=CLASSIFIER)
    found = reader.read(NOW, time.monotonic() + 10)
    assert (sums(found), found.taken_at, found.source) == (SUMS, NOW, "handover")
    assert found.reported_at == COLLECTED
    assert (reader.up(), reader.version()) == (True, "15.2.1118.7")


def test_a_file_that_is_too_old_is_no_queue(file: Path) -> None:
    """The older of the two times counts: that of the file, and that inside of it."""
    assert fails("handover", handover_file=str(file), handover_max_age="59").kind == "unavailable"
    assert sums(read("handover", handover_file=str(file), handover_max_age="60")) == SUMS
    os.utime(file, (NOW, NOW - 400))
    error = fails("handover", handover_file=str(file))
    assert "400 s old" in error.what
    assert "scheduled task" in error.hint
    file.write_bytes(BODY.replace(b"2026-11-24T09:00:00.000Z", b"2031-01-01T00:00:00.000Z", 1))
    os.utime(file, (NOW, NOW - 400))
    error = fails("handover", handover_file=str(file))
    assert "400 s old" in error.what, "a clock that is ahead hides nothing"


def test_a_file_without_its_own_time_has_that_of_the_disk(file: Path) -> None:
    """A user's own Get-Queue | ConvertTo-Json is as old as its file."""
    file.write_bytes((GOLDEN / "core7.json").read_bytes())
    os.utime(file, (NOW, NOW - 100))
    assert sums(read("handover", handover_file=str(file))) == SUMS
    assert fails("handover", handover_file=str(file), handover_max_age="50").kind == "unavailable"


def test_what_is_no_file_does_not_block(tmp_path: Path) -> None:
    """A missing file, a directory, a pipe without a writer, too many bytes: a Fault at once."""
    path = tmp_path / "x"
    assert fails("handover", handover_file=str(path)).kind == "unavailable"
    assert fails("handover", handover_file=str(tmp_path)).kind == "unavailable"
    os.mkfifo(path)
    assert "not a regular file" in fails("handover", handover_file=str(path)).what
    large = tmp_path / "large"
    with large.open("wb") as handle:
        handle.truncate(report.MOST + 1)
    assert fails("handover", handover_file=str(large)).kind == "truncated"


@pytest.mark.parametrize("data", [b"", BODY[: len(BODY) // 2], b"<html>login</html>"])
def test_half_a_file_is_no_queue(file: Path, data: bytes) -> None:
    """What is empty, cut or something else is a ParseError."""
    file.write_bytes(data)
    with pytest.raises(ParseError):
        read("handover", handover_file=str(file))


def test_a_file_may_tell_of_a_failure(file: Path) -> None:
    """The script's own error is told, with the state of the service; there is no queue."""
    told = {"schema": 1, "service": "Stopped", "error": "The transport service is not running"}
    file.write_text(json.dumps(told))
    os.utime(file, (NOW, NOW))
    reader = open_reader(instance("handover", handover_file=str(file)), classifier=CLASSIFIER)
    with pytest.raises(SourceError) as caught:
        reader.read(NOW, time.monotonic() + 10)
    assert (caught.value.kind, reader.up()) == ("unavailable", False)
    assert "not running" in caught.value.what


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.*")), ids=lambda path: path.name)
def test_every_form_through_a_program(tmp_path: Path, path: Path) -> None:
    """Each golden form, in pieces, beside progress on standard error: the same sums."""
    if path.suffix == ".py":
        return
    progress = b'#< CLIXML\r\n<Objs Version="1.1.0.1"><Obj S="progress"><MS></MS></Obj></Objs>'
    program = install(tmp_path, stdout=path.read_bytes(), stderr=progress, pieces=7)
    assert sums(read("powershell", powershell_path=str(program))) == ({} if "empty" in path.name else SUMS)
    switches = ["-NoProfile", "-NonInteractive", "-NoLogo", "-ExecutionPolicy", "Bypass"]
    assert called(tmp_path) == [*switches, "-File", SCRIPT]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850"])
def test_every_encoding_of_the_output(tmp_path: Path, encoding: str) -> None:
    """Counts and states are right in each code page, also where an umlaut is not."""
    text = BODY.decode().replace("mailbox database 01", "Postfächer 01")
    program = install(tmp_path, stdout=text.encode(encoding))
    assert sums(read("powershell", powershell_path=str(program))) == SUMS


def test_a_failing_script_says_why(tmp_path: Path) -> None:
    """Exit code 3 with {"error": ..}: the words are told; missing rights are known as such."""
    def error(words: str) -> SourceError:
        program = install(tmp_path, stdout=json.dumps({"error": words}).encode(), exit=3)
        return fails("powershell", powershell_path=str(program))

    assert error("Exchange is not here").kind == "unavailable"
    assert error("Access is denied.").kind == "permission"
    assert "View-Only" in error("The term 'Get-Queue' is not recognized").hint


def test_a_program_that_fails_without_a_report(tmp_path: Path) -> None:
    """What standard error says, out of CLIXML; a report beside a bad exit code is not believed."""
    said = b'#< CLIXML\r\n<Objs><S S="Error">File C:\\x.ps1 cannot be loaded: Access is denied</S></Objs>'
    program = install(tmp_path, stderr=said, exit=1)
    error = fails("powershell", powershell_path=str(program))
    assert (error.kind, "<S" in error.what) == ("permission", False)
    assert "exit code 1: File C:\\x.ps1 cannot be loaded" in error.what
    program = install(tmp_path, stdout=BODY, exit=5)
    assert fails("powershell", powershell_path=str(program)).kind == "unavailable"
    program = install(tmp_path, stderr=b"the snap-in is missing")
    assert "the snap-in is missing" in fails("powershell", powershell_path=str(program)).what
    program = install(tmp_path)
    with pytest.raises(ParseError):
        read("powershell", powershell_path=str(program))


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    """At the deadline it goes, and its children, although the whole report had come."""
    program = install(tmp_path, stdout=BODY, hang=True, child=True)
    assert fails("powershell", 3.0, powershell_path=str(program)).kind == "timeout"
    for pid in pids(tmp_path):
        wait_for(lambda pid=pid: gone(pid))


def test_a_flood_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the cap is a Fault; the program ends."""
    monkeypatch.setattr(report, "MOST", 100_000)
    program = install(tmp_path, stdout=b"x" * 1_000_000, hang=True)
    assert fails("powershell", powershell_path=str(program)).kind == "truncated"
    for pid in pids(tmp_path):
        wait_for(lambda pid=pid: gone(pid))


RUN = """
import sys, time
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier
one = Instance("exchange", "x", source="powershell", options=(("powershell_path", sys.argv[1]),))
open_reader(one, classifier=Classifier()).read(0, time.monotonic() + 100)
"""


def test_it_dies_with_the_exporter(tmp_path: Path) -> None:
    """When the reader is killed outright, PowerShell ends too."""
    program = install(tmp_path, hang=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", RUN, str(program)], env=environment)
    try:
        wait_for((tmp_path / "pids").exists, 30)
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        for pid in pids(tmp_path):
            wait_for(lambda pid=pid: gone(pid))
    finally:
        parent.kill()
        parent.wait(10)


def test_the_first_way_that_lacks_nothing_is_taken(file: Path, tmp_path: Path) -> None:
    """The hand-over file, else a PowerShell of this machine, else ssh, else remoting; each lack is told."""
    program = install(tmp_path / "bin", stdout=BODY)
    both = instance("auto", handover_file=str(file), powershell_path=str(program))
    reader = open_reader(both, classifier=CLASSIFIER)
    assert (reader.source, reader.why) == ("handover", f"{file} is there")
    reader = open_reader(instance("auto", powershell_path=str(program)), classifier=CLASSIFIER)
    assert (reader.source, "no option handover_file" in reader.why) == ("powershell", True)
    with pytest.raises(SourceError) as caught:
        open_reader(instance("auto"), classifier=CLASSIFIER)
    for words in ("powershell.exe is not installed", "no option ssh_host", "no option psrp_host"):
        assert words in caught.value.what
    assert fails("ssh").what == "ssh: no option ssh_host"


def test_from_the_configuration(file: Path) -> None:
    """What the configuration file says comes to a reading."""
    options = f"{{handover_file: {file}, handover_max_age: '9999999'}}"
    made = config.parse(f"mtas: [{{mta: exchange, name: ex01, options: {options}}}]")
    assert made.mtas is not None
    (found,) = complete(made.mtas[0])
    assert found.source == "auto"
    assert sums(open_reader(found, classifier=CLASSIFIER).read(NOW, time.monotonic() + 5)) == SUMS


def psrp(**options: str) -> SourceError:
    """A reading by PowerShell Remoting that fails."""
    pytest.importorskip("pypsrp", reason="needs pypsrp: pip install .[psrp]")
    return fails("psrp", 60.0, **options)


def test_remoting_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The real pypsrp where nobody listens: a Fault in one line, no secret in it nor in arguments."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    options = {"psrp_host": "127.0.0.1", "psrp_port": "9", "psrp_auth": "negotiate", "psrp_user": "mon",
               "psrp_password_file": str(secret)}
    error = psrp(**options)
    assert error.kind == "unavailable"
    assert "onnection" in error.what
    assert "hunter2" not in str(error)
    way = next(way for way in WAYS if way.source == "psrp")
    assert "hunter2" not in " ".join(report.arguments(way, instance("psrp", **options)))


@pytest.mark.parametrize(("options", "words"), [
    ({"psrp_auth": "basic"}, "clear text"), ({"psrp_auth": "magic"}, "none of kerberos"),
    ({"psrp_password_file": "/nowhere"}, "No such file"),
])
def test_remoting_refuses_what_is_not_safe_or_not_there(options: dict[str, Any], words: str) -> None:
    """Basic without TLS, an unknown way to log in, a password file that is not there."""
    assert words in psrp(psrp_host="127.0.0.1", psrp_port="9", **options).what
