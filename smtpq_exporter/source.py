"""What the sampler reads: the queue of one mail server, or the host. Each in its own thread, one at a time.

A source opens what it needs lazily and again after a failure, so that a permission granted or a server
started later is noticed without a restart. It measures and schedules nothing; the sampler does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.reader import QueueReader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance

T_co = TypeVar("T_co", covariant=True)

#: Failures in a row after which another way of reading is looked for.
_PATIENCE = 2


class Source(Protocol[T_co]):
    """One thing that is read again and again."""

    @property
    def name(self) -> str:
        """The label value `source`; may change when another way of reading is chosen."""

    @property
    def why(self) -> str:
        """Why this way was chosen, in words."""

    def read(self, now: float, deadline: float) -> T_co:
        """One reading; `now` is epoch, `deadline` monotonic. Raises SourceError or ParseError."""

    def close(self) -> None:
        """Give back what is held open."""


@dataclass(frozen=True, slots=True)
class QueueReading:
    """A snapshot, and what is asked at the same time about the mail system itself."""

    snapshot: QueueSnapshot
    version: str | None = None


class QueueSource:
    """The queue of one instance, through the reader that fits what this process may do."""

    def __init__(self, instance: Instance, open_reader: Callable[[Instance], QueueReader]) -> None:
        self.instance = instance
        self._open_reader = open_reader
        self._reader: QueueReader | None = None
        self._source, self._why = instance.source, ""
        self._failures = 0
        self.up: bool | None = None

    @property
    def name(self) -> str:
        """The way in use; before the first reader is open, the configured one ("auto")."""
        return self._source

    @property
    def why(self) -> str:
        """Why this way was chosen, in words."""
        return self._why

    def read(self, now: float, deadline: float) -> QueueReading:
        """Read the queue. Where another way may be open, it is looked for after the second failure in a row:
        a reader keeps what it has learnt, and learning a long queue again costs more than one missing sample.
        """
        if self._reader is None:
            self.up = None
            self._reader = self._open_reader(self.instance)
            self._source, self._why = self._reader.source, self._reader.why
        reader = self._reader
        try:
            snapshot = reader.read(now, deadline)
        except SourceError as error:
            self.up = self._is_up(reader)
            self._failures += error.kind in ("permission", "unavailable")
            if self._failures >= _PATIENCE and self.instance.source == "auto":
                self.close()
            raise
        self._failures = 0
        self.up = self._is_up(reader)
        return QueueReading(snapshot, self._version(reader))

    def close(self) -> None:
        """Close the reader."""
        reader, self._reader, self._failures = self._reader, None, 0
        if reader is not None:
            reader.close()

    @staticmethod
    def _version(reader: QueueReader) -> str | None:
        try:
            return reader.version()
        except SourceError:
            return None

    @staticmethod
    def _is_up(reader: QueueReader) -> bool | None:
        try:
            return reader.up()
        except SourceError:
            return None
