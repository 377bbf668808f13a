"""Real Nagios 4, Icinga 2 and NRPE that run the shipped definitions every second, each in its directory."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from tests.checks import nagios
from tests.servers.guard import Guard
from tests.servers.needs import find
from tests.servers.sink import free_port
from tests.wait import wait_for

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


class Seen(NamedTuple):
    """What a monitoring system knows about one service."""

    state: str
    output: str
    perfdata: str
    long_output: str = ""


class Monitor:
    """A daemon: entering starts it and waits until it has checked once; leaving ends it and its children."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.directory = Path(tempfile.mkdtemp(prefix="smtpq-monitor-"))
        self.directory.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def argv(self) -> list[str]:
        """Its command line; also writes what it reads."""
        raise NotImplementedError

    def seen(self, plugin: str) -> Seen | None:
        """What it knows about a plugin's service now; None before the first result."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """The end of what it printed."""
        return (self.directory / "output").read_text("utf-8", "replace")[-3000:]

    def __enter__(self) -> Self:
        with (self.directory / "output").open("wb") as output:
            self._process = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                cwd="/", env={"PATH": "/usr/bin:/bin"})
        self._guard = Guard(self._process.pid, self.directory)
        try:
            wait_for(self._ready, 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _ready(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log
        return self.seen("queue") is not None

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.release()
        shutil.rmtree(self.directory, ignore_errors=True)


class Nagios(Monitor):
    """Nagios 4 with interval_length=1; read back from its status.dat."""

    services: ClassVar = {"queue": "SMTP queue", "deferrals": "SMTP deferrals", "growth": "SMTP queue growth",
                          "latency": "SMTP latency", "host": "SMTP host", "exporter": "SMTP exporter"}

    def argv(self) -> list[str]:
        """In the foreground."""
        return [str(find("nagios4")), str(nagios.nagios(self.directory, self.url))]

    def seen(self, plugin: str) -> Seen | None:
        """The block of the service in status.dat."""
        try:
            text = (self.directory / "status.dat").read_text("utf-8")
        except FileNotFoundError:
            return None
        for block in re.findall(r"^servicestatus \{\n(.*?)^\t\}", text, re.MULTILINE | re.DOTALL):
            fact = dict(line.strip().split("=", 1) for line in block.splitlines() if "=" in line)
            if fact["service_description"] == self.services[plugin] and fact["has_been_checked"] == "1":
                return Seen(STATES[int(fact["current_state"])], fact["plugin_output"],
                            fact["performance_data"], fact["long_plugin_output"])
        return None


WRITER = """
library "perfdata"
object PerfdataWriter "back" {{
  rotation_interval = 1s
  service_perfdata_path = "{d}/back/service"
  service_temp_path = "{d}/back/temporary-service"
  host_perfdata_path = "{d}/back/host"
  host_temp_path = "{d}/back/temporary-host"
  service_format_template = "%%$service.name$@$service.state$@$service.perfdata$@$service.output$"
}}
"""


class Icinga(Monitor):
    """Icinga 2, checking each second; read back by its own PerfdataWriter, after it parsed the numbers."""

    services: ClassVar = {"queue": "smtp-queue", "deferrals": "smtp-deferrals", "growth": "smtp-queue-growth",
                          "latency": "smtp-latency", "host": "smtp-host", "exporter": "smtp-exporter"}

    def argv(self) -> list[str]:
        """In the foreground."""
        argv = nagios.icinga(self.directory, self.url, host="")
        (self.directory / "back").mkdir()
        services = self.directory / "smtpq-services.conf"
        services.write_text(re.sub(r"_interval = \w+", "_interval = 1s", services.read_text()))
        with (self.directory / "icinga2.conf").open("a") as main:
            main.write(WRITER.format(d=self.directory))
        return argv

    def seen(self, plugin: str) -> Seen | None:
        """The newest line about the service."""
        files = sorted((self.directory / "back").glob("service.*"), key=lambda path: int(path.suffix[1:]))
        for old in files[:-60]:
            old.unlink(missing_ok=True)
        for path in reversed(files[-60:]):
            for result in reversed(path.read_text("utf-8").split("%%")[1:]):
                name, state, perfdata, output = result.split("@", 3)
                if name == self.services[plugin]:
                    first, _, rest = output.partition("\n")
                    return Seen(state, first, perfdata, rest)
        return None


NRPE_CONFIG = """\
server_address=127.0.0.1
server_port={port}
allowed_hosts=127.0.0.1
nrpe_user={user}
nrpe_group={user}
pid_file={d}/nrpe.pid
dont_blame_nrpe=0
command_timeout=30
include={d}/smtpq.cfg
"""


class Nrpe(Monitor):
    """The NRPE server; asked by check_nrpe each time."""

    def argv(self) -> list[str]:
        """In the foreground, without TLS; the plugins lie elsewhere and the exporter on another port."""
        self.port = free_port()
        text = (nagios.PLUGINS / "nrpe" / "smtpq.cfg").read_text()
        mine = rf"={nagios.PLUGINS}/\1 --url {self.url}"
        text = re.sub(r"=/usr/lib/nagios/plugins/(check_\w+)", mine, text)
        (self.directory / "smtpq.cfg").write_text(text)
        config = self.directory / "nrpe.cfg"
        config.write_text(NRPE_CONFIG.format(port=self.port, user="nagios", d=self.directory))
        shutil.chown(self.directory, "nagios")
        return [str(find("nrpe")), "-n", "-f", "-c", str(config)]

    def seen(self, plugin: str) -> Seen | None:
        """The answer now."""
        done = subprocess.run(
            [str(find("check_nrpe")), "-n", "-H", "127.0.0.1", "-p", str(self.port), "-t", "15",
             "-c", f"check_smtpq_{plugin}"],
            capture_output=True, text=True, timeout=30, check=False)
        if "refused" in done.stdout + done.stderr:
            return None
        first, _, rest = done.stdout.partition("\n")
        output, _, perfdata = first.partition(" | ")
        return Seen(STATES[done.returncode], output, perfdata.strip(), rest)
