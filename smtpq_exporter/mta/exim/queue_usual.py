"""The usual -H file, understood in a few steps: what first readings of long queues are made of.

Pure. It gives for such a message what queue_spool.EximSpool.read gives before it looks for reasons (a test
compares them). Usual is: nothing done yet, one recipient without parameters, no ACL variables (their values
may hold lines of a stranger's). Whatever is not quite as expected is left to `read`.
"""

from __future__ import annotations

from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Facts, Place, Understand
from smtpq_exporter.mta.exim.message_id import arrival
from smtpq_exporter.mta.exim.queue_header import header_bytes, is_frozen

#: Behind the options: no tree of addresses that are done, one recipient.
_NO_TREE, _ONE = b"\nXX\n", b"1\n"
#: An id and -H that differ more in time are of different clocks: ids of case-insensitive builds (base 36).
_AGREE = 86400
_LATEST = 2**32 - 1
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


def recipient_of(head: bytes) -> bytes:
    """The recipient of a message that is usual."""
    return head.partition(_NO_TREE)[2].split(b"\n", 2)[1]


def usual_messages(longest: int) -> Understand:
    """Make the function that reads messages; a head of `longest` bytes may be cut."""
    remembered: dict[tuple[bytes, bytes], Facts] = {}
    known = remembered.get

    def learn(sender: bytes, recipient: bytes) -> Facts | None:
        """Facts of the ends of both, from the last @ on; None = not usual."""
        if sender[-1:] != b">" or recipient[:1] != b"@" or recipient[-1:].isdigit():
            return None
        if len(remembered) >= _MOST:
            remembered.clear()
        domain = "" if sender == b"<>" else domain_of(sender)
        facts = remembered[sender, recipient] = domain, (domain_of(recipient),), (), False, False
        return facts

    def usual(place: Place, names: list[bytes], heads: list[bytes], sizes: list[int]) -> list[Entry | None]:
        queue = place.queue
        found: list[Entry | None] = []
        for name, head, size in zip(names, heads, sizes, strict=True):
            found.append(None)
            front, _, back = head.partition(_NO_TREE)
            one, end, headers = back.partition(b"\n\n")
            try:
                first, _, sender, times, options = front.split(b"\n", 4)
            except ValueError:
                continue
            time = times[: times.find(b" ")]
            # `find`, for `in` first makes and forgets an error: "not a number"
            if (
                first != name or not end or not one.startswith(_ONE) or one.rfind(b"\n") != 1 or not time.isdigit()
                or options.find(b"acl") >= 0 or not options.startswith(b"-", options.rfind(b"\n") + 1)
                or len(head) >= longest
            ):
                continue
            at = sender.rfind(b"@")
            if at > 0:
                sender = sender[at:]
            recipient = one[one.rfind(b"@") :]
            facts = known((sender, recipient)) or learn(sender, recipient)
            if facts is None:
                continue
            if options.find(b"-frozen") >= 0 and is_frozen(options):
                facts = *facts[:3], True, False
            found[-1] = queue, moment(name, int(time)), header_bytes(headers) + body_bytes(name, size), 0, facts
        return found

    return usual
