"""Records of the message tracking log -> events.

Pure. RECEIVE is an arrival; DELIVER, SENDEXTERNAL and SEND to another organisation are ends of a way; a SEND
by the intra-organisation connector is a hop on it, and the server behind tells the end; DEFER and FAIL carry
the reason. Each recipient is one attempt. Source of truth: Microsoft, "Message tracking"; SENDEXTERNAL is not
in it and was seen in logs of Exchange 2016.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from smtpq_exporter.logs.hitters import label
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exchange.last_error import inner
from smtpq_exporter.mta.exchange.log_csv import Record
from smtpq_exporter.mta.exchange.queue_value import seconds

#: Ends of a message's way.
_SENT = {"DELIVER", "SEND", "SENDEXTERNAL"}
_ATTEMPTS = {**dict.fromkeys(_SENT, "sent"), "DEFER": "deferred", "FAIL": "bounced"}
#: What is told of but is no attempt: event-id -> (event, kind of warning).
_OTHERS = {
    "RECEIVE": ("received", ""), "DSN": ("bounce_notice", ""), "RESUBMIT": ("requeued", ""),
    "POISONMESSAGE": ("held", "poison"), "THROTTLE": ("warning", "rate_limit"),
    "SUBMITDEFER": ("warning", "transport"), "SUBMITFAIL": ("warning", "transport"),
    "BADMAIL": ("warning", "queue_file"),
}
_INTRA = "intra-organization"
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_EXPIRED = re.compile(
    r"\b[45]\.4\.7\b.{0,200}(?:expired|delayed)|QUEUE\.Expired|message expired", re.IGNORECASE | re.DOTALL,
)
_LATENCY = re.compile(r"E2ELatency=([\d:.]{1,20})")
_TOTAL = re.compile(r"TOTAL(?:-[A-Z]{2,4})?=(\d{1,7}(?:\.\d{1,7})?)")
_PART = re.compile(r"[|=;:](QD[A-Z]?|SM[S]C?|SDD?)=(\d{1,7}(?:\.\d{1,7})?)")
_STATUS = re.compile(r"\s*(?:[245]\d\d[ -]|\[?\{)")
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
#: So many recipients of one record are looked at.
_MOST = 5000


def events(record: Record, reasons: ReasonOf) -> Iterator[LogEvent]:
    """The events of a record, without its time, one for each recipient of an attempt; at least one."""
    word = record["event-id"].upper()
    status = _ATTEMPTS.get(word, "")
    source = record.get("source", "").lower()[:32]
    base = LogEvent("info", program="tracking", queue_id=identity(record), kind=source)
    if word in _OTHERS:
        base.event, kind = _OTHERS[word]
        base.kind = kind or base.kind
        base.client = client(record) if word == "RECEIVE" else ""
        yield base
        return
    if not status or (word == "SEND" and record.get("connector-id", "").lower().startswith(_INTRA)):
        yield base
        return
    base.event, base.status, base.kind = "attempt", status, ""
    base.relay = record.get("server-hostname", "")[:255]
    if status == "sent":
        base.delay = latency(record)
    context = "" if status == "sent" else record.get("source-context", "")
    for address, said in recipients(record):
        yield _attempt(base, address, said or context, reasons)


def _attempt(base: LogEvent, address: str, said: str, reasons: ReasonOf) -> LogEvent:
    domain = domain_of(address.encode("utf-8", "replace")).encode("utf-8", "replace")
    event = replace(base, recipient_domain=label(domain))
    reply = inner(said)
    found = _ENHANCED.search(reply) or _ENHANCED.search(said)
    event.text, event.dsn = reply, found[0] if found else ""
    if event.status == "bounced" and _EXPIRED.search(said):
        event.event, event.status = "expired", "expired"
    if event.status in ("deferred", "bounced"):
        if event.dsn[:1] == ("5" if event.status == "deferred" else "2"):
            event.dsn = ""  # of another attempt that the text tells of
        event.reason = reasons.reason(reply.encode("utf-8", "replace"), event.dsn.encode())
    return event


def recipients(record: Record) -> list[tuple[str, str]]:
    """(address, status text) of each recipient; one without an address if none is named."""
    addresses = [address.strip() for address in record.get("recipient-address", "").split(";", _MOST)[:_MOST]]
    addresses = [address for address in addresses if address] or [""]
    status = record.get("recipient-status", "")
    parts = re.split(r"(?<=\]);(?=\[)", status) if "{LED=" in status else status.split(";")
    # A text may hold a semicolon of its own.
    if len(parts) != len(addresses) or not all(map(_STATUS.match, parts)):
        parts = [status] * len(addresses)
    return list(zip(addresses, parts, strict=True))


def identity(record: Record) -> str:
    """What names a message in all lines: its network id, before 2013 the internal one."""
    for name in ("network-message-id", "internal-message-id"):
        found = record.get(name, "")
        if _ID.fullmatch(found) and found.strip("0-"):
            return found
    return ""


def client(record: Record) -> str:
    """Who handed a message in: HOST[IP]."""
    host, address = record.get("client-hostname", "")[:255], record.get("client-ip", "")[:64]
    return f"{host or 'unknown'}[{address}]" if address or host else ""


def expected(record: Record) -> int:
    """How many recipients a record speaks of, 1 if it does not say."""
    found = record.get("recipient-count", "")
    return int(found) if found.isascii() and found.isdigit() and len(found) < 7 else 1


def latency(record: Record) -> float | None:
    """Seconds from arrival in the organisation to the end, None if the record does not tell."""
    found = _LATENCY.search(record.get("custom-data", "")) or _LATENCY.search(record.get("message-info", ""))
    if found is None:
        return None
    try:
        return float(found[1])
    except ValueError:
        return seconds(found[1])


def way(record: Record, delay: float) -> bytes:
    """The text for FinalDelays: the whole way, and its stages where the server tells them.

    QD* is the time in a delivery queue, SMS* and SD* that of sending, the rest of TOTAL was before the queue.
    The time for connecting is not told, so it stays empty.
    """
    total, parts = None, {"in_queue": 0.0, "transmit": 0.0}
    last = record.get("message-info", "").rpartition("SRV=")[2]
    if found := _TOTAL.search(last):
        total = float(found[1])
        for name, value in _PART.findall(last):
            parts["in_queue" if name.startswith("QD") else "transmit"] += float(value)
    if total is None:
        return repr(delay).encode()
    before = round(max(0.0, total - parts["in_queue"] - parts["transmit"]), 6)
    return f"{delay}/{before}/{round(parts['in_queue'], 6)}//{round(parts['transmit'], 6)}".encode()
