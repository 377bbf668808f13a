"""How many things happened at or before a moment: a multiset of whole seconds that answers exactly.

Pure: no clock. Neither question nor change grows with the number of things: seconds stand in blocks of 1024
(about 17 minutes), a block is a sorted list of offsets while it is small and a count for each second when
it is not. A Timeline is frozen and shared between threads; a TimelineBuilder copies a block before it
changes one that a Timeline still holds, so that freezing costs a few bytes for each block and nothing when
nothing changed. No block is tracked by the garbage collector.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

_SHIFT = 10
_SPAN = 1 << _SHIFT
_MASK = _SPAN - 1
#: A sorted list of 2-byte offsets up to here, 4-byte counts beyond.
_SPARSE = 512
#: So many new seconds are brought in at a time: as objects they take ten times their space.
_SLICE = 65536
_ZEROS = array("I", bytes(4 * _SPAN))


def _until(block: array[int], offset: int) -> int:
    return bisect_right(block, offset) if block.typecode == "H" else sum(block[: offset + 1])


def _counts(block: array[int]) -> Iterator[tuple[int, int]]:
    if block.typecode == "I":
        yield from ((offset, n) for offset, n in enumerate(block) if n)
        return
    last, n = -1, 0
    for offset in block:
        if offset != last and n:
            yield last, n
            n = 0
        last, n = offset, n + 1
    if n:
        yield last, n


class Timeline:
    """Frozen. `count` is the number of all things, `total` the sum of their seconds since the epoch."""

    __slots__ = ("_before", "_blocks", "_keys", "count", "total")

    def __init__(self, keys: list[int], sizes: Iterable[int], blocks: list[array[int]], total: int) -> None:
        """Take over sorted block numbers, the number of things in each, and the blocks."""
        self._keys, self._blocks, self.total = keys, blocks, total
        self._before = array("Q", accumulate(sizes, initial=0))
        self.count = self._before[-1]

    def until(self, second: int) -> int:
        """Number of things at or before `second`."""
        i = bisect_left(self._keys, second >> _SHIFT)
        n = self._before[i]
        if i < len(self._keys) and self._keys[i] == second >> _SHIFT:
            n += _until(self._blocks[i], second & _MASK)
        return n

    def older_than(self, seconds: float, now: float) -> int:
        """Number of things whose age at `now` is more than `seconds`; what lies in the future has age 0."""
        edge = now - max(0.0, seconds)
        second = int(edge // 1)
        return self.until(second - 1 if second == edge else second)

    def first(self) -> int | None:
        """The earliest second, None if there is none."""
        return next((second for second, _ in self.items()), None)

    def items(self, since: int = 0) -> Iterator[tuple[int, int]]:
        """(second, number of things) in order, beginning with the block of `since`."""
        for i in range(bisect_left(self._keys, since >> _SHIFT), len(self._keys)):
            base = self._keys[i] << _SHIFT
            for offset, n in _counts(self._blocks[i]):
                yield base + offset, n

    def ages(self, bounds: tuple[float, ...], now: float) -> tuple[tuple[int, ...], float]:
        """Numbers of things by age, as in model.Histogram for these bounds, and the sum of all ages (s)."""
        older = [self.count, *(self.older_than(bound, now) for bound in bounds), 0]
        future = sum((second - now) * n for second, n in self.items(int(now)) if second > now)
        counts = tuple(older[i] - older[i + 1] for i in range(len(older) - 1))
        return counts, max(0.0, self.count * now - self.total + future)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Timeline)
            and self.count == other.count
            and self.total == other.total
            and all(a == b for a, b in zip(self.items(), other.items(), strict=False))
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Timeline(count={self.count}, total={self.total})"


class TimelineBuilder:
    """Takes seconds in and out; `freeze()` gives the Timeline of what is in.

    `extend(seconds)`, each 0 to 2**32 - 1, only appends to an array; seconds find their places when somebody asks or
    takes one out.
    """

    __slots__ = ("_blocks", "_frozen", "_keys", "_new", "_own", "_sizes", "_total", "extend")

    def __init__(self) -> None:
        """Start empty."""
        self._blocks: dict[int, array[int]] = {}
        self._sizes: dict[int, int] = {}
        self._own: set[int] = set()  # blocks that no Timeline holds
        self._keys: list[int] | None = []
        self._total = 0
        self._frozen: Timeline | None = None
        self._new = array("I")
        self.extend: Callable[[Iterable[int]], None] = self._new.extend

    def remove(self, second: int) -> None:
        """Take one out that was put in before; ValueError if there is none."""
        if self._new:
            self._settle()
        key, offset = second >> _SHIFT, second & _MASK
        block = self._blocks.get(key)
        if block is None or (offset not in block if block.typecode == "H" else not block[offset]):
            raise ValueError(f"no {second} in the timeline")
        self._frozen = None
        self._total -= second
        left = self._sizes[key] - 1
        if not left:
            del self._blocks[key], self._sizes[key]
            self._own.discard(key)
            self._keys = None
            return
        self._sizes[key] = left
        if key not in self._own:
            block = self._copy(key, block)
        if block.typecode == "I":
            block[offset] -= 1
        else:
            del block[bisect_left(block, offset)]

    def freeze(self) -> Timeline:
        """The Timeline of now; the same one again while nothing changes."""
        if self._new:
            self._settle()
        if self._frozen is None:
            if self._keys is None:
                self._keys = sorted(self._blocks)
            keys = self._keys
            self._frozen = Timeline(
                keys, map(self._sizes.__getitem__, keys), [self._blocks[key] for key in keys], self._total,
            )
            self._own.clear()
        return self._frozen

    def _settle(self) -> None:
        """Bring the seconds that were added into their blocks, block by block."""
        for start in range(0, len(self._new), _SLICE):
            by_block = defaultdict[int, list[int]](list)
            for second in self._new[start : start + _SLICE]:
                by_block[second >> _SHIFT].append(second & _MASK)
            self._fill(by_block)
        self._total += sum(self._new)
        del self._new[:]
        self._frozen = None

    def _fill(self, by_block: Mapping[int, list[int]]) -> None:
        blocks, sizes, own = self._blocks, self._sizes, self._own
        for key, offsets in by_block.items():
            block = blocks.get(key)
            if block is None:
                block = blocks[key] = array("H")
                sizes[key] = 0
                own.add(key)
                self._keys = None
            elif key not in own:
                block = self._copy(key, block)
            sizes[key] += len(offsets)
            if block.typecode == "H" and len(block) + len(offsets) > _SPARSE:
                offsets.extend(block)
                block = blocks[key] = _ZEROS[:]
            if block.typecode == "I":
                for offset in offsets:
                    block[offset] += 1
            elif len(offsets) == 1:
                insort(block, offsets[0])
            else:
                blocks[key] = array("H", sorted([*block, *offsets]))

    def _copy(self, key: int, block: array[int]) -> array[int]:
        self._own.add(key)
        copy = self._blocks[key] = block[:]
        return copy
