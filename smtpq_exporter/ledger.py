"""What is known about each queued message, a few bytes for each: columns of numbers, and facts that many
share.

Pure: no clock, no files. A million messages must fit into a small process, and the garbage collector must
not have a million containers to look at: so there is no object for a message. Its name leads to a row, the
numbers stand in arrays, and what repeats (sender domain, recipient domains, reasons, marks) is kept once in
a FactTable. Dictionaries of bytes to numbers and arrays are not tracked by the collector.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from smtpq_exporter.mta.base import Entry, Facts

#: The same number objects for the rows of all ledgers: a number above 256 would else cost 32 bytes in each.
_ROWS: list[int] = list(range(1024))


class FactTable:
    """Equal facts are one object with one number; a number is free again when nobody uses it."""

    __slots__ = ("_free", "facts", "numbers", "uses")

    def __init__(self) -> None:
        """Start empty."""
        self.facts: list[Facts | None] = []
        self.numbers: dict[Facts, int] = {}
        self.uses = array("I")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, facts: Facts) -> int:
        """Number of these facts, used once more."""
        number = self.numbers.get(facts)
        if number is not None:
            self.uses[number] += 1
            return number
        if self._free:
            number = self._free.pop()
            self.facts[number], self.uses[number] = facts, 1
        else:
            number = len(self.facts)
            self.facts.append(facts)
            self.uses.append(1)
        self.numbers[facts] = number
        return number

    def give_back(self, number: int) -> Facts:
        """The facts of this number, used once less."""
        facts = self.facts[number]
        if facts is None:
            raise KeyError(number)
        self.uses[number] -= 1
        if not self.uses[number]:
            del self.numbers[facts]
            self.facts[number] = None
            self._free.append(number)
        return facts


class Ledger:
    """The messages of one directory or one part of a listing: name -> Entry, with a stamp that tells changes.

    `rows` leads from a name to its row; `stamps` are nanoseconds (mtime of the file), 0 where there are none.
    """

    __slots__ = (
        "_arrivals", "_facts", "_free", "_numbers", "_queues", "_sizes", "_table", "_uses", "retries", "rows",
        "stamps",
    )

    def __init__(self, table: FactTable) -> None:
        """Start empty, with facts in `table`."""
        self.rows: dict[bytes, int] = {}
        self.stamps = array("q")
        self.retries = array("I")
        self._arrivals, self._sizes = array("I"), array("Q")
        self._facts, self._queues = array("I"), array("B")
        self._table, self._numbers, self._uses = table, table.numbers, table.uses
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, name: bytes, entry: Entry, stamp: int = 0) -> None:
        """Enter a message whose name is not there."""
        queue, arrival, size, retry, facts = entry
        number = self._numbers.get(facts)
        if number is None:
            number = self._table.take(facts)
        else:
            self._uses[number] += 1
        if self._free:
            row = self._free.pop()
            self.stamps[row], self.retries[row], self._queues[row] = stamp, retry, queue
            self._arrivals[row], self._sizes[row], self._facts[row] = arrival, size, number
        else:
            row = len(self.stamps)
            if row >= len(_ROWS):
                _ROWS.extend(range(len(_ROWS), 2 * len(_ROWS)))
            row = _ROWS[row]
            self.stamps.append(stamp)
            self.retries.append(retry)
            self._queues.append(queue)
            self._arrivals.append(arrival)
            self._sizes.append(size)
            self._facts.append(number)
        self.rows[name] = row

    def put_all(self, names: list[bytes], entries: list[Entry], stamps: list[int]) -> None:
        """The same for many, in step."""
        if self._free:
            for name, entry, stamp in zip(names, entries, stamps, strict=True):
                self.put(name, entry, stamp)
            return
        row = len(self.stamps)
        while row + len(names) > len(_ROWS):
            _ROWS.extend(range(len(_ROWS), 2 * len(_ROWS)))
        self.rows.update(zip(names, _ROWS[row : row + len(names)], strict=True))
        self.stamps.extend(stamps)
        numbers, uses, take = self._numbers, self._uses, self._table.take
        queues, arrivals, sizes = self._queues.append, self._arrivals.append, self._sizes.append
        retries, kept = self.retries.append, self._facts.append
        for queue, arrival, size, retry, facts in entries:
            number = numbers.get(facts)
            if number is None:
                number = take(facts)
            else:
                uses[number] += 1
            queues(queue)
            arrivals(arrival)
            sizes(size)
            retries(retry)
            kept(number)

    def get(self, name: bytes) -> Entry:
        """What is known of this message; KeyError."""
        row = self.rows[name]
        facts = self._table.facts[self._facts[row]]
        if facts is None:
            raise KeyError(name)
        return self._queues[row], self._arrivals[row], self._sizes[row], self.retries[row], facts

    def pop(self, name: bytes) -> Entry:
        """Strike a message out and return what was known of it; KeyError."""
        row = self.rows.pop(name)
        self._free.append(row)
        facts = self._table.give_back(self._facts[row])
        return self._queues[row], self._arrivals[row], self._sizes[row], self.retries[row], facts

    def entries(self) -> Iterator[Entry]:
        """All of them; for tests and for starting again."""
        return (self.get(name) for name in list(self.rows))
