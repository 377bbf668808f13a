"""A glance at a spool: how many messages and how old, from names and modes alone; no message file is opened.

For a program that reads once and ends, as a check does: a fifth of the work of a whole first reading, and a
bounded memory. Size, recipients and reasons are not known then (None, none), never 0. The layout says what a
name tells (mta.base.GlanceLayout); where it does not tell enough, that one file is opened. An unreadable
directory fails the whole reading.
"""

from __future__ import annotations

from dataclasses import replace

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import ParseError
from smtpq_exporter.io.files import FLAGS, Folders, OpenFile, fault
from smtpq_exporter.io.liveness import Liveness
from smtpq_exporter.io.once import REMEMBERED, OnceReader
from smtpq_exporter.model import QueueSnapshot, QueueStats
from smtpq_exporter.mta.base import Entry, GlanceLayout, Place

#: Names between two looks at the deadline.
_STRIDE = 1024


class GlanceReader(OnceReader):
    """Reads one instance's queue directories once."""

    def __init__(self, layout: GlanceLayout, *, why: str = "", liveness: Liveness | None = None) -> None:
        """Nothing is read yet."""
        super().__init__(layout, top=1, why=f"{why}; names and modes only", liveness=liveness)
        self._glance = layout.glance
        self._folders = Folders(self._files)

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """The queue at `now`, without sizes, recipients and reasons."""
        self._deadline, self._skipped = deadline, {}
        total = Aggregator(self._layout.queues, 1)
        seen: dict[bytes, Entry] = {}
        try:
            for place, names in self._messages(total):
                self._count(place, names, total, seen)
        finally:
            self._folders.close()
        whole = total.snapshot(now, self.source, retries=False, forced=False, skipped=self._skipped)
        queues = {name: _blank(stats) for name, stats in whole.queues.items()}
        return replace(whole, queues=queues, destinations=(), senders=(), reasons={})

    def _count(self, place: Place, names: list[bytes], total: Aggregator, seen: dict[bytes, Entry]) -> None:
        stat, glance, put = self._files.stat, self._glance, total.put
        folder = self._folders.at(place.path) if names else -1
        for count, name in enumerate(names):
            if not count % _STRIDE:
                self._look()
            try:
                status = stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                self._skip("vanished")
                continue
            entry = glance(place, name, status)
            if entry is None:
                entry = self._open(place, name)
            if isinstance(entry, str):
                self._skip(entry)
                continue
            if name in seen:  # it moved on while we walked
                total.take(seen.pop(name))
            elif len(seen) < REMEMBERED:
                seen[name] = entry
            put(entry)

    def _open(self, place: Place, name: bytes) -> Entry | str:
        """Read one file as the whole reading does."""
        files, file = self._files, OpenFile(self._files, self._folders)
        try:
            descriptor = files.open(name, FLAGS, dir_fd=self._folders.at(place.path))
        except FileNotFoundError:
            return "vanished"
        except PermissionError as error:
            raise fault(error, place.path + b"/" + name) from error
        except OSError:
            return "foreign_name"  # a symbolic link, a socket
        try:
            file.descriptor = descriptor
            head = files.pread(descriptor, self._layout.head, 0)
            return self._layout.read(place, name, files.fstat(descriptor), head, file, None)
        except ParseError:
            return "corrupt_record"
        finally:
            files.close(descriptor)


def _blank(stats: QueueStats) -> QueueStats:
    """Without what a glance cannot know."""
    return replace(stats, bytes=None, recipients=None, sizes=None)
