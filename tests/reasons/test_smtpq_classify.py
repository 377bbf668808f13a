"""smtpq classify: texts in, JSON lines out."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from smtpq_exporter.reasons import ADVICE, REASONS
from smtpq_exporter.smtpq import main
from smtpq_exporter.smtpq_classify import lines

COMMAND = [sys.executable, "-m", "smtpq_exporter.smtpq", "classify"]
GREY = b"450 4.2.0 <a@b.example>: Greylisted, try again in 300 seconds\n"


def classified(data: bytes, *options: str) -> list[dict[str, object]]:
    """Run the real program."""
    done = subprocess.run([*COMMAND, *options], input=data, capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_line_each() -> None:
    """Each text, of whatever bytes, gives one object with the five fields, in order; the last needs no
    newline.
    """
    found = classified(GREY + b"\n" + b"550 bo\xeete pleine \x00\xff\r\n" + b"550 5.1.1 No such user")
    wanted = ["greylisted", "unknown", "mailbox_full", "invalid_recipient"]
    assert [item["reason"] for item in found] == wanted
    assert found[0] == {
        "reason": "greylisted", "cause": "greylisting", "enhanced": "4.2.0", "code": "450",
        "rule": "greylist-word",
    }


def test_explain() -> None:
    """--explain shows what was compared, without the address, and the advice of the page."""
    (found,) = classified(b"host mx.a.example[192.0.2.1] said: " + GREY, "--explain")
    assert found["folded"] == "host peer[] said: 450 4.2.0 <>: greylisted, try again in 300 seconds"
    assert found["reply"] == "<>: greylisted, try again in 300 seconds"
    assert (found["remote"], found["suspended"]) == (True, False)
    assert found["advice"] == ADVICE["greylisted"]._asdict()


def test_rule_and_dsn() -> None:
    """A rule can be tried, and the own server's code can be given; a pattern may hold an equals sign."""
    (found,) = classified(b"a=b and so on\n", "--rule", "a=b=expired", "--dsn", "5.1.1")
    assert (found["reason"], found["rule"]) == ("expired", "user:0")
    (found,) = classified(b"Service unavailable\n", "--dsn", "5.1.1")
    assert found["reason"] == "invalid_recipient"


@pytest.mark.parametrize("rule", ["nothing", "a=no_class", "(a+)+=expired"])
def test_bad_rule(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that cannot be used ends with 2 and a sentence that names it."""
    assert main(["classify", "--rule", rule]) == 2
    assert capsys.readouterr().err.startswith("smtpq classify: reasons[0]: ")


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """--help shows a command to copy and every class."""
    with pytest.raises(SystemExit) as end:
        main(["classify", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0
    assert "| smtpq classify | jq -r .reason" in shown
    assert all(reason in shown for reason in REASONS)


def test_long_lines() -> None:
    """A line of any length is one line; what is beyond 64 KiB is passed over."""
    data = b"a" * 200_000 + b"\nshort\n" + b"b" * 65536 + b"\nend"
    assert [len(line) for line in lines(io.BytesIO(data))] == [65536, 5, 65536, 3]


def test_interactive() -> None:
    """On a terminal each line is answered before the next is typed."""
    outer, inner = pty.openpty()
    child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=inner, start_new_session=True)
    os.close(inner)
    try:
        assert child.stdin is not None
        for text, reason in ((GREY, b"greylisted"), (b"552 Mailbox full\n", b"mailbox_full")):
            child.stdin.write(text)
            child.stdin.flush()
            seen, end = b"", time.monotonic() + 30
            while b"\n" not in seen:
                assert select.select([outer], [], [], max(0, end - time.monotonic()))[0], seen
                seen += os.read(outer, 4096)
            assert reason in seen
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(30)
        child.stdin.close()
        os.close(outer)
