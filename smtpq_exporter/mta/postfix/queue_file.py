"""Postfix queue files: records -> size, arrival, sender, waiting recipients.

Pure: bytes in, values out; more of the file is asked of the caller. Source of truth: Postfix' rec_type.h and
record.c; checked against ``postcat -o`` and ``postqueue -j`` of 3.7.

A record is a type byte, a length in little-endian base 128 and data. Envelope records stand before M
(content follows). Recipients may also stand behind the content, between X and E (``sendmail -t``,
always_bcc): the number in the C record tells whether some are still missing. A pointer record (left by
milters) leads elsewhere. A recipient that is done had its R overwritten by D in place, so a file may be
read at any moment.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpq_exporter.errors import ParseError

#: More of the file: (offset, length) -> bytes, fewer at its end.
More = Callable[[int, int], bytes]
#: An envelope may be this long; recipients beyond are counted by the C record and not looked at.
LONGEST = 8 * 1024 * 1024
#: Postfix follows this many pointers backwards; we follow as many in all.
JUMPS = 10_000

_A, _C, _D, _E, _M, _O, _R, _S, _T, _X = b"ACDEMORSTX"
_CANCELLED, _POINTER = b"/p"
_STEP = 16384


#: What a queue file says: size (bytes), arrival (s) or None, raw sender or None, raw addresses of the waiting
#: recipients, offset of the record of each (the defer log names it by that), number of recipients not read.
#: A plain tuple: a named one costs a tenth of the whole parse.
Envelope = tuple[int, "int | None", "bytes | None", list[bytes], list[int], int]


def read_envelope(head: bytes, length: int, more: More) -> Envelope:
    """Understand a queue file whose first bytes are `head` and which is `length` bytes long; ParseError.

    A file of maildrop begins with T instead of C; its message size is the file's.
    """
    try:
        if head[0] != _C:
            return _maildrop(head, length, more)
        size, start, count = int(head[2:17]), int(head[18:33]), int(head[34:49])
        if size < 0 or start <= 0 or count < 0:
            raise ParseError("record C", "negative sizes", head[:50])
        if start > LONGEST:
            return _winding(head, length, more, size, start, count)
        if len(head) < start:
            head += more(len(head), start - len(head))
        plain = plain_envelope(head, 2 + head[1], start)
        if plain is None:
            return _winding(head, length, more, size, start, count)
        arrival, sender, recipients, offsets, seen = plain
        unread = _behind(more, start + size, length, recipients, offsets, count - seen) if seen < count else 0
    except (IndexError, ValueError) as error:
        raise ParseError("queue file", f"ends or breaks within a record ({error})", head[:60]) from None
    return size, arrival, sender, recipients, offsets, unread


def plain_envelope(
    b: bytes, i: int, start: int,
) -> tuple[int | None, bytes | None, list[bytes], list[int], int] | None:
    """The common envelope, from offset `i` to M, which ends at `start`. None if there is a pointer in it."""
    arrival = sender = None
    recipients: list[bytes] = []
    offsets: list[int] = []
    seen, length = 0, len(b)
    while True:
        at = i
        kind, n = b[i], b[i + 1]
        i += 2
        if n > 127:
            n, i = _length(b, i - 1)
        i += n
        if kind == _A or kind == _O:  # noqa: PLR1714 - most records; a tuple costs more here
            continue
        if kind == _R:
            if i > length:
                raise IndexError("recipient")
            recipients.append(b[i - n : i])
            offsets.append(at)
            seen += 1
        elif kind == _D or kind == _CANCELLED:  # noqa: PLR1714
            seen += 1
        elif kind == _S:
            if i > length:
                raise IndexError("sender")
            sender = b[i - n : i]
        elif kind == _T:
            if i > length:
                raise IndexError("time")
            arrival = int(b[i - n : i].split(None, 1)[0])
        elif kind == _POINTER:
            return None
        elif kind == _M:
            if i != start:
                raise ValueError(f"content begins at {i}, not at {start}")
            return arrival, sender, recipients, offsets, seen
        elif kind == _E:
            raise ValueError("no content")


def _length(b: bytes, i: int) -> tuple[int, int]:
    """The length at offset `i` and the offset behind it."""
    n = shift = 0
    while True:
        byte = b[i]
        i += 1
        n |= (byte & 127) << shift
        if byte < 128:
            return n, i
        shift += 7
        if shift > 28:
            raise ValueError("length of more than five bytes")


class _Window:
    """A file seen through a window that moves: records at any offset without holding the whole file."""

    def __init__(self, more: More, data: bytes = b"", base: int = 0) -> None:
        self.more, self.data, self.base = more, data, base
        self.left = 2 * LONGEST + 4 * _STEP  # bytes that may be read in all

    def record(self, offset: int) -> tuple[int, bytes, int]:
        """Type, data and the offset behind the record at `offset`."""
        i = offset - self.base
        if i < 0 or i + 6 > len(self.data):
            self._move(offset, _STEP)
            i = 0
        n, start = _length(self.data, i + 1)
        if start + n > len(self.data):
            self._move(offset, n + 16)
            start -= i
            i = 0
        if start + n > len(self.data):
            raise IndexError("record")
        return self.data[i], self.data[start : start + n], self.base + start + n

    def _move(self, offset: int, length: int) -> None:
        self.left -= length
        if self.left < 0:
            raise ValueError("too much to read")
        self.data, self.base = self.more(offset, length), offset


def _behind(
    more: More, start: int, length: int, recipients: list[bytes], offsets: list[int], missing: int,
) -> int:
    """Add the recipients between `start`, the end of the content, and E; how many of `missing` were not read."""
    if start >= length:
        raise IndexError("content")
    window, i = _Window(more), start
    kind, _, i = window.record(i)
    if kind != _X:
        raise ValueError(f"content does not end at {start}")
    while i - start < LONGEST:
        at = i
        kind, data, i = window.record(i)
        if kind == _R:
            recipients.append(data)
            offsets.append(at)
            missing -= 1
        elif kind in (_D, _CANCELLED):
            missing -= 1
        elif kind == _E:
            return 0
        elif kind == _POINTER and (target := int(data)):
            if target <= at:
                raise ValueError("pointer backwards behind the content")
            i = target
    return max(0, missing)


def _winding(head: bytes, length: int, more: More, size: int, start: int, count: int) -> Envelope:
    """An envelope with pointers in it, or one too long to be read as a whole: record by record."""
    window, i, jumps, seen = _Window(more, head), 2 + head[1], 0, 0
    arrival = sender = None
    recipients: list[bytes] = []
    offsets: list[int] = []
    for _ in range(LONGEST // 2):
        at = i
        if start > LONGEST <= at:
            return size, arrival, sender, recipients, offsets, max(0, count - seen)
        kind, data, i = window.record(i)
        if kind == _R:
            recipients.append(data)
            offsets.append(at)
            seen += 1
        elif kind in (_D, _CANCELLED):
            seen += 1
        elif kind == _S and sender is None:
            sender = data
        elif kind == _T and arrival is None:
            arrival = int(data.split(None, 1)[0])
        elif kind == _POINTER and (target := int(data)):
            jumps += 1
            if jumps > JUMPS or target >= length:
                raise ValueError("pointers without end")
            i = target
        elif kind == _M:
            missing = count - seen
            unread = _behind(more, start + size, length, recipients, offsets, missing) if missing > 0 else 0
            return size, arrival, sender, recipients, offsets, unread
        elif kind == _E:
            raise ValueError("no content")
    raise ValueError("records without end")


def _maildrop(head: bytes, length: int, more: More) -> Envelope:
    """A file that postdrop(1) left: T first, no C."""
    if head[0] != _T:
        raise ParseError("queue file", "begins with neither C nor T", head[:20])
    window, i = _Window(more, head), 0
    arrival = sender = None
    recipients: list[bytes] = []
    offsets: list[int] = []
    while True:
        at = i
        kind, data, i = window.record(i)
        if kind == _R:
            recipients.append(data)
            offsets.append(at)
        elif kind == _S:
            sender = data
        elif kind == _T:
            arrival = int(data.split(None, 1)[0])
        elif kind == _M:
            return length, arrival, sender, recipients, offsets, 0
        elif kind == _E:
            raise ValueError("no content")
