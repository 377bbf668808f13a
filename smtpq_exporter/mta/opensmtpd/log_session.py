"""Lines of OpenSMTPD from 5.9 on that begin with a session: ``<16 digits> smtp|mta|mda VERB key=value ..``.

Pure. Dispatch by part and verb; a verb that is not named here says nothing that is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.opensmtpd import log_grammar as grammar
from smtpq_exporter.mta.opensmtpd.log_words import Known, attempt, broken, info, rejected, text


def in_session(words: bytes, found: re.Match[bytes], known: Known, reasons: ReasonOf) -> LogEvent | None:
    """Understand words that grammar.SESSION matched; None if they are not of a known form."""
    read = _VERBS.get((found["part"], found["verb"]))
    return read(words[found.end() :], found["session"], known, reasons) if read else info(words)


def _relayed(rest: bytes, _: bytes, known: Known, reasons: ReasonOf) -> LogEvent | None:
    found = grammar.RELAYED.fullmatch(rest)
    if found is None:
        return None
    return attempt(found, found["message"], found["result"], found["relay"], known, reasons)


def _local(rest: bytes, _: bytes, known: Known, reasons: ReasonOf) -> LogEvent | None:
    found = grammar.LOCAL.fullmatch(rest)
    return attempt(found, found["message"], found["result"], b"", known, reasons) if found else None


def _received(rest: bytes, *_: object) -> LogEvent | None:
    found = grammar.MESSAGE.match(rest)
    return LogEvent("received", queue_id=found["message"].decode("ascii"), text=text(rest)) if found else None


def _envelope(rest: bytes, *_: object) -> LogEvent:
    found = grammar.ENVELOPE.match(rest)
    if found is None:
        return info(rest)
    return LogEvent("info", queue_id=found["message"].decode("ascii"), kind="envelope", text=text(rest))


def _connected(rest: bytes, *_: object) -> LogEvent:
    """From the socket of this host: sendmail(1), and what smtpd itself brings back to a sender."""
    found = grammar.CLIENT.match(rest)
    if found is None or found["address"] == b"local":
        return info(rest)
    return LogEvent("connection", client=f"{text(found['host'])}[{text(found['address'])}]")


def _protocol(rest: bytes, *_: object) -> LogEvent:
    found = grammar.PROTOCOL.search(rest[:512])
    return LogEvent("tls", kind=found["protocol"].decode("ascii") if found else "other")


def _refused(rest: bytes, _session: bytes, _known: Known, reasons: ReasonOf) -> LogEvent:
    found = grammar.COMMAND.match(rest)
    at = rest.rfind(b'" result="')
    return rejected(
        found["command"] if found else b"", rest[at + 10 :].rstrip(b'"') if at >= 0 else b"", reasons
    )


def _login(rest: bytes, *_: object) -> LogEvent:
    """The user's name is the client's word, the result stands behind it."""
    if rest.endswith(b"result=permfail"):
        return LogEvent("auth_failure", text=text(rest))
    if rest.endswith(b"result=tempfail"):
        return LogEvent("warning", kind="sasl", text=text(rest))
    return info(rest)


def _noise(rest: bytes, *_: object) -> LogEvent:
    return LogEvent("warning", kind="client", text=text(rest))


def _connecting(rest: bytes, session: bytes, known: Known, _: ReasonOf) -> LogEvent:
    found = grammar.CONNECTING.match(rest)
    if found is not None:
        known.connecting(session, found["ip"])
    return info(rest)


def _error(rest: bytes, session: bytes, known: Known, _: ReasonOf) -> LogEvent:
    return broken(rest.removeprefix(b"reason="), session, known)


def _rejects_all(rest: bytes, *_: object) -> LogEvent:
    return LogEvent("warning", kind="connect_failure", text=text(rest))


def _disconnected(rest: bytes, session: bytes, known: Known, _: ReasonOf) -> LogEvent:
    known.ended(session)
    return info(rest)


_Read = Callable[[bytes, bytes, Known, ReasonOf], LogEvent | None]
_VERBS: dict[tuple[bytes, bytes], _Read] = {
    (b"mta", b"delivery"): _relayed,
    (b"mda", b"delivery"): _local,
    (b"smtp", b"message"): _received,
    (b"smtp", b"envelope"): _envelope,
    (b"smtp", b"connected"): _connected,
    (b"smtp", b"failed-command"): _refused,
    (b"smtp", b"bad-input"): _noise,
    (b"smtp", b"authentication"): _login,
    (b"smtp", b"tls"): _protocol,
    (b"smtp", b"starttls"): _protocol,
    (b"mta", b"tls"): _protocol,
    (b"mta", b"starttls"): _protocol,
    (b"mta", b"connecting"): _connecting,
    (b"mta", b"error"): _error,
    (b"mta", b"host-rejects-all-mails"): _rejects_all,
    (b"mta", b"disconnected"): _disconnected,
    (b"mta", b"closed"): _disconnected,
}
