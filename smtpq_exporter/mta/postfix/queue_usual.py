"""The usual deferred message, understood in one step: what first readings of long queues are made of.

Pure. It gives for such a message what queue_spool.PostfixSpool.read gives (a test compares them), from the
first bytes of the queue file and of the defer log, without a call for each record and field. Whatever is not
quite as expected is left to `read`.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpq_exporter.mta.address import KNOWN, domain_of, masked
from smtpq_exporter.mta.base import Entry
from smtpq_exporter.mta.postfix.queue_file import plain_envelope
from smtpq_exporter.mta.postfix.queue_reasons import texts

#: (queue, mode, mtime in ns, first bytes of the queue file, the defer log or b"") -> Entry, or None.
Usual = Callable[[int, int, int, bytes, bytes], "Entry | None"]

_A, _C, _M, _S, _T = b"ACMST"
_LATEST = 2**32 - 1
#: The number of recipients in C, of a message with one.
_ONE = b"%15d" % 1


def usual_message(class_of: Callable[[bytes], str], *, bare: bool, deferred: int, longest_log: int) -> Usual:
    """Make the function for queue number `deferred`.

    `class_of` gives the reason class of a text, `bare` says that addresses may be taken out of texts before;
    a log of `longest_log` bytes may be cut.
    """
    classes: dict[bytes, str] = {}
    known_domain = KNOWN.get

    def usual(queue: int, mode: int, stamp: int, head: bytes, log: bytes) -> Entry | None:
        mtime = stamp // 1_000_000_000
        if queue != deferred or mode & 0o700 != 0o700 or not 0 <= mtime <= _LATEST or len(log) >= longest_log:
            return None
        try:
            size, start = int(head[2:17]), int(head[18:33])
            if head[0] != _C or start > len(head) or size < 0:
                return None
            if head[34:49] != _ONE:
                return several(mode, mtime, head, log, size, start, int(head[34:49]))
            # C, T, some A, S, then what does not matter, one R, M. An address that ends in what looks like a
            # record of its own would give a part of itself, with the same domain; one without @ is not taken.
            at = head.rfind(b"R", 97, start - 2)
            n = start - at - 4
            recipient = head[at + 2 : start - 2]
            if at < 0 or n > 127 or head[at + 1] != n or b"@" not in recipient or head[start - 2] != _M:
                return None
            i, arrival = 2 + head[1], -1
            while True:
                kind, n = head[i], head[i + 1]
                i += 2 + n
                if n > 127 or i > at:
                    return None
                if kind == _A:
                    continue
                if kind == _S:
                    break
                if kind != _T:
                    return None
                arrival = int(head[i - n : i].split(None, 1)[0])
        except (IndexError, ValueError):
            return None
        if not 0 <= arrival <= _LATEST:
            return None
        sender = head[i - n : i]
        reasons: tuple[str, ...] = ()
        if log:  # ``<recipient>: text``, ``recipient=``, ``offset=`` are the first three lines
            end = log.find(b"\n", 1)
            last = log.find(b"\n", end + 11)
            address = log[end + 11 : last]
            begin = len(address) + 5
            if (
                not log.startswith(b"offset=%d\n" % at, last + 1) or log[begin - 3 : begin] != b">: "
                or not log.startswith(b"recipient=", end + 1) or begin > end
            ):
                return None
            text = log[begin:end]
            if bare and b"@" in address:
                text = text.replace(address, b"@")
            reason = classes.get(text)
            if reason is None:
                if len(classes) >= 4096:
                    classes.clear()
                reason = classes[text] = class_of(text)
            reasons = (reason,)
        return (
            deferred, arrival, size, mtime,
            (
                (known_domain(sender[sender.rfind(b"@") :]) or domain_of(sender)) if sender else "",
                (known_domain(recipient[recipient.rfind(b"@") :]) or domain_of(recipient),),
                reasons, False, mode & 0o010 != 0,
            ),
        )

    def several(
        mode: int, mtime: int, head: bytes, log: bytes, size: int, start: int, count: int,
    ) -> Entry | None:
        """The same with several recipients, all before the content."""
        found = plain_envelope(head, 2 + head[1], start)
        if found is None:
            return None
        arrival, sender, recipients, offsets, seen = found
        if arrival is None or not 0 <= arrival <= _LATEST or sender is None or seen < count:
            return None
        reasons = tuple([
            class_of(masked(text, address) if bare else text) for text, address in texts(log, offsets)
        ])
        domains = tuple([domain_of(address) for address in recipients])
        facts = domain_of(sender) if sender else "", domains, reasons, False, mode & 0o010 != 0
        return deferred, arrival, size, mtime, facts

    return usual
