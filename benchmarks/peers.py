"""The programs that people use today for the same question, on the same queue."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from benchmarks.measure import CLEAN, DIES_WITH_US, Cost, command, cpu_of, named
from tests.servers import needs
from tests.servers.postfix import PostfixServer
from tests.servers.sink import free_port


def showq_of(server: PostfixServer) -> float:
    """CPU that this instance's showq processes have used so far."""
    return cpu_of(named("showq", server.queue_directory))


def listing(server: PostfixServer, runs: int) -> Cost:
    """The floor: names of all files of the queue directories, nothing else."""
    return command(["find", server.queue_directory / "deferred", "-type", "f", "-printf", ""], runs)


def postqueue(server: PostfixServer, runs: int) -> Cost:
    """`postqueue -j`."""
    return command(["postqueue", "-c", server.config_directory, "-j"], runs, server=lambda: showq_of(server))


def qshape(server: PostfixServer, runs: int) -> Cost:
    """`qshape deferred`, from the queue files."""
    return command(["qshape", "-c", server.config_directory, "deferred"], runs)


def check_mailq(server: PostfixServer, runs: int) -> Cost | None:
    """The plugin of monitoring-plugins; None if it is not installed."""
    program = needs.find("check_mailq")
    if program is None:
        return None
    argv = [program, "-M", "postfix", "-w", "1", "-c", "2", "-t", "120", "-d", server.config_directory]
    return command(argv, runs, server=lambda: showq_of(server), accept=(0, 1, 2))


def exporter(server: PostfixServer, runs: int) -> Cost | None:
    """One scrape of Debian's prometheus-postfix-exporter; None if it is not installed."""
    program = needs.find("prometheus-postfix-exporter")
    if program is None:
        return None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="smtpq-bench-") as place:
        log = Path(place) / "mail.log"
        log.touch()
        process = subprocess.Popen(
            [*DIES_WITH_US, program, f"--web.listen-address=127.0.0.1:{port}",
             f"--postfix.logfile_path={log}", f"--postfix.showq_path={server.queue_directory}/public/showq"],
            env=CLEAN, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return _scrape(psutil.Process(process.pid), server, port, runs)
        finally:
            process.terminate()
            process.wait(20)


def _scrape(process: psutil.Process, server: PostfixServer, port: int, runs: int) -> Cost:
    deadline = time.monotonic() + 20
    while True:  # the first answer also waits until it listens
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120).read()
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    walls, owns = [], []
    asked = showq_of(server)
    for _ in range(runs):
        own, start = cpu_of([process]), time.perf_counter()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120).read()
        walls.append(time.perf_counter() - start)
        owns.append(cpu_of([process]) - own)
    status = Path(f"/proc/{process.pid}/status").read_text()
    rss = int(status.split("VmHWM:")[1].split()[0]) * 1024
    asked = max(0.0, showq_of(server) - asked) / runs
    return Cost(statistics.median(walls), statistics.median(owns), asked, rss, runs)


PEERS = {
    "bare listing (find)": listing,
    "postqueue -j": postqueue,
    "qshape deferred": qshape,
    "check_mailq": check_mailq,
    "prometheus-postfix-exporter": exporter,
}
