"""Get-Queue as JSON -> Report: the document of our own script, or any that ConvertTo-Json makes of Get-Queue.

Pure. Our script (collect_exchange_queues.ps1) writes {schema, collected, server, version, service, oldest,
pressure, queues}; what a user's own script writes is accepted as long as each queue tells its Identity and
its MessageCount. Counts are taken as they are, not repaired. Source of truth: Microsoft, "Queue properties";
ConvertTo-Json; the script.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exchange import queue_kind as kinds
from smtpq_exporter.mta.exchange import queue_value as values
from smtpq_exporter.mta.exchange.last_error import inner
from smtpq_exporter.mta.exchange.queue_text import document
from smtpq_exporter.mta.report import Report, Row

#: The newest form of our script's documents that is understood.
SCHEMA = 1
#: What Get-Queue shows at most without -ResultSize, and at all.
_DEFAULT_PAGE, _MOST = 1000, 250_000
_LEVELS = {"low": 0, "normal": 0, "medium": 1, "high": 2}
#: The closed set of the label `resource`, by how Exchange begins a meter's name.
RESOURCES = {
    "usedversionbuckets": "version_buckets",
    "databaseusedspace": "database_space",
    "privatebytes": "private_bytes",
    "submissionqueue": "submission_queue",
    "systemmemory": "system_memory",
    "useddiskspace": "disk_space",
}
_DENIED = (
    "access is denied", "access denied", "unauthorized", "is not recognized", "isn't recognized", "(401)",
    "(403)",
)


def parse(data: bytes, reasons: ReasonOf, now: float) -> Report:  # noqa: ARG001  (the contract)
    """Understand a whole document; raises ParseError."""
    value = document(data)
    if isinstance(value, list) or not {"queues", "error"} & value.keys():
        found = values.rows(value)
        if found is None:
            raise ParseError("report", "holds neither queues nor an error")
        # Somebody's own `Get-Queue | ConvertTo-Json`: exactly a page means that there may be more.
        return _report({}, found, reasons, truncated=len(found) == _DEFAULT_PAGE)
    schema = values.number(value.get("schema"))
    if schema is not None and schema > SCHEMA:
        raise ParseError("report.schema", f"{schema:.0f} is newer than {SCHEMA}, known here: update")
    error = values.text(value.get("error")).strip()
    if error:
        line = "".join(c if c.isprintable() else "?" for c in " ".join(error.split())[:300])
        denied = any(words in line.lower() for words in _DENIED)
        when = values.moment(value.get("collected"))
        return Report(error=line, denied=denied, up=_up(value), taken_at=when)
    found = values.rows(value.get("queues")) if value.get("queues") is not None else None
    if found is None:
        raise ParseError("report.queues", "is not a list")
    return _report(value, found, reasons, truncated=value.get("truncated") is True)


def _report(head: Mapping[str, Any], found: list[Any], reasons: ReasonOf, *, truncated: bool) -> Report:
    rows: dict[str, Row] = {}
    skipped: Counter[str] = Counter()
    for index, queue in enumerate(found[:_MOST]):
        where = f"queues[{index}]"
        if not isinstance(queue, dict):
            raise ParseError(where, "is not an object")
        identity = values.word(queue.get("identity")) or values.word(queue.get("queueidentity"))
        row = _row(where, queue, reasons)
        if row is None:
            skipped["heartbeat"] += 1
            continue
        if identity and identity in rows:
            skipped["duplicate"] += 1
        rows[identity or f"\0{index}"] = row
    return Report(
        rows=tuple(rows.values()),
        taken_at=values.moment(head.get("collected")),
        first=_first(head.get("oldest"), list(rows)),
        pressure=_pressure(head.get("pressure")),
        truncated=truncated or len(found) >= _MOST,
        skipped=dict(skipped),
        up=_up(head),
        version=_version(values.text(head.get("version"))),
    )


def _row(where: str, queue: Mapping[str, Any], reasons: ReasonOf) -> Row | None:
    """One queue; None if it is none that mail waits in."""
    messages = values.count(queue.get("messagecount"))
    if messages is None:
        excerpt = repr(queue.get("messagecount"))
        raise ParseError(f"{where}.MessageCount", "is not a number of messages", excerpt)
    state = kinds.state(queue)
    kind = kinds.kind(queue, state)
    if kind == kinds.IGNORED:
        return None
    hop = kind in kinds.HOPS
    held = values.count(queue.get("suspended"))
    if held is not None:
        held = min(held, messages)
    if kind in kinds.HELD or state == "suspended":
        held = messages
    said = inner(values.text(queue.get("lasterror"))) if state not in ("active", "ready") else ""
    reason = reasons.reason(said.encode("utf-8", "replace")) if said and hop else ""
    return Row(
        queue=kind,
        messages=messages,
        domain=kinds.next_hop(values.text(queue.get("nexthopdomain"))) if hop else "",
        category=kinds.category(queue) if hop else "",
        state=state if hop else "",
        held=held,
        reason=reason,
        next_retry=values.moment(queue.get("nextretrytime")),
        oldest=values.moment(queue.get("oldest")),
        incoming=values.number(queue.get("incomingrate")),
        outgoing=values.number(queue.get("outgoingrate")),
    )


def _first(oldest: Any, identities: list[str]) -> tuple[int, float] | None:
    """Which queue holds the oldest message of all, and when that arrived."""
    if not isinstance(oldest, dict):
        return None
    arrival, name = values.moment(oldest.get("received")), values.word(oldest.get("queue"))
    return (identities.index(name), arrival) if arrival is not None and name in identities else None


def _pressure(meters: Any) -> dict[str, int]:
    """Level of each resource, the worst of its meters; nothing where a level is not known."""
    levels: dict[str, int] = {}
    for meter in values.rows(meters) or ():
        if not isinstance(meter, dict):
            continue
        level = _LEVELS.get(values.word(meter.get("use")).lower())
        name = values.text(meter.get("resource")).partition("[")[0].strip().lower()
        if level is not None and name:
            resource = RESOURCES.get(name, "other")
            levels[resource] = max(level, levels.get(resource, 0))
    return levels


def _version(text: str) -> str | None:
    """``Version 15.2 (Build 1118.7)`` as 15.2.1118.7."""
    return ".".join(re.findall(r"\d+(?:\.\d+)*", text[:100])[:2])[:64] or None


def _up(head: Mapping[str, Any]) -> bool | None:
    """Whether the transport service runs, as the service control manager says."""
    service = values.word(head.get("service")).lower()
    return {"running": True, "stopped": False}.get(service)
