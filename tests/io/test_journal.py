"""The journal as a source: with a journalctl of our own, and with the real one where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.journal import Journal
from smtpq_exporter.io.journal_entry import entry
from tests.wait import wait_for

FAKE = str(Path(__file__).with_name("fake_journalctl.py"))
REMOTE = "/lib/systemd/systemd-journal-remote"


class FakeJournal:
    """The file behind the fake journalctl, and the sources that were opened on it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.file = directory, directory / "journal"
        self.file.touch()
        self.count, self.now = 0, 1000.0
        self.opened: list[Journal] = []

    def write(self, message: str) -> None:
        self.count += 1
        with self.file.open("a") as file:
            print(self.count, message, file=file)

    def mode(self, word: str) -> None:
        (self.directory / "mode").write_text(word)

    def open(self, position: dict[str, Any] | None = None, start: str = "end") -> Journal:
        self.opened.append(Journal((str(self.file),), position, start, FAKE, lambda: self.now))
        return self.opened[-1]

    def restart(self, journal: Journal) -> Journal:
        position = json.loads(json.dumps(journal.position()))
        journal.close()
        return self.open(position)

    def calls(self) -> list[Any]:
        path = self.directory / "calls"
        return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeJournal]:
    journal = FakeJournal(tmp_path)
    yield journal
    for opened in journal.opened:
        opened.close()


def messages(journal: Journal, count: int) -> list[bytes]:
    """Poll until so many lines have come; return what follows their tags."""
    lines: list[bytes] = []

    def enough() -> bool:
        with suppress(SourceError):  # of the child before
            lines.extend(journal.poll(1 << 20))
        return len(lines) >= count

    wait_for(enough)
    assert journal.poll(1 << 20) == []
    return [line.split(b": ", 1)[1] for line in lines]


def fault(journal: Journal) -> SourceError:
    """Poll until it fails."""
    found: list[SourceError] = []

    def failed() -> bool:
        try:
            journal.poll(1 << 20)
        except SourceError as error:
            found.append(error)
        return bool(found)

    wait_for(failed)
    return found[0]


def following(fake: FakeJournal) -> bool:
    return any("follow" in options for options, _ in fake.calls())


def test_begins_after_the_newest_entry(fake: FakeJournal) -> None:
    """At the first start only what is newer than the newest entry counts; only mail is asked for."""
    fake.write("old")
    journal = fake.open()
    wait_for(lambda: not journal.poll(1 << 20) and following(fake))
    fake.write("new")
    assert messages(journal, 1) == [b"new"]
    (first, no_matches), (second, matches) = fake.calls()
    assert first["lines"] == "1"
    assert no_matches == []
    assert second["after-cursor"] == "1"
    assert matches == ["SYSLOG_FACILITY=2"]


def test_empty_journal(fake: FakeJournal) -> None:
    """In an empty journal everything that comes is new."""
    journal = fake.open()
    wait_for(lambda: not journal.poll(1 << 20) and following(fake))
    fake.write("first")
    assert messages(journal, 1) == [b"first"]


def test_begins_at_the_beginning(fake: FakeJournal) -> None:
    """With start "beginning" all entries count."""
    fake.write("one")
    fake.write("two")
    assert messages(fake.open(start="beginning"), 2) == [b"one", b"two"]


def test_goes_on_after_the_cursor(fake: FakeJournal) -> None:
    """After a restart each entry counts once, whatever came meanwhile."""
    journal = fake.open(start="beginning")
    fake.write("one")
    assert messages(journal, 1) == [b"one"]
    position = journal.position()
    fake.write("two")
    assert messages(journal, 1) == [b"two"]
    journal.close()
    fake.write("three")
    assert messages(fake.open(position), 2) == [b"two", b"three"]


def test_settled_before_the_first_entry(fake: FakeJournal) -> None:
    """A crash between the first look and the first entry loses nothing."""
    fake.write("old")
    journal = fake.open()
    wait_for(lambda: not journal.poll(1 << 20) and journal.position()["placed"])
    journal = fake.restart(journal)
    fake.write("new")
    assert messages(journal, 1) == [b"new"]


def test_child_that_dies_is_started_again(fake: FakeJournal) -> None:
    """When journalctl ends, it is started again after a while, longer each time, and goes on where it was."""
    fake.mode("exit")
    journal = fake.open(start="beginning")
    for number, message in enumerate(("one", "two", "three")):
        fake.write(message)
        fake.now += 1.0
        assert messages_of_dying(journal) == [message.encode()]
        error = fault(journal)
        assert error.kind == "unavailable"
        assert "died" in error.what
        assert len(fake.calls()) == number + 1
        with pytest.raises(SourceError):
            journal.poll(1 << 20)  # not yet: its time has not come


def messages_of_dying(journal: Journal) -> list[bytes]:
    lines: list[bytes] = []

    def came() -> bool:
        with suppress(SourceError):  # of the child before
            lines.extend(journal.poll(1 << 20))
        return bool(lines)

    wait_for(came)
    return [line.split(b": ", 1)[1] for line in lines]


def test_backoff_grows(fake: FakeJournal) -> None:
    """A child that never says anything is started ever more seldom."""
    fake.mode("none")
    journal = fake.open()
    starts = []
    for _ in range(200):
        before = len(fake.calls())
        fault(journal)
        wait_for(lambda: journal.fileno() is None or not settle(journal))
        if len(fake.calls()) > before:
            starts.append(fake.now)
        fake.now += 1.0
    gaps = [b - a for a, b in pairwise(starts)]
    assert gaps == sorted(gaps)
    assert gaps[0] <= 2
    assert gaps[-1] >= 60


def settle(journal: Journal) -> bool:
    with suppress(SourceError):
        journal.poll(1 << 20)
    return journal.fileno() is not None


@pytest.mark.parametrize(
    ("mode", "kind", "remedy"),
    [("denied", "permission", "systemd-journal"), ("none", "unavailable", "journald")],
)
def test_faults_say_what_to_do(fake: FakeJournal, mode: str, kind: str, remedy: str) -> None:
    """What journalctl complains of becomes a fault with a remedy; it heals when the cause is gone."""
    fake.mode(mode)
    journal = fake.open(start="beginning")
    error = fault(journal)
    assert error.kind == kind
    assert remedy in error.hint
    wait_for(lambda: not settle(journal))
    fake.mode("")
    fake.write("one")
    fake.now += 100.0
    assert messages(journal, 1) == [b"one"]


def test_quiet_again(fake: FakeJournal) -> None:
    """A child that runs without complaint is well, although the journal has no news."""
    fake.mode("denied")
    journal = fake.open(start="beginning")
    fault(journal)
    wait_for(lambda: not settle(journal))
    fake.mode("")
    fake.now += 100.0
    wait_for(lambda: settle(journal) and following(fake))
    with pytest.raises(SourceError):
        journal.poll(1 << 20)
    fake.now += 3.0
    assert journal.poll(1 << 20) == []


def test_refused_cursor(fake: FakeJournal) -> None:
    """A cursor that journalctl does not take is replaced by its time: nothing counts twice, and the trouble
    is noted.
    """
    journal = fake.open(start="beginning")
    fake.write("one")
    fake.write("two")
    messages(journal, 2)
    position = journal.position() | {"cursor": "bogus"}
    journal.close()
    fake.write("three")
    journal = fake.open(position)
    assert "cursor" in fault(journal).what
    wait_for(lambda: not settle(journal))  # what it said comes before its end, from which the pause counts
    fake.now += 10.0
    assert messages(journal, 1) == [b"three"]
    assert journal.lost == 1


def test_not_installed(tmp_path: Path) -> None:
    """Without journalctl there is a fault, again and again, and no exception."""
    journal = Journal((), None, "end", str(tmp_path / "journalctl"))
    for _ in range(3):
        with pytest.raises(SourceError, match="not installed"):
            journal.poll(100)


def test_child_ends_with_us(fake: FakeJournal) -> None:
    """A closed source leaves no journalctl behind."""
    journal = fake.open(start="beginning")
    fake.write("one")
    messages(journal, 1)
    pid = int((fake.directory / "pid").read_text())
    journal.close()
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or zombie(pid))


def test_child_ends_when_we_are_killed(fake: FakeJournal) -> None:
    """A SIGKILL of the follower ends journalctl too."""
    code = (
        "import sys, time; from smtpq_exporter.io.journal import Journal\n"
        f"j = Journal(({str(fake.file)!r},), None, 'beginning', {FAKE!r})\n"
        "while True: j.poll(100); print('polled', flush=True); time.sleep(0.01)"
    )
    with subprocess.Popen(
        [shutil.which("python3") or "python3", "-c", code], stdout=subprocess.DEVNULL, env=env()
    ) as us:
        pid_file = fake.directory / "pid"
        wait_for(lambda: pid_file.exists() and pid_file.read_text())
        pid = int(pid_file.read_text())
        us.kill()
        us.wait(10)
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or zombie(pid))


def env() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"MESSAGE": "text"}, b"localhost unknown: text"),
        ({"MESSAGE": [104, 255, 0]}, b"localhost unknown: h\xff\0"),
        ({"MESSAGE": ["first", "second"]}, b"localhost unknown: first"),
        ({"MESSAGE": [[104, 255], "second"]}, b"localhost unknown: h\xff"),
        ({"MESSAGE": "two\nlines"}, b"localhost unknown: two lines"),
        (
            {
                "MESSAGE": "m",
                "SYSLOG_IDENTIFIER": "postfix/smtp",
                "_PID": "7",
                "SYSLOG_PID": "8",
                "_HOSTNAME": "mx",
            },
            b"mx postfix/smtp[8]: m",
        ),
        ({"MESSAGE": "m", "_COMM": "smtpd", "_PID": "7"}, b"localhost smtpd[7]: m"),
        ({"MESSAGE": "m", "SYSLOG_IDENTIFIER": "a b\nc: d"}, b"localhost a_b_c:_d: m"),
    ],
)
def test_entry(fields: dict[str, Any], line: bytes) -> None:
    """An entry becomes the line that a syslog daemon would have written."""
    text = json.dumps(fields | {"__CURSOR": "c", "__REALTIME_TIMESTAMP": "1795503001000123"}).encode()
    found = entry(text)
    assert found.line == b"2026-11-24T06:50:01.000123+00:00 " + line
    assert (found.cursor, found.micros) == ("c", 1795503001000123)


@pytest.mark.parametrize("message", [None, "", [], {}, 5, [300], [None]])
def test_entry_without_a_message(message: Any) -> None:
    """An entry whose message is missing or too large moves the cursor and yields no line."""
    text = json.dumps({"MESSAGE": message, "__CURSOR": "c", "__REALTIME_TIMESTAMP": "1"}).encode()
    assert entry(text).line == b""


@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_text(text: bytes) -> None:
    """What is no entry raises ValueError and nothing else."""
    with suppress(ValueError):
        entry(text)


@pytest.mark.server("journal-remote")
def test_real_journalctl(tmp_path: Path) -> None:
    """The real journalctl on a real journal: matches, byte arrays, cursors, long messages, and following."""
    journal_file = tmp_path / "a.journal"

    def write(number: int, message: bytes, facility: int = 2) -> bytes:
        value = b"MESSAGE\n" + len(message).to_bytes(8, "little") + message
        head = f"__REALTIME_TIMESTAMP={1795503001000000 + number}\n__MONOTONIC_TIMESTAMP={number}\n"
        head += f"_BOOT_ID={'1' * 32}\n"
        fields = f"SYSLOG_FACILITY={facility}\nSYSLOG_IDENTIFIER=postfix/smtp\n_PID=12\n_HOSTNAME=mx\n"
        return head.encode() + fields.encode() + value + b"\n\n"

    with subprocess.Popen(
        [REMOTE, f"--output={journal_file}", "-"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as remote:
        assert remote.stdin
        remote.stdin.write(write(1, b"old"))
        remote.stdin.flush()
        wait_for(journal_file.exists)
        journal = Journal((str(tmp_path),))
        wait_for(lambda: not journal.poll(1 << 20) and journal.position()["cursor"])
        texts = [b"plain", b"bytes \xff\x01", b"x" * 10_000]
        for number, text in enumerate([*texts[:2], b"not mail", texts[2]]):
            remote.stdin.write(write(10 + number, text, 3 if text == b"not mail" else 2))
        remote.stdin.flush()
        assert messages(journal, 3) == texts
        position = journal.position()
        journal.close()
        remote.stdin.write(write(30, b"meanwhile"))
        remote.stdin.close()
        remote.wait(10)
    journal = Journal((str(journal_file),), position)
    assert messages(journal, 1) == [b"meanwhile"]
    journal.close()
