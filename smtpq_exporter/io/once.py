"""A spool read once, by a program that then ends, as a check does: the memory does not grow with the queue.

What spool.py keeps so that its next reading is cheap is not kept here: a message is opened, counted, and forgotten.
Only the ids of the first places are remembered, so that a message that moves on meanwhile is counted once. An
unreadable directory fails the whole reading.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.directory import Directory
from smtpq_exporter.io.files import Files, fault
from smtpq_exporter.io.intake import UNREAD, Intake
from smtpq_exporter.io.liveness import Liveness
from smtpq_exporter.ledger import FactTable, Ledger
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Entry, Place, SpoolLayout

#: So many ids are remembered.
REMEMBERED = 20_000
#: About so many names of one directory are held at a time.
LISTED = 65_536
#: So many messages are read to the end where a layout can read less.
WHOLE = 10_000
#: Messages that are taken in between two looks at those.
_SLICE = 1024


class _Fleeting(Ledger):
    """Keeps nothing."""

    __slots__ = ()

    def put(self, name: bytes, entry: Entry, stamp: int = 0) -> None:
        """The sums have it."""

    def put_all(self, names: list[bytes], entries: list[Entry], stamps: list[int]) -> None:
        """The sums have them."""


class OnceReader:
    """Reads one instance's queue directories once."""

    source = "spool"

    def __init__(
        self, layout: SpoolLayout, *, top: int = 20, why: str = "", liveness: Liveness | None = None
    ) -> None:
        """Nothing is read yet."""
        self.why = why
        self._layout, self._top, self._liveness = layout, top, liveness
        self._files = Files()
        self._skipped: dict[str, int] = {}
        self._deadline = 0.0

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """The queue at `now`."""
        self._deadline, self._skipped = deadline, {}
        total = Aggregator(self._layout.queues, self._top)
        intake, ledger, seen = Intake(self._layout, self._files, total), _Fleeting(FactTable()), set[bytes]()
        intake.whole = WHOLE

        def one(directory: Directory, name: bytes) -> None:
            found = intake.load(directory, name, None)
            if found is None:
                self._skip("vanished")
            else:
                intake.enter(directory, name, found)

        try:
            for place, names in self._messages(total):
                directory = Directory(place, FactTable())
                directory.ledger = ledger
                for start in range(0, len(names), _SLICE):
                    some = [name for name in names[start : start + _SLICE] if name not in seen]
                    if len(seen) < REMEMBERED:
                        seen.update(some)
                    if place.folders:
                        for name in some:
                            self._look()
                            one(directory, name)
                    else:
                        intake.all(directory, some, self._look, one)
                for why in directory.aside.values():
                    self._skip(why)
                self._skip(UNREAD, len(directory.half))
        finally:
            intake.folders.close()
        layout = self._layout
        return total.snapshot(now, self.source, retries=layout.retries, holds=getattr(layout, "holds", True),
                              skipped=self._skipped)

    def up(self) -> bool | None:
        """Whether the mail system runs."""
        return self._liveness.up() if self._liveness else None

    def version(self) -> str | None:
        """Not asked for: it costs a process."""
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def _messages(self, total: Aggregator) -> Iterator[tuple[Place, list[bytes]]]:
        """Every place with the names of its messages, in order; a large place comes several times."""
        todo = list(reversed(self._layout.roots()))
        while todo:
            place = todo.pop()
            inside: list[Place] = []
            try:
                for listed in self._names(place.path):
                    names, _ = self._layout.pick(place, listed)
                    messages: list[bytes] = []
                    for name in names:
                        sort = self._layout.sort(place, name)
                        if sort is None:
                            messages.append(name)
                        elif isinstance(sort, Place):
                            if sort.queue >= len(total.queues):
                                total.widen(self._layout.queues)
                            inside.append(sort)
                        else:
                            self._skip(sort)
                    yield place, messages
            except (FileNotFoundError, NotADirectoryError) as error:
                if not place.optional:
                    raise SourceError("unavailable", f"{os.fsdecode(place.path)}: no such queue directory",
                                      "is this the queue directory?") from error
            except OSError as error:
                raise fault(error, place.path) from error
            todo += sorted(inside, reverse=True)

    def _names(self, path: bytes) -> Iterator[list[bytes]]:
        """The names in a directory, about LISTED at a time; the files of one message come together.

        They agree in all but the first and the last two letters (qf and df of Sendmail, -H and -J of Exim). A large
        directory is listed once for each part, which costs a microsecond a name and keeps the memory bounded.
        """
        scandir = self._files.scandir
        with scandir(path) as entries:
            names = [entry.name for entry in islice(entries, LISTED)]
            parts = 1 + sum(1 for _ in entries) // LISTED + (len(names) == LISTED)
        if len(names) < LISTED:
            yield names
            return
        del names
        for part in range(parts):
            self._look()
            with scandir(path) as entries:
                names = [entry.name for entry in entries if hash(entry.name[2:-2]) % parts == part]
            yield names

    def _look(self) -> None:
        if time.monotonic() > self._deadline:
            raise SourceError("timeout", "the queue was not read in time",
                              "ask an exporter, or give more time by -t")

    def _skip(self, why: str, count: int = 1) -> None:
        if why:
            self._skipped[why] = self._skipped.get(why, 0) + count
