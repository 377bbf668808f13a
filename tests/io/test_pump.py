"""The pump: sources in, counters out, nothing twice, nothing blocked, every failure told."""

from __future__ import annotations

import grp
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.pump import LogPump, open_pump
from smtpq_exporter.io.sources import choose, kind
from smtpq_exporter.model import FAULT_KINDS, LogTally
from smtpq_exporter.mta.base import Instance
from tests.io.growing import GrowingLog, TinyParser, TinyTally, line, sums
from tests.wait import wait_for

NOW = 1795503001.0


def make(*logs: str, state: Path | None = None, start: str = "beginning", **other: Any) -> LogPump[TinyTally]:
    settings: dict[str, Any] = {"tally": TinyTally, "parser": TinyParser, "save_seconds": 0.01} | other
    pump = open_pump(Instance("postfix", "mx", logs=logs), state_directory=state, start=start, **settings)
    assert pump is not None
    return pump


@contextmanager
def running(pump: LogPump[TinyTally]) -> Iterator[LogPump[TinyTally]]:
    stop = threading.Event()
    thread = threading.Thread(target=pump.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield pump
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def counted(pump: LogPump[TinyTally]) -> tuple[int, int, int] | None:
    tally = pump.tally(NOW)
    return (tally.received, tally.removed, tally.expired) if tally else None


@pytest.fixture
def log(tmp_path: Path) -> Iterator[GrowingLog]:
    with GrowingLog(tmp_path / "mail.log") as made:
        yield made


def test_no_logs() -> None:
    """An instance without logs has no pump."""
    assert open_pump(Instance("postfix", "mx", logs=()), state_directory=None, start="end", tally=TinyTally,
                     parser=TinyParser) is None  # fmt: skip


def test_counts_and_tells(log: GrowingLog) -> None:
    """Lines are counted while they come; the tally tells of rotations, of what waits, and when the last line
    came.
    """
    log.write(3)
    with running(make(str(log.path))) as pump:
        wait_for(lambda: counted(pump) == sums(3))
        log.rename()
        log.write(2)
        wait_for(lambda: counted(pump) == sums(5))
        tally = pump.tally(NOW)
        assert tally
        assert (tally.taken_at, tally.lag_bytes, tally.rotations) == (NOW, 0, 1)
        assert tally.last_line == pytest.approx(time.time(), abs=60)
        (state,) = pump.states()
        assert state.source == "log"
        assert state.success
        assert state.fault is None
        assert state.errors == dict.fromkeys(FAULT_KINDS, 0)
        assert state.last_success == pytest.approx(time.time(), abs=60)


def test_not_known_is_not_zero(tmp_path: Path) -> None:
    """Before anything could be read there is no tally; an empty log gives zeros."""
    pump = make(str(tmp_path / "mail.log"))
    assert pump.tally(NOW) is None
    pump.step()
    assert pump.tally(NOW) is None
    (state,) = pump.states()
    assert not state.success
    assert state.fault
    assert state.fault.kind == "unavailable"
    assert "does not exist" in state.fault.text
    assert state.fault.hint
    assert state.errors["unavailable"] == 1
    (tmp_path / "mail.log").touch()
    pump.step()
    assert counted(pump) == (0, 0, 0)
    assert pump.states()[0].success
    pump.close()


def test_goes_on_after_a_restart(log: GrowingLog, tmp_path: Path) -> None:
    """Counters, rotations and positions go on where a clean stop left them, and are known at once."""
    log.write(3)
    with running(make(str(log.path), state=tmp_path)) as pump:
        wait_for(lambda: counted(pump) == sums(3))
        log.rename()
        log.write(1)
        wait_for(lambda: counted(pump) == sums(4))
    log.write(2)
    pump = make(str(log.path), state=tmp_path, start="end")
    assert counted(pump) == sums(4)
    pump.step()
    assert counted(pump) == sums(6)
    tally = pump.tally(NOW)
    assert tally
    assert tally.rotations == 1
    pump.close()


def test_counters_do_not_go_back_after_a_crash(log: GrowingLog, tmp_path: Path) -> None:
    """After a crash there is no tally until what was counted before it has been counted again."""
    log.write(3)
    pump = make(str(log.path), state=tmp_path / "state", save_seconds=3600.0)
    pump.step()
    log.write(3000)
    while pump.step():
        pass
    assert counted(pump) == sums(3003)
    (file,) = (tmp_path / "state").glob("*.json")
    crashed = file.read_bytes()
    pump.close()
    file.write_bytes(crashed)
    pump = make(str(log.path), state=tmp_path / "state")
    seen = {counted(pump)}
    while pump.step():
        seen.add(counted(pump))
    assert seen == {None, sums(3003)}
    pump.close()


def test_saves_now_and_then(log: GrowingLog, tmp_path: Path) -> None:
    """Positions are saved right after the first look, then when there is something new and it is time."""
    (tmp_path / "state").mkdir()
    pump = make(str(log.path), state=tmp_path / "state", save_seconds=3600.0)
    pump.step()
    (file,) = (tmp_path / "state").glob("*.json")
    assert json.loads(file.read_bytes())["state"]["tally"]["sums"] == [0, 0, 0]
    log.write(1)
    pump.step()
    assert json.loads(file.read_bytes())["state"]["tally"]["sums"] == [0, 0, 0]
    pump.close()
    assert json.loads(file.read_bytes())["state"]["tally"]["sums"] == [1, 0, 0]


def test_quiet_pump_does_not_write(log: GrowingLog, tmp_path: Path) -> None:
    """Without new lines nothing is saved."""
    pump = make(str(log.path), state=tmp_path / "state", save_seconds=0.0)
    pump.step()
    (file,) = (tmp_path / "state").glob("*.json")
    before = file.stat().st_ino, file.stat().st_mtime_ns
    for _ in range(5):
        pump.step()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before
    pump.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:40],
        lambda text: b"",
        lambda text: text.replace(b'"tiny":1', b'"tiny":2'),
        lambda text: b"{}",
    ],
    ids=["cut", "empty", "changed", "foreign"],
)
def test_damaged_state(log: GrowingLog, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """A damaged state file is set aside and told of; following begins as at the first start."""
    log.write(2)
    pump = make(str(log.path), state=tmp_path / "state")
    pump.step()
    pump.close()
    (file,) = (tmp_path / "state").glob("*.json")
    file.write_bytes(damage(file.read_bytes()))
    pump = make(str(log.path), state=tmp_path / "state", start="end")
    pump.step()
    assert counted(pump) == (0, 0, 0)
    log.write(1)
    pump.step()
    assert counted(pump) == (1, 2, 4)
    (state,) = pump.states()
    assert state.success
    assert state.errors["parse"] == 1
    assert "set aside" in state.why
    assert len(list((tmp_path / "state").glob("*.corrupt-1"))) == 1
    pump.close()


def test_counters_that_are_not_understood(log: GrowingLog, tmp_path: Path) -> None:
    """A state whose counters another version wrote is set aside too."""
    log.write(2)

    class Newer(TinyTally):
        def state(self) -> dict[str, Any]:
            return {"tiny": 99}

    pump = make(str(log.path), state=tmp_path / "state", tally=Newer)
    pump.step()
    pump.close()
    pump = make(str(log.path), state=tmp_path / "state")
    pump.step()
    assert counted(pump) == sums(2)
    assert "not a tiny tally" in pump.states()[0].why
    pump.close()


def test_state_file_in_use(log: GrowingLog, tmp_path: Path) -> None:
    """A second pump of one state file counts nothing until the first has closed; then it goes on."""
    log.write(2)
    first = make(str(log.path), state=tmp_path / "state")
    first.step()
    with running(make(str(log.path), state=tmp_path / "state")) as second:
        assert second.tally(NOW) is None
        (state,) = second.states()
        assert state.fault
        assert "in use" in state.fault.text
        first.close()
        wait_for(lambda: counted(second) == sums(2))
        assert second.states()[0].fault is None


def test_state_directory_that_cannot_be(log: GrowingLog, tmp_path: Path) -> None:
    """Without a place for the state lines count all the same, and the fault says what to do."""
    (tmp_path / "file").touch()
    log.write(2)
    pump = make(str(log.path), state=tmp_path / "file" / "state")
    pump.step()
    assert counted(pump) == sums(2)
    (state,) = pump.states()
    assert state.success
    assert state.fault
    assert "state_directory" in state.fault.hint
    pump.close()


def test_several_sources(log: GrowingLog, tmp_path: Path) -> None:
    """One that fails does not stop the others; sources of several kinds have a label each, those of one share
    it.
    """
    path = str(tmp_path / "socket")
    pump = make(str(log.path), str(tmp_path / "missing.log"), f"syslog:{path}")
    log.write(2)
    pump.step()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<22>" + line(2), path)
    pump.step()
    assert counted(pump) == sums(3)
    states = {state.source: state for state in pump.states()}
    assert set(states) == {"log:file", "log:syslog"}
    assert not states["log:file"].success
    assert states["log:syslog"].success
    pump.close()
    assert not os.path.exists(path)


def test_a_datagram_wakes_the_pump(tmp_path: Path) -> None:
    """A socket is emptied as soon as something comes: many more datagrams than it can hold do not block the
    sender.
    """
    path = str(tmp_path / "socket")
    with running(make(f"syslog:{path}")) as pump, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        wait_for(lambda: os.path.exists(path) and pump.tally(NOW))
        sender.settimeout(10)
        for number in range(3000):
            sender.sendto(b"<22>" + line(number), path)
        wait_for(lambda: counted(pump) == sums(3000))


def test_reads_of_counters_see_whole_batches(log: GrowingLog) -> None:
    """A tally taken at any moment, from any thread, is one that a moment between two batches had."""
    log.write(100_000)
    pump = make(str(log.path))
    seen = []
    with running(pump):
        while (got := counted(pump)) != sums(100_000):
            if got:
                seen.append(got)
    assert all(got == sums(got[0]) for got in seen)


def test_mistake_in_a_parser(log: GrowingLog, caplog: pytest.LogCaptureFixture) -> None:
    """A parser that raises loses its batch, is logged and counted, and following goes on."""

    class Clumsy(TinyParser):
        def feed(self, lines: Sequence[bytes]) -> None:
            if b"mail" in lines[0]:
                raise RuntimeError("clumsy")
            super().feed(lines)

    pump = make(str(log.path), parser=Clumsy)
    log.write_text(b"mail\n")
    pump.step()
    log.write(1)
    pump.step()
    assert counted(pump) == sums(1)
    assert pump.states()[0].errors["parse"] == 1
    assert "counting log lines failed" in caplog.text
    pump.close()


def test_close_twice(log: GrowingLog) -> None:
    """Closing again does nothing; a step afterwards reads nothing."""
    pump = make(str(log.path))
    pump.step()
    pump.close()
    pump.close()
    log.write(1)
    assert not pump.step()
    assert counted(pump) == (0, 0, 0)


def test_ten_quiet_files_cost_nothing(tmp_path: Path) -> None:
    """A look at ten files that did not change takes so little that one look a second is below 0.2 % of a
    core.
    """
    logs = [GrowingLog(tmp_path / f"{number}.log") for number in range(10)]
    for log in logs:
        log.write(10)
    pump = make(*(str(log.path) for log in logs), state=tmp_path / "state")
    while pump.step():
        pass
    process = psutil.Process()
    before = process.cpu_times()
    for _ in range(500):
        pump.step()
    after = process.cpu_times()
    assert (after.user + after.system - before.user - before.system) / 500 < 0.002
    pump.close()
    for log in logs:
        log.file.close()


def test_auto_takes_the_log_file(log: GrowingLog, tmp_path: Path) -> None:
    """With "auto" the first of the mail server's usual log files that exists is followed, and why says so."""
    log.write(2)
    pump = make("auto", paths=(str(tmp_path / "none.log"), str(log.path)))
    pump.step()
    assert counted(pump) == sums(2)
    (state,) = pump.states()
    assert state.source == "log"
    assert str(log.path) in state.why
    pump.close()


def refused() -> SourceError:
    return SourceError("unavailable", "there is no journal", "start journald")


def test_choice(log: GrowingLog, tmp_path: Path) -> None:
    """A file before the journal, the journal before nothing, what was read before first of all."""
    path, other, missing = str(log.path), str(tmp_path / "other.log"), str(tmp_path / "missing.log")
    Path(other).touch()
    assert choose([missing, path, other], (), refused)[0] == path
    assert choose([path, other], {other}, refused)[0] == other
    assert choose([path], {"journal"}, lambda: None)[0] == "journal"
    assert choose([path], {"journal"}, refused)[0] == path
    assert choose([missing], (), lambda: None)[0] == "journal"
    with pytest.raises(SourceError, match="no log found") as caught:
        choose([missing], (), refused)
    assert missing in caught.value.what
    assert "start journald" in caught.value.hint
    assert "logs" in caught.value.hint


def test_auto_that_finds_nothing(tmp_path: Path) -> None:
    """When no log is found, that is a fault with a remedy and no tally; nothing else stops."""
    pump = make("auto", paths=(str(tmp_path / "none.log"),))
    pump.step()
    (state,) = pump.states()
    if state.fault is None:  # this host has a readable journal
        assert "journal" in state.why
    else:
        assert state.source == "log"
        assert state.fault.hint
        assert state.errors[state.fault.kind] == 1
        assert pump.tally(NOW) is None
    pump.close()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [("/var/log/mail.log", "file"), ("journal", "journal"), ("journal:_UID=1", "journal"), ("stdin", "stdin"),
     ("syslog:/dev/log", "syslog"), ("docker:/x", "docker"), ("cri:/var/log/*.log", "cri")],
)  # fmt: skip
def test_kind(spec: str, expected: str) -> None:
    """The kind of a source is seen from its words."""
    assert kind(spec) == expected


def test_type_of_the_tally(log: GrowingLog) -> None:
    """What comes out is the value that the rest of the house knows."""
    pump = make(str(log.path))
    pump.step()
    assert isinstance(pump.tally(NOW), LogTally)
    pump.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(("mode", "remedy"), [(0o640, "group adm"), (0o600, "journal")])
def test_a_log_that_may_not_be_read(tmp_path_factory: pytest.TempPathFactory, mode: int, remedy: str) -> None:
    """Without the right to read a log there is a permission fault that names the group, and no tally."""
    path = Path("/tmp") / f"{tmp_path_factory.mktemp('closed').name}-{os.getpid()}-{mode}.log"
    with GrowingLog(path) as log:
        log.write(1)
    try:
        os.chown(path, 0, grp.getgrnam("adm").gr_gid)
        path.chmod(mode)
        kind_, hint = as_nobody(path)
    finally:
        path.unlink()
    assert kind_ == "permission"
    assert remedy in hint


def as_nobody(path: Path) -> tuple[str, str]:
    """Kind and hint of the fault that a process without rights tells."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            pump = make(str(path))
            pump.step()
            fault = pump.states()[0].fault
            assert fault
            assert pump.tally(NOW) is None
            os.write(into, f"{fault.kind}\n{fault.hint}".encode())
        finally:
            os._exit(0)
    os.close(into)
    with open(out, "rb") as answer:
        kind_, _, hint = answer.read().decode().partition("\n")
    os.waitpid(child, 0)
    return kind_, hint
