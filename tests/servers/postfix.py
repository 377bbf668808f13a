"""A private Postfix beside the host's own: configuration, queue, data, log, port in one temporary directory.

It listens on 127.0.0.1, sends to the sink alone and asks no name server: names come from the hosts file in
its chroot. The host's /etc/postfix is only copied from. A guard ends it when the test run is killed.
Sources: postconf(5), master(5), postsuper(1), realities of Debian's packaging in postfix-script.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from tests.servers.guard import Guard
from tests.servers.inject import Mail, inject, mail, weights
from tests.servers.replies import WITHOUT_ADDRESS, routes
from tests.servers.sink import Sink, free_port
from tests.wait import quiet, wait_for

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
FLAT = ("maildrop", "hold", "incoming", "active", "corrupt")
SHARE = Path("/usr/share/postfix")
MAIN = {
    "compatibility_level": "3.6",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "smtp_bind_address": "127.0.0.1",
    "myhostname": "mail.sender.example",
    "mydestination": "localhost",
    "mynetworks": "127.0.0.0/8",
    "relay_domains": "static:ALL",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "append_at_myorigin": "no",
    "alias_maps": "",
    "local_recipient_maps": "",
    "smtputf8_enable": "no",
    # no name server is ever asked
    "disable_dns_lookups": "yes",
    "smtp_host_lookup": "native",
    "smtp_dns_support_level": "disabled",
    "smtpd_peername_lookup": "no",
    "smtp_tls_security_level": "none",
    "smtpd_tls_security_level": "none",
    "default_transport": "error:no route",
    "relay_transport": "error:no route",
    # the queue stands still, nothing expires by itself
    "minimal_backoff_time": "14400s",
    "maximal_backoff_time": "28800s",
    "queue_run_delay": "10000s",
    "maximal_queue_lifetime": "10d",
    "bounce_queue_lifetime": "10d",
    # every message meets the sink, none is "temporarily suspended" after the first failure of its destination
    "default_destination_concurrency_failed_cohort_limit": "0",
    "smtp_connection_cache_on_demand": "no",
    "smtp_connect_timeout": "5s",
    "smtp_helo_timeout": "10s",
    "smtp_rcpt_timeout": "5s",
    "notify_classes": "",
    "smtpd_client_connection_count_limit": "0",
    "enable_long_queue_ids": "yes",
}


def command(argv: Sequence[str], *, text: str | bytes | None = None, timeout: float = 120.0) -> str:
    """Run a program to its end and return what it printed; a failure is a test failure that shows it."""
    given = text.encode() if isinstance(text, str) else text
    done = subprocess.run(argv, input=given, stdin=subprocess.DEVNULL if given is None else None,
                          timeout=timeout, capture_output=True, check=False)
    output, complaint = (part.decode("utf-8", "replace") for part in (done.stdout, done.stderr))
    assert done.returncode == 0, f"{' '.join(argv)} exited with {done.returncode}: {output}{complaint}"
    return output


class PostfixServer:
    """One private instance. A context manager: entering makes and starts it, leaving stops and removes it."""

    mta = "postfix"

    def __init__(self, sink: Sink, *, name: str = "postfix", settings: dict[str, str] | None = None,
                 started: bool = True, place: str | None = None) -> None:
        """`name` is its syslog_name; `settings` go into main.cf over the defaults above; `place` is not /tmp."""
        self._place = place
        self.sink, self.name, self.settings, self._started = sink, name, dict(settings or {}), started
        self.port = 0
        self.directory = Path()
        self._sbin = ""
        self._seen = 0
        self._master: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        # not pytest's tmp_path: user postfix must be able to enter it
        self.directory = Path(tempfile.mkdtemp(prefix="smtpq-postfix-", dir=self._place))
        try:
            self.directory.chmod(0o755)
            self._configure()
            if self._started:
                self.start()
        except BaseException:
            self.dispose()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    # --- where things are ---

    @property
    def config_directory(self) -> Path:
        """What `postfix -c` gets; main.cf and master.cf are here."""
        return self.directory / "etc"

    @property
    def queue_directory(self) -> Path:
        """The spool."""
        return self.directory / "queue"

    @property
    def log(self) -> Path:
        """The log file, written by postlogd."""
        return self.directory / "log" / "mail.log"

    def postconf(self, parameter: str) -> str:
        """The value of a parameter of this instance."""
        return command(["postconf", "-c", str(self.config_directory), "-h", parameter]).strip()

    # --- life ---

    def start(self) -> None:
        """Start the mail system and wait until it listens."""
        assert self._master is None, "is already running"
        for _ in range(5):  # another program may be faster at the chosen port
            self._write_master()
            self._seen = self.log.stat().st_size
            with (self.directory / "master.out").open("wb") as output:
                self._master = subprocess.Popen(
                    [f"{self._sbin}/master", "-c", str(self.config_directory), "-s"],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                    env={"PATH": os.environ["PATH"], "MAIL_CONFIG": str(self.config_directory)})
            self._guard = Guard(self._master.pid, self.directory)
            if wait_for(lambda: self._answers() or self._died(), 30) == "answers":
                return
            self._gone()
        raise AssertionError(f"Postfix did not start: {self._tail()}")

    def stop(self) -> None:
        """Stop the mail system; nothing happens if it does not run."""
        if self._master is None:
            return
        self._master.send_signal(signal.SIGTERM)
        try:
            self._master.wait(20)
        except subprocess.TimeoutExpired:
            self._master.kill()
        self._gone()
        wait_for(lambda: not self.processes() or self._kill_rest(), 20)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Let the daemons read main.cf again."""
        command(["postfix", "-c", str(self.config_directory), "reload"])

    def configure(self, **settings: str) -> None:
        """Change parameters in main.cf; `reload` or `restart` makes them count."""
        command(["postconf", "-c", str(self.config_directory), *(f"{k}={v}" for k, v in settings.items())])
        self._backdate("main.cf")

    def dispose(self) -> None:
        """Stop and remove everything."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """The processes of this instance: those that work inside its queue directory."""
        found, home = [], os.path.realpath(self.queue_directory)
        for process in psutil.process_iter():
            try:
                if process.cwd() == home and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    # --- mail in ---

    def inject(self, count: int, mix: str | Sequence[str] | dict[str, int] = "defer", *, seed: int = 1,
               parallel: int = 8) -> list[Mail]:
        """Hand `count` messages over by SMTP and return them; deliveries go on when this returns."""
        mails = [mail(i, weights(mix), seed) for i in range(count)]
        inject(self.port, mails, parallel=parallel)
        return mails

    def send(self, *mails: Mail) -> None:
        """Hand these messages over by SMTP."""
        inject(self.port, mails)

    def sendmail(self, content: str | bytes, *recipients: str, sender: str = "root@sender.example") -> None:
        """Hand a message over by sendmail; with no recipients given, those of its header (-t)."""
        argv = ["/usr/sbin/sendmail", "-C", str(self.config_directory), "-i", "-f", sender]
        command([*argv, *(["--", *recipients] if recipients else ["-t"])], text=content)

    # --- what postqueue and postsuper do ---

    def flush(self) -> None:
        """Try everything that is deferred now."""
        command(["postqueue", "-c", str(self.config_directory), "-f"])

    def postsuper(self, option: str, *queue_ids: str) -> None:
        """Call postsuper: -h hold, -H release, -e expire, -f the same and flush, -r requeue, -d delete."""
        text = "".join(f"{queue_id}\n" for queue_id in queue_ids)
        command(["postsuper", "-c", str(self.config_directory), option, "-" if text else "ALL"], text=text)

    def listing(self) -> list[dict[str, Any]]:
        """The queue as `postqueue -j` tells it."""
        lines = command(["postqueue", "-c", str(self.config_directory), "-j"]).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    # --- looking into the spool ---

    def files(self, queue: str) -> list[Path]:
        """The queue files of one queue, unsorted."""
        return [p for p in (self.queue_directory / queue).rglob("*") if p.is_file()]

    def count(self, queue: str) -> int:
        """Number of queue files in one queue, cheaply."""
        root = self.queue_directory / queue
        return sum(len(names) for _, _, names in os.walk(root))

    def wait_idle(self, seconds: float = 60.0) -> None:
        """Wait until nothing comes in and no delivery runs: what is left is deferred, held or corrupt."""
        self._wait_empty(("maildrop", "incoming", "active"), seconds)

    def resolve(self, domain: str = WITHOUT_ADDRESS, address: str = "127.0.0.2") -> None:
        """Give a name without an address one."""
        with (self.queue_directory / "etc" / "hosts").open("a") as hosts:
            hosts.write(f"{address} mx1.{domain}.example\n")

    def drain(self, seconds: float = 60.0) -> None:
        """Let the sink accept everything, try everything, and wait until the queue is empty."""
        self.sink.accept_all()
        self.resolve()
        self.flush()
        self._wait_empty(("maildrop", "deferred", "incoming", "active"), seconds)

    # --- inside ---

    def _wait_empty(self, queues: Sequence[str], seconds: float) -> None:
        """Wait until ``queues`` are empty at one moment, and the log tells of it.

        They are named the way mail moves, and looked at twice.
        """
        def empty() -> bool:
            return not any(self.count(q) for q in queues)
        wait_for(lambda: empty() and quiet(self.log) and empty(), seconds, every=0.05)

    def _configure(self) -> None:
        owner = pwd.getpwnam("postfix")
        for part in ("etc", "queue/etc", "data", "log"):
            (self.directory / part).mkdir(parents=True)
        self.log.touch()
        # postsuper writes the log as user postfix
        for path in (self.directory / "data", self.directory / "log", self.log):
            os.chown(path, owner.pw_uid, -1)
        for name in ("dynamicmaps.cf", "postfix-files"):
            shutil.copy(f"/etc/postfix/{name}", self.config_directory)
        main = {
            **MAIN,
            "queue_directory": str(self.queue_directory),
            "data_directory": str(self.directory / "data"),
            "maillog_file": str(self.log),
            "maillog_file_prefixes": str(self.directory),
            "syslog_name": self.name,
            "transport_maps": f"texthash:{self.config_directory}/transport",
            **self.settings,
        }
        (self.config_directory / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
        (self.config_directory / "transport").write_text("\n".join(routes("postfix", self.sink.port)) + "\n")
        self._backdate("main.cf", "transport")
        root = self.queue_directory / "etc"
        (root / "hosts").write_text("\n".join(routes("hosts", self.sink.port)) + "\n")
        (root / "nsswitch.conf").write_text("hosts: files\n")
        (root / "resolv.conf").write_text("")
        shutil.copy("/etc/services", root)
        self._sbin = command(["postconf", "-d", "-h", "daemon_directory"]).strip()
        self._write_master()
        self._make_spool()

    def _backdate(self, *names: str) -> None:
        """Every Postfix program waits until a file is two seconds old before it reads it; tests do not."""
        for name in names:
            os.utime(self.config_directory / name, (time.time() - 10,) * 2)

    def _make_spool(self) -> None:
        """Make the directories that the package's own list names; ten times faster than `postfix check`."""
        places = {"$queue_directory": self.queue_directory, "$data_directory": self.directory / "data"}
        for line in (self.config_directory / "postfix-files").read_text().splitlines():
            path, kind, owner, group, mode, *_ = [*line.split(":"), *[""] * 5]
            place, _, rest = path.partition("/")
            if place not in places or kind != "d":
                continue
            made = places[place] / rest
            made.mkdir(exist_ok=True)
            made.chmod(int(mode, 8))
            shutil.chown(made, {"$mail_owner": "postfix"}.get(owner, owner),
                         {"$setgid_group": "postdrop", "-": None}.get(group, group))

    def _write_master(self) -> None:
        """master.cf: the packaged one on a port of its own, with a chroot for smtp(8) alone."""
        self.port, lines = free_port(), []
        for line in (SHARE / "master.cf.dist").read_text().splitlines():
            words = line.split()
            if line.startswith((" ", "\t", "#")) or len(words) < 8:  # a comment, or the line above goes on
                lines.append(line)
                continue
            words[4] = "y" if words[0] in ("smtp", "relay") and words[1] == "unix" else "n"
            if words[1] == "inet":
                words[0] = f"127.0.0.1:{self.port}"
            lines.append(" ".join(words))
        (self.config_directory / "master.cf").write_text("\n".join(lines) + "\n")

    def _answers(self) -> str:
        """Whether the master listens. It says so in its log: no connection of ours shall stand there."""
        with self.log.open("rb") as log:
            log.seek(self._seen)
            return "answers" if b": daemon started -- " in log.read() else ""

    def _gone(self) -> None:
        assert self._master
        assert self._guard
        self._master.wait(20)
        self._guard.release()
        self._master = self._guard = None

    def _died(self) -> str:
        return "died" if self._master is None or self._master.poll() is not None else ""

    def _tail(self) -> str:
        return (self.log.read_text("utf-8", "replace") + (self.directory / "master.out").read_text())[-2000:]

    def _kill_rest(self) -> bool:
        """What does not leave with its master: end it (a delivery that hangs in a connection)."""
        for process in self.processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        return False


def logged(server: PostfixServer, words: Iterable[str]) -> list[str]:
    """The lines of the server's log so far that hold all `words`."""
    wanted = list(words)
    lines = server.log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if all(word in line for word in wanted)]
