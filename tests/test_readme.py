"""The README shows what the program says: the demonstration is started and held against it."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.sink import free_port
from tests.wait import wait_for

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def blurred(text: str) -> str:
    """A text without what differs from run to run: numbers, the temporary directory."""
    text = text.replace("http://127.0.0.1:", "http://localhost:")  # where a test listens
    return re.sub(r"\d+", "N", re.sub(r"/tmp/smtpq-demo-\w+", "DEMO", text))


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[str, int]]:
    """What the demonstration says when it starts, and its port."""
    port = free_port()
    argv = [sys.executable, "-m", "smtpq_exporter", "--demo", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:  # a program that says nothing ends with the deadline of each test
                said += line
                if "for Prometheus" in line:
                    break
            yield said, port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def test_the_start_is_as_shown(demo: tuple[str, int]) -> None:
    """Line by line, but for numbers and the temporary directory."""
    [shown] = [block for block in BLOCKS if "for Prometheus" in block]
    assert blurred(demo[0]).strip() == blurred(shown).strip()


def test_the_metrics_are_those_shown(demo: tuple[str, int]) -> None:
    """The command gives the series that stand behind it; their order differs."""
    [shown] = [block for block in BLOCKS if block.startswith("$ curl")]
    head, *lines = shown.splitlines()
    first, _, last = head.removeprefix("$ curl -s localhost:10125/metrics | ").partition(" | ")
    wanted, unwanted = shlex.split(first)[-1], shlex.split(last)[-1]

    def series() -> set[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{demo[1]}/metrics", timeout=20) as answer:
            return {blurred(line) for line in answer.read().decode().splitlines()
                    if re.search(wanted, line) and not re.search(unwanted, line)}

    found = wait_for(series, 30, every=0.2)
    assert lines.pop() == "..."
    assert {blurred(line) for line in lines} <= found


def test_the_check_says_what_is_shown(demo: tuple[str, int]) -> None:
    """State, words and the first performance data."""
    [shown] = [block for block in BLOCKS if "$ check_smtpq_queue" in block]
    line = shown.splitlines()[1].removesuffix(" ...")
    argv = [sys.executable, str(ROOT / "checks" / "check_smtpq"), "queue", "--url", f"http://127.0.0.1:{demo[1]}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert blurred(done.stdout).startswith(blurred(line))
