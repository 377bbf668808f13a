"""A log read in parts, by several processes, within a span of time: the same facts as read in one go."""

from __future__ import annotations

import os
import signal
from dataclasses import asdict
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.report import pool
from smtpq_exporter.report.digest import DELAY
from smtpq_exporter.report.files import segments
from smtpq_exporter.report.part import Part, Wanted, by_hour
from tests.report.logs import NAMES, read_log, text
from tests.wait import wait_for


def facts(part: Part) -> dict[str, object]:
    """Everything that must not depend on how a log was divided."""
    digest = asdict(part.digest)
    for name in ("early", "unsized", "ended", "gone", "_events", "sizes"):
        del digest[name]
    for destination in digest["destinations"].values():
        destination[DELAY] = round(destination[DELAY], 6)  # floats depend on the order of adding
    tally = part.tally.freeze(1.8e9)
    return {**digest, **{n: getattr(tally, n) for n in tally.__dataclass_fields__ if n != "destinations"}}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("divide", [3_000, 70_000, 500_000])
def test_division_changes_nothing(tmp_path: Path, name: str, divide: int) -> None:
    """Messages that begin in one part and end in another are counted once, with size, sender and delay."""
    path = tmp_path / "mail.log"
    path.write_bytes(text(name)[:600_000].rpartition(b"\n")[0] + b"\n")
    assert facts(read_log(path, divide=divide)) == facts(read_log(path))


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three processes come to the same as one, and tell how far they are."""
    monkeypatch.setattr(pool, "WORTH", 0)
    path = tmp_path / "mail.log"
    path.write_bytes(text("mixed"))
    assert facts(read_log(path, divide=200_000, workers=3)) == facts(read_log(path))
    told: list[int] = []
    for _ in pool.read_all(segments(str(path), 0.0, 200_000), Wanted(), 3, told.append):
        pass
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_a_fault_in_a_worker_comes_back_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one process cannot read does not hide what the other read."""
    monkeypatch.setattr(pool, "WORTH", 0)
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_bytes(text("day"))
    parts = [part for path in paths for part in segments(str(path), 0.0)]
    paths[1].unlink()
    answers = [answer for _, answer in pool.read_all(parts, Wanted(), 2, lambda _: None)]
    assert isinstance(answers[0], Part)
    assert isinstance(answers[1], SourceError)
    assert answers[1].kind == "unavailable"


def test_a_killed_worker_is_a_fault_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a worker is killed the report says so; no process is left behind."""
    monkeypatch.setattr(pool, "WORTH", 0)
    ours, fifo = tmp_path / "a", tmp_path / "b"
    ours.write_bytes(text("day"))
    fifo.write_bytes(b"")
    parts = [part for path in (ours, fifo) for part in segments(str(path), 0.0)]
    fifo.unlink()
    os.mkfifo(fifo)  # the worker that opens it waits
    started: list[int] = []
    start = pool._start

    def remember(*args):
        process = start(*args)
        started.append(process.pid)
        return process

    def kill(_: int) -> None:
        if started:
            os.kill(started[0], signal.SIGKILL)

    monkeypatch.setattr(pool, "_start", remember)
    with pytest.raises(SourceError, match="killed"):
        list(pool.read_all(parts, Wanted(), 2, kill))
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), 10)


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """After kill -9 of the program its workers stop at the next chunk."""
    path = tmp_path / "mail.log"
    path.write_bytes(text("mixed") * 40)
    child = os.fork()
    if child == 0:  # the program: reads in two processes until it is killed
        try:
            pool.WORTH = 0
            parts = segments(str(path), 0.0, 1_000_000)
            while True:
                for _ in pool.read_all(parts, Wanted(), 2, lambda _: None):
                    pass
        finally:
            os._exit(1)

    def workers() -> list[int]:
        try:
            return [int(pid) for pid in Path(f"/proc/{child}/task/{child}/children").read_text().split()]
        except FileNotFoundError:
            return []

    wait_for(workers, 20)
    seen = workers()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in seen), 20)


def test_a_span_of_time_leaves_out_the_rest(tmp_path: Path) -> None:
    """--since and --until take the lines of their span, whatever the chunks."""
    path = tmp_path / "mail.log"
    path.write_bytes(
        b"".join(
            b"2026-11-24T%02d:00:00Z m postfix/qmgr[1]: AAAAA%02d: removed\n" % (h, h) for h in range(24)
        )
    )
    at = 1795478400.0  # midnight
    part = read_log(path, wanted=Wanted(since=at + 3 * 3600, until=at + 5 * 3600))
    assert part.tally.removed == 2
    assert list(part.digest.hours) == [b"2026-11-24T03", b"2026-11-24T04"]
    assert read_log(path, wanted=Wanted(since=at + 90 * 3600)).lines == 0


def test_lines_without_a_time_belong_to_the_hour_before() -> None:
    """Hours are found by the stamp in front, in every form; what has none goes with what came before."""
    lines = [
        b"Nov 24 01:59:59 m x: a",
        b"  more",
        b"Nov 24 02:00:00 m x: b",
        b"<22>1 2026-11-24T03:00:00Z m x - - - c",
    ]
    hours = [(hour, len(group)) for hour, group in by_hour(lines)]
    assert hours == [(b"Nov 24 01", 2), (b"Nov 24 02", 1), (b"2026-11-24T03", 1)]
