"""Defer logs of Postfix, defer/<c>/<id>: why each recipient of a message still waits.

Pure. Source of truth: Postfix' bounce_log.c. Text, one block for each recipient, lines of ``name=value``,
blocks parted by empty lines. The value of ``reason=`` comes from strangers: names count at line starts
only, and Postfix has replaced every control character, so a value cannot begin a line. ``offset=`` joins a
block to the recipient's record in the queue file: addresses do not, they are quoted here and raw there.

The enhanced code in ``status=`` is left alone: showq and postqueue do not show it, and the three ways of
reading a queue must name the same reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def blocks(log: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(offset of the recipient's record, reason text, recipient) of each block, in the order of failures."""
    for block in log.split(b"\n\n"):
        at, start = block.find(b"\noffset=") + 8, block.find(b"\nreason=") + 8
        if at < 8 or start < 8:
            continue
        lines = block + b"\n"
        digits = lines[at : lines.find(b"\n", at)]
        if digits.isdigit() and len(digits) < 20:
            named = block.find(b"\nrecipient=") + 11
            recipient = lines[named : lines.find(b"\n", named)] if named > 10 else b""
            yield int(digits), lines[start : lines.find(b"\n", start)], recipient


def texts(log: bytes, offsets: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """(reason text, recipient) of each recipient (offset of its record) that has one, in the order of `offsets`.

    Of several blocks for one recipient the last counts.
    """
    known = {offset: (text, recipient) for offset, text, recipient in blocks(log)}
    return [known[offset] for offset in offsets if offset in known]
