"""Real queues of Exim, Sendmail and OpenSMTPD: the plugins say the truth, asked directly and by an exporter.

Debian's own check_mailq (2.3.3) stands beside them where it says OK to the same queue. Directly means: the plugin runs
in the server's world as it would on its host, and finds everything by itself.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.checks.clock import AheadExporter
from tests.checks.readers import check_rules, sensu
from tests.conftest import running
from tests.mta.opensmtpd.server import LocalServer
from tests.mta.sendmail.manyqueues import ManyQueues
from tests.servers.exim import EximServer
from tests.servers.needs import find
from tests.servers.overlay import OverlayServer

CHECKS = Path(__file__).parents[2] / "checks"
CONFIG = """
sampling: {{interval: 1s, timeout: 10s, duty: 100%}}
mtas:
  - mta: {s.mta}
    name: {s.mta}
    queue_directory: {s.spool}
    logs: [{s.log}]
    options: {{{options}}}
"""
OPTIONS = {
    "exim": "exim_path: {s.bin}/exim, pid_file_path: {s.root}/run/exim4/exim.pid",
    "sendmail": "sendmail_path: {s.bin}/sendmail, client_queue_directory: {s.root}/var/spool/clientmqueue, "
                "queue_directories: '{s.spool}/q*', pid_file: {s.root}/run/sendmail/mta/sendmail.pid",
    "opensmtpd": "smtpctl_path: {s.bin}/smtpctl, control_socket: {s.root}/run/smtpd.sock",
}
#: A line without meaning, in each form of log: as if the log had begun ten minutes ago.
OLDER = {"exim": "{:%Y-%m-%d %H:%M:%S} Start queue run: pid=77\n",
         "sendmail": "{:%b %e %H:%M:%S} mail sm-mta[77]: starting daemon\n",
         "opensmtpd": "{:%b %e %H:%M:%S} mail smtpd[77]: info: OpenSMTPD starting\n"}


class Scene:
    """A server and an exporter that watches it from outside its world."""

    def __init__(self, server: OverlayServer, exporter: AheadExporter) -> None:
        self.server, self.exporter = server, exporter

    def direct(self, plugin: str, *words: str) -> tuple[str, int]:
        """Output and exit code of a plugin in the server's world, the rules checked."""
        return run(self.server.argv(f"{CHECKS}/check_smtpq_{plugin}", "--source", "mta", "-M", self.server.mta, *words))

    def asked(self, plugin: str, *words: str) -> tuple[str, int]:
        """The same by the exporter."""
        return run([f"{CHECKS}/check_smtpq_{plugin}", "--url", self.exporter.url, *words])

    def both(self, plugin: str, *words: str) -> list[tuple[str, int]]:
        """The answers of both ways, after the exporter has read the queue once more."""
        self.exporter.passes(61)
        return [self.direct(plugin, *words), self.asked(plugin, *words)]

    def check_mailq(self, kind: str) -> tuple[str, int]:
        """What Debian's check_mailq says in the same place with the same limits."""
        argv = self.server.argv(str(find("check_mailq")), "-M", kind, "-w", "100", "-c", "500")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout, done.returncode

    def older_log(self) -> str:
        """Path in the world of a log that began ten minutes ago and ends with all that really happened."""
        moment = datetime.fromtimestamp(time.time() - 600, UTC).astimezone()
        text = OLDER[self.server.mta].format(moment) + self.server.log.read_text("utf-8", "replace")
        (self.server.directory / "log" / "older.log").write_text(text)
        return "/var/log/mta/older.log"


def run(argv: list[str]) -> tuple[str, int]:
    """Output and exit code; the rules hold and stderr is empty."""
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL, cwd="/")
    assert done.stderr == b""
    text = done.stdout.decode()
    check_rules(text, done.returncode)
    return text, done.returncode


@contextmanager
def scene(kind: Callable[..., OverlayServer]) -> Iterator[Scene]:
    """A running server, and an exporter that knew it while its queue was empty."""
    with running(kind) as server:  # type: ignore[arg-type]
        config = CONFIG.format(s=server, options=OPTIONS[server.mta].format(s=server))
        with AheadExporter(config) as exporter:
            exporter.passes(61)
            yield Scene(server, exporter)


@pytest.fixture(scope="module")
def exim() -> Iterator[Scene]:
    """150 messages that greylisting keeps: 40 are frozen, 120 lie in a named queue."""
    with scene(EximServer) as made:
        made.server.inject(150, {"greylist": 1})
        made.server.wait_idle()
        ids = sorted(path.name[:-2] for path in made.server.spool.glob("input/*/*-H"))
        made.server.run("exim4", "-Mf", *ids[:40])
        made.server.run("exim4", "-MG", "bulk", *ids[30:])
        made.server.wait_idle()
        yield made


@pytest.fixture(scope="module")
def sendmail() -> Iterator[Scene]:
    """Two queue directories that are empty at first, and 12 messages in the submission queue."""
    with scene(ManyQueues) as made:
        made.server.run("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo hi | "
                        "sendmail -Ac -i -f me@sender.example bob$i@greylist.example; done")
        yield made


@pytest.fixture(scope="module")
def opensmtpd() -> Iterator[Scene]:
    """150 messages that greylisting keeps."""
    with scene(LocalServer) as made:
        made.server.inject(150, {"greylist": 1})
        made.server.wait_idle()
        yield made


@pytest.mark.server("exim")
def test_exim_queue(exim: Scene) -> None:
    """All messages are counted, in whatever queue, and the frozen ones are known."""
    for text, code in exim.both("queue", "-v"):
        assert code == 1
        assert "exim: 150 messages (above 100)" in text
        numbers = sensu(text)
        assert (numbers["messages"], numbers["held"], numbers["default"], numbers["bulk"]) == (150, 40, 30, 120)
    for text, code in exim.both("queue", "-w", "none", "--held-critical", "20"):
        assert (code, "40 held (above 20)" in text) == (2, True)


@pytest.mark.server("exim", "monitoring-plugins")
def test_exim_queue_that_check_mailq_calls_ok(exim: Scene) -> None:
    """check_mailq reads what `mailq` lists: named queues are not in it."""
    text, code = exim.check_mailq("exim")
    assert (code, "exim mailq (30)" in text) == (0, True), text
    assert exim.direct("queue")[1] == 1


@pytest.mark.server("sendmail", "monitoring-plugins")
def test_sendmail_submission_queue_that_check_mailq_calls_empty(sendmail: Scene) -> None:
    """monitoring-plugins #972, for real: what could not be handed to the daemon is mail that waits."""
    text, code = sendmail.check_mailq("sendmail")
    assert (code, text.startswith("OK: sendmail mailq is empty")) == (0, True), text
    for said, state in sendmail.both("queue", "-w", "10"):
        assert (state, "sendmail: 12 messages (above 10)" in said) == (1, True), said
        assert sensu(said)["clientmqueue"] == 12


@pytest.mark.server("sendmail")
def test_sendmail_queue(sendmail: Scene) -> None:
    """Many deferred messages in several directories."""
    sendmail.server.inject(600, {"greylist": 1})
    sendmail.server.wait_idle()
    for text, code in sendmail.both("queue", "-v"):
        assert code == 2
        assert "sendmail: 612 messages (above 500)" in text
        assert "mostly greylisted" in text
        numbers = sensu(text)
        assert (numbers["mqueue"], numbers["clientmqueue"]) == (600, 12)


@pytest.mark.server("opensmtpd")
def test_opensmtpd_queue(opensmtpd: Scene) -> None:
    """All messages are counted."""
    for text, code in opensmtpd.both("queue", "-v"):
        assert code == 1
        assert "opensmtpd: 150 messages (above 100)" in text
        assert sensu(text)["mta"] == 150


@pytest.mark.server("opensmtpd", "monitoring-plugins")
def test_opensmtpd_queue_that_check_mailq_calls_empty(opensmtpd: Scene) -> None:
    """check_mailq finds no total in the output of smtpctl, and takes that for 0."""
    text, code = opensmtpd.check_mailq("sendmail")
    assert (code, text.startswith("OK: sendmail mailq is empty")) == (0, True), text
    assert opensmtpd.direct("queue")[1] == 1


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.server(name)) for name in OPTIONS])
def test_deferrals(name: str, request: pytest.FixtureRequest) -> None:
    """The real log, read directly and followed by the exporter, gives the same reason and destination."""
    made: Scene = request.getfixturevalue(name)
    made.exporter.passes(61)
    found = [made.direct("deferrals", "-v", "--log", made.older_log()), made.asked("deferrals", "-v")]
    for text, code in found:
        assert code in (1, 2), text
        assert "mostly greylisted" in text
        assert "to greylist.example" in text
        assert "greylisted: " in text


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.server(name)) for name in OPTIONS])
def test_server_that_was_stopped(name: str, request: pytest.FixtureRequest) -> None:
    """A queue that nobody serves is CRITICAL, however few messages it holds."""
    made: Scene = request.getfixturevalue(name)
    made.server.stop()
    for text, code in made.both("queue", "-w", "none", "-c", "none"):
        assert (code, "mail system is down" in text) == (2, True), text
