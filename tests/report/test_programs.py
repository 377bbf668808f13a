"""`smtpq logs` and `smtpq events` as programs: options, exit codes, what stands where."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import pty
import select
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from smtpq_exporter import smtpq_logs
from smtpq_exporter.report.files import SMALLEST
from smtpq_exporter.report.span import moment_of
from smtpq_exporter.smtpq import main as smtpq_main
from tests.logs.golden import GOLDEN, cases
from tests.report.logs import DAY, text

SMTPQ = (sys.executable, "-m", "smtpq_exporter.smtpq")
FIELDS = (
    "event", "time", "program", "instance", "daemon", "queue_id", "status", "dsn", "delay", "delays", "relay",
    "recipient_domain", "reason", "suspended", "text",
)  # fmt: skip


def smtpq(*words: str | Path, stdin: bytes = b"", code: int = 0) -> tuple[str, str]:
    """Run smtpq; its output and errors."""
    done = subprocess.run(
        [*SMTPQ, *map(str, words)], input=stdin, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def test_logs_reads_several_files_packed_and_plain(tmp_path: Path) -> None:
    """Rotated files are taken in the order of time, whatever their order in the command."""
    lines = DAY.read_bytes().splitlines(keepends=True)
    older, newer = tmp_path / "mail.log.1.gz", tmp_path / "mail.log"
    older.write_bytes(gzip.compress(b"".join(lines[:20])))
    newer.write_bytes(b"".join(lines[20:]))
    os.utime(older, (1.7e9, 1.7e9))
    whole = json.loads(smtpq("logs", "--json", DAY)[0])
    both = json.loads(smtpq("logs", "--json", newer, older)[0])
    for part in ("totals", "deferrals", "bounces", "destinations", "senders", "latency", "delays", "lines"):
        assert both[part] == whole[part]


@pytest.mark.parametrize(("mta", "parts"), [("postfix", 2), ("exim", 1)])
def test_only_logs_whose_messages_can_be_joined_are_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mta: str, parts: int
) -> None:
    """What a parser of another mail server remembers of a message is not lost in the middle of a file."""
    asked: list[int] = []
    monkeypatch.setattr(smtpq_logs, "read_all", lambda found, *_: asked.append(len(found)) or iter(()))
    path = tmp_path / "log"
    path.write_bytes((GOLDEN / mta / "log" / "attempts.log").read_bytes())
    with path.open("ab") as out:
        out.truncate(3 * SMALLEST)
    smtpq_main(["logs", "--mta", mta, "--jobs", "2", str(path)])
    assert asked == [parts]


def test_logs_reads_standard_input() -> None:
    """`-` is standard input."""
    out, _ = smtpq("logs", "-", stdin=DAY.read_bytes())
    assert "Why mail is late" in out


def test_logs_says_what_could_not_be_read_and_reports_the_rest(tmp_path: Path) -> None:
    """A missing file is named on stderr and in the report; the exit code is 1."""
    out, errors = smtpq("logs", DAY, tmp_path / "none", code=1)
    assert "Not complete" in out
    assert "no such file" in errors
    assert "5 messages received" in out


def test_what_could_not_be_read_is_no_empty_report(tmp_path: Path) -> None:
    """Without any file that can be read there are no numbers, in text or in JSON."""
    for words in ((), ("--json",)):
        out, errors = smtpq("logs", *words, tmp_path / "none", code=1)
        assert out == ""
        assert "no such file" in errors


def test_a_file_of_another_program_is_no_empty_report(tmp_path: Path) -> None:
    """Where no line is a mail server's, that is said instead of zeros."""
    path = tmp_path / "syslog"
    path.write_bytes(b"Nov 24 01:00:00 host cron[1]: (root) CMD (true)\n" * 9)
    for verb in ("logs", "events"):
        out, errors = smtpq(verb, path, code=1)
        assert out == ""
        assert "no line of a mail server" in errors
        assert "--mta" in errors


def test_wrong_usage_is_2() -> None:
    """A wrong time and a missing file argument are wrong usage."""
    assert "write 2026-11-24" in smtpq("logs", "--since", "yesterday-ish", DAY, code=2)[1]
    smtpq("logs", code=2)


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    """On a terminal a bar is drawn and taken away; elsewhere stderr stays empty."""
    path = tmp_path / "mail.log"
    path.write_bytes(text("mixed") * 12)
    main, end = pty.openpty()
    process = subprocess.Popen([*SMTPQ, "logs", "--jobs", "1", path], stdout=subprocess.PIPE, stderr=end)
    os.close(end)
    out, _ = process.communicate(timeout=60)
    shown = os.read(main, 1 << 16).decode()
    os.close(main)
    assert process.returncode == 0
    assert b"Totals" in out
    assert shown.endswith("\r\x1b[K")
    assert smtpq("logs", DAY)[1] == ""


def test_events_are_json_lines_with_all_fields() -> None:
    """One object for each understood line, with the fields of the documentation, in their order."""
    out, _ = smtpq("events", GOLDEN / "postfix" / "log" / "attempts.log")
    events = [json.loads(line) for line in out.splitlines()]
    wanted = [expected for expected, _ in cases(GOLDEN / "postfix" / "log" / "attempts.log")]
    assert len(events) == len(wanted)
    for event, expected in zip(events, wanted, strict=True):
        assert tuple(event)[: len(FIELDS)] == FIELDS
        assert event["queue_id"] == expected.get("queue_id", "")
        assert event["status"] == expected["status"]
        assert event["recipient_domain"] == expected.get("recipient_domain", "")
    assert events[0]["delays"] == {"before_queue": 0.01, "in_queue": 1.2, "connect": 0.0, "transmit": 0.02}
    assert datetime.fromisoformat(events[0]["time"]).tzinfo is not None


def test_events_of_one_name_and_of_a_span(tmp_path: Path) -> None:
    """--event and --since choose."""
    path = tmp_path / "mail.log"
    path.write_bytes(
        b"2026-11-24T01:00:00Z m postfix/qmgr[1]: AAAAA1: removed\n"
        b"2026-11-24T02:00:00Z m postfix/qmgr[1]: AAAAA2: removed\n"
        b"2026-11-24T02:00:00Z m postfix/smtpd[1]: connect from a[192.0.2.1]\n"
    )
    out, _ = smtpq("events", "--event", "removed", "--since", "2026-11-24T01:30:00+00:00", path)
    assert [json.loads(line)["queue_id"] for line in out.splitlines()] == ["AAAAA2"]


def test_events_of_another_syslog_name() -> None:
    """--syslog-name says which lines are the mail server's."""
    line = b"Nov 24 01:00:00 m mx/qmgr[1]: AAAAA1: removed\n"
    out, _ = smtpq("events", "--syslog-name", "mx", "-", stdin=line)
    assert json.loads(out)["instance"] == "mx"


def _exim() -> bytes:
    lines = (GOLDEN / "exim" / "log" / "attempts.log").read_bytes().splitlines(keepends=True)
    return b"".join(sorted(line for line in lines if not line.startswith(b"#") for _ in range(50)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_whose_log_standard_input_is(tmp_path: Path, pack) -> None:
    """It is looked into as a file is, and nothing of it is lost by that."""
    path = tmp_path / "mainlog"
    path.write_bytes(_exim())
    for words in (("logs", "--json"), ("events",)):
        from_file, from_input = smtpq(*words, path)[0], smtpq(*words, "-", stdin=pack(path.read_bytes()))[0]
        assert from_file.replace(str(path), "-") == from_input
    assert json.loads(smtpq("logs", "--json", "-", stdin=pack(_exim()))[0])["mta"] == "exim"


@pytest.mark.parametrize("verb", ["logs", "events"])
def test_standard_input_without_mail_is_no_report_of_zeros(verb: str) -> None:
    """A log of others is a fault that says what to do, as in a file; a mail server's lines may come late."""
    other = b"Nov 24 02:56:39 mail cron[1]: (root) CMD (true)\n"
    out, errors = smtpq(verb, "-", stdin=other * 5, code=1)
    assert not out
    assert "no line of a mail server in -" in errors
    assert "--mta" in errors
    mail = b"Nov 24 02:56:40 mail postfix/qmgr[7]: 6A3F73FC075: removed\n"
    if verb == "events":  # of each file for itself
        path = GOLDEN / "postfix" / "log" / "attempts.log"
        assert "no line of a mail server in -" in smtpq(verb, path, "-", stdin=other * 5, code=1)[1]
    out, _ = smtpq(verb, "-", stdin=other * 1000 + mail)
    assert "removed" in out if verb == "events" else "1 messages that left the queue" in out


def test_events_of_a_log_that_is_still_being_written() -> None:
    """What standard input has brought is told at once: `tail -F mail.log | smtpq events -`."""
    lines = (GOLDEN / "postfix" / "log" / "attempts.log").read_bytes().splitlines(keepends=True)
    with subprocess.Popen([*SMTPQ, "events", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin
        assert program.stdout
        try:
            for _ in range(2):
                program.stdin.write(lines[1])
                program.stdin.flush()
                assert select.select([program.stdout], [], [], 60)[0]
                assert json.loads(os.read(program.stdout.fileno(), 65536))["event"] == "attempt"
        finally:
            program.stdin.close()
            program.wait(60)


def test_events_of_bare_words(tmp_path: Path) -> None:
    """A file without prefixes, as `journalctl -o cat` prints it, is read too."""
    path = tmp_path / "cat"
    path.write_bytes(b"4jYSJS1Q1vz1QPZB: removed\nconnect from a[192.0.2.1]\n")
    out, _ = smtpq("events", path)
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["removed", "connection"]


@pytest.mark.parametrize("reader", [("head", "-n", "1")])
def test_a_reader_that_goes_away_is_no_error(reader: tuple[str, ...]) -> None:
    """`smtpq events FILE | head` ends quietly."""
    first = subprocess.Popen([*SMTPQ, "events", GOLDEN / "postfix" / "real" / "mixed.log.xz"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    second = subprocess.run(reader, stdin=first.stdout, capture_output=True, timeout=60, check=True)
    assert first.stdout is not None
    first.stdout.close()
    assert first.stderr is not None
    assert b"Traceback" not in first.stderr.read()
    first.stderr.close()
    first.wait(60)
    assert second.stdout.startswith(b"{")


def test_words_for_moments() -> None:
    """Dates, times of today and durations ago mean what they say; anything else says how to write one."""
    now = datetime(2026, 11, 24, 12).astimezone().timestamp()
    assert moment_of("2026-11-24", now) == now - 12 * 3600
    assert moment_of("2026-11-24T11:30", now) == moment_of("11:30", now) == now - 1800
    assert moment_of("2026-11-24T00:00:00+00:00", now) == 1795478400.0
    assert moment_of("2h", now) == now - 7200
    for word in ("", "soon", "25:00", "2026-13-01", "-1h"):
        with pytest.raises(ValueError, match="is no time"):
            moment_of(word, now)
