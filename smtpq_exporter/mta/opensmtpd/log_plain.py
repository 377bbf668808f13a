"""Lines of OpenSMTPD that begin with no session: those of the queue, of routes, warnings, and all before 5.9.

Pure. Beginnings decide; what is behind them may be a stranger's word.
"""

from __future__ import annotations

import re

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.opensmtpd import log_grammar as grammar
from smtpq_exporter.mta.opensmtpd.log_session import in_session
from smtpq_exporter.mta.opensmtpd.log_words import (
    Known,
    attempt,
    broken,
    domain,
    info,
    rejected,
    seconds,
    text,
)

#: Beginnings, and the kind of warning that they are; "" = nothing to count.
_BEGINNINGS = (
    (b"smtp-out: Failed to resolve MX", "dns"),
    (b"smtp-out: No MX found", "dns"),
    (b"smtp-out: hiwat reached", "congestion"),
    (b"smtp-out: Too many errors", "connect_failure"),
    (b"smtp-out: No valid route", "connect_failure"),
    (b"smtp-out: Address family", "connect_failure"),
    (b"smtp-out: Error on ", "connect_failure"),
    (b"smtp-", ""),
    (b"warn: not enough", "resource"),
    (b"warn: temporarily rejecting", "resource"),
    (b"warn: too many connections", "process_limit"),
    (b"warn: ctl client limit", "process_limit"),
    (b"warn: queue", "queue_file"),
    (b"warn: invalid envelope", "queue_file"),
    (b"warn: lost", "fatal"),
    (b"fatal", "fatal"),
    (b"warn: ", "other"),
    (b"info: ", ""),
    (b"debug: ", ""),
    (b"queue", ""),
    (b"Exiting", ""),
)
_LOGIN = {b"failure": "auth_failure", b"temporary failure": "warning", b"successful": "info"}


def understand(words: bytes, known: Known, reasons: ReasonOf) -> LogEvent | None:
    """Understand the words of any line of smtpd; None if they are not of a known form."""
    found = grammar.SESSION.match(words)
    if found is not None:
        return in_session(words, found, known, reasons)
    if words.startswith((b"smtp-", b"relay: ", b"delivery: ")):
        event = _mail(words, known, reasons) or _connection(words, known)
        if event is not None:
            return event
    words = words.replace(b"routing: ", b"", 1) if words.startswith(b"smtp-out: routing: ") else words
    for beginning, kind in _BEGINNINGS:
        if words.startswith(beginning):
            return LogEvent("warning", kind=kind, text=text(words)) if kind else info(words)
    return None


def recipients(words: bytes) -> int:
    """How many envelopes a message has, where its own line says so (before 6.4); else 0."""
    found = grammar.OLD_MESSAGE.match(words)
    if found is None and (session := grammar.SESSION.match(words)):
        message = grammar.MESSAGE.match(words, session.end())
        found = grammar.RECIPIENTS.match(words, message.start("old")) if message and message["old"] else None
    return int(found["count"]) if found else 0


def _mail(words: bytes, known: Known, reasons: ReasonOf) -> LogEvent | None:
    """Messages that come, are tried, given up or refused."""
    if found := grammar.OLD_RELAYED.fullmatch(words):
        message, result = found["one"] or found["other"], found["first"] or found["second"]
        return attempt(found, message, result, found["relay"], known, reasons)
    if found := grammar.OLD_LOCAL.fullmatch(words):
        return attempt(found, found["message"], found["result"], b"", known, reasons)
    if found := grammar.QUEUE_LOG.fullmatch(words):
        return _given_up(found)
    if found := grammar.OLD_MESSAGE.match(words):
        return LogEvent(
            "received", queue_id=(found["one"] or found["other"]).decode("ascii"), text=text(words)
        )
    if found := grammar.OLD_COMMAND.fullmatch(words):
        return rejected(found["command"], found["result"], reasons)
    return None


def _given_up(found: re.Match[bytes]) -> LogEvent:
    """An envelope that expired, or that an operator removed."""
    event = LogEvent(
        "info",
        queue_id=found["message"].decode("ascii"),
        delay=seconds(found["delay"]),
        recipient_domain=domain(found["to"][1:-1]),
        text=text(found["stat"]),
    )
    if found["what"] == b"Expire":
        event.event, event.status, event.reason = "expired", "expired", "expired"
    elif found["what"] == b"Remove":
        event.kind = "removed"
    return event


def _connection(words: bytes, known: Known) -> LogEvent | None:
    """What older releases said of connections."""
    if found := grammar.OLD_CONNECTION.match(words):
        name, _, address = (found["new"] or found["old"]).partition(b" ")
        return info(words) if address == b"[local]" else LogEvent("connection", client=text(name + address))
    if found := grammar.OLD_TLS.match(words):
        return LogEvent("tls", kind=text(found["protocol"]))
    if found := grammar.OLD_LOGIN.match(words):
        event = _LOGIN[found["what"]]
        return LogEvent(event, kind="sasl" if event == "warning" else "", text=text(words))
    if found := grammar.OLD_CONNECTING.match(words):
        known.connecting(found["session"], found["ip"])
        return info(words)
    if found := grammar.ERROR.fullmatch(words):
        return broken(found["words"], found["new"] or found["old"], known)
    return None
