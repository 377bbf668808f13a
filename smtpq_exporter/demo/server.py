"""The simulated mail server: a temporary directory, a world, and a thread that lets time pass."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from smtpq_exporter.demo.disk import Disk
from smtpq_exporter.demo.world import World
from smtpq_exporter.mta.base import Instance

#: How often the world moves, seconds.
STEP = 0.5


class Demo:
    """Use it in a `with` statement: it begins with a backlog of hours and leaves nothing behind."""

    def __init__(self, seed: int = 1, base: Path | None = None) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="smtpq-demo-", dir=base))
        self.disk = Disk(self._base)
        self.world = World(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo", daemon=True)

    def __enter__(self) -> Self:
        for happening in self.world.begin(time.time()):
            self.disk.show(happening)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5.0)
        self.disk.close()
        shutil.rmtree(self._base, ignore_errors=True)

    @property
    def directory(self) -> Path:
        """Where it writes."""
        return self._base

    def instances(self) -> list[Instance]:
        """The one instance, as discovery would find it."""
        return [
            Instance(
                "postfix",
                "demo",
                queue_directory=str(self.disk.spool),
                source="spool",
                logs=(str(self.disk.log),),
                syslog_names=("postfix",),
                found_by="simulated",
                simulated=True,
            )
        ]

    def _run(self) -> None:
        while not self._stop.wait(STEP):
            for happening in self.world.step(time.time()):
                self.disk.show(happening)
            self.disk.flush()
