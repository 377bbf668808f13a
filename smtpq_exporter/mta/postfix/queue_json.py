"""What ``postqueue -j`` prints (3.1 and newer): one JSON object a line.

Pure. Source of truth: postqueue(1), "JSON OBJECT FORMAT". Members that are not known are ignored. Until the
fix of 2023-12-08 control characters made lines that are no JSON: such a line is left out and counted, and
the listing goes on. There is no last line: only the exit code of the command and a complete line tell that
it is whole.
"""

from __future__ import annotations

import json
from typing import Any

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.postfix.queue_showq import LARGEST, LATEST, QUEUES, sender_domain

_LONGEST = 1 << 26
_REASONS = ("delay_reason", "bounce_reason", "other_reason")
_load = json.JSONDecoder().decode


class JsonParser:
    """A mta.base.ListingParser for ``postqueue -j``."""

    queues = QUEUES

    def __init__(self, classifier: ReasonOf, now: float) -> None:
        """One parser for one listing."""
        del now  # all moments are absolute
        self.forced = True
        self.skipped: dict[str, int] = {}
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses
        self._tail = b""
        self._good = 0

    def feed(self, data: bytes) -> list[Message]:
        """Messages of the lines completed by `data`."""
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        if len(self._tail) > _LONGEST:
            raise ParseError("postqueue", f"a line of more than {_LONGEST} bytes", self._tail)
        found = []
        for line in lines:
            try:
                found.append(self._message(_load(line.decode("utf-8", "surrogateescape"))))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                if line.strip():
                    self.skipped["corrupt_record"] = self.skipped.get("corrupt_record", 0) + 1
        self._good += len(found)
        return found

    def close(self) -> list[Message]:
        """Nothing more; ParseError if the last line is cut or no line was good."""
        if self._tail:
            raise ParseError("postqueue", "the output ends within a line", self._tail)
        if self.skipped and not self._good:
            raise ParseError("postqueue", f"none of {self.skipped['corrupt_record']} lines is a message")
        return []

    def _message(self, line: dict[str, Any]) -> Message:
        queue, arrival, size = line["queue_name"], line["arrival_time"], line["message_size"]
        if queue not in QUEUES or type(arrival) is not int or type(size) is not int or min(arrival, size) < 0:
            raise ValueError("not a message")
        forced = line.get("forced_expire")
        if forced is None:
            self.forced = False
        domains, reasons = [], []
        for recipient in line["recipients"]:
            address = _bytes(recipient["address"])
            domains.append(domain_of(address))
            text = next((recipient[name] for name in _REASONS if recipient.get(name)), None)
            if text is not None:
                raw = _bytes(text)
                reasons.append(self._reason(masked(raw, address) if self._bare else raw))
        return Message(
            queue, _bytes(line["queue_id"]).decode("ascii", "replace"),
            min(arrival, LATEST), min(size, LARGEST), sender_domain(_bytes(line["sender"])),
            tuple(domains), tuple(reasons), None, queue == "hold", forced is True,
        )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
