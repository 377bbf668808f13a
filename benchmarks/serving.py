"""The daemon over a queue: scrapes, crowds of clients, memory, and a check that asks it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import psutil

from benchmarks import client
from benchmarks.measure import DEBIAN, DIES_WITH_US, OURS, PYTHON, Cost, command, cpu_of
from benchmarks.table import ROOT
from tests.servers.sink import free_port

CONFIGURATION = """
sampling:
  interval: 5s
  timeout: 10m
logs:
  enabled: false
mtas:
  - mta: postfix
    config_directory: {config}
    queue_directory: {queue}
    source: spool
"""


class Daemon:
    """smtpq-exporter over one Postfix spool, on a port of its own. A context manager."""

    def __init__(self, config_directory: Path, queue_directory: Path) -> None:
        """`config_directory` and `queue_directory` are those of the Postfix instance."""
        self.port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="smtpq-bench-")
        self._place = Path(self._directory.name)
        text = CONFIGURATION.format(config=config_directory, queue=queue_directory)
        (self._place / "smtpq.yml").write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with (self._place / "out").open("wb") as out:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, PYTHON, "-m", "smtpq_exporter",
                 f"--config.file={self._place}/smtpq.yml", f"--web.listen-address=127.0.0.1:{self.port}"],
                cwd=ROOT, env=OURS, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + 30
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"smtpq-exporter did not start: {self._tail}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(30)
        self._tail = (self._place / "out").read_text("utf-8", "replace")[-2000:]
        self._directory.cleanup()

    def _healthy(self) -> bool:
        try:
            self.get("/metrics")  # 503 in the moment before the first state is published
        except OSError:
            return False
        return True

    def get(self, path: str) -> bytes:
        """The body of a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return bytes(answer.read())

    def messages(self) -> int | None:
        """How many messages its newest sample has; None before the first."""
        try:
            sample: dict[str, Any] = json.loads(self.get("/api/v1/sample"))
        except urllib.error.HTTPError:  # not ready
            return None
        queues = [mta["queue"] for mta in sample["mtas"]]
        if not queues or queues[0] is None:
            return None
        return sum(int(q["messages"]) for q in queues[0]["queues"].values())

    @property
    def process(self) -> psutil.Process:
        """The daemon."""
        assert self._process
        return psutil.Process(self._process.pid)

    def peak(self) -> int:
        """Peak RSS in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024


def serve(config: Path, queue: Path, *, seconds: float = 20.0, limit: float = 300.0) -> dict[str, Any]:
    """Start a daemon over a queue and measure it; latencies in seconds, memory in bytes."""
    with Daemon(config, queue) as daemon:
        stop = threading.Event()
        held: list[client.Scrapes] = []
        watcher = threading.Thread(daemon=True, target=lambda: held.append(
            client.paced(daemon.port, "/metrics", rate=10, stop=stop)))
        watcher.start()
        start = time.monotonic()
        while (messages := daemon.messages()) is None and time.monotonic() - start < limit:
            time.sleep(0.05)
        stop.set()
        watcher.join(30)
        ready = time.monotonic() - start
        first = held[0]
        before = cpu_of([daemon.process])
        steady = client.paced(daemon.port, "/metrics", rate=10, seconds=seconds)
        share = (cpu_of([daemon.process]) - before) / seconds
        crowd = client.parallel(daemon.port, "/metrics", clients=50, requests=20)
        return {
            "messages": messages, "ready": ready, "size": steady.size,
            "first": _plain(first), "steady": _plain(steady), "crowd": _plain(crowd), "cpu_share": share,
            "rss": daemon.process.memory_info().rss, "peak_rss": daemon.peak(),
        }


def _plain(found: client.Scrapes) -> dict[str, Any]:
    return {"n": len(found.latencies), "failures": found.failures,
            "p50": found.p50 if found.latencies else None, "p99": found.p99 if found.latencies else None}


def check(config: Path, queue: Path, runs: int) -> dict[str, Cost]:
    """What starting the check costs, with a daemon that answers; and the bare interpreter beside it."""
    python = DEBIAN if DEBIAN.exists() else sys.executable  # that of the check
    with Daemon(config, queue) as daemon:
        deadline = time.monotonic() + 300
        while daemon.messages() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        argv = [ROOT / "checks" / "check_smtpq_queue", "--source", "exporter",
                "--url", f"http://127.0.0.1:{daemon.port}"]
        return {
            "python": command([python, "-c", "pass"], runs),
            "exporter": command(argv, runs, accept=(0, 1, 2)),
            "mta": command([ROOT / "checks" / "check_smtpq_queue", "--source", "mta", "-d", config],
                           max(2, runs // 5), accept=(0, 1, 2, 3)),
        }
