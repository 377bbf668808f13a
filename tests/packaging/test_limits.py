"""The whole life of the service inside the unit's limits: what the unit forbids, the program never does.

Where no systemd runs, the commands of the unit are run as an unprivileged user with systemd's environment;
strace tells what they do, systemd-analyze what the unit's filter means.
"""

from __future__ import annotations

import grp
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.conftest import refuse
from tests.packaging.confined import Identity
from tests.packaging.test_systemd import UNIT, settings
from tests.servers.postfix import PostfixServer
from tests.servers.sink import free_port
from tests.wait import wait_for

pytestmark = [pytest.mark.server("postfix"), pytest.mark.server("systemd"), pytest.mark.server("strace")]
ROOT = Path(__file__).parents[2]


def command(key: str, config: Path, *arguments: str) -> list[str]:
    """A command of the unit, with this source tree's program and a configuration file of the test."""
    words = shlex.split(dict(settings(UNIT))[key])
    assert words[0] == "/usr/bin/smtpq-exporter"
    filled = [f"--config.file={config}" if word.startswith("--config.file=") else word for word in words[1:]]
    at = filled.index("$ARGS") if "$ARGS" in filled else len(filled)
    return [sys.executable, "-m", "smtpq_exporter", *filled[:at], *arguments, *filled[at + 1:]]


def confined(*argv: str) -> list[str]:
    """The same as user nobody with group postdrop, no capabilities, no_new_privs."""
    return Identity(groups=[grp.getgrnam("postdrop").gr_gid]).argv(*argv)


def filtered() -> set[str]:
    """Names of the system calls that the unit's SystemCallFilter allows."""
    def members(group: str) -> set[str]:
        shown = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True,
                               timeout=60, check=True).stdout
        words = {line.strip() for line in shown.splitlines()[1:]}
        names = {word for word in words if word and not word.startswith("#")}
        inner = {name for name in names if name.startswith("@")}
        return names - inner | set().union(*(members(name) for name in inner))

    allowed: set[str] = set()
    for key, value in settings(UNIT):
        if key == "SystemCallFilter":
            named = set().union(*(members(word) for word in value.lstrip("~").split()))
            allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


class Life:
    """What one run of the service showed: notifications to systemd, a scrape, exit code, trace."""

    def __init__(self, postfix: PostfixServer) -> None:
        """Run it from start to end."""
        self.place = postfix.directory / "service"
        (self.place / "state").mkdir(parents=True)
        for path in (self.place, self.place / "state"):
            path.chmod(0o777)
        self.config = self.place / "smtpq.yml"
        self.config.write_text(f"""
sampling: {{interval: 1s}}
mtas: [{{mta: postfix, name: private, config_directory: {postfix.config_directory},
         queue_directory: {postfix.queue_directory}, logs: [{postfix.log}]}}]
""")
        self.said: list[str] = []
        port = free_port()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as self._socket:
            self._socket.bind(str(self.place / "notify"))
            (self.place / "notify").chmod(0o777)
            self._socket.setblocking(False)
            argv = command("ExecStart", self.config, f"--web.listen-address=127.0.0.1:{port}")
            with (self.place / "output").open("wb") as output:
                process = subprocess.Popen(
                    ["strace", "-f", "-qq", "-o", str(self.place / "trace"), *confined(*argv)], cwd=ROOT,
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={
                        **os.environ, "NOTIFY_SOCKET": str(self.place / "notify"), "WATCHDOG_USEC": "2000000",
                        "STATE_DIRECTORY": str(self.place / "state")})
            try:
                self.told("READY=1")
                self.told("WATCHDOG=1")
                wait_for(lambda: "deferred" in self._scrape(port), 30, every=0.2)
                self.metrics = self._scrape(port)
                [program] = psutil.Process(process.pid).children()
                program.send_signal(signal.SIGHUP)
                self.told("RELOADING=1")
                self.told("READY=1", 2)
                program.send_signal(signal.SIGTERM)
                self.told("STOPPING=1")
                self.code = process.wait(30)
            finally:
                for each in (*psutil.Process(process.pid).children(recursive=True), process) if (
                        process.poll() is None) else ():
                    each.kill()
                process.wait(10)
        self.trace = (self.place / "trace").read_text("utf-8", "replace")
        # strace writes the limits being laid on first; the program begins with its own execve.
        self.trace = self.trace[self.trace.rindex("execve(" + f'"{sys.executable}"'):]

    def told(self, line: str, times: int = 1) -> None:
        """Wait until the service has told systemd this line so often."""
        def heard() -> bool:
            try:
                while True:
                    self.said += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.said.count(line) >= times
        wait_for(heard, 60, every=0.05)

    @staticmethod
    def _scrape(port: int) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def life(postfix_module: PostfixServer) -> Life:
    """One run over a Postfix with some mail."""
    probe = subprocess.run(confined(sys.executable, "-c", "import smtpq_exporter.cli"), cwd=ROOT, timeout=60,
                           capture_output=True, check=False)
    if probe.returncode:
        refuse("user nobody may not read this source tree or its Python")
    postfix_module.inject(5, "greylist")
    postfix_module.wait_idle()
    return Life(postfix_module)


def test_the_check_before_the_start_accepts_the_installed_configuration() -> None:
    """ExecStartPre says that the configuration that packages install is good."""
    installed = ROOT / "packaging" / "config" / "smtpq.yml"
    done = subprocess.run(command("ExecStartPre", installed), cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "config OK\n"), done.stderr


def test_it_tells_systemd_how_it_lives(life: Life) -> None:
    """READY, WATCHDOG, RELOADING with its time, READY, STOPPING, exit code 0: Type=notify is right."""
    said = [line for line in life.said if line != "WATCHDOG=1"]
    assert [re.sub(r"\d{2,}", "N", line) for line in said] == [
        "READY=1", "RELOADING=1", "MONOTONIC_USEC=N", "READY=1", "STOPPING=1"]
    assert life.code == 0


def test_it_does_its_work_inside_the_limits(life: Life) -> None:
    """With group postdrop and nothing else the queue is read, the log followed, and its state kept."""
    assert re.search(r'^smtpq_queue_messages{.*queue="deferred"} 5$', life.metrics, re.MULTILINE)
    assert 'source="showq"} 1' in life.metrics
    assert any((life.place / "state").iterdir())


def test_every_system_call_passes_the_filter(life: Life) -> None:
    """SystemCallFilter would have stopped none of the calls made, from the first to the last."""
    calls = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]", life.trace, re.MULTILINE))
    assert {"accept4", "connect"} <= calls
    assert calls - {"exit", "exit_group", "killed"} <= filtered()


def test_no_memory_is_writable_and_executable(life: Life) -> None:
    """MemoryDenyWriteExecute would have refused nothing."""
    assert not re.search(r"(?:mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC", life.trace)


def test_only_the_allowed_families_of_sockets_are_used(life: Life) -> None:
    """RestrictAddressFamilies names all that is needed."""
    allowed = set(dict(settings(UNIT))["RestrictAddressFamilies"].split())
    assert set(re.findall(r"\bsocket\((AF_\w+)", life.trace)) <= allowed


def test_nothing_is_written_outside_the_state_directory(life: Life) -> None:
    """ProtectSystem=strict would have refused nothing: only the state directory is written to."""
    written = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", [^)\n]*O_(?:WRONLY|RDWR|CREAT)', life.trace)
    assert [path for path in written if not path.startswith((str(life.place / "state"), "/dev/null"))] == []
