"""A private Zabbix: PostgreSQL, frontend (its API only) and server, all on 127.0.0.1 in one directory.

Nothing of the host's own Zabbix or PostgreSQL is touched: a new cluster, a copy of the frontend with its own
configuration file. Of Zabbix's initial data only what the API needs is loaded: none of its own templates.
Sources: Zabbix 6.0 manual ("Database creation", "API"), zabbix_server.conf(5), postgres(1).
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.servers.guard import Guard
from tests.servers.needs import find
from tests.servers.sink import free_port
from tests.wait import wait_for

FRONTEND = Path("/usr/share/zabbix")
SQL = Path("/usr/share/zabbix-server-pgsql")
BINARIES = Path("/usr/lib/postgresql")
#: Tables whose initial rows are loaded.
TABLES = {"role", "role_rule", "users", "usrgrp", "users_groups", "hstgrp", "config", "config_autoreg_tls",
          "graph_theme", "regexps", "expressions", "globalmacro"}
#: Nothing survives the test, so nothing need be safe on disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal",
        "max_wal_senders=0", "autovacuum=off", "unix_socket_directories=", "listen_addresses=127.0.0.1",
        "shared_buffers=32MB")
PHP_CONFIG = """<?php
$DB['TYPE'] = 'POSTGRESQL'; $DB['SERVER'] = '127.0.0.1'; $DB['PORT'] = '{port}'; $DB['DATABASE'] = 'zabbix';
$DB['USER'] = 'zabbix'; $DB['PASSWORD'] = ''; $DB['SCHEMA'] = ''; $DB['ENCRYPTION'] = false;
$DB['KEY_FILE'] = ''; $DB['CERT_FILE'] = ''; $DB['CA_FILE'] = ''; $DB['VERIFY_HOST'] = false;
$DB['CIPHER_LIST'] = ''; $DB['VAULT_URL'] = ''; $DB['VAULT_DB_PATH'] = ''; $DB['VAULT_TOKEN'] = '';
$DB['DOUBLE_IEEE754'] = true; $ZBX_SERVER = '127.0.0.1'; $ZBX_SERVER_PORT = '{server}';
$ZBX_SERVER_NAME = ''; $IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
"""
SERVER_CONFIG = """\
ListenIP=127.0.0.1
ListenPort={server}
LogType=file
LogFile={d}/server/log
LogFileSize=0
PidFile={d}/server/pid
SocketDir={d}/server
DBHost=127.0.0.1
DBPort={port}
DBName=zabbix
DBUser=zabbix
CacheUpdateFrequency=1
StartPollers=3
StartPollersUnreachable=1
StartTrappers=2
StartPingers=0
StartDiscoverers=0
StartHTTPPollers=0
StartPreprocessors=1
StartLLDProcessors=1
StartDBSyncers=2
StartAlerters=1
StartEscalators=1
HousekeepingFrequency=0
Timeout=10
"""
AGENT_CONFIG = """\
Hostname={host}
Server=127.0.0.1
ServerActive=127.0.0.1:{server}
ListenIP=127.0.0.1
ListenPort={port}
StartAgents=2
LogType=file
LogFile={d}/agent.log
LogFileSize=0
PidFile={d}/agent.pid
AllowRoot=1
Timeout=10
Include={d}/userparameter_smtpq.conf
"""


class Zabbix:
    """A context manager: entering makes and starts everything, leaving ends and removes it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="smtpq-zabbix-"))
        self.port, self.server_port, self.agent_port = free_port(), free_port(), free_port()
        self._web = free_port()
        self._running: list[tuple[subprocess.Popen[bytes], Guard, int]] = []
        self._token: str | None = None
        self._count = itertools.count(1)

    def __enter__(self) -> Self:
        try:
            self.directory.chmod(0o755)
            self._database()
            self._frontend()
            self._server()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            process, guard, ending = self._running.pop()
            process.send_signal(ending)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # children that did not go with it
            guard.release()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- what a test asks ---

    def call(self, method: str, **parameters: Any) -> Any:
        """Call the API; an error is a test failure that shows it."""
        answer = self.answer(method, parameters)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def answer(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The whole answer of the API."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._count), "method": method, "params": parameters,
                           "auth": None if method in ("user.login", "apiinfo.version") else self._token})
        request = urllib.request.Request(f"http://127.0.0.1:{self._web}/api_jsonrpc.php", body.encode(),
                                         {"Content-Type": "application/json-rpc"})
        with urllib.request.urlopen(request, timeout=90) as response:
            text = response.read().decode()
        assert text.startswith("{"), text[:2000]
        answer: dict[str, Any] = json.loads(text)
        return answer

    def agent(self, host: str, userparameters: str) -> None:
        """Start an agent that serves passive checks, and active ones for `host`."""
        (self.directory / "userparameter_smtpq.conf").write_text(userparameters, "utf-8")
        config = self.directory / "agent.conf"
        config.write_text(AGENT_CONFIG.format(host=host, server=self.server_port, port=self.agent_port,
                                              d=self.directory))
        self._start([str(find("zabbix_agentd")), "-f", "-c", str(config)], "agent-output")

    def ask_agent(self, key: str) -> str:
        """What `zabbix_agentd -t` prints for a key."""
        argv = [str(find("zabbix_agentd")), "-c", str(self.directory / "agent.conf"), "-t", key]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.strip()

    @property
    def log(self) -> str:
        """The end of the server's log."""
        return (self.directory / "server" / "log").read_text("utf-8", "replace")[-4000:]

    # --- inside ---

    def _start(self, argv: Sequence[str], output: str, *, user: str | None = None,
               ending: int = signal.SIGTERM, **environment: str) -> subprocess.Popen[bytes]:
        with (self.directory / output).open("wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                user=user, group=user, extra_groups=None if user is None else [],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **environment})
        name = "INT" if ending == signal.SIGINT else "TERM"
        self._running.append((process, Guard(process.pid, self.directory, signal=name), ending))
        return process

    def _run(self, argv: Sequence[str], **given: Any) -> None:
        done = subprocess.run(argv, capture_output=True, timeout=90, check=False, **given)
        assert done.returncode == 0, (argv, done.stderr.decode("utf-8", "replace")[-2000:])

    def _directory(self, name: str, user: str) -> Path:
        made = self.directory / name
        made.mkdir()
        shutil.chown(made, user)
        return made

    def _database(self) -> None:
        [*_, newest] = sorted(BINARIES.glob("*/bin"), key=lambda path: float(path.parent.name))
        home = self._directory("postgres", "postgres")
        data = str(home / "data")
        self._run([str(newest / "initdb"), "-D", data, "-U", "zabbix", "--auth=trust", "--no-sync",
                   "-E", "UTF8", "--locale=C.UTF-8"], user="postgres", group="postgres", extra_groups=[],
                  cwd="/")
        settings = [word for setting in FAST for word in ("-c", setting)]
        server = self._start([str(newest / "postgres"), "-D", data, "-p", str(self.port), *settings],
                             "postgres-output", user="postgres", ending=signal.SIGINT)
        psql = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                "-U", "zabbix"]

        def ready() -> bool:
            assert server.poll() is None, (self.directory / "postgres-output").read_text()[-2000:]
            command = [*psql, "postgres", "-c", "select 1"]
            return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0

        wait_for(ready, 60, every=0.1)
        self._run([*psql, "postgres", "-c", "create database zabbix template template0"])
        for name in ("schema", "images", "data"):
            text = gzip.decompress((SQL / f"{name}.sql.gz").read_bytes()).decode()
            if name == "data":
                text = "\n".join(_wanted(text))
            self._run([*psql, "zabbix"], input=f"begin;\n{text}\ncommit;\n".encode())

    def _frontend(self) -> None:
        web = self.directory / "web"
        web.mkdir()
        for name in ("app", "include", "vendor", "modules", "local"):
            if (FRONTEND / name).exists():
                shutil.copytree(FRONTEND / name, web / name, symlinks=False, ignore_dangling_symlinks=True)
        (web / "conf").mkdir()
        for source in (FRONTEND / "api_jsonrpc.php", FRONTEND / "conf" / "maintenance.inc.php"):
            shutil.copy(source, web / source.relative_to(FRONTEND))
        config = web / "conf" / "zabbix.conf.php"
        config.write_text(PHP_CONFIG.format(port=self.port, server=self.server_port))
        # Debian's package has the path of the host's own configuration built in.
        reader = web / "include" / "classes" / "core" / "CConfigFile.php"
        reader.write_text(re.sub(r"(CONFIG_FILE_PATH = )'[^']*'", rf"\1'{config}'", reader.read_text()))
        php = self._start(
            ["php", "-d", "max_execution_time=170", "-d", "post_max_size=16M", "-d", "opcache.enable_cli=1",
             "-S", f"127.0.0.1:{self._web}", "-t", str(web)], "php-output")

        def login() -> bool:
            assert php.poll() is None, (self.directory / "php-output").read_text()[-2000:]
            try:
                self._token = self.call("user.login", username="Admin", password="zabbix")
            except (urllib.error.URLError, ConnectionError):
                return False
            return True

        wait_for(login, 60, every=0.1)

    def _server(self) -> None:
        self._directory("server", "zabbix")
        config = self.directory / "server.conf"
        config.write_text(SERVER_CONFIG.format(server=self.server_port, port=self.port, d=self.directory))
        argv = [str(find("zabbix_server")), "-f", "-c", str(config)]
        server = self._start(argv, "server-output", user="zabbix")
        log = self.directory / "server" / "log"

        def ready() -> bool:
            assert server.poll() is None, (self.directory / "server-output").read_text() + self.log
            return log.exists() and "server #0 started" in log.read_text("utf-8", "replace")

        wait_for(ready, 60, every=0.1)


def _wanted(text: str) -> list[str]:
    """The statements for TABLES; one may go over several lines."""
    kept, lines = False, []
    for line in text.splitlines():
        begins = re.match(r"(INSERT INTO|UPDATE|DELETE FROM|START|COMMIT)\b ?(\w*)", line)
        if begins:
            kept = begins[1] == "INSERT INTO" and begins[2] in TABLES
        if kept:
            lines.append(line)
    return lines
