"""One of our readers in a process of its own: the first reading, readings of a changing and of a quiet queue.

`python -m benchmarks.reading JOB`: JOB is JSON, the answer is JSON on standard output. Changes are made here
between two readings and are not part of what is measured.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import Cost, cpu_of, median, named
from benchmarks.spools import Changes
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier

#: Longer than the time for which a changed directory is not trusted.
REST = 2.5


class Reading:
    """A reader and the account of what each reading costs."""

    def __init__(self, job: dict[str, Any]) -> None:
        """`job`: source, config_directory, queue_directory, first (only the first reading), changes, runs."""
        self._queue = Path(job["queue_directory"])
        instance = Instance("postfix", "postfix", config_directory=job["config_directory"],
                            queue_directory=job["queue_directory"], source=job["source"])
        self._reader = open_reader(instance, classifier=Classifier(), top=20)
        self._showq = job["source"] in ("showq", "postqueue")
        self.last: QueueSnapshot | None = None

    def cost(self) -> Cost:
        """Read once."""
        before, asked, start = _own(), self._server(), time.perf_counter()
        self.last = self._reader.read(time.time(), time.monotonic() + 600)
        wall = time.perf_counter() - start
        return Cost(wall, _own() - before, max(0.0, self._server() - asked))

    def _server(self) -> float:
        return cpu_of(named("showq", self._queue)) if self._showq else 0.0

    def close(self) -> None:
        """End the reader."""
        self._reader.close()


def _own() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job: the costs, peak and present memory, and what was read."""
    changes = Changes(Path(job["queue_directory"]), job["changes"], job["runs"]) if job["changes"] else None
    if changes:
        time.sleep(REST)
    process = psutil.Process()
    idle = process.memory_info().rss
    reading = Reading(job)
    result: dict[str, Any] = {"first": reading.cost().plain()}
    if not job["first"]:
        if changes:
            steady = []
            for _ in range(job["runs"]):
                result["changed"] = changes.happen()
                steady.append(reading.cost())
            result["steady"] = median(steady).plain()
            time.sleep(REST)
            reading.cost()  # lists what the last change touched, and trusts it from here on
        result["again"] = median([reading.cost() for _ in range(job["runs"])]).plain()
    assert reading.last
    queues = reading.last.queues
    result |= {
        "idle_rss": idle, "rss": process.memory_info().rss,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "messages": sum(q.messages for q in queues.values()),
        "recipients": sum(q.recipients or 0 for q in queues.values()),
        "reasons": dict(sorted(reading.last.reasons.items())),
    }
    reading.close()
    return result


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    json.dump(work(json.loads(sys.argv[1])), sys.stdout)
