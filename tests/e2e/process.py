"""The real programs of the end-to-end tests, as child processes on loopback: the exporter and a Prometheus.

Each lives in a directory of its own that goes with it; a guard ends it if the test run is killed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.servers.guard import Guard
from tests.servers.sink import free_port
from tests.wait import wait_for

ROOT = Path(__file__).parents[2]
#: Label set without __name__, and value.
Row = tuple[dict[str, str], float]


class Process:
    """A program that serves HTTP on 127.0.0.1: entering starts it and waits for `ready`, leaving ends it."""

    ready = "/-/ready"

    def __init__(self) -> None:
        """Choose a directory and a port."""
        self.directory = Path(tempfile.mkdtemp(prefix=f"smtpq-{type(self).__name__.lower()}-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    def argv(self) -> list[str]:
        """The command line; also writes what the program reads."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        """Start the program and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                start_new_session=True)
        self._guard = Guard(self._process.pid, self.directory)
        wait_for(self._answers, 60)

    def stop(self) -> int | None:
        """End it by SIGTERM; its exit code, None if it did not run."""
        if self._process is None:
            return None
        self._process.terminate()
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait(10)
        assert self._guard
        self._guard.release()
        self._process = self._guard = None
        return code

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.directory / "output.log"

    def get(self, path: str, **headers: str) -> str:
        """Body of a page."""
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.read().decode("utf-8"))

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, f"it ended: {self.log.read_text('utf-8', 'replace')[-3000:]}"
        try:
            self.get(self.ready)
        except (urllib.error.URLError, OSError):
            return False
        return True


class Exporter(Process):
    """smtpq-exporter with a configuration file."""

    def __init__(self, config: str) -> None:
        """`config` is YAML without `web` and `logs`."""
        super().__init__()
        self._config = config

    def argv(self) -> list[str]:
        """The command line."""
        (self.directory / "state").mkdir(exist_ok=True)
        (self.directory / "smtpq.yml").write_text(
            f"web: {{listen_addresses: ['127.0.0.1:{self.port}']}}\n"
            f"logs: {{state_directory: {self.directory}/state, start: beginning}}\n{self._config}", "utf-8")
        return [sys.executable, "-m", "smtpq_exporter", f"--config.file={self.directory}/smtpq.yml"]


class Prometheus(Process):
    """A Prometheus that scrapes one target each second and evaluates the given rule files each second."""

    def __init__(self, target: Exporter, rules: dict[str, str]) -> None:
        """`rules` = file name -> content."""
        super().__init__()
        self._target, self._rules = target, rules

    def argv(self) -> list[str]:
        """The command line."""
        for name, text in self._rules.items():
            (self.directory / name).write_text(text, "utf-8")
        (self.directory / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": list(self._rules),
            "scrape_configs": [{
                "job_name": "smtpq", "static_configs": [{"targets": [f"127.0.0.1:{self._target.port}"]}],
            }],
        }), "utf-8")
        return ["prometheus", f"--config.file={self.directory}/prometheus.yml", "--log.level=warn",
                f"--storage.tsdb.path={self.directory}/data", f"--web.listen-address=127.0.0.1:{self.port}"]

    def query(self, expression: str, at: float | None = None) -> list[Row]:
        """Instant query at `at` (epoch seconds), default now; a scalar is one row without labels."""
        data = self._api("query", query=expression, **({} if at is None else {"time": f"{at:.3f}"}))
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(_labels(row), float(row["value"][1])) for row in data["result"]]

    def series(self, expression: str, start: float, end: float) -> list[tuple[dict[str, str], list[float]]]:
        """Range query in steps of a second: labels and values of each series."""
        data = self._api("query_range", query=expression, start=f"{start:.3f}", end=f"{end:.3f}", step="1")
        return [(_labels(row), [float(value) for _, value in row["values"]]) for row in data["result"]]

    def value(self, expression: str, at: float | None = None) -> float | None:
        """The value of the only row; None if there is none."""
        rows = self.query(expression, at)
        assert len(rows) <= 1, (expression, rows)
        return rows[0][1] if rows else None

    def rules(self) -> list[dict[str, Any]]:
        """All rules with their health and state."""
        return [rule for group in self._api("rules")["groups"] for rule in group["rules"]]

    def _api(self, path: str, **parameters: str) -> dict[str, Any]:
        body = self.get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer: dict[str, Any] = json.loads(body)
        assert answer["status"] == "success", answer
        data: dict[str, Any] = answer["data"]
        return data


def _labels(row: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in row["metric"].items() if key != "__name__"}
