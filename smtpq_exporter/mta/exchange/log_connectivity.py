"""Records of the connectivity log -> events: what went wrong on the way to the next hop.

Pure. Deliveries are not counted from here: the message tracking log tells each of them. Source of truth:
Microsoft, "Connectivity logging" (+ a session began, > went on, - ended); the words of descriptions are
those of its examples and of texts seen in public.
"""

from __future__ import annotations

import re

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.exchange.log_csv import Record

_DNS = re.compile(
    r"\bDNS .{0,70}(?:Error|fail|NXDOMAIN|Timeout|InfoNoRecords|InfoDomainNonexistent)", re.IGNORECASE,
)
_CONNECT = re.compile(
    r"failed (?:to )?connect|connection (?:attempt )?(?:to \S+ )?failed|failed connection|TimedOut|"
    r"ConnectionRefused|NetworkUnreachable|HostUnreachable|\b(?:10060|10061|10051|10065)\b", re.IGNORECASE,
)
_TLS = re.compile(
    r"\bTLS\b.{0,80}(?:fail|error|invalid)|certificate.{0,40}(?:fail|invalid|expired)", re.IGNORECASE,
)


def event(record: Record) -> LogEvent:
    """The event of a record, without its time."""
    said = record["description"][:2000]
    found = LogEvent("info", program="connectivity", text=said)
    if record["direction"].strip() == "+":
        return found
    if _DNS.search(said):
        found.event, found.kind = "warning", "dns"
    elif _CONNECT.search(said):
        found.event, found.relay = "connect_failure", record["destination"][:255]
    elif _TLS.search(said):
        found.event, found.kind = "warning", "tls"
    return found
