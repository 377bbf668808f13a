"""The operator's tool: its verbs, and the queue at a glance."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smtpq_exporter import __version__, smtpq
from smtpq_exporter.model import AGE_BUCKETS, Fault, Histogram
from smtpq_exporter.smtpq_status import render
from tests.checks.exporter import FakeExporter
from tests.checks.samples import busy, sample, server, stats

DENIED = Fault("permission", "may not read /var/spool/postfix/deferred", "add the user to group postfix")
COMMAND = [sys.executable, "-m", "smtpq_exporter.smtpq"]
ROOT = Path(__file__).parents[1]


def with_ages(body: dict, *counts: int) -> dict:
    """The same sample with an age distribution in the deferred queue."""
    filled = (*counts, *[0] * (len(AGE_BUCKETS) + 1 - len(counts)))
    ages = Histogram(AGE_BUCKETS, filled, 0.0)
    body["mtas"][0]["queue"]["queues"]["deferred"]["ages"] = {
        "bounds": list(ages.bounds), "counts": list(ages.counts), "sum": 0.0}
    return body


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run smtpq to its end."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False,
                          cwd=ROOT, env={**os.environ, "COLUMNS": "100", **env}, stdin=subprocess.DEVNULL)


def test_help_teaches_all_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    """The help names every verb with a sentence; help for a verb is its own."""
    assert smtpq.main(["--help"]) == 0
    text = capsys.readouterr().out
    for verb, sentence in smtpq.VERBS.items():
        assert f"{verb:<10}{sentence}" in text
    assert max(map(len, text.splitlines())) <= 80
    with pytest.raises(SystemExit) as ended:
        smtpq.main(["help", "status"])
    assert ended.value.code == 0
    assert "--watch" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "text"), [
    (["statsu"], "did you mean status?"), (["zzz"], "known are status")])
def test_unknown_verb(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown verb is wrong usage, and the nearest is named."""
    assert smtpq.main(words) == 2
    assert text in capsys.readouterr().err


def test_version_and_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a verb the help is shown, as wrong usage."""
    assert smtpq.main(["--version"]) == 0
    assert capsys.readouterr().out == f"smtpq {__version__}\n"
    assert smtpq.main([]) == 2
    assert "Usage: smtpq VERB" in capsys.readouterr().out


def test_verbs_are_imported_when_used() -> None:
    """Asking for the version imports no verb: that keeps the tool quick."""
    code = "import sys; from smtpq_exporter import smtpq; smtpq.main(['-V']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True, cwd=ROOT)
    assert b"smtpq_exporter.smtpq_" not in done.stdout


def test_table() -> None:
    """Each queue is a row with messages, oldest, size and held; the reasons come with what to do."""
    text = render(with_ages(busy(), 3, 2, 1, 1, 1, 1), "the exporter at x", 100)
    lines = text.splitlines()
    assert lines[0].endswith("from the exporter at x")
    assert "postfix 3.7.11, running" in lines
    row = next(line for line in lines if line.startswith("  deferred"))
    assert row.split()[:6] == ["deferred", "9", "23m", "17.6", "KiB", "0"]
    assert re.search(r"\.+:+\+*$", row)
    place = lines.index("        7 greylisted")
    assert lines[place + 1].startswith("          The receiver does not know you yet")
    assert "  to: example.org 3, other 1" in lines
    assert "  in the last 15m: 300 sent, 10 deferred, 0 bounced" in lines
    assert "  read 10s ago by spool" in lines
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in text


def test_one_old_message_shows() -> None:
    """One old message among ten thousand new ones still has its cell in the bar."""
    body = with_ages(sample(server(queues={"deferred": stats(10_000)})), 9999, *[0] * 13, 1)
    row = next(line for line in render(body, "x", 100).splitlines() if line.startswith("  deferred"))
    assert row.endswith(".#")


def test_not_known_is_not_empty() -> None:
    """A queue that could not be read is no table of zeros: it says so, why, and what to do."""
    text = render(sample(server(up=None, unseen=True, fault=DENIED)), "x", 100)
    assert "running or not is not known" in text
    assert "cannot read spool: may not read /var/spool/postfix/deferred" in text
    assert "what to do: add the user to group postfix" in text
    assert "does not mean that it is empty" in text
    assert "messages" not in text


def test_narrow_terminal() -> None:
    """No line is longer than the terminal is wide."""
    for width in (60, 80, 200):
        assert max(map(len, render(with_ages(busy(), 5, 4), "x", width).splitlines())) <= width


def test_colours() -> None:
    """Colours change nothing but colours."""
    body = with_ages(sample(server(up=False, queues={"deferred": stats(5)})), 5)
    plain, coloured = render(body, "x", 100), render(body, "x", 100, colours=True)
    assert "\x1b[31;1mDOWN\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_program_and_exit_codes() -> None:
    """0 where all is seen and runs, 1 where not, with the reason on stderr if nothing could be had."""
    with FakeExporter(busy()) as exporter:
        done = run("status", "--url", exporter.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert "deferred" in done.stdout
        data = run("status", "--url", exporter.url, "--json")
        assert json.loads(data.stdout)["mtas"][0]["mta"] == "postfix"
    with FakeExporter(sample(server(up=False))) as exporter:
        assert run("status", "--url", exporter.url).returncode == 1
    done = run("status", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == ("smtpq status: no exporter listens at http://127.0.0.1:1; "
                           "start smtpq-exporter, or use --source mta\n")
    assert run("status", "--nonsense").returncode == 2


def terminal(url: str, *words: str, until: bytes, **env: str) -> bytes:
    """What a terminal receives until `until` appears in it."""
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, "status", "--url", url, *words], stdin=follower, stdout=follower, stderr=follower,
        cwd=ROOT, env={"PATH": os.environ["PATH"], "TERM": "xterm", **env})
    os.close(follower)
    seen, deadline = b"", time.monotonic() + 30
    try:
        while seen.count(until) < 2 and time.monotonic() < deadline:
            if not select.select([leader], [], [], 0.5)[0]:
                if child.poll() is not None:
                    break
                continue
            try:
                seen += os.read(leader, 65536)
            except OSError:
                break  # the child ended: a pseudo terminal reports that as an error
    finally:
        child.kill()
        child.wait()
        os.close(leader)
    return seen


def test_watch_in_a_terminal() -> None:
    """--watch shows it again and again on a cleared screen, in colours; NO_COLOR takes the colours away."""
    with FakeExporter(busy()) as exporter:
        seen = terminal(exporter.url, "--watch", "0.1", until=b"\x1b[H\x1b[2J")
        assert seen.count(b"\x1b[H\x1b[2J") >= 2
        assert b"\x1b[32mrunning\x1b[0m" in seen
        seen = terminal(exporter.url, until=b"read 10s ago", NO_COLOR="1")
        assert b"\x1b[" not in seen
        assert b"deferred" in seen


def test_broken_pipe() -> None:
    """`smtpq status --json | head -1` ends quietly."""
    with FakeExporter(busy()) as exporter:
        script = f"{' '.join(COMMAND)} status --json --url {exporter.url} | head -c 1"
        done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, timeout=60, check=True,
                              cwd=ROOT)
    assert (done.stdout, done.stderr) == (b"{", b"")
