"""Rates and trends without an exporter: from the end of a log, and from a file that remembers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smtpq_exporter.checks.logwindow import read
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exim import EXIM
from tests.checks.queues import FakeQueue, listing, message
from tests.checks.readers import check_rules, sensu

CHECKS = Path(__file__).parents[2] / "checks"


def run(plugin: str, queue: FakeQueue, *words: str) -> tuple[str, int]:
    """Output and exit code, the rules checked."""
    program = str(CHECKS / f"check_smtpq_{plugin}")
    done = subprocess.run([sys.executable, "-I", "-S", program, "-d", str(queue.config), *words],
                          capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL, cwd="/")
    assert done.stderr == b""
    text = done.stdout.decode()
    check_rules(text, done.returncode)
    return text, done.returncode


def line(ago: float, number: int, status: str, why: str = "250 2.0.0 Ok", delay: float = 2.0) -> str:
    """A delivery as Postfix logs it, `ago` seconds before now."""
    stamp = datetime.fromtimestamp(time.time() - ago, UTC).isoformat(timespec="microseconds")
    said = why if status == "sent" else f"host mx[192.0.2.7] said: {why} (in reply to RCPT TO command)"
    dsn = {"sent": "2.0.0", "deferred": "4.7.1", "bounced": "5.1.1"}[status]
    return (f"{stamp} mx1 postfix/smtp[77]: 4{number:011X}: to=<u{number}@example.org>, "
            f"relay=mx.example.org[192.0.2.7]:25, delay={delay}, delays=0.1/0/0.9/1, dsn={dsn}, "
            f"status={status} ({said})\n")


GREY = "451 4.7.1 Greylisting in action, please come back later"


def write(path: Path, old: int, new: int, *, filler: int = 0) -> None:
    """A log: `old` deferrals an hour ago, `filler` lines of others, `new` deferrals and 5 deliveries now."""
    stamp = datetime.fromtimestamp(time.time() - 3000, UTC).isoformat()
    lines = [line(3600 + old - i, i, "deferred", GREY) for i in range(old)]
    lines += [f"{stamp} mx1 cron[1]: nothing {i} {'x' * 60}\n" for i in range(filler)]
    lines += [line(300 - i / 100, 1000 + i, "deferred", GREY) for i in range(new)]
    lines += [line(100 - i, 5000 + i, "sent") for i in range(5)]
    path.write_text("".join(lines))


@pytest.mark.parametrize("filler", [0, 30_000])
def test_deferrals_from_the_log(tmp_path: Path, filler: int) -> None:
    """Only what lies in the window is counted, whether the file is short or long."""
    log = tmp_path / "mail.log"
    write(log, 50, 300, filler=filler)
    with FakeQueue(listing([])) as queue:
        text, code = run("deferrals", queue, "--log", str(log), "-v")
    assert code == 1
    assert "20 deferrals a minute in 15m (above 10)" in text
    assert "deferrals by reason: greylisted 300" in text
    assert sensu(text)["deferrals_ratio"] == pytest.approx(100 * 300 / 305, abs=0.01)


def test_rotated_log(tmp_path: Path) -> None:
    """What was rotated away a moment ago is counted too."""
    log = tmp_path / "mail.log"
    write(tmp_path / "mail.log.1", 50, 300)
    log.write_text("".join(line(50 - i, 9000 + i, "sent") for i in range(5)))
    with FakeQueue(listing([])) as queue:
        text, _ = run("deferrals", queue, "--log", str(log))
        assert sensu(text)["deferrals_rate"] == pytest.approx(20, abs=0.1)
        (tmp_path / "mail.log.1").unlink()
        text, code = run("deferrals", queue, "--log", str(log))
    assert code == 3
    assert "not followed long enough" in text


def test_exims_own_log(tmp_path: Path) -> None:
    """Exim's main log has no program and no host in its lines: the window is found all the same."""
    def put_off(ago: float, number: int) -> str:
        return (f"{datetime.fromtimestamp(time.time() - ago, UTC).astimezone():%Y-%m-%d %H:%M:%S} "
                f"1tFa7x-{number:06d}-AB == u{number}@example.org R=dnslookup T=remote_smtp defer (-44): "
                f"SMTP error from remote mail server after RCPT TO:<u{number}@example.org>: {GREY}\n")

    log = tmp_path / "mainlog"
    log.write_text("".join(put_off(7200 - n, n) for n in range(50)) + "".join(put_off(300, 100 + n) for n in range(7)))
    now = time.time()
    told = read(EXIM, Instance("exim", ""), [str(log)], now - 900, now, time.monotonic() + 60)
    assert told.log.deliveries["deferred"] == 7
    assert told.before.taken_at == pytest.approx(now - 900)


def journal(directory: Path, entries: Iterable[tuple[float, bytes]], facility: int = 2) -> str:
    """A real journal with these messages of postfix/smtp, some seconds ago; the words that name it."""
    export = b""
    for number, (ago, text) in enumerate(entries):
        micros = int((time.time() - ago) * 1e6)
        export += (f"__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={number + 1}\n_BOOT_ID={'1' * 32}\n"
                   f"SYSLOG_FACILITY={facility}\nSYSLOG_IDENTIFIER=postfix/smtp\n_PID=12\n_HOSTNAME=mx\n"
                   ).encode() + b"MESSAGE=" + text + b"\n\n"
    subprocess.run(["/lib/systemd/systemd-journal-remote", f"--output={directory}/a.journal", "-"], input=export,
                   capture_output=True, timeout=60, check=True)
    return f"journal:{directory}"


@pytest.mark.server("journal-remote")
def test_deferrals_from_the_journal(tmp_path: Path) -> None:
    """A real journal, asked once: what lies in the window is counted, what is older is not."""
    def put_off(ago: float, number: int) -> tuple[float, bytes]:
        return ago, line(ago, number, "deferred", GREY).partition("]: ")[2].strip().encode()

    words = journal(tmp_path, [*(put_off(7200 - n, n) for n in range(40)),
                               *(put_off(300 - n / 10, 100 + n) for n in range(300))])
    with FakeQueue(listing([])) as queue:
        text, code = run("deferrals", queue, "--log", words, "-v")
        assert (code, "20 deferrals a minute in 15m (above 10)" in text) == (1, True), text
        assert "deferrals by reason: greylisted 300" in text


@pytest.mark.server("journal-remote")
def test_journal_that_is_too_young_or_not_there(tmp_path: Path) -> None:
    """A journal that has just begun has no rate; one that is not there is a fault."""
    words = journal(tmp_path, [(5, b"daemon started")])
    with FakeQueue(listing([])) as queue:
        text, code = run("deferrals", queue, "--log", words)
        assert (code, "not followed long enough" in text) == (3, True), text
        text, code = run("deferrals", queue, "--log", f"journal:{tmp_path}/nothing")
        assert (code, "journal" in text) == (3, True), text


def test_log_that_cannot_be_read(tmp_path: Path) -> None:
    """No log, or one without times, is UNKNOWN."""
    with FakeQueue(listing([])) as queue:
        text, code = run("deferrals", queue, "--log", str(tmp_path / "nothing"))
        assert (code, "no log file" in text) == (3, True)
        (tmp_path / "strange").write_bytes(b"\x00\xff strange\n" * 50)
        text, code = run("deferrals", queue, "--log", str(tmp_path / "strange"))
        assert (code, "no line with a time" in text) == (3, True)


def test_latency_counts_what_is_stuck(tmp_path: Path) -> None:
    """Messages that wait longer than the target count as late beside those that were delivered in time."""
    log = tmp_path / "mail.log"
    stamp = datetime.fromtimestamp(time.time() - 1200, UTC).isoformat()
    removed = "".join(
        f"{line(400 - i, i, 'sent')}{datetime.fromtimestamp(time.time() - 399 + i, UTC).isoformat()} mx1 "
        f"postfix/qmgr[8]: 4{i:011X}: removed\n" for i in range(20))
    log.write_text(f"{stamp} mx1 postfix/qmgr[8]: daemon started\n{removed}")
    with FakeQueue(listing([message(1, 7200), message(2, 60)])) as queue:
        text, code = run("latency", queue, "--log", str(log), "--window", "15m")
    assert code == 0, text
    assert "of 21 messages later than 15m" in text
    numbers = sensu(text)
    assert (numbers["late_queued"], numbers["delivered"]) == (1, 20)
    assert numbers["latency_p95"] <= 5


def test_growth_needs_a_file_that_remembers(tmp_path: Path) -> None:
    """Without earlier counts there is no trend; with a state file that was asked for there is one."""
    state = tmp_path / "trail"
    with FakeQueue(listing([message(i) for i in range(400)])) as queue:
        text, code = run("growth", queue)
        assert (code, "history is only 0s long" in text) == (3, True)
        _, code = run("growth", queue, "--state-file", str(state))
        assert code == 3
        assert state.stat().st_mode & 0o777 == 0o600
        data = json.loads(state.read_text())
        [key] = data["smtpq trail 1"]
        now = time.time()
        data["smtpq trail 1"][key] = [[now - 600 + i * 60, 100 + 30 * i] for i in range(10)]
        state.write_text(json.dumps(data))
        text, code = run("growth", queue, "--state-file", str(state), "--full", "1000000")
    assert code == 1
    assert "growing by 30" in text


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"smtpq trail 1": 3}', b"root:x:0:0\n"])
def test_foreign_state_file_is_not_touched(tmp_path: Path, content: bytes) -> None:
    """A file that this check did not write is refused and left as it is."""
    state = tmp_path / "passwd"
    state.write_bytes(content)
    with FakeQueue(listing([])) as queue:
        text, code = run("growth", queue, "--state-file", str(state))
    assert (code, "was not written by this check" in text) == (3, True)
    assert state.read_bytes() == content


def test_state_file_follows_no_link(tmp_path: Path) -> None:
    """A link in the place of the state file is refused: it could lead anywhere."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious")
    link.symlink_to(target)
    with FakeQueue(listing([])) as queue:
        assert run("growth", queue, "--state-file", str(link))[1] == 3
        assert run("growth", queue, "--state-file", str(tmp_path / "no" / "where"))[1] == 3
    assert target.read_text() == "precious"
    assert link.is_symlink()


def test_host_here() -> None:
    """The host check reads this machine itself where psutil is; else it says what to install."""
    command = [sys.executable, "-I", str(CHECKS / "check_smtpq_host"), "-w", "none", "-c", "none",
               "--memory-critical", "none", "--inodes-critical", "none", "--cpu-warning", "none"]
    with FakeQueue(listing([])) as queue:
        done = subprocess.run([*command, "-d", str(queue.config)], capture_output=True, timeout=60,
                              check=False)
    text = done.stdout.decode()
    check_rules(text, done.returncode)
    assert done.returncode == 0, text
    assert {"space", "memory", "cpu", "load"} <= set(sensu(text))
