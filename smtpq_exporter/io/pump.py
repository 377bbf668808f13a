"""From the log sources of one mail server instance to its counters: the thread that follows, counts, saves.

Each line counts once. Counters and read positions are saved together, so after a crash both tell of the same
lines. Work is done in small batches with a pause between, so that nothing else in this process has to wait
for it. A source that fails is a Fault; the others go on, and it is tried again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.checkpoint import Checkpoint, CorruptError
from smtpq_exporter.io.feeds import Feeds
from smtpq_exporter.model import FAULT_KINDS, Fault, LogTally, SourceState
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance

log = logging.getLogger(__name__)

#: Bytes of one batch: some two milliseconds of parsing.
BATCH = 128 * 1024
#: Seconds between two batches while there is more.
PAUSE = 0.0002
#: Counters and positions are saved after so many seconds or bytes, whichever comes first.
SAVE_SECONDS, SAVE_BYTES = 2.0, 32 * 1024 * 1024
#: Seconds between two attempts to get hold of a state file that another process uses.
LOCK_SECONDS = 0.5


class Counters(Protocol):
    """What is asked of logs.tally.Tally."""

    def freeze(self, now: float, **follow_facts: Any) -> LogTally:
        """The counters as a value."""

    def state(self) -> dict[str, Any]:
        """Everything, JSON-able."""


class Counting(Protocol):
    """What is asked of a LogParser here."""

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines."""


T = TypeVar("T", bound=Counters)


def open_pump(
    instance: Instance,
    *,
    state_directory: str | os.PathLike[str] | None,
    start: str,
    tally: Callable[[dict[str, Any] | None], T],
    parser: Callable[[T], Counting],
    paths: Sequence[str] | None = None,
    save_seconds: float = SAVE_SECONDS,
) -> LogPump[T] | None:
    """Make the pump of an instance; None if it has no logs. Never fails: `states` tells what is wrong.

    `tally` makes counters from a stored state (None: fresh ones), and raises ValueError, KeyError or
    TypeError for one that it does not understand; `parser` makes the parser that counts into them. Without a
    `state_directory` nothing is stored. `start` is one of source.STARTS. `paths` stand for Discovery.logs of
    the mail server.
    """
    if not instance.logs:
        return None
    if paths is None:
        paths = MTAS[instance.mta].discovery.logs
    checkpoint = None
    if state_directory:
        checkpoint = Checkpoint(os.fspath(state_directory), instance.mta, instance.name)
    return LogPump(
        instance.logs, paths, checkpoint, start, tally=tally, parser=parser, save_seconds=save_seconds
    )


class LogPump(Generic[T]):
    """`run` is the body of one thread. `tally` and `states` may be called from any thread at any time."""

    def __init__(
        self,
        specs: Sequence[str],
        paths: Sequence[str],
        checkpoint: Checkpoint | None,
        start: str,
        *,
        tally: Callable[[dict[str, Any] | None], T],
        parser: Callable[[T], Counting],
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        self._specs, self._paths, self._checkpoint, self._start = specs, paths, checkpoint, start
        self._make_tally, self._make_parser, self._save_seconds = tally, parser, save_seconds
        self._lock = threading.Lock()  # of the counters
        self._tally: T | None = None
        self._parser: Counting | None = None
        self._feeds: Feeds | None = None
        self._rotations = 0
        self._known = False  # the counters are not less than what was told before
        self._last_read: float | None = None
        self._note = ""
        self._fault: Fault | None = None  # of the state file
        self._errors = dict.fromkeys(FAULT_KINDS, 0)
        self._saved_at: float | None = None
        self._unsaved = 0  # bytes
        self._closed = False
        self._load()

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set; then save and close."""
        while not stop.is_set():
            if self._feeds is None and not self._load():
                stop.wait(LOCK_SECONDS)
                continue
            got = self.step()
            if self._feeds is not None and not self._feeds.behind:
                self._feeds.rest(stop, got=got)
            else:
                time.sleep(PAUSE)
        self.close()

    def step(self) -> bool:
        """Read and count one batch of each source, save if it is time; return whether there was anything."""
        feeds, parser = self._feeds, self._parser
        if feeds is None or parser is None or self._closed:
            return False
        got = 0
        for lines in feeds.poll(BATCH):
            if lines:
                got += self._count(parser, lines)
        self._known = self._known or (feeds.heard and not feeds.behind)
        if got:
            self._last_read = time.time()
            self._unsaved += got
        self._save_if_due()
        return got > 0

    def tally(self, now: float) -> LogTally | None:
        """The counters; None before anything could be read: not known is not 0.

        After a crash also None until what was read since the last saving has been read again: a counter that
        goes back would look like a restart from 0, and all that it counts like news.
        """
        feeds, counters = self._feeds, self._tally
        if feeds is None or counters is None or not self._known:
            return None
        with self._lock:
            frozen = counters.freeze(now, lag_bytes=feeds.lag, rotations=self._rotations + feeds.rotations)
        return frozen if frozen.last_line is not None else replace(frozen, last_line=self._last_read)

    def states(self) -> tuple[SourceState, ...]:
        """How the sources do; what is wrong with the state file is told with the first of them."""
        if self._feeds is None:
            why, errors = "waiting for the state file", dict(self._errors)
            return (SourceState("log", why=why, fault=self._fault, errors=errors),)
        first, *others = self._feeds.states()
        errors = {kind: first.errors[kind] + self._errors[kind] for kind in FAULT_KINDS}
        why = f"{first.why}; {self._note}" if self._note else first.why
        return replace(first, errors=errors, why=why, fault=first.fault or self._fault), *others

    def save(self, *, clean: bool = False) -> None:
        """Save counters and positions now; `clean` says that nothing will be counted afterwards.

        What fails is told by `states`, and tried again later.
        """
        feeds, counters = self._feeds, self._tally
        if self._checkpoint is None or feeds is None or counters is None:
            return
        with self._lock:
            state = {
                "tally": counters.state(),
                "sources": feeds.positions(),
                "rotations": self._rotations + feeds.rotations,
                "clean": clean,
            }
        self._saved_at, self._unsaved = time.monotonic(), 0
        try:
            if self._checkpoint.lock():
                self._checkpoint.save(state)
                self._fault = None
        except SourceError as reason:
            self._report(reason)

    def close(self) -> None:
        """Save, close the sources, give the state file free. Not while `run` is running."""
        if self._closed:
            return
        self._closed = True
        self.save(clean=True)
        if self._feeds is not None:
            self._feeds.close()
        if self._checkpoint is not None:
            self._checkpoint.close()

    def _count(self, parser: Counting, lines: list[bytes]) -> int:
        with self._lock:
            try:
                parser.feed(lines)
            except Exception:  # a parser's mistake must not end the following; its batch is counted in part
                self._errors["parse"] += 1
                log.exception("counting log lines failed")
        return sum(map(len, lines)) + len(lines)

    def _save_if_due(self) -> None:
        since = time.monotonic() - self._saved_at if self._saved_at is not None else None
        if since is None or (self._unsaved and since >= self._save_seconds) or self._unsaved >= SAVE_BYTES:
            self.save()

    def _load(self) -> bool:
        """Restore what was saved. False while another process uses the state file."""
        state: dict[str, Any] = {}
        if self._checkpoint is not None:
            try:
                if not self._checkpoint.lock():
                    text = f"{self._checkpoint.path} is in use by another process"
                    hint = "one smtpq-exporter only may use a state directory"
                    self._fault = Fault("unavailable", text, hint)
                    return False
                state = self._checkpoint.load() or {}
                self._fault = None
            except CorruptError as reason:
                self._set_aside(str(reason))
            except SourceError as reason:
                self._report(reason)
        try:
            self._restore(state)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as reason:
            if not state:
                raise
            self._set_aside(f"its counters are not understood ({reason})")
            self._restore({})
        return True

    def _restore(self, state: dict[str, Any]) -> None:
        tally = self._make_tally(state["tally"] if state else None)
        rotations = int(state["rotations"]) if state else 0
        feeds = Feeds(self._specs, self._paths, state["sources"] if state else {}, self._start)
        self._parser = self._make_parser(tally)
        self._tally, self._rotations, self._feeds = tally, rotations, feeds
        self._known = state.get("clean") is True

    def _set_aside(self, why: str) -> None:
        if self._checkpoint is None:
            return
        self._errors["parse"] += 1
        try:
            name = self._checkpoint.set_aside()
        except SourceError as reason:
            self._report(reason)
            return
        self._note = f"the state file was set aside as {name}: {why}; the counters began anew"
        log.warning(self._note)

    def _report(self, reason: SourceError) -> None:
        self._errors[reason.kind] += 1
        if self._fault is None or self._fault.text != reason.what:
            log.warning("%s", reason)
        self._fault = Fault(reason.kind, reason.what, reason.hint)
