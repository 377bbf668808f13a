"""One directory of a spool: what was seen in it, and which of its messages are to be looked at again.

Touches no file: the engine (spool.py) lists and stats. `stamp` is the directory's mtime in ns if its names
may be trusted as long as it stays the same, else None.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain, islice
from math import ceil

from smtpq_exporter.ledger import FactTable, Ledger
from smtpq_exporter.mta.base import Place

#: Up to so many names left aside, broken files are opened again whenever their directory changed.
_MENDABLE = 1000


class Directory:
    """Names of a directory: messages in `ledger`, others in `aside` with the reason, sub-directories."""

    __slots__ = (
        "_checked", "_cursor", "_folders", "aside", "busy", "half", "ledger", "listed", "place", "revived", "stamp",
    )

    def __init__(self, place: Place, table: FactTable) -> None:
        """Start with nothing known."""
        self.place = place
        self.ledger = Ledger(table)
        self.aside: dict[bytes, str] = {}
        self.stamp: int | None = None
        self.listed = 0.0
        self.busy: Collection[bytes] = ()
        """Messages that were being worked on when the names were listed."""
        self.half: list[bytes] = []
        """Messages that may be read only half yet; see `still_half`."""
        self.revived = False
        self._folders: dict[bytes, Place] = {}
        self._checked = 0.0
        self._cursor = 0

    @property
    def children(self) -> list[Place]:
        """Sub-directories, in order."""
        return [self._folders[name] for name in sorted(self._folders)]

    @property
    def unfinished(self) -> bool:
        """Whether something here will change without the directory changing."""
        return bool(self.busy) or "incomplete" in self.aside.values()

    def adopt(self, name: bytes, place: Place) -> None:
        """A sub-directory was found."""
        self._folders[name] = place

    def start_again(self, now: float) -> None:
        """Sort what is left aside anew, except the second files of an id: they may have been mended."""
        self.aside = {name: why for name, why in self.aside.items() if why == "duplicate"}
        self._checked = self._checked or now

    def difference(self, names: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Names known before and gone now; names to be sorted: new ones and files that were not finished."""
        rows, aside, folders = self.ledger.rows, self.aside, self._folders
        if aside:
            again = ("incomplete", "corrupt_record") if len(aside) <= _MENDABLE else ("incomplete",)
            for name in [name for name, why in aside.items() if why in again]:
                del aside[name]
        if not (rows or aside or folders):
            return [], names
        alone = set(names)
        alone.symmetric_difference_update(rows)  # here or there alone: a million names are compared in C
        new = sorted(name for name in alone if not (name in rows or name in aside or name in folders))
        gone = sorted(name for name in alone if name in rows)
        gone += [name for name in aside if name not in alone]
        for name in [name for name in folders if name not in alone]:
            del folders[name]
        return gone, new

    def still_half(self) -> list[bytes]:
        """`half` without those that are gone or were read again meanwhile: else a busy queue would fill it."""
        rows, stamps = self.ledger.rows, self.ledger.stamps
        if self.half:
            self.half = [name for name in self.half if (row := rows.get(name)) is not None and stamps[row] < 0]
        return self.half

    def suspects(self, now: float, length: int, exact: int, sample: int) -> list[bytes]:
        """Messages of a changed directory to look at, in a queue of `length`: all, or due ones and a sample."""
        rows = self.ledger.rows
        if length <= exact:
            return list(rows)
        retries, horizon = self.ledger.retries, int(now) + 1
        due = [name for name, row in rows.items() if 0 < retries[row] <= horizon]
        return due + self._next(max(16, ceil(sample * len(rows) / length)))

    def share(self, now: float, period: float, at_least: int) -> list[bytes]:
        """The messages whose turn it is, so that each has one in `period` seconds."""
        elapsed, self._checked = now - self._checked, now
        length = len(self.ledger)
        return self._next(max(at_least, ceil(length * min(1.0, max(0.0, elapsed) / period))))

    def _next(self, count: int) -> list[bytes]:
        rows = self.ledger.rows
        if count >= len(rows):
            return list(rows)
        start = self._cursor % len(rows)
        self._cursor = start + count
        return list(islice(chain(islice(rows, start, None), rows), count))
