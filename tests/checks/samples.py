"""Samples as an exporter serves them, made by the program's own view so that their shape cannot drift."""

from __future__ import annotations

from typing import Any

from smtpq_exporter import view
from smtpq_exporter.model import (
    FAULT_KINDS,
    Fault,
    QueueSnapshot,
    QueueStats,
    Sample,
    SourceState,
    State,
)

NOW = 1_800_000_000.0
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")


def stats(messages: int = 0, age: float = 60, held: int | None = 0, size: int = 2000) -> QueueStats:
    """One queue of `messages`, the oldest `age` seconds old, `size` bytes each."""
    return QueueStats(messages=messages, recipients=messages, bytes=messages * size,
                      oldest_arrival=int(NOW - age) if messages else None, held=held)


def source(name: str = "spool", fault: Fault | None = None, **given: Any) -> SourceState:
    """The state of one source, read 10 s ago."""
    facts = {"success": fault is None, "duration": 0.012, "last_success": NOW - 10, "last_attempt": NOW - 10,
             "interval": 60.0, "configured_interval": 60.0, "why": "the queue directories may be read",
             "errors": dict.fromkeys(FAULT_KINDS, 0), "fault": fault, **given}
    return SourceState(name, **facts)


def server(*, mta: str = "postfix", instance: str = "postfix", up: bool | None = True, taken: float = 10,
           truncated: bool = False, reasons: dict[str, int] | None = None, fault: Fault | None = None,
           unseen: bool = False, queues: dict[str, QueueStats] | None = None, **more: Any) -> Sample:
    """One mail server; `queues` are filled up with empty ones for Postfix, `unseen` has no queue at all."""
    filled = {**({name: stats() for name in QUEUES} if mta == "postfix" else {}), **(queues or {})}
    snapshot = QueueSnapshot(taken_at=NOW - taken, source="spool", queues=filled, truncated=truncated,
                             reasons=reasons or {}, destinations=(("example.org", 3), ("other", 1)))
    return Sample(mta, instance, up=up, version="3.7.11", queue=None if unseen else snapshot,
                  sources=(source(fault=fault),), **more)


def sample(*servers: Sample, min_age: float | None = None, **given: Any) -> dict[str, Any]:
    """The body of /api/v1/sample with these mail servers."""
    return view.as_json(State(taken_at=NOW, samples=servers, started_at=NOW - 3600, **given), NOW, min_age)
