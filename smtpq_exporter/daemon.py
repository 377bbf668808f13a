"""The daemon's life: start, say what was found, serve until told to end, reload, end cleanly.

Signals: SIGTERM and SIGINT end it (exit 0), SIGHUP reads the configuration again and keeps the old one if the
new one is bad. All waiting is done in the main thread; nothing that hangs keeps the process from ending.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from smtpq_exporter import notify, runtime, startup, textfile
from smtpq_exporter.config import Config
from smtpq_exporter.errors import ConfigError, SourceError
from smtpq_exporter.metrics.exposition import TEXT
from smtpq_exporter.sampler import Sampler
from smtpq_exporter.web import listening
from smtpq_exporter.web.exposed import Exposed
from smtpq_exporter.web.routes import Routes
from smtpq_exporter.web.server import Guard, Server
from smtpq_exporter.wiring import Wiring

log = logging.getLogger(__name__)

#: How long the start-up message waits for the first readings, seconds.
FIRST_LOOK = 5.0
#: How often young garbage is looked for, seconds.
_TIDY = 30.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What the command line decided. `load` reads the configuration anew, flags included."""

    load: Callable[[], Config]
    make_guard: Callable[[Config], Guard]
    systemd_socket: bool = False
    textfile: Path | None = None
    textfile_interval: float = 0.0
    demo: bool = False


class Daemon:
    """One run of the program. `wire` joins a sampler to its sources."""

    def __init__(self, setting: Setting, wire: Callable[[Sampler], Wiring]) -> None:
        self._setting = setting
        self._config = setting.load()
        self._sampler = Sampler(demo=setting.demo)
        self._exposed = Exposed()
        self._sampler.listeners.append(self._exposed.publish)
        self._wiring = wire(self._sampler)
        self._ending, self._hangup = False, False
        # A pipe and no Event: the wait that a signal interrupts may hold the Event's lock, and set() would
        # wait for it in the same thread for ever.
        self._bell, self._rope = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._reloading = threading.Lock()

    def run(self, say: Callable[[str], None] = print) -> int:
        """Serve until a signal ends it; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signal)
        runtime.tune()
        web = self._config.web
        guard = self._setting.make_guard(self._config)
        routes = Routes(
            self._exposed,
            telemetry_path=web.telemetry_path,
            ready=self._sampler.ready,
            reload=self.reload,
            host=socket.gethostname(),
        )
        sockets = (
            listening.inherited()
            if self._setting.systemd_socket
            else [listening.listen(*address) for address in web.listen_addresses]
        )
        http = Server(sockets, routes.answer, guard)
        self._wiring.start(self._config)
        http.start()
        notify.notify("READY=1")
        try:
            self._introduce(http, guard, say)
            self._serve()
        finally:
            notify.notify("STOPPING=1")
            log.info("ending")
            http.stop()
            self._sampler.stop()
        return 0

    def reload(self) -> str:
        """Read the configuration again; returns "" or why the old one is kept."""
        with self._reloading:
            notify.reloading()
            problem = ""
            try:
                config = self._setting.load()
                self._setting.make_guard(config)
                self._wiring.change(config)
                if config.web != self._config.web:
                    log.warning("a change of `web` takes effect at the next start")
                self._config = config
                log.info("configuration reloaded")
            except ConfigError as error:
                problem = str(error)
                log.error("the old configuration is kept: %s", problem)  # noqa: TRY400  (the text says it all)
            self._sampler.reloaded(ok=not problem)
            notify.notify("READY=1")
            return problem

    def _signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._hangup = True
        else:
            self._ending = True
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._rope, b".")

    def _rest(self, seconds: float) -> None:
        """Wait for the time to pass or a signal to come."""
        if select.select([self._bell], [], [], seconds)[0]:
            os.read(self._bell, 4096)

    def _introduce(self, http: Server, guard: Guard, say: Callable[[str], None]) -> None:
        deadline = time.monotonic() + FIRST_LOOK
        while not self._sampler.ready() and not self._ending and time.monotonic() < deadline:
            self._rest(0.05)
        scheme = "http" if guard.context() is None else "https"
        urls = [
            f"{scheme}://{_shown(host)}:{port}" for host, port in http.addresses
        ]
        for line in startup.lines(
            self._sampler.state(), self._wiring.instances, urls, self._config.web.telemetry_path
        ):
            with contextlib.suppress(OSError):  # nobody reads what is said: no reason not to serve
                say(line)

    def _serve(self) -> None:
        watchdog = notify.watchdog_seconds()
        due = {"watchdog": 0.0, "tidy": time.monotonic() + _TIDY, "textfile": 0.0}
        while not self._ending:
            now = time.monotonic()
            if watchdog is not None and now >= due["watchdog"] and self._sampler.alive():
                notify.notify("WATCHDOG=1")
                due["watchdog"] = now + watchdog
            if now >= due["tidy"] and not self._sampler.busy():
                runtime.tidy()
                due["tidy"] = now + _TIDY
            if self._setting.textfile is not None and now >= due["textfile"] and self._sampler.ready():
                self._write(self._setting.textfile)
                due["textfile"] = now + self._setting.textfile_interval
            if self._hangup:
                self._hangup = False
                self.reload()
            self._rest(0.5)

    def _write(self, path: Path) -> None:
        edition = self._exposed.edition
        if edition is None:
            return
        try:
            textfile.write(path, edition.metrics(TEXT).plain)
        except SourceError as error:
            log.error("%s", error.what, extra={"hint": error.hint})  # noqa: TRY400  (the text says it all)


def _shown(host: str) -> str:
    """A host as it stands in an address that a person can open."""
    if host in ("", "::", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
