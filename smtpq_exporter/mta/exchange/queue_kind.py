"""What one queue of Exchange is to a person who waits for mail: its kind, its state, its next hop.

Pure. Source of truth: Microsoft, "Queues and messages", "Queue properties" (Exchange 2013 to SE). Names of
DeliveryType differ between versions, so only those are used that mark a queue as special; Identity and
NextHopDomain stand in where enums came as integers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smtpq_exporter.mta.address import LITERAL
from smtpq_exporter.mta.exchange.queue_value import text, word
from smtpq_exporter.mta.report import CATEGORIES, STATES

#: Kinds that are the queue of a next hop.
HOPS = ("delivery", "retry", "suspended", "other")
#: Kinds whose mail never leaves by itself.
HELD = ("suspended", "unreachable", "poison")
#: Kinds that are left out: no mail of a person is in them.
IGNORED = "heartbeat"
_LONGEST = 100
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*(?:%\w+)?")
_NAMED = (
    ("submis", "submission"), ("poison", "poison"), ("unreachable", "unreachable"), ("shadow", "shadow"),
)


def kind(queue: Mapping[str, Any], state: str) -> str:
    """One of names.QUEUES, names.ASIDES or IGNORED."""
    delivery = word(queue.get("deliverytype")).lower()
    name = _own_name(queue)
    if delivery.startswith("shadow"):
        return "shadow"
    if delivery.startswith(("heartbeat", "safetynet")):
        return IGNORED
    if delivery == "unreachable":
        return "unreachable"
    hop = text(queue.get("nexthopdomain")).strip().lower()
    if not delivery or delivery == "undefined" or delivery.startswith("unknown_"):
        for beginning, found in _NAMED:
            if name.startswith(beginning):
                return found
        # "Submisssion" is how the documentation spells the next hop of the Submission queue.
        if delivery == "undefined":
            for beginning, found in _NAMED[:2]:
                if hop.startswith(beginning):
                    return found
    return {"retry": "retry", "suspended": "suspended", "other": "other"}.get(state, "delivery")


def state(queue: Mapping[str, Any]) -> str:
    """One of STATES; `other` for a name that is not known and for a number."""
    name = word(queue.get("status")).lower()
    return name if name in STATES else "other"


def category(queue: Mapping[str, Any]) -> str:
    """One of CATEGORIES."""
    name = word(queue.get("nexthopcategory")).lower()
    return name if name in CATEGORIES else "other"


def next_hop(name: str) -> str:
    """A next hop as a label: the first name of a list of smart hosts, never an address of a machine."""
    hosts = [part.strip().strip(".").lower() for part in name.split(",")]
    hosts = [host for host in hosts if host]
    named = [host for host in hosts if not _literal(host)]
    if not named:
        return LITERAL if hosts else ""
    return "".join(c if c.isprintable() and c not in '"\\@' else "?" for c in named[0])[:_LONGEST]


def _own_name(queue: Mapping[str, Any]) -> str:
    """The part of Identity behind the server's name, lower case."""
    identity = word(queue.get("identity")) or word(queue.get("queueidentity"))
    return identity.partition("\\")[2].strip().lower()


def _literal(host: str) -> bool:
    """Whether a next hop is the address of a machine."""
    return host.startswith("[") or _ADDRESS.fullmatch(host) is not None
