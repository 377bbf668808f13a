"""The sampler: reads every source in the background and keeps the newest State for all who ask.

Law: the scrape does no work (law 3). `state()` is one immutable reference, swapped after each reading, so
two clients never cause a second reading and never see half of one. What was read is rendered here, once, by
`published`, before anybody asks for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

import psutil

from smtpq_exporter.history import History
from smtpq_exporter.host import HostReading
from smtpq_exporter.model import LogTally, Processes, Sample, SourceState, State
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.source import QueueReading, QueueSource
from smtpq_exporter.worker import Worker

log = logging.getLogger(__name__)

#: How often hanging readings and stale samples are looked for, seconds.
TICK = 1.0
#: The newest that a State ever is without a reading: log counters and ages move on meanwhile. Seconds.
REFRESH = 15.0


class LogPump(Protocol):
    """What is asked of a log that is followed (io/pump.py)."""

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""

    def tally(self, now: float) -> LogTally | None:
        """The counters now; None before anything was read."""

    def states(self) -> tuple[SourceState, ...]:
        """How the log sources do."""

    def close(self) -> None:
        """Save the position and let go."""


class Watch:
    """What runs for one mail server: the worker for its queue, the pump for its log, its history."""

    def __init__(self, instance: Instance, queue: Worker[QueueReading] | None, pump: LogPump | None) -> None:
        self.instance, self.queue, self.pump = instance, queue, pump
        self.history = History()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the threads."""
        if self.queue is not None:
            self.queue.start()
        if self.pump is not None:
            self._thread = threading.Thread(
                target=self._follow,
                args=(self.pump,),
                daemon=True,
                name=f"log {self.instance.mta}/{self.instance.name}",
            )
            self._thread.start()

    def stop(self) -> None:
        """Ask the threads to end; do not wait."""
        self._stop.set()
        if self.queue is not None:
            self.queue.stop()

    def join(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic). The log's position is saved first: it must not be lost."""
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
            if self.pump is not None and not self._thread.is_alive():
                self.pump.close()
        if self.queue is not None and not self.queue.join(deadline - time.monotonic()):
            log.warning("a reading still hangs; leaving it behind", extra={"source": self.queue.label})

    def sample(self, now: float, host: HostReading | None) -> Sample:
        """What is known about this mail server now."""
        instance, queue, pump = self.instance, self.queue, self.pump
        key = (instance.mta, instance.name)
        reading = queue.value(time.monotonic()) if queue is not None else None
        tally = pump.tally(now) if pump is not None else None
        states = (
            *((queue.state(),) if queue is not None else ()),
            *(pump.states() if pump is not None else ()),
        )
        snapshot = reading.snapshot if reading is not None else None
        self.history.record(now, snapshot, tally)
        source = queue.source if queue is not None else None
        return Sample(
            mta=instance.mta,
            instance=instance.name,
            up=source.up if isinstance(source, QueueSource) else None,
            version=reading.version if reading is not None else None,
            queue=snapshot,
            log=tally,
            filesystem=host.filesystems.get(key) if host is not None else None,
            processes=host.processes.get(key) if host is not None else None,
            sources=states,
            history=self.history.moments(),
            tallies=self.history.tallies(),
        )

    def _follow(self, pump: LogPump) -> None:
        try:
            pump.run(self._stop)
        except Exception:  # the queue of this server and all other servers go on; the cause is logged
            log.exception(
                "following the log ended", extra={"source": f"{self.instance.mta}/{self.instance.name} log"}
            )


class Sampler:
    """Holds the watches and the host, and the newest State of them all."""

    def __init__(self, *, demo: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._watches: tuple[Watch, ...] = ()
        self._host: Worker[HostReading] | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="sampler", daemon=True)
        self._own = psutil.Process()
        self._state = State(taken_at=clock(), demo=demo, started_at=round(self._own.create_time(), 3))
        self._published_at = 0.0
        self._ticked_at = time.monotonic()
        self.listeners: list[Callable[[State], None]] = []
        """Called with each new State, in the thread that made it, one at a time."""

    def state(self) -> State:
        """The newest State."""
        return self._state

    def ready(self) -> bool:
        """Whether the State tells of at least one reading of every queue and of the host."""
        state = self._state
        hosts = () if self._host is None else (state.host_source,)
        queues = [source for sample in state.samples for source in sample.sources if not is_log(source)]
        expected = len([watch for watch in self._watches if watch.queue is not None])
        tried = [source is not None and source.last_attempt is not None for source in (*queues, *hosts)]
        return bool(self._published_at) and len(queues) == expected and all(tried)

    def busy(self) -> bool:
        """Whether a reading is in progress."""
        return any(worker.busy for worker in self._workers())

    def behind(self) -> bool:
        """Whether a log that can be read has lines that were not read yet."""
        return any(_behind(watch.pump, self._clock()) for watch in self._watches if watch.pump is not None)

    def alive(self) -> bool:
        """Whether the sampler itself still moves: what systemd's watchdog wants to know."""
        return time.monotonic() - self._ticked_at < 10 * TICK

    def start(self, watches: Iterable[Watch], host: Worker[HostReading] | None) -> None:
        """Begin with these."""
        self._watches, self._host = tuple(watches), host
        for worker in (*self._watches, *((host,) if host is not None else ())):
            worker.start()
        self._ticker.start()

    def change(self, watches: Iterable[Watch], host: Worker[HostReading] | None) -> None:
        """Go on with these: those that are new are started, those that are gone are stopped."""
        old_watches, old_host = self._watches, self._host
        self._watches, self._host = tuple(watches), host
        gone = [watch for watch in old_watches if watch not in self._watches]
        for watch in gone:
            watch.stop()
        deadline = time.monotonic() + 5.0
        for watch in gone:
            watch.join(deadline)
        if old_host is not None and old_host is not host:
            old_host.stop()
        for watch in self._watches:
            if watch not in old_watches:
                watch.start()
        if host is not None and host is not old_host:
            host.start()

    def reloaded(self, ok: bool) -> None:
        """Say whether the configuration was good when it was last read."""
        with self._lock:
            self._state = replace(self._state, config_reload_ok=ok)
        self.publish()

    def stop(self, seconds: float = 5.0) -> None:
        """End all threads; those that hang are left behind after `seconds`."""
        deadline = time.monotonic() + seconds
        self._stop.set()
        for watch in self._watches:
            watch.stop()
        if self._host is not None:
            self._host.stop()
        for watch in self._watches:
            watch.join(deadline)
        if self._host is not None:
            self._host.join(deadline - time.monotonic())

    def publish(self) -> None:
        """Make a new State of what is known now and tell the listeners. Never fails: readings must go on."""
        with self._lock:
            try:
                self._state = self._made(self._clock())
                self._published_at = time.monotonic()
                for listener in self.listeners:
                    listener(self._state)
            except (
                Exception
            ):  # a fault in a log or in rendering must not end the reading of queues; it is logged
                log.exception("cannot publish")

    def _made(self, now: float) -> State:
        host = self._host
        reading = host.value(time.monotonic()) if host is not None else None
        return replace(
            self._state,
            taken_at=now,
            samples=tuple(watch.sample(now, reading) for watch in self._watches),
            host=reading.host if reading is not None else None,
            host_source=host.state() if host is not None else None,
            own=self._own_use(),
        )

    def _workers(self) -> list[Worker[QueueReading] | Worker[HostReading]]:
        queues = [watch.queue for watch in self._watches if watch.queue is not None]
        return [*queues, *([self._host] if self._host is not None else [])]

    def _own_use(self) -> Processes:
        times = self._own.cpu_times()
        return Processes(1, round(times.user + times.system, 2), self._own.memory_info().rss)

    def _tick(self) -> None:
        while not self._stop.wait(TICK):
            now = self._ticked_at = time.monotonic()
            hanging = [worker.check(now) for worker in self._workers()]
            if any(hanging) or now - self._published_at >= REFRESH:
                self.publish()


def is_log(source: SourceState) -> bool:
    """Whether this is the state of a log, not of a queue."""
    return source.source.startswith("log")


def _behind(pump: LogPump, now: float) -> bool:
    tally = pump.tally(now)
    if tally is None:
        return all(source.fault is None for source in pump.states())
    return bool(tally.lag_bytes)
