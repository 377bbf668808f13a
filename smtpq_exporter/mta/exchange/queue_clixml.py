"""Objects that PowerShell Remoting brought -> the same document that our script writes.

Pure. pypsrp makes objects with `adapted_properties` and `extended_properties`; an enum is an object
whose str() is its name, a DateTime a text, a Guid a UUID. The endpoint of Exchange runs no scripts, so what
collect_exchange_queues.ps1 projects there is projected here. Source of truth: MS-PSRP section 2.2.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.exchange.queue_json import SCHEMA
from smtpq_exporter.mta.exchange.queue_value import count

#: What is wanted of Get-Queue. Nothing else of it leaves the process.
FIELDS = (
    "Identity", "DeliveryType", "NextHopDomain", "NextHopCategory", "Status", "MessageCount", "LastError",
    "RetryCount", "NextRetryTime", "IncomingRate", "OutgoingRate", "Velocity",
)
#: So many queues at most are asked for their oldest message.
OLDEST_OF = 100
_TO_STRING = re.compile(r"<ToString>([^<]{1,200})</ToString>")
Invoke = Callable[[str, Mapping[str, Any]], Sequence[Any]]
"""invoke(cmdlet, parameters) runs a cmdlet and returns its objects."""


def report(invoke: Invoke, server: str, collected: str) -> dict[str, Any]:
    """The document for a server; `collected` is the time in ISO 8601. Raises what `invoke` raises."""
    found = [properties(item) for item in invoke("Get-Queue", {"Server": server, "ResultSize": "Unlimited"})]
    queues = [{name: plain(queue.get(name.lower())) for name in FIELDS} for queue in found]
    full = [queue for queue in queues if count(queue["MessageCount"])]
    full.sort(key=lambda queue: (queue["Status"] != "Retry", -(count(queue["MessageCount"]) or 0)))
    for queue in full[:OLDEST_OF]:
        queue["Oldest"] = _first(invoke, {"Queue": queue["Identity"]})[1]
    name, received = _first(invoke, {"Server": server})
    return {
        "schema": SCHEMA,
        "collected": collected,
        "server": server,
        "oldest": None if received is None else {"Queue": name, "Received": received},
        "queues": queues,
    }


def properties(item: Any) -> dict[str, Any]:
    """Properties of a deserialised object, their names in lower case. Raises ParseError."""
    found: dict[str, Any] = {}
    for part in ("adapted_properties", "extended_properties"):
        known = getattr(item, part, None)
        if isinstance(known, dict):
            found |= {str(name).lower(): value for name, value in known.items()}
    if not found:
        raise ParseError("Get-Queue", "brought something that is no queue", type(item).__name__)
    return found


def plain(value: Any) -> Any:
    """A text, a number, a list of them or None."""
    if isinstance(value, str) and value.startswith("<Obj "):  # of a type that pypsrp does not know
        named = _TO_STRING.search(value)
        return named[1] if named else None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def _first(invoke: Invoke, parameters: Mapping[str, Any]) -> tuple[str, Any]:
    """Queue and arrival of the oldest message; ("", None) if there is none, or if the queue is gone."""
    try:
        found = invoke("Get-Message", {**parameters, "SortOrder": "+DateReceived", "ResultSize": 1})
    except LookupError:
        return "", None
    for item in found:
        message = properties(item)
        return str(plain(message.get("queue")) or ""), plain(message.get("datereceived"))
    return "", None
