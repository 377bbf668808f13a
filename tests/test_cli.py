"""The real program as a process: flags, ways to run, signals, faults."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import spoolmaker
from tests.wait import wait_for
from tests.web.client import get

PROGRAM = [sys.executable, "-m", "smtpq_exporter"]
#: No process of these tests lives longer, seconds.
PATIENCE = 60


def environment(**more: str) -> dict[str, str]:
    """An environment without settings of the machine that runs the tests."""
    left_out = ("SMTPQ_", "NOTIFY_", "LISTEN_", "WATCHDOG_", "JOURNAL_", "STATE_DIRECTORY")
    return {**{key: value for key, value in os.environ.items() if not key.startswith(left_out)}, **more}


def run(*flags: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        [*PROGRAM, *flags],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration for a small spool that nobody else uses."""
    spoolmaker.make(tmp_path)
    path = tmp_path / "smtpq.yml"
    path.write_text(
        f"mtas: [{{mta: postfix, source: spool, queue_directory: {tmp_path}/spool, "
        f"logs: [{tmp_path}/mail.log]}}]\n"
        f"sampling: {{interval: 1s}}\nlogs: {{start: beginning, state_directory: {tmp_path}/state}}\n"
    )
    (tmp_path / "state").mkdir()
    return path


class Running:
    """The daemon in the background; everything that it writes is kept."""

    def __init__(self, *flags: str, **more: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "--web.listen-address=127.0.0.1:0", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(PYTHONUNBUFFERED="1", **more),
            stdin=subprocess.DEVNULL,
        )
        self.said: list[str] = []
        self.logged: list[str] = []
        self._readers = [
            threading.Thread(target=self._keep, args=(pipe, kept), daemon=True)
            for pipe, kept in ((self.process.stdout, self.said), (self.process.stderr, self.logged))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _keep(pipe: object, kept: list[str]) -> None:
        kept.extend(pipe)  # type: ignore[call-overload]

    @property
    def output(self) -> str:
        """Standard output so far."""
        return "".join(self.said)

    @property
    def log(self) -> str:
        """Standard error so far."""
        return "".join(self.logged)

    def port(self) -> int:
        """The port, as the start-up message tells it."""
        found = wait_for(
            lambda: self.process.poll() is not None or re.search(r":(\d+)/metrics", self.output), PATIENCE
        )
        assert isinstance(found, re.Match), self.log
        return int(found[1])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code


@contextlib.contextmanager
def running(*flags: str, **more: str) -> Iterator[Running]:
    """A daemon that is killed at the end of the test, whatever happens."""
    daemon = Running(*flags, **more)
    try:
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
        daemon.process.wait(PATIENCE)
        for pipe in (daemon.process.stdout, daemon.process.stderr):
            if pipe is not None:
                pipe.close()


def metrics(port: int) -> str:
    """The exposition."""
    return get(port, "/metrics").content.decode()  # type: ignore[attr-defined, no-any-return]


def test_help_explains_every_flag() -> None:
    """--help names all flags, the addresses, signals and exit codes."""
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    from smtpq_exporter.flags import parser

    for action in parser()._actions:
        assert action.option_strings[-1] in done.stdout
        assert action.help
    for word in ("/metrics", "SIGHUP", "exit codes", "SMTPQ_", "--demo"):
        assert word in done.stdout


def test_version() -> None:
    """--version is one line."""
    assert re.fullmatch(r"smtpq-exporter \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize(
    "flags",
    [
        ["--nonsense"],
        ["--web.listen-address=nowhere"],
        ["--textfile.interval=1m"],
        ["--once", "--textfile=x"],
        ["--log.level=loud"],
        ["--textfile=x", "--textfile.interval=often"],
        ["--demo=perhaps"],
    ],
)
def test_wrong_flags(flags: list[str]) -> None:
    """Wrong flags end with 2 and one message."""
    done = run(*flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_flags_from_the_environment(config: Path) -> None:
    """A variable stands for its flag; the flag goes before it."""
    assert run("--config.check", SMTPQ_CONFIG_FILE="/none.yml").returncode == 1
    assert run("--config.check", f"--config.file={config}", SMTPQ_CONFIG_FILE="/none.yml").returncode == 0
    done = run("--config.check", SMTPQ_LOG_LEVEL="loud")
    assert (done.returncode, "invalid choice: 'loud'" in done.stderr) == (2, True)


def test_config_check(config: Path, tmp_path: Path) -> None:
    """A good file is OK with 0; a bad one ends with 1, and one line names file, key and remedy."""
    done = run("--config.check", f"--config.file={config}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "config OK\n", "")
    bad = tmp_path / "bad.yml"
    bad.write_text("sampling:\n  intervall: 15s\n")
    done = run("--config.check", f"--config.file={bad}")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == f"smtpq-exporter: {bad}: sampling.intervall: unknown key; did you mean 'interval'?\n"
    )
    bad.write_text("web:\n  config_file: none.yml\n")
    done = run("--config.check", f"--config.file={bad}")
    assert (done.returncode, f"{tmp_path}/none.yml: cannot be used" in done.stderr) == (1, True)


def test_once_prints_metrics(config: Path) -> None:
    """--once prints the exposition and nothing else."""
    done = run("--once", f"--config.file={config}")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'smtpq_queue_messages{mta="postfix",mta_instance="postfix",queue="deferred"} 5\n' in done.stdout
    assert 'smtpq_log_messages_received_total{mta="postfix",mta_instance="postfix"} 2\n' in done.stdout


def test_once_counts_go_on(config: Path) -> None:
    """Counters of the log go on from run to run: each line counts once."""
    line = 'smtpq_log_messages_received_total{mta="postfix",mta_instance="postfix"} '
    assert f"{line}2\n" in run("--once", f"--config.file={config}").stdout
    assert f"{line}2\n" in run("--once", f"--config.file={config}").stdout


def test_once_without_permission_says_so(tmp_path: Path) -> None:
    """A queue that cannot be read gives no numbers, success 0, and exit code 3."""
    path = tmp_path / "smtpq.yml"
    path.write_text(f"mtas: [{{mta: postfix, source: spool, queue_directory: {tmp_path}/none, logs: []}}]\n")
    done = run("--once", f"--config.file={path}")
    assert done.returncode == 3
    assert "smtpq_queue_messages" not in done.stdout
    assert 'smtpq_source_success{mta="postfix",mta_instance="postfix",source="spool"} 0\n' in done.stdout
    assert "cannot read" in done.stderr


def test_the_daemon_says_what_it_found_and_serves_it(config: Path) -> None:
    """The start-up message tells what is read, how, why, and where to look; SIGTERM ends with 0."""
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        assert "queue  read by spool every 1s" in daemon.output
        assert "found  named in the configuration" in daemon.output
        assert re.search(r"now    10 messages wait, the oldest for 2d 7h", daemon.output)
        wait_for(lambda: 'queue="deferred"} 5\n' in metrics(port), PATIENCE)
        assert get(port, "/-/healthy").status == 200
        assert get(port, "/-/ready").status == 200
        assert "Mail is late" in get(port).content.decode()  # type: ignore[attr-defined]
        assert daemon.end() == 0
    assert "Traceback" not in daemon.log


def test_sigint_ends_it_too(config: Path) -> None:
    """Ctrl-C is a clean end."""
    with running(f"--config.file={config}") as daemon:
        daemon.port()
        assert daemon.end(signal.SIGINT) == 0
        assert "Traceback" not in daemon.log


def test_sigterm_before_the_first_reading(config: Path) -> None:
    """It can be ended at any moment of its start."""
    with running(f"--config.file={config}") as daemon:
        wait_for(
            lambda: daemon.process.poll() is not None or daemon.said or _catches(daemon.process.pid), PATIENCE
        )
        assert daemon.end() == 0


def _catches(pid: int) -> bool:
    """Whether a process has set up its signal handlers: SIGTERM is number 15."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"SigCgt:\s*([0-9a-f]+)", status)
    return found is not None and bool(int(found[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_changes_of_the_queue_are_seen(config: Path) -> None:
    """What leaves the queue is gone after the next reading."""
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        for path in (config.parent / "spool" / "hold").iterdir():
            path.unlink()
        wait_for(lambda: 'queue="hold"} 0\n' in metrics(port), PATIENCE)


def test_parallel_scrapes_cause_no_reading(config: Path) -> None:
    """However many scrapes there are, the number of readings does not follow them."""
    config.write_text(config.read_text().replace("interval: 1s", "interval: 1h"))
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        with ThreadPoolExecutor(20) as pool:
            bodies = list(pool.map(lambda _: metrics(port), range(200)))
        last = {re.search(r'last_success[^\n]*source="spool"\} (\S+)', body)[1] for body in bodies}  # type: ignore[index]
        assert len(last) == 1


def test_a_port_in_use(config: Path) -> None:
    """The program ends with 1 and one line that says who and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Address already in use; another program listens there" in done.stderr
    assert "Traceback" not in done.stderr


def test_reload_by_signal_and_by_http(config: Path) -> None:
    """A new configuration is taken over; a bad one is refused, shown, and the old one goes on."""
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        good = config.read_text()
        config.write_text(good.replace("mta: postfix", "mta: postfix, name: renamed"))
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: 'mta_instance="renamed",queue="deferred"} 5' in metrics(port), PATIENCE)
        assert 'mta_instance="postfix"' not in metrics(port)
        config.write_text("nonsense: 1\n")
        refused = get(port, "/-/reload", "POST")
        assert refused.status == 500
        assert b"nonsense: unknown key" in refused.content  # type: ignore[attr-defined]
        assert "smtpq_config_last_reload_successful 0\n" in metrics(port)
        assert 'mta_instance="renamed",queue="deferred"} 5' in metrics(port)
        config.write_text(good)
        assert get(port, "/-/reload", "POST").status == 200
        assert "smtpq_config_last_reload_successful 1\n" in metrics(port)
        assert daemon.end() == 0
        assert "the old configuration is kept" in daemon.log


def test_a_reload_keeps_the_counters_of_the_log(config: Path) -> None:
    """Another interval makes another follower; it goes on where the old one stood, with the same counters."""
    line = 'smtpq_log_messages_received_total{mta="postfix",mta_instance="postfix"} 2\n'
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        wait_for(lambda: line in metrics(port), PATIENCE)
        config.write_text(config.read_text().replace("interval: 1s", "interval: 2s"))
        assert get(port, "/-/reload", "POST").status == 200
        changed = 'smtpq_source_interval_seconds{mta="postfix",mta_instance="postfix",source="spool"} 2\n'
        wait_for(lambda: changed in metrics(port) and line in metrics(port), PATIENCE)
        assert daemon.end() == 0


def test_a_reader_of_the_output_may_leave(config: Path) -> None:
    """`--once | head -1` and a closed terminal are no errors to talk about."""
    shell = f"{' '.join(PROGRAM)} --once --config.file={config} | head -1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env=environment(), stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.stdout.startswith("# HELP")
    assert done.stderr == ""


def test_a_failing_source_is_logged_once_and_recovers(config: Path) -> None:
    """One line when it fails, one when it works again, however many readings there are between."""
    spool = config.parent / "spool"
    with running(f"--config.file={config}", "--log.format=json") as daemon:
        port = daemon.port()
        spool.rename(config.parent / "away")
        wait_for(lambda: 'source="spool"} 0\n' in metrics(port), PATIENCE)
        labels = 'kind="unavailable",mta="postfix",mta_instance="postfix",source="spool"'
        count = f"smtpq_source_errors_total{{{labels}}} "
        wait_for(lambda: f"{count}3\n" in metrics(port) or f"{count}4\n" in metrics(port), PATIENCE)
        (config.parent / "away").rename(spool)
        well = 'smtpq_source_success{mta="postfix",mta_instance="postfix",source="spool"} 1\n'
        wait_for(lambda: well in metrics(port), PATIENCE)
        assert daemon.end() == 0
    lines = [json.loads(line) for line in daemon.logged]
    assert len([line for line in lines if "cannot read" in line["msg"]]) == 1
    assert len([line for line in lines if line["msg"] == "recovered"]) == 1


def test_silent_clients_do_not_keep_it_from_ending(config: Path) -> None:
    """Open connections do not delay the end."""
    with running(f"--config.file={config}") as daemon, contextlib.ExitStack() as stack:
        port = daemon.port()
        for _ in range(30):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        assert daemon.end() == 0


def test_textfile_once(config: Path, tmp_path: Path) -> None:
    """The file is whole, readable by others, and nothing is left beside it."""
    directory = tmp_path / "textfile"
    directory.mkdir()
    done = run(f"--config.file={config}", f"--textfile={directory}/smtpq.prom")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in directory.iterdir()] == ["smtpq.prom"]
    assert (directory / "smtpq.prom").stat().st_mode & 0o777 == 0o644
    assert 'queue="deferred"} 5\n' in (directory / "smtpq.prom").read_text()


def test_textfile_without_its_directory(config: Path, tmp_path: Path) -> None:
    """The error says what is missing, and the exit code is not 0."""
    done = run(f"--config.file={config}", f"--textfile={tmp_path}/none/smtpq.prom")
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "make the directory" in done.stderr


def test_textfile_again_and_again(config: Path, tmp_path: Path) -> None:
    """With an interval it is written anew; nothing listens unless an address is given."""
    path = tmp_path / "smtpq.prom"
    with running(f"--config.file={config}", f"--textfile={path}", "--textfile.interval=1s") as daemon:
        port = daemon.port()  # --web.listen-address was given
        first = wait_for(lambda: path.exists() and path.stat().st_ino, PATIENCE)
        wait_for(lambda: path.stat().st_ino != first, PATIENCE)
        assert metrics(port)
        assert daemon.end() == 0


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A socket as systemd offers it, and what was sent to it."""
    path = str(tmp_path / "notify")
    said: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.settimeout(0.1)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    said.append(sock.recv(4096).decode())

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield path, said
        stop.set()
        thread.join(PATIENCE)


def test_systemd_is_told(config: Path, systemd: tuple[str, list[str]]) -> None:
    """READY after the start, RELOADING and READY around a reload, WATCHDOG between, STOPPING at the end."""
    path, said = systemd
    with running(f"--config.file={config}", NOTIFY_SOCKET=path, WATCHDOG_USEC="1000000") as daemon:
        daemon.port()
        assert said[0] == "READY=1"
        wait_for(lambda: said.count("WATCHDOG=1") >= 2, PATIENCE)
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: said.count("READY=1") == 2, PATIENCE)
        assert any(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", line) for line in said)
        assert daemon.end() == 0
        wait_for(lambda: "STOPPING=1" in said, PATIENCE)


def test_a_socket_from_systemd(config: Path) -> None:
    """--web.systemd-socket serves on the socket that was handed over, and says so if there is none."""
    done = run(f"--config.file={config}", "--web.systemd-socket")
    assert done.returncode == 1
    assert "handed over no socket" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        code = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3);"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
            "os.execv(sys.executable, [sys.executable, '-m', 'smtpq_exporter', *sys.argv[2:]])"
        )
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                code,
                str(sock.fileno()),
                f"--config.file={config}",
                "--web.systemd-socket",
            ],
            pass_fds=[sock.fileno()],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert get(port, "/-/healthy").status == 200
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait(PATIENCE)


def test_under_the_journal_lines_begin_with_their_priority(config: Path) -> None:
    """The journal keeps the time and reads the priority."""
    with running(f"--config.file={config}", JOURNAL_STREAM="8:1") as daemon:
        daemon.port()
        daemon.end()
    assert daemon.logged
    assert all(re.match(r"<[3-7]>level=[A-Z]+ msg=", line) for line in daemon.logged)


def test_a_hanging_reader_does_not_keep_it_from_ending(config: Path, tmp_path: Path) -> None:
    """A queue file that blocks (a FIFO in its place) ends neither the scrapes nor the end."""
    fifo = tmp_path / "mail.fifo"
    os.mkfifo(fifo)
    config.write_text(config.read_text().replace(f"{tmp_path}/mail.log", str(fifo)))
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        wait_for(lambda: 'queue="deferred"} 5\n' in metrics(port), PATIENCE)
        begun = time.monotonic()
        assert daemon.end() == 0
        assert time.monotonic() - begun < PATIENCE


def test_garbage_is_answered(config: Path) -> None:
    """A client that does not speak HTTP is told so and harms nobody."""
    with running(f"--config.file={config}") as daemon:
        port = daemon.port()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
            sock.sendall(b"\x00\xff" * 50_000)
            with contextlib.suppress(ConnectionError):
                assert sock.recv(100).startswith(b"HTTP/1.1 4")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        for _ in range(3):  # one connection, kept
            connection.request("GET", "/metrics")
            assert connection.getresponse().read()
        connection.close()
