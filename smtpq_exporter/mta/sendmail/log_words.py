"""What one line of Sendmail says, without prefix: bytes in, a LogEvent out.

Pure. This is the grammar of lines about messages; the hot loop of log.py takes only shapes that stand here as
well, and a test holds both to the same result. Laws: log_grammar.py.

The reason of an attempt, in this order: the text behind ``stat=Deferred: ``; the words of ``reply=`` if their
class is that of dsn= (it is the last reply of the session and may be about something else); the words of
stat=, unless they only name an exit code ("Service unavailable") and a line before told more about the same
message; dsn= always helps.
"""

from __future__ import annotations

from typing import NamedTuple

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.sendmail import log_grammar as grammar
from smtpq_exporter.mta.sendmail.log_trouble import about_message, text, without_message

#: Remote text beyond this tells nothing more and is not classified.
TEXT = 2048
_STATUS = {b"2": "sent", b"4": "deferred", b"5": "bounced"}
_DEFERRED = b"Deferred: "
#: stat= of exit codes that say nothing about the reason.
VAGUE = frozenset(
    (b"Service unavailable", b"Deferred", b"Unknown error", b"Message not sent", b"Unavailable")
)
#: Words of stat= where nothing was tried.
_NOT_TRIED = (b"queued", b"quarantine")


class Outcome(NamedTuple):
    """What became of a delivery: status ("" = it was not tried), reason class ("" for sent), whether that is
    vague.
    """

    status: str
    reason: str
    vague: bool = False


def understand(words: bytes, reasons: ReasonOf, before: bytes = b"") -> tuple[LogEvent | None, list[bytes]]:
    """Return what the words mean, None if they are not understood; and the recipients of an attempt.

    `before` is what an earlier line told about the same message, if anything.
    """
    found = grammar.MESSAGE.match(words)
    if found is None:
        return without_message(words, reasons), []
    rest = words[found.end() :]
    recipients: list[bytes] = []
    event: LogEvent | None
    if rest.startswith(b"to="):
        event, recipients = _attempt(rest, reasons, before)
    elif rest.startswith(b"from="):
        event = _received(rest)
    elif found["id"] == grammar.NOQUEUE:
        event = without_message(rest, reasons)
    else:
        event = about_message(rest, reasons)
    if event is not None and found["id"] != grammar.NOQUEUE:
        event.queue_id = found["id"].decode("ascii")
    return event, recipients


def outcome(dsn: bytes, said: bytes, reasons: ReasonOf, before: bytes = b"") -> Outcome:
    """What an attempt came to. `said` is all that follows Sendmail's own dsn= (b"" where there is none)."""
    said = said[:TEXT]
    if said.startswith(grammar.STATUS_ONLY):
        reply, status = b"", said[5:]
        if status.startswith(_NOT_TRIED):
            return Outcome("", "")
    else:
        front, _, status = said.partition(b", stat=")
        reply = front.partition(b"reply=")[2]
    if dsn:
        state = _STATUS[dsn[:1]]
    else:
        state = (
            "sent"
            if status.startswith(b"Sent")
            else "deferred"
            if status.startswith(b"Deferred")
            else "bounced"
        )
    if state == "sent":
        return Outcome(state, "")
    if status.startswith(_DEFERRED) and state == "deferred":
        return Outcome(state, reasons.reason(status[len(_DEFERRED) :], dsn))
    if reply[:1] == dsn[:1] and grammar.REPLY.match(reply):
        return Outcome(state, reasons.reason(reply, dsn))
    vague = status.strip() in VAGUE
    return Outcome(state, reasons.reason(before if vague and before else status, dsn), vague)


def masked(said: bytes, address: bytes, reasons: ReasonOf) -> bytes:
    """A text without the recipient's address: then the same words to others are one reason, remembered."""
    return said if reasons.wants_addresses or b"@" not in address else said.replace(address, b"@")


def seconds(time: bytes) -> float | None:
    """A time such as 1+02:03:04 in seconds."""
    found = grammar.TIME.fullmatch(time)
    if found is None:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(days * 86400 + hours * 3600 + minutes * 60 + rest)


def domain(address: bytes) -> str:
    """The domain of an address in the log, lower case; "" if it has none."""
    _, at, name = (address[1:-1] if address[:1] == b"<" else address).rpartition(b"@")
    return name.decode("utf-8", "replace").lower() if at else ""


def _attempt(rest: bytes, reasons: ReasonOf, before: bytes) -> tuple[LogEvent | None, list[bytes]]:
    found = grammar.ATTEMPT.match(rest)
    if found is None:
        return None, []
    said, dsn = rest[found.end() :], found["dsn"] or b""
    if not dsn and not said.startswith(grammar.STATUS_ONLY):
        return None, []
    recipients = grammar.ONE_ADDRESS.findall(found["to"])
    shown = said
    for address in recipients:
        said = masked(said, address.strip(b"<>"), reasons)
    result = outcome(dsn, said, reasons, before)
    delay = seconds(found["delay"] or b"")
    event = LogEvent(
        "attempt" if result.status else "info",
        status=result.status,
        dsn=dsn.decode("ascii"),
        delay=delay,
        relay=(found["relay"] or b"").decode("utf-8", "replace"),
        recipient_domain=domain(recipients[0]),
        reason=result.reason,
        kind="" if result.status else "queued",
        text=text(shown),
        repeat=len(recipients),
    )
    return event, recipients


def _received(rest: bytes) -> LogEvent | None:
    """A message that was taken; without recipients it was not (all of them were refused)."""
    found = grammar.RECEIVED.match(rest)
    if found is None:
        return None
    client = grammar.CLIENT.search(rest, max(0, len(rest) - 600))
    event = "info" if found["nrcpts"] == b"0" else "received"
    return LogEvent(event, client=client[1].decode("utf-8", "replace") if client else "", text=text(rest))


def expected(rest: bytes) -> int:
    """The number of recipients that a from= line says."""
    found = grammar.RECEIVED.match(rest)
    return int(found["nrcpts"] or 1) if found else 1
