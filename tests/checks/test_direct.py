"""The plugin on a mail server itself: what is not read, not answered or not understood is never OK."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checks.queues import FakeQueue, listing, message
from tests.checks.readers import check_rules, sensu
from tests.wait import wait_for

ROOT = Path(__file__).parents[2]
PLUGIN = (sys.executable, "-I", "-S", str(ROOT / "checks" / "check_smtpq_queue"))
NOBODY = 65534
OTHER_USER = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/usr/bin/python3.11").exists(),
    reason="needs root, to become another user, and Debian's python3.11, which that user may run")


def run(queue: FakeQueue, *words: str, user: int | None = None) -> tuple[str, int]:
    """Output and exit code, the rules checked; stderr must stay empty."""
    # another user may not enter the directory of this test run's own Python
    plugin = ("/usr/bin/python3.11", *PLUGIN[1:]) if user else PLUGIN
    done = subprocess.run([*plugin, "-d", str(queue.config), *words], capture_output=True, timeout=60,
                          check=False, stdin=subprocess.DEVNULL, user=user, cwd="/")
    assert done.stderr == b""
    text = done.stdout.decode()
    check_rules(text, done.returncode)
    return text, done.returncode


def test_listing() -> None:
    """A whole listing is counted; the mail system is asked without any right."""
    with FakeQueue(listing([message(1, 60), message(2, 7200), message(3, 10, "hold")])) as queue:
        text, code = run(queue, "--age-critical", "1h")
    assert code == 2
    assert "oldest 2h (above 1h), 3 messages, 1 held, mostly greylisted" in text
    assert sensu(text)["deferred"] == 2


def test_empty_listing_is_ok() -> None:
    """Only a listing that says that it is complete is an empty queue."""
    with FakeQueue(listing([])) as queue:
        assert run(queue)[1] == 0


@pytest.mark.parametrize("count", [0, 3])
def test_cut_listing(count: int) -> None:
    """A listing that ends without its end mark is UNKNOWN."""
    with FakeQueue(listing([message(i) for i in range(count)], end=False)) as queue:
        text, code = run(queue)
    assert code == 3
    assert "the listing is cut" in text


@pytest.mark.parametrize("said", [
    b"", b"postqueue: fatal: no\n", b"\xff\xfe\x00|;$`\n" * 40, b"Mail queue is empty"])
def test_garbage(said: bytes) -> None:
    """What is not understood, and silence, are UNKNOWN and no empty queue."""
    with FakeQueue(lambda link: link.sendall(said)) as queue:
        text, code = run(queue)
    assert (code, "postfix" in text) == (3, True)


def test_hang() -> None:
    """A mail server that does not answer costs -t seconds and not more."""
    silent = threading.Event()
    with FakeQueue(lambda _link: silent.wait(50) and None) as queue:
        begun = time.monotonic()
        text, code = run(queue, "-t", "2")
        assert time.monotonic() - begun < 40  # far below the 50 s for which it is silent
        silent.set()
    assert code == 3
    assert "time" in text


def test_no_mail_server(tmp_path: Path) -> None:
    """Without the queue directory there is nothing to see: UNKNOWN."""
    with FakeQueue() as queue:
        text, code = run(queue)
        assert code == 3
        assert "postfix/etc: " in text
    done = subprocess.run([*PLUGIN, "-d", str(tmp_path / "nothing")], capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 3
    assert b"no directory" in done.stdout


def test_stopped_as_root() -> None:
    """Root can read the files of a stopped Postfix: still CRITICAL, for nothing leaves."""
    with FakeQueue(runs=False) as queue:
        queue.folders()
        text, code = run(queue)
        assert code == 2
        assert text.startswith("SMTPQ CRITICAL - postfix/etc: mail system is down, 0 messages")
        assert run(queue, "--down-state", "ok")[1] == 0


@OTHER_USER
def test_permission_denied() -> None:
    """Who may not read the queue gets UNKNOWN, never 0 messages."""
    with FakeQueue() as queue:
        queue.folders()
        queue.put("deferred", 90000, 3)
        (queue.queue / "deferred").chmod(0o700)
        text, code = run(queue, user=NOBODY)
        assert code == 3, text
        assert run(queue)[1] == 2


@OTHER_USER
def test_unreadable_directory_in_the_middle() -> None:
    """One unreadable hash directory makes the whole queue UNKNOWN, not smaller."""
    with FakeQueue() as queue:
        queue.folders()
        queue.put("deferred", 100, 50)
        for path in (queue.queue, *queue.queue.rglob("*")):
            path.chmod(0o755)
        (queue.queue / "deferred" / "Z").mkdir(mode=0o700)
        assert run(queue, user=NOBODY)[1] == 3


#: Runs a command and says its peak memory in KiB: a child of pytest itself would inherit that of pytest.
PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("words", [(), ("-v",)])
def test_many_messages_in_little_memory(words: tuple[str, ...]) -> None:
    """200,000 messages are streamed, with their reasons, too: the plugin stays below 40 MB."""
    class Many:
        """Anew for each client: one of them only looks whether somebody listens."""

        def __iter__(self) -> Iterator[bytes]:
            for start in range(0, 200_000, 500):
                yield b"".join(message(number) for number in range(start, start + 500))

    with FakeQueue(listing(Many())) as queue:
        argv = [sys.executable, "-c", PEAK, *PLUGIN, "-d", str(queue.config), "-t", "60", *words]
        child = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 2
    assert child.stdout.startswith("SMTPQ CRITICAL - postfix/etc: 200000 messages (above 500)")
    assert int(child.stderr) * 1024 < 40e6


STUCK = """
import subprocess, sys, types
sys.path.insert(0, {root!r})
from smtpq_exporter.checks import acquire, cli, queue
def hang(options, query, needs, deadline):
    child = subprocess.Popen(["/bin/sh", "-c", "sleep 1000 & sleep 1000"], start_new_session=True)
    open({pid!r}, "w").write(str(child.pid))
    {how}
acquire.acquire = hang
cli.run(queue, ["-t", "1.5"])
"""


@pytest.mark.parametrize("how", ["child.wait()", "while True: pass", "import time; time.sleep(1000)"])
def test_children_do_not_outlive_the_timeout(tmp_path: Path, how: str) -> None:
    """However a reading hangs, the watchdog speaks at -t and kills the child with its whole group."""
    pid = tmp_path / "pid"
    code = STUCK.format(root=str(ROOT), pid=str(pid), how=how)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 3
    assert done.stdout == b"SMTPQ UNKNOWN - no result within 1.5s, see -vv, or raise -t\n"
    group = int(pid.read_text())

    def gone() -> bool:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    assert wait_for(gone, 10)
