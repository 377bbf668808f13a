"""What is served: each State rendered once, before anybody asks; every client gets the same bytes.

An Edition belongs to one State. The two formats of the metrics are made at once, in the sampler's thread;
what is asked for rarely (the page, JSON, ?collect[]=) is made at the first request and kept with the edition.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Hashable

from smtpq_exporter.metrics import exposition
from smtpq_exporter.metrics.exposition import OPENMETRICS, TEXT, Rendered
from smtpq_exporter.metrics.families import families
from smtpq_exporter.model import State

#: Kept beside the metrics in one edition; beyond it a rendering is made for its client alone.
_MOST_KEPT = 64


class Edition:
    """One State and everything that was rendered of it."""

    def __init__(self, state: State, now: float) -> None:
        self.state, self.now = state, now
        self._kept: dict[Hashable, Rendered] = {}
        self._lock = threading.Lock()

    def metrics(self, content_type: str, only: frozenset[str] | None = None) -> Rendered:
        """The exposition, all of it or what `?collect[]=` chose."""
        return self.once(
            ("metrics", content_type, only),
            lambda: exposition.render(families(self.state, self.now, only), content_type),
        )

    def once(self, key: Hashable, make: Callable[[], Rendered]) -> Rendered:
        """What `make` returned the first time."""
        found = self._kept.get(key)
        if found is not None:
            return found
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                found = make()
                if len(self._kept) < _MOST_KEPT:
                    self._kept[key] = found
        return found


class Exposed:
    """The newest edition."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.edition: Edition | None = None

    def publish(self, state: State) -> None:
        """Render a new State; called by the sampler, one at a time."""
        edition = Edition(state, self._clock())
        for content_type in (TEXT, OPENMETRICS):
            edition.metrics(content_type)
        self.edition = edition


def rendered(data: bytes) -> Rendered:
    """Bytes of the page or of JSON, plain and compressed."""
    return Rendered(data, gzip.compress(data, compresslevel=5, mtime=0))
