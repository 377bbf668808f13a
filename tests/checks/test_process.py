"""The plugin as a process: whatever happens, one output by the rules, the right exit code, no stderr."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checks.exporter import FakeExporter, http, silence
from tests.checks.readers import check_rules, sensu
from tests.checks.samples import sample, server, stats
from tests.wait import wait_for

PLUGIN = str(Path(__file__).parents[2] / "checks" / "check_smtpq_queue")
COMMAND = (sys.executable, "-I", "-S", PLUGIN)


def run(*words: str, **given: Any) -> tuple[str, int]:
    """Output and exit code; stderr must stay empty."""
    facts: dict[str, Any] = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL, **given}
    done = subprocess.run(COMMAND + words, timeout=60, check=False, stderr=subprocess.PIPE, **facts)
    assert done.stderr == b""
    return (done.stdout or b"").decode(), done.returncode


@pytest.fixture
def exporter() -> Iterator[FakeExporter]:
    """An exporter with one quiet Postfix."""
    with FakeExporter(sample(server(queues={"deferred": stats(9, 1380), "active": stats(3, 5)}))) as made:
        yield made


def test_ok(exporter: FakeExporter) -> None:
    """The usual case, whole."""
    text, code = run("--url", exporter.url)
    assert code == 0
    check_rules(text, code)
    assert text == ("SMTPQ OK - postfix: 12 messages, oldest 23m | messages=12;100;500;0 "
                    "oldest_age=1380s;14400;86400;0 held=0;;;0 size=24000B;;;0 active=3;;;0 corrupt=0;;;0 "
                    "deferred=9;;;0 hold=0;;;0 incoming=0;;;0 maildrop=0;;;0\n")


@pytest.mark.parametrize(("words", "code"), [
    ("-w 11", 1), ("-c 11", 2), ("--age-critical 20m", 2), ("-w 12", 0), ("--queue active -w 2", 1),
    ("--output checkmk -w 1", 1)])
def test_exit_codes(exporter: FakeExporter, words: str, code: int) -> None:
    """The exit code is the state."""
    assert run("--url", exporter.url, *words.split())[1] == code


@pytest.mark.parametrize("words", ["-h", "--help", "-V", "--version", "-hv"])
def test_help_and_version(words: str) -> None:
    """Help and version end with 3, on stdout: nobody takes them for a healthy queue."""
    text, code = run(words)
    assert code == 3
    assert "check_smtpq_queue" in text


@pytest.mark.parametrize("words", ["--nonsense", "-w", "-w abc", "foo", "--age-warning soon", "-t never"])
def test_bad_options(words: str) -> None:
    """A wrong command line ends with 3 and a short usage."""
    text, code = run(*words.split())
    assert code == 3
    assert text.startswith("SMTPQ UNKNOWN - ")
    assert "Usage:" in text
    assert len(text.splitlines()) <= 23
    assert max(map(len, text.splitlines()[1:])) <= 80


def test_no_exporter() -> None:
    """Nobody there is UNKNOWN with what to do, without a number."""
    text, code = run("--url", "http://127.0.0.1:1")
    assert code == 3
    assert text == ("SMTPQ UNKNOWN - no exporter listens at http://127.0.0.1:1, start smtpq-exporter, "
                    "or use --source mta\n")


@pytest.mark.parametrize(("given", "code"), [("1", 3), ("1:CRITICAL", 2), ("0.5:warning", 1)])
def test_timeout(given: str, code: int) -> None:
    """A silent exporter costs -t seconds and gives the state that was asked for."""
    with FakeExporter(b"") as quiet:
        quiet.answer = silence(quiet.done)
        text, got = run("--url", quiet.url, "-t", given)
    assert got == code
    check_rules(text, got)
    assert "no answer from the exporter" in text


def test_garbage() -> None:
    """Garbage is UNKNOWN."""
    for answer in (http(b"\xff\x00 garbage"), http(b'{"mtas": [{"queue": {}}], "time": 1}'), b"\x00" * 99):
        with FakeExporter(answer) as broken:
            text, code = run("--url", broken.url)
        assert code == 3
        check_rules(text, code)


def test_traceback_only_when_asked_for() -> None:
    """An internal error is one line; -vvv adds the traceback behind it."""
    with FakeExporter(http(b'{"mtas": [{"queue": {}}], "time": 1}')) as broken:
        assert run("--url", broken.url)[0] == "SMTPQ UNKNOWN - internal error: KeyError: 'mta'\n"
        text, code = run("--url", broken.url, "-vvv")
    assert code == 3
    assert "Traceback" in text
    check_rules(text, code)


def test_empty_environment(exporter: FakeExporter) -> None:
    """No LANG, no PATH, no HOME (as under NRPE): the same output."""
    assert run("--url", exporter.url, env={}, cwd="/") == run("--url", exporter.url)


@pytest.mark.parametrize("closed", [0, 1, 2, 3])
def test_closed_descriptors(exporter: FakeExporter, closed: int) -> None:
    """Closed stdin or stderr changes nothing; without stdout nobody can be told, which is 3."""
    shut = (0, 1, 2) if closed == 3 else (closed,)
    script = 'exec "$@" ' + " ".join(f"{fd}>&-" for fd in shut)
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *COMMAND, "--url", exporter.url],
                          capture_output=True, timeout=60, check=False)
    assert done.stderr == b""
    assert done.returncode == (3 if 1 in shut else 0)
    assert done.stdout.startswith(b"SMTPQ OK") is (1 not in shut)


def test_full_and_broken_stdout(exporter: FakeExporter) -> None:
    """What could not be written is not OK."""
    with Path("/dev/full").open("wb") as full:
        assert run("--url", exporter.url, stdout=full)[1] == 3
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run("--url", exporter.url, stdout=writer)[1] == 3
    finally:
        os.close(writer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals(number: signal.Signals) -> None:
    """Told to end, a plugin says UNKNOWN at once."""
    with FakeExporter(b"") as quiet:
        quiet.answer = silence(quiet.done)
        child = subprocess.Popen([*COMMAND, "--url", quiet.url, "-t", "50"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        try:
            wait_for(lambda: quiet.requests, 30)
            child.send_signal(number)
            text, complaint = child.communicate(timeout=30)
        finally:
            child.kill()
            child.wait()
    assert child.returncode == 3
    assert text == b"SMTPQ UNKNOWN - ended by a signal before there was a result\n"
    assert complaint == b""


def test_latin_1_and_bars_in_texts(exporter: FakeExporter) -> None:
    """What mail servers say passes through as printable text of one line."""
    body = sample(server(instance="a|b\x00\udce9\n=1", queues={"we|rd q=1": stats(3)}))
    with FakeExporter(body) as odd:
        text, code = run("--url", odd.url, "-vvv")
    assert code == 0
    check_rules(text, code)
    assert sensu(text)["we_rd_q_1"] == 3


def test_200_at_once(exporter: FakeExporter) -> None:
    """200 plugins that start together against one exporter all succeed."""
    running = [subprocess.Popen([*COMMAND, "--url", exporter.url, "-t", "50"], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT) for _ in range(200)]
    outputs = {child.communicate(timeout=60)[0] for child in running}
    assert [child.returncode for child in running] == [0] * 200
    assert len(outputs) == 1


def test_launcher_by_name_and_by_word(exporter: FakeExporter, tmp_path: Path) -> None:
    """The launcher works through a link anywhere, and with the plugin's name as first word."""
    link = tmp_path / "check_smtpq_queue"
    link.symlink_to(PLUGIN)
    main = str(Path(PLUGIN).with_name("check_smtpq"))

    def launch(*words: str) -> tuple[bytes, int]:
        command = [sys.executable, "-I", "-S", *words]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        return done.stdout, done.returncode

    by_link, by_word = launch(str(link), "--url", exporter.url), launch(main, "queue", "--url", exporter.url)
    assert by_link == by_word
    assert by_link[1] == 0
    text, code = launch(main, "nothing")
    assert code == 3
    assert text.startswith(b"SMTPQ UNKNOWN - write check_smtpq and one of ")
