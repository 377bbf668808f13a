"""The directories of one spool, and who is counted where: an id once, wherever its file lies.

Reads no message: the engine (spool.py) finds names, this room decides whether they count. A name that is gone
from one directory may turn up in another, then it has moved; a name that is in two is counted in the later
queue, and its other file is left aside as a duplicate until one of them goes.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.io.directory import Directory
from smtpq_exporter.io.files import Files
from smtpq_exporter.ledger import FactTable
from smtpq_exporter.mta.base import Entry, Place

#: What is known of a message that is not counted just now, and its stamp.
Carried = tuple[Entry, int]


class Census:
    """Who is where. Ledgers and sums change together, message by message."""

    def __init__(self, files: Files, total: Aggregator) -> None:
        """Nobody is known yet."""
        self.directories: dict[bytes, Directory] = {}
        self.departed: dict[bytes, Carried] = {}
        """Names that are gone from one directory and were not found in another, of this reading."""
        self._duplicates: set[bytes] = set()
        self._files, self._sum, self._table = files, total, FactTable()

    def __len__(self) -> int:
        return sum(len(directory.ledger) for directory in self.directories.values())

    def of(self, place: Place) -> Directory:
        """What is known of a place."""
        directory = self.directories.get(place.path)
        if directory is None:
            directory = self.directories[place.path] = Directory(place, self._table)
        return directory

    def elsewhere(self, directory: Directory) -> list[Directory]:
        """Where the messages of this directory might be as well: directories of other queues."""
        return [
            one for one in self.directories.values() if one.place.queue != directory.place.queue and one.ledger.rows
        ]

    def claim(self, directory: Directory, name: bytes, elsewhere: Iterable[Directory]) -> tuple[bool, Carried | None]:
        """Whether a name that was not in this directory before counts here; what is known of it if it moved."""
        carried = self.departed.pop(name, None)
        if carried is not None:
            return True, carried
        for other in elsewhere:
            if name in other.ledger.rows:
                if not self._is_there(other.place.path + b"/" + name):
                    return True, self.strike(other, name)
                self._duplicates.add(name)
                if other.place.queue > directory.place.queue:
                    directory.aside[name] = "duplicate"
                    return False, None
                self.strike(other, name)
                other.aside[name] = "duplicate"
                break
        return True, None

    def strike(self, directory: Directory, name: bytes) -> Carried:
        """Count a message out."""
        stamp = directory.ledger.stamps[directory.ledger.rows[name]]
        entry = directory.ledger.pop(name)
        self._sum.take(entry)
        return entry, stamp

    def drop(self, directory: Directory, name: bytes) -> None:
        """A name is gone from a directory; its message may be on the way to another."""
        if directory.aside.pop(name, None) is None:
            self.departed[name] = self.strike(directory, name)
            if name in self._duplicates:  # the other file of this id counts again
                self._duplicates.discard(name)
                for other in self.directories.values():
                    if other.aside.get(name) == "duplicate":
                        del other.aside[name]
                        other.stamp, other.revived = None, True

    def forget(self, path: bytes) -> None:
        """A directory is gone."""
        directory = self.directories.pop(path)
        for name in list(directory.ledger.rows):
            self.drop(directory, name)

    def half(self) -> int:
        """How many messages are read only half yet; exact after Directory.still_half."""
        return sum(len(directory.half) for directory in self.directories.values())

    def aside(self) -> dict[str, int]:
        """How many names are left aside, by why."""
        counts: dict[str, int] = {}
        for directory in self.directories.values():
            for why in directory.aside.values():
                counts[why] = counts.get(why, 0) + 1
        counts.pop("", None)
        return counts

    def _is_there(self, path: bytes) -> bool:
        try:
            self._files.stat(path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True
