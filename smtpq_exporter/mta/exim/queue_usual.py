"""The usual -H file, understood in a few steps: what first readings of long queues are made of.

Pure. It gives for such a message what queue_spool.EximSpool.read gives before it looks for reasons (a test
compares them). Usual are options without ACL variables (their values may hold lines of a stranger's), a sender
with an @ or the null sender, recipients without parameters. Whatever is not quite as expected is left to `read`.
"""

from __future__ import annotations

import re

from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Facts, Place, Understand
from smtpq_exporter.mta.exim.message_id import arrival
from smtpq_exporter.mta.exim.queue_header import STEPS

#: Options but -frozen and ACL variables, which are told by their first two letters: -aclm, --aclm, --(quoter)aclm.
#: Those that begin with a (-auth_id) are looked for apart: each class of characters costs as much as a whole line.
_OTHERS = rb"(?:-{1,2}+[^-fa(\n].*+\n)*+"
_OPTIONS = _OTHERS + rb"(?:-{1,2}+a[^c\n].*+\n" + _OTHERS + rb")*+"
#: Up to the one recipient of most mail, if there is no tree of addresses that are done, and the headers. Of sender and
#: recipient what follows the last @; one set of characters costs as much as ten lines that are only passed over.
_USUAL = re.compile(
    rb".*+\n.*+\n<(?:(?>.*@)(.*+)|>)(?<=>)\n(\d{1,11}) \d{1,9}\n"
    + _OPTIONS + rb"(?:(-frozen.*+\n)" + _OPTIONS
    + rb")?+(?:XX\n1\n(?>.*@)(.*+)(?<!\d)\n\n)?+"
).match
#: The same place in other files: the tree, recipients that do not end in a digit, as parameters do.
_SEVERAL = re.compile(rb"(?:XX\n|((?:[YN]{2} [^\n]*+\n)++))(\d{1,7})\n((?:[^\n]*+(?<=[^\d\n])\n)*+)\n").match
#: An id and -H that differ more in time are of different clocks: ids of case-insensitive builds (base 36).
_AGREE = 86400
_LATEST = 2**32 - 1
#: As a byte of a file.
_LINE_END = 10
#: Pairs of domains that are remembered.
_MOST = 4096


def moment(name: bytes, received: int) -> int:
    """When a message came: its id says so, or its -H if the id was made by another clock."""
    came = arrival(name)
    if not -_AGREE < came - received < _AGREE:
        came = received
    if came > _LATEST:  # noqa: PLR1730 - min() costs more
        came = _LATEST
    return came


def body_bytes(name: bytes, size: int) -> int:
    """Bytes of a body, of which the file is of this size, and of the empty line before it; 0 if there is none."""
    size -= len(name)  # the file begins with the id, "-D" and a line end
    return size if size > 0 else 0  # noqa: FURB136 - max() costs more


def bodies(names: list[bytes]) -> list[bytes]:
    """Names of the files with the bodies."""
    return [name[:-1] + b"D" for name in names]


def recipients_of(head: bytes) -> list[bytes]:
    """Those that wait, of a message that is usual."""
    match = _USUAL(head)
    if match is None:
        return []
    if match[4] is not None:
        return [head[head.rfind(b"\n", 0, match.end() - 2) + 1 : match.end() - 2]]
    return _several(head, match.end())[0]


def usual_messages(longest: int) -> Understand:
    """Make the function that reads messages; a head of `longest` bytes may be cut."""
    remembered: dict[tuple[bytes | None, bytes], Facts] = {}
    known = remembered.get

    def learn(sender: bytes | None, recipient: bytes) -> Facts:
        """Facts of the ends of both, behind the @."""
        if len(remembered) >= _MOST:
            remembered.clear()
        domains = (domain_of(b"@" + recipient),)
        facts = remembered[sender, recipient] = _domain(sender), domains, (), False, False
        return facts

    def usual(place: Place, names: list[bytes], heads: list[bytes], sizes: list[int]) -> list[Entry | None]:
        queue = place.queue
        found: list[Entry | None] = []
        add = found.append
        for name, head, size, match in zip(names, heads, sizes, map(_USUAL, heads), strict=True):
            end, length = len(head), len(name)
            if match is None or head[:length] != name or head[length] != _LINE_END or end >= longest:
                add(None)
                continue
            sender, received, frozen, recipient = match.groups()
            at = match.end()
            if recipient is not None:
                facts = known((sender, recipient)) or learn(sender, recipient)
            else:
                waiting, at = _several(head, at)
                if not at:
                    add(None)
                    continue
                facts = _domain(sender), tuple([domain_of(one) for one in waiting]), (), False, False
            if frozen:
                facts = *facts[:3], True, False
            length = body_bytes(name, size) - at
            try:
                while at < end:
                    at += STEPS[head[at : at + 5]]
                    length -= 5
            except KeyError:
                add(None)
                continue
            add((queue, moment(name, int(received)), length + at, 0, facts))
        return found

    return usual


def _domain(sender: bytes | None) -> str:
    """Domain of what stands between the last @ of the sender and the end of its line; None is the null sender."""
    return "" if sender is None else domain_of(b"@" + sender[:-1])


def _several(head: bytes, at: int) -> tuple[list[bytes], int]:
    """Recipients that wait, and where the headers begin, if any number of them is there and some may be done; 0 if
    it is not as expected.
    """
    match = _SEVERAL(head, at)
    if match is None:
        return [], 0
    tree, count, lines = match.groups()
    waiting = lines.split(b"\n")[:-1]
    if len(waiting) != int(count):
        return [], 0
    if tree is not None:
        done, branches = set[bytes](), 1
        for node in tree.split(b"\n")[:-1]:
            if not branches:
                return [], 0
            branches += node.count(b"Y", 0, 2) - 1
            done.add(node[3:])
        if branches:
            return [], 0
        waiting = [one for one in waiting if one not in done]
    return waiting, match.end()
