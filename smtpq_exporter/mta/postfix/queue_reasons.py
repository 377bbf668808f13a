"""Defer logs of Postfix, defer/<c>/<id>: why each recipient of a message still waits.

Pure. Source of truth: Postfix' bounce_log.c. Text, one block for each recipient, lines of ``name=value``, blocks
parted by empty lines. The value of ``reason=`` comes from strangers: names count at line starts only, and Postfix
has replaced every control character, so a value cannot begin a line. ``offset=`` joins a block to the recipient's
record in the queue file: addresses do not, they are quoted here and raw there.

The enhanced code in ``status=`` is left alone: showq and postqueue do not show it, and the three ways of reading a
queue must name the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def blocks(log: bytes) -> Iterator[tuple[int, bytes]]:
    """(offset of the recipient's record, reason text) for each complete block, in the order of the failures."""
    for block in log.split(b"\n\n"):
        at = block.find(b"\noffset=")
        text = block.find(b"\nreason=")
        if at < 0 or text < 0:
            continue
        digits = block[at + 8 : at + 28].split(b"\n", 1)[0]
        if digits.isdigit():
            yield int(digits), block[text + 8 :].split(b"\n", 1)[0]


def texts(log: bytes, offsets: Sequence[int]) -> list[bytes]:
    """Reason text of each recipient (offset of its record) that has one, in the order of `offsets`.

    Of several blocks for one recipient the last counts.
    """
    if len(offsets) == 1:  # nearly all mail: no need to take the log apart
        mark = b"\noffset=%d\n" % offsets[0]
        if log.count(b"\noffset=") == 1 and mark in log:
            start = log.find(b"\nreason=") + 8
            end = log.find(b"\n", start)
            return [log[start:end]] if start > 7 and end >= 0 else []
    known = dict(blocks(log))
    return [known[offset] for offset in offsets if offset in known]
