"""Exim's -H files: the envelope of one queued message and how long its headers are.

Pure. Source of truth: src/spool_in.c and spool_out.c of 4.80 to the main branch of 2026. Text: the id; the
submitter; the sender in angle brackets; when it came and how many warnings went out; options, each a line
that begins with "-"; the tree of addresses that are done; the number of recipients and their lines; an
empty line; headers as ``NNNc text``.

Values of ACL variables are counted in bytes and may hold line ends and whatever a stranger sent: they are
stepped over, never looked into. Addresses that are done stay among the recipients: what waits is the list
less the tree, less the journal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.exim.message_id import MESSAGE_ID

_HEAD = re.compile(
    rb"(?P<id>"
    + MESSAGE_ID
    + rb")-H\n[^\n]*\n<(?P<sender>[^\n]*)>\n(?P<time>\d{1,11}) \d{1,9}\n(?P<options>(?:-[^\n]*\n)*+)"
)
#: --(quoter)aclm _name LENGTH: a value of so many bytes and a line end follow.
_ACL = re.compile(
    rb"-{1,2}(?:\([^)\n]{0,20}\))?acl[cm]? \S+ (\d{1,7})\n|-{1,2}(?:\([^)\n]{0,20}\))?acl \d+ (\d{1,7})\n"
)
_OPTION = re.compile(rb"-[^\n]*\n")
_COUNT = re.compile(rb"(\d{1,7})\n")
_NODE = re.compile(rb"([YN])([YN]) ([^\n]*)\n")
#: What follows an address: errors_to, its length, the parent's number; before it the original recipient of
#: a DSN.
_ONE_TIME = re.compile(rb" (\d{1,5}),-?\d+#([0-3])\Z")
_DSN = re.compile(rb" (\d{1,5}),-?\d+\Z")
_OLD = re.compile(rb" -?\d+(?:,-?\d+)*\Z")
_HEADER = re.compile(rb"(\d{3,7})([^\n]) ")
_GONE = b"*"
_KEPT = re.compile(rb"(\d{3})[A-Z ] ")
#: A -H file is not longer, bytes.
LONGEST = 64 * 1024 * 1024


class _Steps(dict[bytes, int]):
    """Prefix of a header that was not taken out -> bytes from it to the next one; KeyError if it is no such."""

    def __missing__(self, prefix: bytes) -> int:
        found = _KEPT.fullmatch(prefix)
        if found is None:
            raise KeyError(prefix)
        step = self[prefix] = int(found[1]) + len(prefix)
        return step


STEPS = _Steps()


class Envelope(NamedTuple):
    """What a -H file says. Times in seconds, sizes in bytes."""

    message_id: bytes
    received: int
    sender: bytes
    frozen: bool
    done: frozenset[bytes]
    recipients: list[bytes]
    headers: int
    """Bytes of the headers that are sent."""


_NOTHING: frozenset[bytes] = frozenset()


def read_header(data: bytes, size: int, more: Callable[[int, int], bytes]) -> Envelope:
    """Understand a -H file of `size` bytes that begins with `data`; `more(offset, length)` reads on.
    ParseError.
    """
    if size > len(data):
        if size > LONGEST:
            raise ParseError("-H file", f"more than {LONGEST} bytes")
        data = more(0, size)
    found = _HEAD.match(data)
    if found is None:
        raise ParseError("-H file", "does not begin like one", data[:40])
    options, at = found["options"], found.end()
    if b"acl" in options:
        options, at = _options(data, found.start("options"))
    frozen = is_frozen(options)
    done = _NOTHING
    if data.startswith(b"XX\n", at):
        at += 3
    else:
        done, at = _tree(data, at)
    count = _COUNT.match(data, at)
    if count is None:
        raise ParseError("-H file", "no number of recipients", data[at : at + 20])
    at = count.end()
    recipients, at = _recipients(data, at, int(count[1]))
    return Envelope(
        found["id"], int(found["time"]), found["sender"], frozen, done, recipients,
        header_bytes(data[at:]),
    )


def is_frozen(options: bytes) -> bool:
    """Whether -frozen is among the options."""
    return b"-frozen" in options and (options.startswith(b"-frozen") or b"\n-frozen" in options)


def _options(data: bytes, at: int) -> tuple[bytes, int]:
    """The options without the values of ACL variables, and where they end."""
    kept: list[bytes] = []
    while data.startswith(b"-", at):
        value = _ACL.match(data, at)
        if value is not None:
            at = value.end() + int(value[1] or value[2])
            if data[at : at + 1] != b"\n":
                raise ParseError(
                    "-H file", "an ACL variable does not end where it should", data[at : at + 20]
                )
            at += 1
            continue
        line = _OPTION.match(data, at)
        if line is None:
            raise ParseError("-H file", "cut in the options")
        kept.append(line[0])
        at = line.end()
    return b"".join(kept), at


def _tree(data: bytes, at: int) -> tuple[frozenset[bytes], int]:
    """The addresses that are done: a binary tree, each node before its left and its right branch."""
    done: list[bytes] = []
    open_branches = 1
    while open_branches:
        node = _NODE.match(data, at)
        if node is None:
            raise ParseError("-H file", "the tree of addresses that are done is broken", data[at : at + 20])
        open_branches += (node[1] == b"Y") + (node[2] == b"Y") - 1
        done.append(node[3])
        at = node.end()
    return frozenset(done), at


def _recipients(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    if count == 1:  # nearly all mail
        end = data.find(b"\n", at)
        lines = [data[at:end]] if end >= 0 else []
        at = end + 1
    else:
        lines = data[at:].split(b"\n", count)[:count] if count else []
        at += sum(map(len, lines)) + count
    if len(lines) != count or data[at : at + 1] != b"\n":
        raise ParseError("-H file", f"not {count} recipients and an empty line", data[at : at + 20])
    return [line if not line[-1:].isdigit() else _address(line) for line in lines], at + 1


def _address(line: bytes) -> bytes:
    """The address at the beginning of a recipient's line that ends in a digit."""
    found = _ONE_TIME.search(line)
    if found is None:
        return _OLD.sub(b"", line)
    flags = int(found[2])
    line = line[: found.start()]
    if flags & 1:
        line = line[: len(line) - int(found[1]) - 1]
    if flags & 2 and (found := _DSN.search(line)):
        line = line[: found.start()]
        line = line[: len(line) - int(found[1]) - 1]
    return line


def header_bytes(headers: bytes) -> int:
    """Bytes of the headers, without their prefixes and without those that were taken out ("*")."""
    at = total = 0
    end = len(headers)
    try:
        while at < end:
            at += STEPS[headers[at : at + 5]]
            total += 5
        return at - total
    except KeyError:
        at = total = 0
    while found := _HEADER.match(headers, at):
        length = int(found[1])
        if found[2] != _GONE:
            total += length
        at = found.end() + length
    return total
