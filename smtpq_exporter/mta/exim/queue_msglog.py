"""Exim's msglog files: why each recipient of a message still waits.

Pure. Source of truth: src/deliver.c (deliver_msglog). One line for each thing that happened, oldest first,
of the form of the main log without id and flag; a recipient's last deferral counts. "Retry time not
reached" is only repeated while a destination waits: the deferral before it says why. Texts of remote
servers cannot begin a line.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpq_exporter.mta.exim import log_grammar as grammar

#: How a text begins that repeats that a destination waits.
NOT_YET = (b"retry time not ", b"Retry time not ")


def last_deferrals(log: bytes, waiting: Iterable[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
    """{address: (number of "defer (n)", text)} of each of these recipients that has one in the end of a
    msglog.
    """
    found: dict[bytes, tuple[bytes, bytes]] = {}
    left = set(waiting)
    for line in reversed(log.split(b"\n")):
        if b"defer (" not in line:
            continue
        stamp = grammar.STAMP.match(line)
        if stamp is None:
            continue
        start = stamp.end()
        entry = grammar.FREQUENT_DEFERRED.match(line, start)
        if entry is not None:
            address = entry["to"]
        else:
            entry = grammar.DEFERRED.match(line, start)
            if entry is None:
                continue
            address = entry["to"]
            if address not in left and entry["parent"]:
                address = entry["parent"][1:-1]
        if address not in left:
            continue
        text = line[entry.end() :]
        if text.startswith(NOT_YET):
            found.setdefault(address, (entry["number"], text))
            continue
        found[address] = entry["number"], text
        left.discard(address)
        if not left:
            break
    return found
