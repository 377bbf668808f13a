"""A mail server that cannot be installed beside Postfix, run from its unpacked packages in own namespaces.

What is particular to one server (packages, files, commands) stands in exim.py, sendmail.py and opensmtpd.py.
The spool and the log are directories of the host, mounted into the server's world: ordinary paths here.
Sources: unshare(1), nsenter(1), mount(8), the kernel's overlayfs documentation.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import psutil

from tests.servers.guard import Guard
from tests.servers.inject import Mail, inject, mail, weights
from tests.servers.packages import Unavailable, fetch
from tests.servers.postfix import command
from tests.servers.sink import Sink, free_port
from tests.wait import quiet, wait_for

WORLD = Path(__file__).with_name("world.sh")
RSYSLOG = """module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{here}/world/root/dev/log" RateLimit.Interval="0")
module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")
*.* {here}/log/mail.log
"""


class OverlayServer:
    """One server in its world. A context manager: entering makes and starts it, leaving removes all of it."""

    mta: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    users: ClassVar[tuple[str, ...]]
    """Made in the world, uid 890 and up."""
    inner_spool: ClassVar[str]
    """Where the server has its spool in its world."""
    daemon: ClassVar[tuple[str, ...]]
    """The command that runs in the foreground."""
    tools: ClassVar[tuple[str, ...]]
    """Commands of the server that get a stand-in in `bin`."""
    prepare: ClassVar[str]
    """Shell commands that run in the world before the daemon."""
    log_name: ClassVar[str] = "mail.log"
    syslog: ClassVar[bool] = True
    pipelining: ClassVar[bool] = True

    def __init__(self, sink: Sink) -> None:
        """`sink` is where the mail goes."""
        self.sink = sink
        self.port = 0
        self.directory = Path()
        self._world: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        self._daemon: subprocess.Popen[bytes] | None = None
        self._init = 0

    def files(self) -> dict[str, str]:
        """Files of the world, by absolute path."""
        raise NotImplementedError

    def count(self) -> int:
        """Number of messages in the queue, seen from outside."""
        raise NotImplementedError

    def idle(self) -> bool:
        """Whether no delivery runs or is about to."""
        raise NotImplementedError

    def flush(self) -> None:
        """Try everything in the queue now."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        debs = fetch(self.packages)
        self.directory = Path(tempfile.mkdtemp(prefix=f"smtpq-{self.mta}-"))
        try:
            self.directory.chmod(0o755)
            self._make(debs)
            self.start()
        except BaseException:
            self.dispose()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    # --- where things are ---

    @property
    def spool(self) -> Path:
        """The spool, an ordinary directory of the host."""
        return self.directory / "spool"

    @property
    def log(self) -> Path:
        """The log file, an ordinary file of the host."""
        return self.directory / "log" / self.log_name

    @property
    def root(self) -> Path:
        """The root directory of the server's world, readable by root from outside while it lives."""
        return Path(f"/proc/{self._init}/root{self.directory}/world/root")

    @property
    def bin(self) -> Path:
        """A directory for PATH: the server's commands, each run in the server's world."""
        return self.directory / "bin"

    # --- life ---

    def start(self) -> None:
        """Start the daemon and wait until it listens."""
        assert self._daemon is None, "is already running"
        with (self.directory / "daemon.out").open("ab") as output:
            self._daemon = subprocess.Popen(self.argv(*self.daemon), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)
        daemon = self._daemon
        if wait_for(lambda: self._listens() or daemon.poll() is not None, 30) is not self.LISTENS:
            raise AssertionError(f"{self.mta} does not listen on {self.port}: {self._tail()}")

    def stop(self) -> None:
        """End the daemon alone; its world and its queue stay."""
        if self._daemon is None:
            return
        for child in psutil.Process(self._daemon.pid).children():  # nsenter waits for the daemon
            child.terminate()
        try:
            self._daemon.wait(20)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait(20)
        self._daemon = None

    def dispose(self) -> None:
        """End the world with all its processes and remove everything."""
        if self._daemon:
            self._daemon.kill()  # the nsenter outside; the daemon goes with its world
            self._daemon.wait(20)
            self._daemon = None
        if self._world:
            if self._init:
                os.kill(self._init, signal.SIGKILL)  # its whole world goes with it, and unshare takes it in
            else:
                self._world.kill()
            self._world.wait(20)
            self._world = None
        if self._guard:
            self._guard.release()
            self._guard = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """All processes of the world but its first one and syslog."""
        home, found = self._namespace(self._init), []
        for process in psutil.process_iter(["name"]):
            name = process.info["name"]
            if process.pid != self._init and name not in ("sleep", "rsyslogd") \
                    and home and self._namespace(process.pid) == home:
                found.append(process)
        return found

    # --- mail in, commands ---

    def inject(self, count: int, mix: str | Sequence[str] | dict[str, int] = "defer", *, seed: int = 1,
               parallel: int = 8) -> list[Mail]:
        """Hand `count` messages over by SMTP and return them; deliveries go on when this returns."""
        mails = [mail(i, weights(mix), seed) for i in range(count)]
        inject(self.port, mails, parallel=parallel, pipelining=self.pipelining)
        return mails

    def send(self, *mails: Mail) -> None:
        """Hand these messages over by SMTP."""
        inject(self.port, mails, pipelining=self.pipelining)

    def argv(self, *argv: str) -> list[str]:
        """The command that runs `argv` in the server's world."""
        root = f"{self.directory}/world/root"
        # a PATH of its own: the stand-ins in `bin` are seen in there too
        return ["nsenter", f"--target={self._init}", "--mount", "--pid", "chroot", root,
                "/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *argv]

    def run(self, *argv: str, text: str | bytes | None = None, timeout: float = 60.0) -> str:
        """Run a command in the server's world and return what it printed; a failure is a test failure."""
        return command(self.argv(*argv), text=text, timeout=timeout)

    def wait_idle(self, seconds: float = 60.0) -> None:
        """Wait until no delivery runs, and the log tells of all that ran."""
        wait_for(lambda: self.idle() and quiet(self.log) and self.idle(), seconds, every=0.1)

    # --- inside ---

    LISTENS: ClassVar[str] = "listens"

    def _make(self, debs: Sequence[Path]) -> None:
        for part in ("world", "files", "spool", "log", "bin"):
            (self.directory / part).mkdir()
        self.port = free_port()
        names = "127.0.0.1 localhost mail.sender.example\n"
        for path, content in {"/etc/hosts": names, **self.files(), "/prepare": self.prepare}.items():
            file = self.directory / f"files{path}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        if self.syslog:
            (self.directory / "rsyslog.conf").write_text(RSYSLOG.format(here=self.directory))
            self.log.touch()
        with (self.directory / "world.out").open("wb") as output:
            self._world = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", str(WORLD),
                 str(self.directory), self.inner_spool, " ".join(self.users), *map(str, debs)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        world = self._world
        self._guard = Guard(world.pid, self.directory, signal="KILL")  # unshare(1) ignores SIGTERM
        wait_for(lambda: (self.directory / "ready").exists() or world.poll() is not None, 60)
        if world.poll() is not None:
            raise Unavailable(f"no world for {self.mta} (namespaces, overlayfs): {self._tail()}")
        self._init = psutil.Process(world.pid).children()[0].pid
        for tool in self.tools:
            stand_in = self.bin / tool
            stand_in.write_text(f'#!/bin/sh\nexec {" ".join(self.argv(tool))} "$@"\n')
            stand_in.chmod(0o755)

    def _listens(self) -> str:
        """Whether the daemon listens, without a connection that its log would show."""
        ours = [c for c in psutil.net_connections("tcp4")
                if c.status == psutil.CONN_LISTEN and c.laddr == ("127.0.0.1", self.port)]
        return self.LISTENS if ours else ""

    @staticmethod
    def _namespace(pid: int) -> str:
        try:
            return str(Path(f"/proc/{pid}/ns/pid").readlink())
        except OSError:
            return ""

    def _tail(self) -> str:
        texts = [(self.directory / name) for name in ("world.out", "daemon.out")] + [self.log]
        return "".join(t.read_text("utf-8", "replace")[-1500:] for t in texts if t.exists())
