"""The usual deferred message, understood in one step: what first readings of long queues are made of.

Pure. It gives for such a message what queue_spool.PostfixSpool.read gives (a test compares them), from the
first bytes of the queue file and of the defer log, without a call for each record and field. Whatever is not
quite as expected is left to `read`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from smtpq_exporter.mta.address import KNOWN, domain_of, masked
from smtpq_exporter.mta.base import Entry
from smtpq_exporter.mta.postfix.queue_file import plain_envelope

#: (queue, mode, mtime in ns, first bytes of the queue file, the defer log or b"") -> Entry, or None.
Usual = Callable[[int, int, int, bytes, bytes], "Entry | None"]

_A, _C, _M, _S, _T = b"ACMST"
_LATEST = 2**32 - 1
#: Texts whose class is remembered.
_MOST = 4096


def usual_message(class_of: Callable[[bytes], str], *, bare: bool, deferred: int, longest_log: int) -> Usual:
    """Make the function for queue number `deferred`.

    `class_of` gives the reason class of a text, `bare` says that addresses may be taken out of texts before;
    a log of `longest_log` bytes may be cut.
    """
    classes: dict[bytes, str] = {}
    known_class, known_domain = classes.get, KNOWN.get
    offset_line = cache(b"\noffset=%d\n".__mod__)

    def learn(text: bytes) -> str:
        if len(classes) >= _MOST:
            classes.clear()
        reason = classes[text] = class_of(text)
        return reason

    def usual(queue: int, mode: int, stamp: int, head: bytes, log: bytes) -> Entry | None:
        mtime = stamp // 1_000_000_000
        if queue != deferred or mode & 0o700 != 0o700 or not 0 <= mtime <= _LATEST or len(log) >= longest_log:
            return None
        try:
            words = head[2:49].split()
            size, start = int(words[0]), int(words[1])
            if head[0] != _C or start > len(head) or size < 0:
                return None
            if words[2] != b"1":
                return several(mode, mtime, head, log, size, start, int(words[2]))
            if not log:
                return None
            # C, T, some A, S, then what does not matter, one R, M. The log must name the offset of R, or an
            # address that ends in what looks like a record would be taken for one.
            end = start - 2
            at = head.rfind(b"R", 97, end)
            host = head.rfind(b"@", at, end)
            length = end - at - 2
            i = 2 + head[1]
            if at < 0 or host < 0 or length > 127 or head[at + 1] != length or head[end] != _M or head[i] != _T:
                return None
            arrival = int(head[i + 2 : head.find(b" ", i + 2)])
            known = head.find(b"rewrite_context=", i, i + 128)  # Postfix' own A come first, none is a stranger's
            i = known + head[known - 1] if known > 0 else i + 2 + head[i + 1]
            kind, n = head[i], head[i + 1]
            while kind == _A and n < 128:
                i += 2 + n
                kind, n = head[i], head[i + 1]
            i += 2
            if kind != _S or n > 127 or i + n > at:
                return None
        except (IndexError, ValueError):
            return None
        if not 0 <= arrival <= _LATEST:
            return None
        # ``<recipient>: text``, ``recipient=``, ``offset=`` are the first three lines
        recipient = head[at + 2 : end]
        begin = length + 5
        last = log.find(b"\n", begin)
        named = b"recipient=" + recipient + offset_line(at)
        if log[begin - 3 : begin] != b">: " or not log.startswith(named, last + 1):
            return None
        text = log[begin:last].replace(recipient, b"@") if bare else log[begin:last]
        return (
            deferred, arrival, size, mtime,
            (
                (known_domain(head[head.rfind(b"@", i, i + n) : i + n]) or domain_of(head[i : i + n])) if n else "",
                (known_domain(head[host:end]) or domain_of(head[host:end]),),
                (known_class(text) or learn(text),), False, mode & 0o010 != 0,
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
        reasons: list[str] = []
        for address, offset in zip(recipients, offsets, strict=True) if log else ():
            line = offset_line(offset)
            at = log.rfind(line)  # of several blocks for one recipient the last counts
            if at < 0:
                continue
            begin = log.find(b"\nreason=", at) + 8
            last = log.find(b"\n", begin)
            whole = begin >= 8 and last >= 0 and log.find(b"\n\n", at, begin) < 0
            if not whole or not log.endswith(b"\nrecipient=" + address, 0, at):
                return None
            text = masked(log[begin:last], address) if bare else log[begin:last]
            reasons.append(known_class(text) or learn(text))
        domains = tuple([domain_of(address) for address in recipients])
        facts = domain_of(sender) if sender else "", domains, tuple(reasons), False, mode & 0o010 != 0
        return deferred, arrival, size, mtime, facts

    return usual
