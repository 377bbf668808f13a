"""What the logs of one mail server have told so far: counters that only grow, and the one definition of each.

Pure: no clock, no files. `add` says what an event counts for; a parser's hot loop may do the same by hand on
the fields named here, and a test proves for each that it comes to the same. `state` and `restore` carry
everything across a restart exactly (the pump saves them together with its read positions).

For parsers to come (Exim, Sendmail, OpenSMTPD): make LogEvents and `add` them; that is all. Give
`delays.delivered` the way of a message at each success and `delays.removed` its end through the events
`attempt` and `removed` (Exim's Completed, Sendmail's last recipient). When profiling asks for it, count the
frequent shapes directly: `cell`, `destinations.known`, the Counters, `delays.pending` are made for that.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from smtpq_exporter.logs.delays import FinalDelays
from smtpq_exporter.logs.hitters import TopDomains, label
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.model import STATUSES, LogEvent, LogTally

SENT, DEFERRED, BOUNCED, EXPIRED = range(4)
#: The closed set of the label `kind` of warnings, for all mail servers.
WARNING_KINDS = (
    "client", "configuration", "congestion", "connect_failure", "dns", "error", "fatal", "lookup", "milter",
    "other", "panic", "process_limit", "queue_file", "rate_limit", "resource", "sasl", "tls", "transport",
)  # fmt: skip
#: The closed set of the label `protocol`.
TLS_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "other")
#: The closed set of the label `result` of lines.
LINE_RESULTS = ("understood", "ignored", "unparsed")
#: How many lines that were not understood are kept, and how much of each.
SAMPLES, SAMPLE_BYTES = 20, 512
_FORMAT = 1
_ENHANCED = re.compile(r"([245]\.[0-7])\.\d{1,3}")
_SIMPLE = ("received", "removed", "expired", "connections", "auth_failures")
_COUNTERS = ("deferred", "suspended", "bounces", "rejects", "tls", "warnings")


class Tally:
    """The mutable counters behind a LogTally. One thread at a time."""

    def __init__(self, top: int = 20) -> None:
        self.received = self.removed = self.expired = self.connections = self.auth_failures = 0
        self.deferred: Counter[str] = Counter()
        """Deferrals by reason where an attempt was made; `suspended` those where none was."""
        self.suspended: Counter[str] = Counter()
        self.bounces: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.tls: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.lines = dict.fromkeys(LINE_RESULTS, 0)
        self.cells: dict[tuple[int, str], list[int]] = {}
        """(index of STATUSES, class.subject or "" or "other") -> [attempts]."""
        self.destinations = TopDomains(top)
        self.delays = FinalDelays()
        self.waiting: dict[bytes, int] = {}
        """Recipients that a message still has, of those that had several, where no line says that it is done."""
        self.stamp = b""
        """The time of the newest line as it stands in the log."""
        self.samples: deque[bytes] = deque(maxlen=SAMPLES)
        """The newest lines of this mail server that were not understood, cut; for people, never a label."""
        self.previous = b""
        """The last line that was not a repeat: what `last message repeated N times` means. Kept by the
        parser.
        """

    def cell(self, status: int, dsn: str) -> list[int]:
        """Return the one-element counter of attempts with this status and enhanced status code."""
        found = _ENHANCED.fullmatch(dsn)
        key = (status, found[1] if found else "other" if dsn else "")
        return self.cells.setdefault(key, [0])

    def add(self, event: LogEvent) -> None:
        """Count one event, `event.repeat` times."""
        times = event.repeat
        match event.event:
            case "attempt":
                self._attempt(event, STATUSES.index(event.status), times)
            case "expired":
                self.expired += times
                self._attempt(event, EXPIRED, times)
            case "suspended":  # no attempt was made: a destination is known to be dead (Exim's retry time)
                self.suspended[event.reason] += times
            case "received":
                self.received += times
            case "removed":
                self.removed += times
                self.delays.removed(event.queue_id.encode("latin-1"))
            case "connection":
                self.connections += times
            case "auth_failure":
                self.auth_failures += times
            case "reject":
                self.rejects[event.reason] += times
            case "tls":
                self.tls[event.kind if event.kind in TLS_PROTOCOLS else "other"] += times
            case "warning":
                self.warnings[event.kind if event.kind in WARNING_KINDS else "other"] += times
            case "connect_failure":
                self.warnings["connect_failure"] += times
            case _:  # understood, and nothing to count
                pass

    def _attempt(self, event: LogEvent, status: int, times: int) -> None:
        self.cell(status, event.dsn)[0] += times
        self.destinations.add(label(event.recipient_domain.encode("utf-8", "replace")), status, times)
        if status == SENT:
            if event.queue_id:
                parts = (event.delay, *(event.delays or ())) if event.delay is not None else ()
                self.delays.delivered(event.queue_id.encode("latin-1"), "/".join(map(repr, parts)).encode())
        elif status == DEFERRED:
            (self.suspended if event.suspended else self.deferred)[event.reason] += times
        elif status == BOUNCED:
            self.bounces[event.reason] += times

    def sample(self, line: bytes) -> None:
        """Count a line of this mail server that was not understood, and keep its beginning."""
        self.lines["unparsed"] += 1
        self.samples.append(line[:SAMPLE_BYTES])

    def merge(self, later: Tally, ended: Iterable[bytes], gone: Iterable[bytes]) -> None:
        """Add the counters of a later part of the same log; a report reads parts at the same time.

        `ended` are the queue ids that were removed in that part after a delivery in it, `gone` those without.
        """
        for name in _SIMPLE:
            setattr(self, name, getattr(self, name) + getattr(later, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(later, name))
        for result, count in later.lines.items():
            self.lines[result] += count
        for key, (count,) in later.cells.items():
            self.cells.setdefault(key, [0])[0] += count
        self.destinations.merge(later.destinations)
        self.delays.merge(later.delays, ended, gone)
        for queue_id in (*ended, *gone):
            self.waiting.pop(queue_id, None)
        self.waiting.update(later.waiting)
        self.stamp = later.stamp or self.stamp
        self.samples.extend(later.samples)

    def freeze(self, now: float, **follow_facts: Any) -> LogTally:
        """Return the counters as a value; `follow_facts` are fields of LogTally that the following knows
        better.
        """
        latency, delays = self.delays.freeze()
        deliveries = dict.fromkeys(STATUSES, 0)
        for (status, _), (count,) in self.cells.items():
            deliveries[STATUSES[status]] += count
        deferrals = {(reason, False): count for reason, count in self.deferred.items()}
        deferrals |= {(reason, True): count for reason, count in self.suspended.items()}
        facts: dict[str, Any] = {name: getattr(self, name) for name in _SIMPLE}
        facts |= {
            "deliveries": deliveries,
            "deferrals": deferrals,
            "bounces": dict(self.bounces),
            "rejects": dict(self.rejects),
            "replies": {(STATUSES[k], code): n for (k, code), (n,) in self.cells.items() if code and n},
            "destinations": self.destinations.counts(),
            "delays": delays,
            "latency": latency,
            "tls": dict(self.tls),
            "warnings": {kind: self.warnings[kind] for kind in WARNING_KINDS},
            "lines": dict(self.lines),
            "last_line": moment(self.stamp, now) if self.stamp else None,
        }
        return LogTally(taken_at=now, **(facts | follow_facts))

    def state(self) -> dict[str, Any]:
        """Return everything as JSON-able values; samples are not kept."""
        state: dict[str, Any] = {name: getattr(self, name) for name in _SIMPLE}
        state |= {name: dict(getattr(self, name)) for name in _COUNTERS}
        return state | {
            "format": _FORMAT,
            "lines": dict(self.lines),
            "cells": [[*key, count] for key, (count,) in self.cells.items()],
            "destinations": self.destinations.state(),
            "delays": self.delays.state(),
            "waiting": [[key.decode("latin-1"), count] for key, count in self.waiting.items()],
            "stamp": self.stamp.decode("latin-1"),
            "previous": self.previous.decode("latin-1"),
        }

    @classmethod
    def restore(cls, state: dict[str, Any], top: int = 20) -> Tally:
        """Make what `state` described; ValueError, KeyError or TypeError if it is not such a description."""
        if state["format"] != _FORMAT:
            raise ValueError(f"counters of format {state['format']!r}, this program writes format {_FORMAT}")
        made = cls(top)
        for name in _SIMPLE:
            setattr(made, name, int(state[name]))
        for name in _COUNTERS:
            getattr(made, name).update(state[name])
        made.lines = {result: int(state["lines"][result]) for result in LINE_RESULTS}
        made.cells = {(status, code): [count] for status, code, count in state["cells"]}
        made.destinations = TopDomains.restore(state["destinations"], top)
        made.delays = FinalDelays.restore(state["delays"])
        made.waiting = {key.encode("latin-1"): count for key, count in state.get("waiting", ())}
        made.stamp, made.previous = state["stamp"].encode("latin-1"), state["previous"].encode("latin-1")
        return made
