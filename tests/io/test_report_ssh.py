"""Reports through a real sshd on loopback, with a stand-in for powershell.exe on the other side."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exchange.settings import SCRIPT
from smtpq_exporter.reasons import Classifier
from tests.io.fake_powershell import called, install, pids
from tests.io.test_report import BODY, NOW, SUMS, gone, sums
from tests.servers.guard import Guard
from tests.servers.needs import find
from tests.wait import wait_for

pytestmark = pytest.mark.server("sshd")
CLASSIFIER = Classifier()
CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host
AuthorizedKeysFile {root}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel ERROR
SetEnv PATH={root}/bin:/usr/bin:/bin
"""


@dataclass
class Sshd:
    """A private sshd and what its client needs."""

    root: Path
    port: int

    def options(self, **more: str) -> tuple[tuple[str, str], ...]:
        """Options of an instance that is reached through it."""
        made = {"ssh_host": f"{getpass.getuser()}@127.0.0.1", "ssh_port": str(self.port),
                "ssh_config": "/dev/null", "ssh_key": str(self.root / "user"),
                "ssh_known_hosts": str(self.root / "known"), **more}
        return tuple(made.items())

    def read(self, seconds: float = 60.0, **more: str) -> QueueSnapshot:
        """One reading through it."""
        instance = Instance("exchange", "ex01", source="ssh", options=self.options(**more))
        reader = open_reader(instance, classifier=CLASSIFIER)
        try:
            return reader.read(NOW, time.monotonic() + seconds)
        finally:
            reader.close()

    def fails(self, seconds: float = 60.0, **more: str) -> SourceError:
        """One reading that fails."""
        with pytest.raises(SourceError) as caught:
            self.read(seconds, **more)
        return caught.value


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server with keys, port and configuration of its own."""
    root = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user", "stranger"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)]
        subprocess.run(argv, check=True, timeout=30)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd separates its privileges there
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (root / "config").write_text(CONFIG.format(port=port, root=root))
    key = (root / "host.pub").read_text().split()[:2]
    (root / "known").write_text(f"[127.0.0.1]:{port} {' '.join(key)}\n")
    program = find("sshd")
    assert program is not None
    with (root / "log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", str(root / "config")], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, start_new_session=True)
    guard = Guard(server.pid, root)
    try:
        wait_for(lambda: server.poll() is not None or listens(port), 20)
        assert server.poll() is None, (root / "log").read_text()
        yield Sshd(root, port)
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(10)
        finally:
            server.kill()
            guard.release()


def test_the_queue_comes_through_ssh(sshd: Sshd) -> None:
    """The sums of the report; the script runs by its Windows path, as one argument."""
    install(sshd.root / "bin", stdout=BODY, stderr=b"#< CLIXML\r\n", pieces=3)
    assert sums(sshd.read()) == SUMS
    assert called(sshd.root / "bin")[-2:] == ["-File", SCRIPT]
    spaced = "D:\\Program Files (x86)\\smtpq\\collect.ps1"
    assert sums(sshd.read(script_path=spaced)) == SUMS
    assert called(sshd.root / "bin")[-1] == spaced


def test_a_failure_on_the_other_side_is_told(sshd: Sshd) -> None:
    """The remote exit code and words reach the Fault."""
    install(sshd.root / "bin", stderr=b"Add-PSSnapin : not installed", exit=4)
    error = sshd.fails()
    assert (error.kind, "exit code 4: Add-PSSnapin : not installed" in error.what) == ("unavailable", True)
    assert "exit code 127" in sshd.fails(powershell_path="pwsh-that-is-not-there").what


def test_a_key_that_is_not_accepted_is_a_missing_permission(sshd: Sshd) -> None:
    """Nobody is asked for a password: ssh says that permission is denied."""
    error = sshd.fails(ssh_key=str(sshd.root / "stranger"))
    assert (error.kind, "Permission denied" in error.what) == ("permission", True)


def test_a_host_that_is_not_known_is_not_trusted(sshd: Sshd) -> None:
    """Without its key in the file of known hosts nothing is run."""
    install(sshd.root / "bin", stdout=BODY)
    (sshd.root / "bin" / "args.json").unlink(missing_ok=True)
    empty = sshd.root / "nobody"
    empty.write_text("")
    error = sshd.fails(ssh_known_hosts=str(empty))
    assert (error.kind, "verification failed" in error.what) == ("unavailable", True)
    assert not (sshd.root / "bin" / "args.json").exists()
    assert empty.read_text() == ""


def test_a_remote_program_that_hangs_is_given_up(sshd: Sshd) -> None:
    """At the deadline ssh is ended and the reading is a timeout; sshd lets go of the program."""
    install(sshd.root / "bin", stdout=BODY, hang="closed")
    (sshd.root / "bin" / "pids").unlink(missing_ok=True)
    assert sshd.fails(5.0).kind == "timeout"
    for pid in pids(sshd.root / "bin"):
        wait_for(lambda pid=pid: gone(pid))


def test_nobody_listens(sshd: Sshd) -> None:
    """A refused connection is unavailable, in words of ssh."""
    error = sshd.fails(ssh_port="9")
    assert (error.kind, "refused" in error.what) == ("unavailable", True)
