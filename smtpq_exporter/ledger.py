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
from typing import Generic, TypeVar

from smtpq_exporter.mta.base import Entry

T = TypeVar("T")
Rest = tuple[tuple[str, ...], tuple[str, ...], bool, bool]
"""mta.base.Facts without the sender domain."""

#: The same number objects for the rows of all ledgers: a number above 256 would else cost 32 bytes in each.
_ROWS: list[int] = list(range(1024))


class Shared(Generic[T]):
    """Equal values are one object with one number; a number is free again when nobody uses it."""

    __slots__ = ("_free", "numbers", "uses", "values")

    def __init__(self) -> None:
        """Start empty."""
        self.values: list[T | None] = []
        self.numbers: dict[T, int] = {}
        self.uses = array("I")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, value: T) -> int:
        """Number of this value, used once more."""
        number = self.numbers.get(value)
        if number is not None:
            self.uses[number] += 1
            return number
        if self._free:
            number = self._free.pop()
            self.values[number], self.uses[number] = value, 1
        else:
            number = len(self.values)
            self.values.append(value)
            self.uses.append(1)
        self.numbers[value] = number
        return number

    def give_back(self, number: int) -> T:
        """The value of this number, used once less."""
        value = self.values[number]
        if value is None:
            raise KeyError(number)
        self.uses[number] -= 1
        if not self.uses[number]:
            del self.numbers[value]
            self.values[number] = None
            self._free.append(number)
        return value


class FactTable:
    """What messages share, in two parts, for each sender writes to many domains: the sender domain, and the rest.

    `parts` holds the pieces of the rest (recipient domains, reasons), so that equal ones are one object, too.
    """

    __slots__ = ("_parts", "rests", "senders")

    def __init__(self) -> None:
        """Start empty."""
        self.senders = Shared[str]()
        self.rests = Shared[Rest]()
        self._parts: dict[tuple[str, ...], tuple[str, ...]] = {}

    def take(self, rest: Rest) -> int:
        """Number of this rest, which is not known yet or used once more."""
        domains, reasons, held, forced = rest
        if len(self._parts) > 2 * len(self.rests) + 1024:
            self._parts.clear()  # those of messages that are gone go with it
        part = self._parts.setdefault
        return self.rests.take((part(domains, domains), part(reasons, reasons), held, forced))


class Ledger:
    """The messages of one directory or one part of a listing: name -> Entry, with a stamp that tells changes.

    `rows` leads from a name to its row; `stamps` are nanoseconds (mtime of the file), 0 where there are none.
    """

    __slots__ = (
        "_arrivals", "_free", "_queues", "_rests", "_senders", "_sizes", "_table", "retries", "rows", "stamps",
    )

    def __init__(self, table: FactTable) -> None:
        """Start empty, with facts in `table`."""
        self.rows: dict[bytes, int] = {}
        self.stamps = array("q")
        self.retries = array("I")
        self._arrivals, self._sizes = array("I"), array("Q")
        self._senders, self._rests, self._queues = array("I"), array("I"), array("B")
        self._table = table
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, name: bytes, entry: Entry, stamp: int = 0) -> None:
        """Enter a message whose name is not there."""
        if not self._free:
            self.put_all([name], [entry], [stamp])
            return
        queue, arrival, size, retry, facts = entry
        row = self._free.pop()
        self.stamps[row], self.retries[row], self._queues[row] = stamp, retry, queue
        self._arrivals[row], self._sizes[row] = arrival, size
        self._senders[row], self._rests[row] = self._table.senders.take(facts[0]), self._table.take(facts[1:])
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
        for column, values in zip(  # the facts come last and have a loop of their own
            (self._queues, self._arrivals, self._sizes, self.retries), zip(*entries, strict=True), strict=False
        ):
            column.extend(array(column.typecode, values))
        keep_sender, keep_rest = self._senders.append, self._rests.append
        table, senders, rests = self._table, self._table.senders, self._table.rests
        sender_number, sender_uses = senders.numbers.get, senders.uses
        rest_number, rest_uses = rests.numbers.get, rests.uses
        for _, _, _, _, facts in entries:
            number = sender_number(facts[0])
            if number is None:
                number = senders.take(facts[0])
            else:
                sender_uses[number] += 1
            keep_sender(number)
            rest = facts[1:]
            number = rest_number(rest)
            if number is None:
                number = table.take(rest)
            else:
                rest_uses[number] += 1
            keep_rest(number)

    def get(self, name: bytes) -> Entry:
        """What is known of this message; KeyError."""
        row = self.rows[name]
        sender, rest = self._table.senders.values[self._senders[row]], self._table.rests.values[self._rests[row]]
        if sender is None or rest is None:
            raise KeyError(name)
        return self._queues[row], self._arrivals[row], self._sizes[row], self.retries[row], (sender, *rest)

    def pop(self, name: bytes) -> Entry:
        """Strike a message out and return what was known of it; KeyError."""
        row = self.rows.pop(name)
        self._free.append(row)
        sender = self._table.senders.give_back(self._senders[row])
        rest = self._table.rests.give_back(self._rests[row])
        return self._queues[row], self._arrivals[row], self._sizes[row], self.retries[row], (sender, *rest)

    def entries(self) -> Iterator[Entry]:
        """All of them; for tests and for starting again."""
        return (self.get(name) for name in list(self.rows))
