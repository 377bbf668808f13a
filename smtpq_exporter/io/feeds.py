"""All log sources of one mail server instance, read in turn; "auto" is looked for until found."""

from __future__ import annotations

import select
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.feed import Feed
from smtpq_exporter.io.source import Position
from smtpq_exporter.io.sources import choose
from smtpq_exporter.model import FAULT_KINDS, Fault, SourceState

#: Seconds between two looks when nothing comes: at first, doubled up to the last.
LOOK = (0.05, 1.0)
#: Seconds between two attempts to find the log.
FIND_SECONDS = 10.0


class Feeds:
    """`specs` as configured, `paths` what "auto" may find, `stored` positions by spec. One thread polls."""

    def __init__(
        self, specs: Sequence[str], paths: Sequence[str], stored: Mapping[str, Any], start: str
    ) -> None:
        self._paths, self._stored, self._start = paths, dict(stored), start
        self._feeds = [Feed(spec, self._position(spec), start, spec) for spec in specs if spec != "auto"]
        self._looking = "auto" in specs
        self._find_at = 0.0
        self._fault: Fault | None = None
        self._find_errors: Counter[str] = Counter()
        self._looked_at: float | None = None
        self._idle = LOOK[0]
        self._deaf = False

    def poll(self, max_bytes: int) -> Iterator[list[bytes]]:
        """The new lines of each source in turn."""
        if self._looking and time.monotonic() >= self._find_at:
            self._find()
        for feed in self._feeds:
            yield feed.poll(max_bytes)

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return any(feed.behind for feed in self._feeds)

    @property
    def heard(self) -> bool:
        """Whether some source could be read."""
        return any(feed.last_success is not None for feed in self._feeds)

    @property
    def rotations(self) -> int:
        """Rotations seen since the start."""
        return sum(feed.rotations for feed in self._feeds)

    @property
    def lag(self) -> int | None:
        """Bytes that wait, of the sources that can tell; None if none can."""
        known = [feed.lag for feed in self._feeds if feed.lag is not None]
        return sum(known) if known else None

    def positions(self) -> dict[str, Position]:
        """The position of each source that has one."""
        found = {feed.spec: feed.position() for feed in self._feeds}
        return {spec: position for spec, position in found.items() if position is not None}

    def states(self) -> tuple[SourceState, ...]:
        """One state for each kind of source. The label is "log", or "log:KIND" if there are several kinds."""
        kinds: dict[str, list[Feed]] = {}
        for feed in self._feeds:
            kinds.setdefault(feed.kind, []).append(feed)
        alone = len(kinds) + self._looking == 1
        states = [_state("log" if alone else f"log:{kind}", feeds) for kind, feeds in kinds.items()]
        if self._looking:
            states.append(self._looking_state("log:auto" if kinds else "log"))
        return tuple(states)

    def rest(self, stop: threading.Event, *, got: bool) -> None:
        """Wait until there is something to look for: soon after lines came, then less and less often."""
        self._idle = LOOK[0] if got else min(LOOK[1], self._idle * 2)
        descriptors = [fd for feed in self._feeds if (fd := feed.fileno()) is not None]
        if not descriptors or self._deaf:
            stop.wait(self._idle)
            self._deaf = False
            return
        ready = select.select(descriptors, [], [], self._idle)[0]
        # What stays readable without giving anything is not asked again at once.
        self._deaf = bool(ready) and not got

    def close(self) -> None:
        """Close all sources."""
        for feed in self._feeds:
            feed.close()

    def _position(self, spec: str) -> Position | None:
        position = self._stored.get(spec)
        return position if isinstance(position, dict) else None

    def _find(self) -> None:
        self._looked_at = time.time()
        try:
            spec, why = choose(self._paths, self._stored)
        except SourceError as reason:
            self._fault = Fault(reason.kind, reason.what, reason.hint)
            self._find_errors[reason.kind] += 1
            self._find_at = time.monotonic() + FIND_SECONDS
            return
        self._looking = False
        if spec not in {feed.spec for feed in self._feeds}:
            self._feeds.append(Feed(spec, self._position(spec), self._start, why))

    def _looking_state(self, label: str) -> SourceState:
        return SourceState(
            label,
            last_attempt=self._looked_at,
            interval=FIND_SECONDS,
            configured_interval=FIND_SECONDS,
            why="auto: looking for the log",
            fault=self._fault,
            errors={kind: self._find_errors[kind] for kind in FAULT_KINDS},
        )


def _state(label: str, feeds: Sequence[Feed]) -> SourceState:
    """Several sources of one kind as one: it succeeds when all do; the first fault is shown."""
    faults = [feed.fault for feed in feeds if feed.fault is not None]
    successes = [feed.last_success for feed in feeds]
    attempts = [feed.last_attempt for feed in feeds if feed.last_attempt is not None]
    return SourceState(
        label,
        success=not faults and None not in successes,
        duration=sum(feed.duration or 0.0 for feed in feeds) if attempts else None,
        last_success=min((time_ for time_ in successes if time_ is not None), default=None),
        last_attempt=max(attempts, default=None),
        interval=LOOK[1],
        configured_interval=LOOK[1],
        why="; ".join(feed.why for feed in feeds),
        fault=faults[0] if faults else None,
        errors={kind: sum(feed.errors[kind] for feed in feeds) for kind in FAULT_KINDS},
    )
