"""What one line of Exim says, without prefix and time: bytes in, a LogEvent out.

Pure. This is the whole grammar of lines with a message id; the hot loop of log.py takes only shapes that
stand here as well, and a test holds both to the same result. Laws: log_grammar.py.

What is no attempt: "retry time not reached" repeats at every queue run that a destination waits (event
"suspended"); mail that the configuration wants to be queued only (queue_domains, -odqs) and held domains
are "info" of kind "queued". Reason texts are given to the classifier as ``defer (n): text``: the number
decides where it is reliable.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar
from smtpq_exporter.mta.exim import log_trouble
from smtpq_exporter.mta.exim.log_trouble import text

#: Remote text beyond this tells nothing more and is not classified.
TEXT = 2048
#: The times at the end of a line are not longer than this.
END = 80
#: Texts of defer() that no attempt was made: a destination waits for its retry time.
_WAITING = (
    b"retry time not ",
    b"Retry time not ",
    b"some host address lookups failed and retry time not reached",
    b"all hosts for ",
    b"connection limit reached for all hosts",
)
_WAITING_INSIDE = b"etry time not"
#: Texts of defer() that the configuration wanted it so.
_INTENDED = (
    b"domain matches queue_smtp_domains",
    b"domain is in queue_domains",
    b"domain is held",
    b"local delivery only",
    b"remote delivery suppressed",
    b"queue_only",
)
_TIMEOUT = b"retry timeout exceeded"
_SECONDS = (604800, 86400, 3600, 60, 1)


class Outcome(NamedTuple):
    """What became of a delivery: the event and status of LogEvent, enhanced code, reason class."""

    event: str
    status: str
    dsn: str
    reason: str


def understand(words: bytes, reasons: ReasonOf) -> LogEvent | None:
    """Return what the words mean, None if they are not understood. `delay` is only set where the line says
    it.
    """
    found = grammar.MESSAGE.match(words)
    if found is None:
        return log_trouble.understand(words, reasons, message=False)
    rest = words[found.end() :]
    rule = FLAGS.get(rest[:3])
    event = rule(rest, reasons) if rule is not None else log_trouble.understand(rest, reasons, message=True)
    if event is not None:
        event.queue_id = found[1].decode("ascii")
    return event


def outcome(number: bytes, said: bytes, reasons: ReasonOf) -> Outcome:
    """What a deferral (`number` is that of "defer (n)") or, without a number, a failure means. `said` is
    its text.
    """
    body = grammar.LATE_TIME.sub(b"", said[:TEXT]) if b" DT=" in said else said[:TEXT]
    wrapped = grammar.REMOTE.match(body)
    remote = body[wrapped.end() :] if wrapped else b""
    reply = grammar.REPLY.match(remote)
    dsn = reply[2].decode("ascii") if reply and reply[2] else ""
    if number:
        if body.startswith(_INTENDED):
            return Outcome("info", "", "", "")
        reason = reasons.reason(b"defer (%b): %b" % (number, remote or body))
        if (
            wrapped is None
            and body.startswith(_WAITING)
            and (_WAITING_INSIDE in body or body.startswith(_WAITING[-1]))
        ):
            return Outcome("suspended", "deferred", "", reason)
        return Outcome("attempt", "deferred", dsn, reason)
    if body.startswith(b"all hosts for ") and b"for a long time" in body:
        return Outcome("expired", "expired", "", "expired")
    if body.endswith(_TIMEOUT) and not (reply and reply[1][:1] == b"5"):
        return Outcome("expired", "expired", dsn, "expired")
    return Outcome("attempt", "bounced", dsn, reasons.reason(remote or body))


def masked(said: bytes, address: bytes, reasons: ReasonOf) -> bytes:
    """A text without the recipient's address: the same words to other recipients are one reason,
    remembered.
    """
    return said if reasons.wants_addresses or b"@" not in address else said.replace(address, b"@")


def seconds(time: bytes) -> float | None:
    """Duration "1d2h3m4s" or "0.123s" in seconds."""
    found = grammar.TIME.fullmatch(time)
    if not time or found is None:
        return None
    return float(sum(n * float(part) for n, part in zip(_SECONDS, found.groups(), strict=True) if part))


def queue_time(words: bytes) -> bytes:
    """How long the message was in the queue, as the end of a line says it ("3s"); b"" if it does not."""
    at = words.rfind(b" QT=", max(0, len(words) - END))
    found = grammar.TIMES.fullmatch(words, at) if at >= 0 else None
    return found["queue"] if found else b""


def _arrived(rest: bytes, _: ReasonOf) -> LogEvent | None:
    found = grammar.RECEIVED.match(rest, 3)
    host = _field(found["fields"], b"H=") if found else b""
    return LogEvent("received", client=host.decode("utf-8", "replace"), text=text(rest[3:]))


def _delivered(rest: bytes, _: ReasonOf) -> LogEvent | None:
    found = grammar.DELIVERED.match(rest, 3)
    if found is None:
        return None
    fields = found["fields"]
    quote = rest.find(b'"', found.start("fields"))
    if quote >= 0 and rest.startswith(b" C=", quote - 3):
        confirmed = grammar.CONFIRMED.match(rest, quote + 1, quote + 11)
    else:  # behind another quoted field only as a field
        confirmed = grammar.CONFIRMED.match(_field(fields, b"C=").strip(b'"')[:10])
    return LogEvent(
        "attempt",
        status="sent",
        dsn=confirmed[1].decode("ascii") if confirmed else "",
        delay=seconds(queue_time(rest)),
        relay=_field(fields, b"H=").decode("utf-8", "replace"),
        recipient_domain=_domain(found),
        text=text(rest[found.end() :]),
    )


def _deferred(rest: bytes, reasons: ReasonOf) -> LogEvent | None:
    found = grammar.DEFERRED.match(rest, 3)
    if found is None:
        return None
    said = rest[found.end() :]
    result = outcome(found["number"], masked(said, _address(found), reasons), reasons)
    return _failure(result, found, said, found["fields"] + found["more"])


def _failed(rest: bytes, reasons: ReasonOf) -> LogEvent | None:
    found = grammar.FAILED.match(rest, 3)
    if found is None:
        return None
    said = rest[found.end() :]
    return _failure(
        outcome(b"", masked(said, _address(found), reasons), reasons), found, said, found["fields"]
    )


def _failure(result: Outcome, found: re.Match[bytes], said: bytes, fields: bytes) -> LogEvent:
    return LogEvent(
        result.event,
        status=result.status,
        dsn=result.dsn,
        reason=result.reason,
        suspended=result.event == "suspended",
        kind="queued" if result.event == "info" else "",
        relay=_field(fields, b"H=").decode("utf-8", "replace"),
        recipient_domain=_domain(found),
        text=text(said),
    )


def _suppressed(rest: bytes, _: ReasonOf) -> LogEvent:
    """-N: what would have been done."""
    return LogEvent("info", text=text(rest))


FLAGS = {
    b"<= ": _arrived,
    b"(= ": _arrived,  # taken, though the client was told otherwise (fakereject, fakedefer)
    b"=> ": _delivered,
    b"-> ": _delivered,
    b">> ": _delivered,
    b"== ": _deferred,
    b"** ": _failed,
    b"*> ": _suppressed,
}


def _address(found: re.Match[bytes]) -> bytes:
    """The address that a line is about."""
    address: bytes = found["to"]
    if b"@" not in address or address[:1] in b"|/":
        return (found["parent"] or b"")[1:-1] or address
    return address


def _domain(found: re.Match[bytes]) -> str:
    _, at, domain = _address(found).rpartition(b"@")
    return domain.decode("utf-8", "replace").lower() if at else ""


def _field(fields: bytes, name: bytes) -> bytes:
    """The first field with this name."""
    for found in grammar.FIELDS.finditer(fields):
        if found[0].startswith(name, 1):
            return found[0][1 + len(name) :]
    return b""
