"""A source being read in its own thread: single flight, deadline, and what came of it.

The thread is thin: when to read and what a result means is decided in schedule.py. A reading that hangs
blocks only its own thread; `check` notices it from outside, and the process can end while it hangs (the
thread is a daemon).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from smtpq_exporter import schedule
from smtpq_exporter.errors import ParseError, SmtpqError, SourceError
from smtpq_exporter.model import Fault, SourceState
from smtpq_exporter.schedule import Course, Pace
from smtpq_exporter.source import Source

T = TypeVar("T")
log = logging.getLogger(__name__)

#: A reader is told its deadline and should keep it; after this much longer it counts as hanging.
GRACE_SECONDS = 2.0


class Worker(Generic[T]):
    """Reads one source in the background. `label` names it in the log: "postfix/postfix queue"."""

    def __init__(self, label: str, source: Source[T], pace: Pace, published: Callable[[], None]) -> None:
        self.label, self.source, self.pace = label, source, pace
        self._published = published
        self._lock = threading.Lock()
        self._courses: dict[str, Course] = {}
        self._course = schedule.begin(source.name, pace, source.why)
        self._value: T | None = None
        self._running: tuple[float, float, float] | None = None  # epoch, monotonic start, deadline
        self._overdue = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"read {label}", daemon=True)

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end after the reading in progress; do not wait."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; False if a reading hangs."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    @property
    def busy(self) -> bool:
        """Whether a reading is in progress."""
        return self._running is not None

    def state(self) -> SourceState:
        """How it goes."""
        return self._course.state

    def value(self, now: float) -> T | None:
        """The last good reading, None if there is none that is young enough at `now` (monotonic)."""
        with self._lock:
            return None if schedule.expired(self._course, self.pace, now) else self._value

    def check(self, monotonic: float) -> bool:
        """Count a reading that hangs past its deadline as failed, once; True if that was found now."""
        with self._lock:
            running = self._running
            if running is None or self._overdue or monotonic < running[2] + GRACE_SECONDS:
                return False
            self._overdue = True
            epoch, started, _ = running
            seconds = monotonic - started
            fault = Fault(
                "timeout",
                f"a reading has not come back for {seconds:.0f} s",
                "the other sources go on; see what the mail server or its disk is waiting for",
            )
            self._relabel()  # the reader that hangs may be another than the last one
            self._fail(fault, epoch, seconds)
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            epoch, started = time.time(), time.monotonic()
            self._read_once(epoch, started)
            self._published()
            due = schedule.next_start(self._course, started, time.monotonic())
            self._stop.wait(max(0.0, due - time.monotonic()))
        self.source.close()

    def _read_once(self, epoch: float, started: float) -> None:
        deadline = started + schedule.timeout(self._course, self.pace)
        with self._lock:
            self._running, self._overdue = (epoch, started, deadline), False
        value: T | None = None
        fault: Fault | None = None
        try:
            value = self.source.read(epoch, deadline)
        except SourceError as error:
            fault = Fault(error.kind, error.what, error.hint)
        except ParseError as error:
            fault = Fault("parse", str(error), "the format is not one this program knows; please report it")
        except SmtpqError as error:
            fault = Fault("unavailable", str(error))
        except Exception as error:  # the loop must survive whatever a reader does; it is logged and counted
            log.exception("unexpected error", extra={"source": self.label})
            fault = Fault(
                "unavailable",
                f"{type(error).__name__}: {error}",
                "an error in this program; please report it",
            )
        duration = round(time.monotonic() - started, 6)
        with self._lock:
            self._running = None
            self._relabel()
            if fault is None:
                self._succeed(value, epoch, duration)
            elif not self._overdue:
                self._fail(fault, epoch, duration)

    def _relabel(self) -> None:
        """Follow the source when it chose another way to read: each way has its own counts."""
        name = self.source.name
        if name != self._course.state.source:
            self._courses[self._course.state.source] = self._course
            known = self._courses.get(name) or schedule.begin(name, self.pace, self.source.why)
            self._course = replace(known, seen=self._course.seen)  # the value is still that of the way before
            log.info("reading by %s", name, extra={"source": self.label, "why": self.source.why})
        if self._course.state.why != self.source.why:
            self._course = replace(self._course, state=replace(self._course.state, why=self.source.why))

    def _succeed(self, value: T | None, epoch: float, duration: float) -> None:
        before = self._course.state
        truncated = bool(getattr(getattr(value, "snapshot", None), "truncated", False))
        self._course = schedule.succeeded(
            self._course,
            self.pace,
            started=epoch,
            duration=duration,
            truncated=truncated,
            seen=time.monotonic(),
        )
        self._value = value
        if before.fault is not None:
            log.info("recovered", extra={"source": self.label, "seconds": f"{duration:.3f}"})
        if self._course.state.interval > before.interval:
            log.info(
                "reading less often",
                extra={
                    "source": self.label,
                    "seconds": f"{duration:.3f}",
                    "interval": f"{self._course.state.interval:.0f}s",
                },
            )

    def _fail(self, fault: Fault, epoch: float, duration: float) -> None:
        before = self._course.state.fault
        self._course = schedule.failed(self._course, self.pace, fault, started=epoch, duration=duration)
        changed = before is None or before.kind != fault.kind
        log.log(
            logging.WARNING if changed else logging.DEBUG,
            "cannot read: %s",
            fault.text,
            extra={"source": self.label, "kind": fault.kind, "hint": fault.hint},
        )
