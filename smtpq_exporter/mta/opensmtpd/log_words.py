"""What the lines of OpenSMTPD's log have in common: attempts, refusals, broken connections, as LogEvents.

Pure. log_session.py and log_plain.py tell the lines apart, every shape is in log_grammar.py.

An attempt that failed without a connection says "Network error on destination MXs" whatever the errno was;
the real one stands in an earlier `mta error` line of a session to the same address. The last error of each of
the last PLACES addresses is kept for that; where it is not known, the general text decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.opensmtpd import log_grammar as grammar

#: So much of a text goes to the classifier and into `text`.
TEXT = 1024
#: Sessions that are being connected, and addresses whose last error is kept.
PLACES = 1024
NETWORK = b"Network error on destination MXs"
_STATUS = {b"Ok": "sent", b"TempFail": "deferred", b"PermFail": "bounced"}
_SECONDS = (86400, 3600, 60, 1)
#: Commands that hand over mail; "." ends a message.
_MAIL = (b"MAIL", b"RCPT", b"DATA", b".")


class Known:
    """What lines before this one said, within bounds."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, bytes] = {}
        """Session -> the address it connects to."""
        self._errors: dict[bytes, bytes] = {}
        """Address -> what went wrong there last."""

    def connecting(self, session: bytes, address: bytes) -> None:
        """A session begins."""
        _put(self._sessions, session, address.strip(b"[]"))

    def failed(self, session: bytes, words: bytes) -> None:
        """A session broke."""
        address = self._sessions.pop(session, None)
        if address is not None:
            _put(self._errors, address, words[:TEXT])

    def ended(self, session: bytes) -> None:
        """A session went well: what went wrong at its address before is over."""
        address = self._sessions.pop(session, None)
        if address is not None:
            self._errors.pop(address, None)

    def cause(self, stat: bytes, relay: bytes) -> bytes:
        """What stat= means at this relay."""
        return self._errors.get(relay.partition(b" ")[0].strip(b"[]"), stat) if stat == NETWORK else stat


class Outcome(NamedTuple):
    """What an attempt came to: status, enhanced code, reason class of a failure."""

    status: str
    dsn: str
    reason: str


def outcome(result: bytes, stat: bytes, address: bytes, reasons: ReasonOf) -> Outcome:
    """Read result= and stat= of an attempt. `address` is the recipient, without brackets."""
    status = _STATUS[result]
    return Outcome(
        status, code(stat), "" if status == "sent" else reasons.reason(masked(stat, address, reasons))
    )


def code(reply: bytes) -> str:
    """The enhanced code that a reply begins with, or ""."""
    found = grammar.REPLY.match(reply)
    return found["dsn"].decode("ascii") if found and found["dsn"] else ""


def masked(stat: bytes, address: bytes, reasons: ReasonOf) -> bytes:
    """The text for the classifier: without the recipient's address, if that may go; cut afterwards."""
    if b"@" in address and not reasons.wants_addresses:
        stat = stat.replace(address, b"@")
    return stat[:TEXT]


def seconds(delay: bytes) -> float | None:
    """Read 1d2h3m4s; a clock that was set back gives 0."""
    found = grammar.TIME.fullmatch(delay)
    if not delay or found is None:
        return None
    if found[1]:
        return 0.0
    return float(sum(int(found[n + 2] or 0) * unit for n, unit in enumerate(_SECONDS)))


def info(words: bytes) -> LogEvent:
    """Understood, nothing to count."""
    return LogEvent("info", text=text(words))


def text(words: bytes) -> str:
    """Words for people, cut."""
    return words[:TEXT].decode("utf-8", "replace")


def domain(address: bytes) -> str:
    """Domain of an address without brackets, "" without one."""
    _, at, name = address.rpartition(b"@")
    return name.decode("utf-8", "replace").lower() if at else ""


def attempt(
    found: re.Match[bytes],
    message: bytes,
    result: bytes,
    relay: bytes,
    known: Known,
    reasons: ReasonOf,
) -> LogEvent:
    """A delivery, whose groups `to`, `delay` and `stat` are those of the line."""
    address, stat = found["to"][1:-1], found["stat"]
    said = outcome(result, known.cause(stat, relay), address, reasons)
    return LogEvent(
        "attempt",
        queue_id=message.decode("ascii"),
        status=said.status,
        dsn=said.dsn,
        reason=said.reason,
        delay=seconds(found["delay"]),
        relay=text(relay),
        recipient_domain=domain(address),
        text=text(stat),
    )


def rejected(command: bytes, result: bytes, reasons: ReasonOf) -> LogEvent:
    """A command that smtpd did not like: mail that was refused, a login (see there), or noise."""
    verb, shown = command[:4].upper(), text(command + b" => " + result)
    if verb == b"AUTH":
        return LogEvent("info", text=shown)
    if verb not in _MAIL:
        return LogEvent("warning", kind="client", text=shown)
    address = command.partition(b"<")[2].partition(b">")[0]
    return LogEvent(
        "reject", dsn=code(result), reason=reasons.reason(masked(result, address, reasons)), text=shown
    )


def broken(said: bytes, session: bytes, known: Known) -> LogEvent:
    """A connection to another server that came to nothing."""
    known.failed(session, said)
    if said.startswith((b"TLS", b"STARTTLS")):
        return LogEvent("warning", kind="tls", text=text(said))
    if said.startswith((b"AUTH", b"no supported AUTH")):
        return LogEvent("warning", kind="sasl", text=text(said))
    return LogEvent("connect_failure", text=text(said))


def _put(table: dict[bytes, bytes], key: bytes, value: bytes) -> None:
    table.pop(key, None)
    if len(table) >= PLACES:
        del table[next(iter(table))]
    table[key] = value
