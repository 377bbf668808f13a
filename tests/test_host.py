"""The machine under the mail server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.host import HostSource, Place, _Accumulated, filesystem, parse_pressure, pressure
from tests.wait import wait_for

KEY = ("postfix", "postfix")


def test_a_reading_of_this_machine() -> None:
    """Load and memory are there at once, processor use from the second reading on, as a ratio."""
    source = HostSource(())
    first, second = source.read(1.0, 1e9).host, None
    second = wait_for(lambda: (one := source.read(2.0, 1e9).host).cpu_usage is not None and one)
    assert first.cpu_usage is None
    assert second.cpu_usage is not None  # type: ignore[attr-defined]
    assert 0 <= second.cpu_usage <= 1  # type: ignore[attr-defined]
    assert first.load1 is not None
    assert first.memory_available is not None
    assert first.memory_size is not None
    assert 0 < first.memory_available <= first.memory_size


def test_the_file_system_of_a_spool(tmp_path: Path) -> None:
    """Size, space and inodes of the file system that holds a directory; nothing for one that is not there."""
    found = (
        HostSource((Place(KEY, str(tmp_path)), Place(("exim", "exim"), "/none"))).read(1.0, 1e9).filesystems
    )
    assert set(found) == {KEY}
    assert found[KEY].directory == str(tmp_path)
    assert 0 <= found[KEY].available <= found[KEY].size
    assert filesystem("") is None


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own that lives as long as the test."""
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        yield made
    finally:
        made.kill()
        made.wait(30)


def test_processes_are_summed(process: subprocess.Popen[bytes]) -> None:
    """Number, processor time and memory of the processes with one of the names."""
    name = wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text("ascii").strip())
    found = HostSource(
        (Place(KEY, "", (str(name),)), Place(("exim", "exim"), "", ("no-such-program",)))
    ).read(1.0, 1e9)
    assert found.processes[KEY].count >= 1
    assert found.processes[KEY].memory > 0
    assert found.processes["exim", "exim"].count == 0


def test_processor_time_never_falls() -> None:
    """Short-lived delivery agents that end do not make the counter jump back."""
    sums = _Accumulated()
    assert sums.sum({(1, 0.0): (10.0, 5), (2, 0.0): (3.0, 5)}).cpu_seconds == 13.0
    assert sums.sum({(1, 0.0): (11.0, 5)}).cpu_seconds == 14.0
    assert sums.sum({(1, 0.0): (11.0, 5), (2, 9.0): (0.5, 5)}).cpu_seconds == 14.5
    assert sums.sum({}).cpu_seconds == 14.5
    assert sums.sum({}).count == 0


PSI = "some avg10=1.53 avg60=0.87 avg300=0.73 total=4067\nfull avg10=0.00 avg60=12.50 avg300=0.00 total=0\n"


def test_pressure(tmp_path: Path) -> None:
    """The last minute of each resource as ratios; a kernel without it has none."""
    assert parse_pressure(PSI) == [("some", 0.0087), ("full", 0.125)]
    assert pressure(tmp_path / "none") == {}
    (tmp_path / "io").write_text(PSI)
    (tmp_path / "cpu").write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    assert pressure(tmp_path) == {("cpu", "some"): 0.0, ("io", "some"): 0.0087, ("io", "full"): 0.125}


@given(st.text(max_size=200))
def test_strange_pressure_is_left_out(text: str) -> None:
    """A file of another form gives no numbers and no error."""
    for kind, ratio in parse_pressure(text):
        assert kind in ("some", "full")
        assert ratio >= 0


def test_no_pressure_files_at_all_do_not_fail_the_rest(tmp_path: Path) -> None:
    """Where PSI is switched off the other values are still there."""
    host = HostSource((), pressure=tmp_path / "none").read(1.0, 1e9).host
    assert host.pressure == {}
    assert host.load1 is not None
    assert os.getpid() > 0
