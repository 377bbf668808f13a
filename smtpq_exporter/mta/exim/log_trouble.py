"""What Exim's lines without a flag say: the life of a message, refusals, failed logins, trouble.

Pure. Law: decided by how the words begin; what a stranger chose (a HELO name, an address, a reply) stands
behind. Sources: the Exim specification, chapter 53, and the log_write() calls of src/smtp_in.c, daemon.c,
deliver.c, tls*.c.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.exim import log_grammar as grammar

_TEXT, _NEAR = 2048, 160

#: How a line about a message begins -> event, kind. The first that fits.
_LIFE: Sequence[tuple[bytes, str, str]] = (
    (b"Completed", "removed", ""),
    (b"Frozen", "held", ""),
    (b"frozen", "held", ""),
    (b"*** Frozen", "held", ""),
    (b"*** frozen", "held", ""),
    (b"Unfrozen", "released", ""),
    (b"unfrozen", "released", ""),
    (b"*** Unfrozen", "released", ""),
    (b"Message is frozen", "info", ""),
    (b"Spool file is locked", "info", ""),
    (b"removed by ", "info", ""),
    (b"cancelled by ", "info", ""),
    (b"bounced by ", "info", ""),
    (b"marked ", "info", ""),
    (b"sender ", "info", ""),
    (b"recipient ", "info", ""),
    (b"added by ", "info", ""),
    (b"delivering ", "info", ""),
    (b"DKIM: ", "info", ""),
    (b"PDKIM: ", "info", ""),
    (b"SPF: ", "info", ""),
    (b"DMARC ", "info", ""),
    (b"no immediate delivery: ", "warning", "congestion"),
    (b"No recipients", "info", ""),
    (b"no recipients", "info", ""),
    (b"Error in sender", "info", ""),
    (b"Format error in spool file", "warning", "queue_file"),
    (b"Malformed spool", "warning", "queue_file"),
    (b"Spool ", "warning", "queue_file"),
    (b"spool ", "warning", "queue_file"),
    (b"Data file ", "warning", "queue_file"),
    (b"malware acl condition: ", "warning", "milter"),
    (b"spam acl condition: ", "warning", "milter"),
    (b"retry time not ", "info", ""),
    (b"transport ", "warning", "transport"),
    (b"Transport ", "warning", "transport"),
    (b"SMTP connection lost", "warning", "client"),
    (b"SMTP timeout", "connect_failure", ""),
    (b"Remote host ", "connect_failure", ""),
    (b"error ignored", "info", ""),
    (b"moved from ", "info", ""),
    (b"SA: ", "info", ""),
    (b"original recipients ignored", "info", ""),
    (b"qualify/rewrite: ", "info", ""),
    (b"Error in system filter", "warning", "configuration"),
    (b"SMTP connection from ", "warning", "client"),
)
#: The same for lines about no message, and for both.
_DAEMON: Sequence[tuple[bytes, str, str]] = (
    (b"Start ", "info", ""),  # queue run, ODMR, 'name' queue run
    (b"End ", "info", ""),
    (b"exim ", "info", ""),
    (b"Exim configuration error", "warning", "configuration"),
    (b"pid ", "info", ""),
    (b"daemon: ", "warning", "resource"),
    (b"daemon_notifier_socket ", "warning", "other"),
    (b"1 queue-runner", "info", ""),
    (b"cwd=", "info", ""),
    (b"ETRN ", "info", ""),
    (b"ATRN ", "info", ""),
    (b"VRFY ", "info", ""),
    (b"EXPN ", "info", ""),
    (b"refused connection ", "reject", ""),
    (b"no host name found ", "warning", "dns"),
    (b"no IP address found ", "warning", "dns"),
    (b"DNS ", "warning", "dns"),
    (b"DNSSEC ", "warning", "dns"),
    (b"host name alias list truncated", "warning", "dns"),
    (b"host lookup ", "warning", "dns"),
    (b"list matching forced to fail: ", "warning", "dns"),
    (b"TLS ", "warning", "tls"),
    (b"SSL ", "warning", "tls"),
    (b"DANE ", "warning", "tls"),
    (b"SMTP protocol ", "warning", "client"),
    (b"SMTP syntax ", "warning", "client"),
    (b"SMTP command ", "warning", "client"),
    (b"SMTP data ", "warning", "client"),
    (b"SMTP timeout ", "warning", "client"),
    (b"no MAIL in ", "warning", "client"),
    (b"unexpected ", "warning", "client"),
    (b"Unexpected ", "warning", "client"),
    (b"too many ", "warning", "client"),
    (b"syntactically invalid ", "warning", "client"),
    (b"dropped ", "warning", "client"),
    (b"ignoring ", "info", ""),
    (b"Ignoring ", "info", ""),
    (b"ratelimit", "warning", "rate_limit"),
    (b"Warning: ", "warning", "other"),
    (b"WARNING: ", "warning", "other"),
    (b"failed to ", "warning", "error"),
    (b"failure ", "warning", "error"),
    (b"Failed ", "warning", "error"),
    (b"unable to ", "warning", "error"),
    (b"Unable to ", "warning", "error"),
    (b"Cannot ", "warning", "error"),
    (b"cannot ", "warning", "error"),
    (b"Could not ", "warning", "error"),
    (b"could not ", "warning", "error"),
    (b"socket bind", "warning", "fatal"),
    (b"spool directory space check failed", "warning", "resource"),
    (b"timed out while reading local message", "warning", "client"),
    (b"Error while reading message with no usable sender", "reject", ""),
    (b"Child mail process ", "warning", "error"),
    (b"bind of ", "warning", "error"),
    (b"invalid ", "warning", "configuration"),
    (b"Tainted ", "warning", "configuration"),
    (b"tainted ", "warning", "configuration"),
    (b"attempt to ", "warning", "configuration"),
    (b"internal ", "warning", "panic"),
    (b"callout ", "info", ""),
    (b"sender verify ", "info", ""),
    (b"recipient verify ", "info", ""),
    (b"string_", "warning", "panic"),
    (b"SIG", "warning", "panic"),
)
#: Wherever they stand in the line of our own program: the machine is at its end.
_MACHINE = (
    b"No space left on device",
    b"Too many open files",
    b"Cannot allocate memory",
    b"out of memory",
    b"spool disk",
)
#: What Exim says about a host that it, or that spoke to, without a reply -> event, kind.
_HOST: Sequence[tuple[bytes, str, str]] = (
    (b"SMTP error from remote ", "interim_reply", ""),
    (b"LMTP error from remote ", "interim_reply", ""),
    (b"TLS ", "warning", "tls"),
    (b"DANE ", "warning", "tls"),
    (b"SSL verify ", "warning", "tls"),
    (b"sender verify ", "info", ""),
    (b"Sender verify ", "info", ""),
    (b"Warning: ", "info", ""),
    (b"incomplete transaction", "info", ""),
    (b"RCPT ", "info", ""),  # RCPT <address>: discarded by RCPT ACL
    (b"discarded by ", "info", ""),
    (b"SMTP protocol ", "warning", "client"),
    (b"SMTP syntax ", "warning", "client"),
    (b"ACL ", "info", ""),
    (b"DKIM: ", "info", ""),
    (b"temporarily ", "info", ""),
    (b"no IP address ", "warning", "dns"),
)#: What stands behind a name or an address of ours, near the beginning.
_NAMED: Sequence[tuple[bytes, str, str]] = (
    (b" authenticator failed H=", "warning", "transport"),  # a server did not take our password
    (b"] SSL verify error: ", "warning", "tls"),
    (b" router: skipped error: ", "warning", "configuration"),
    (b" transport output: ", "info", ""),
    (b": error ignored", "info", ""),
)

_Index = Mapping[bytes, Sequence[tuple[bytes, str, str]]]


def _index(table: Sequence[tuple[bytes, str, str]]) -> _Index:
    """The rows of a table by the first three bytes, in order."""
    found: dict[bytes, list[tuple[bytes, str, str]]] = {}
    for row in table:
        found.setdefault(row[0][:3], []).append(row)
    return found


_LIFE_INDEX, _DAEMON_INDEX, _HOST_INDEX = _index(_LIFE), _index(_DAEMON), _index(_HOST)


Decision = tuple[str, str, "re.Match[bytes] | None"]
"""Event and kind as in LogEvent; of a refusal the reason class in place of the kind. What was matched."""
_CALLS = (b"SMTP connection ", b"SMTP call from ", b"Connection from ", b"connection from ")


def decide(words: bytes, reasons: ReasonOf, *, message: bool) -> Decision | None:
    """What a line is, as far as it is counted; `message`: a message id stood before these words."""
    if message and (row := _begins(words, _LIFE_INDEX)):
        return row[1], row[2], None
    if b" authenticator failed for " in words[:100] and (found := grammar.AUTHENTICATOR.match(words)):
        return "auth_failure", "", found
    if b"rejected " in words and (found := grammar.REJECTED.match(words)):
        return _refused(found, reasons)
    if words.startswith(_CALLS):
        return *_connection(words), None
    if row := _begins(words, _DAEMON_INDEX):
        return _trouble(words, *row[1:])
    found = grammar.ABOUT_HOST.match(words)
    if found is None:
        return _local(words, message=message)
    if found["words"].startswith(b"dropped by ") and (refused := grammar.REJECTED.match(words)):
        return _refused(refused, reasons)
    row = _begins(found["words"], _HOST_INDEX)  # else "Connection refused", "Remote host closed .."
    return (row[1], row[2], found) if row else ("connect_failure", "", found)


def understand(words: bytes, reasons: ReasonOf, *, message: bool) -> LogEvent | None:
    """The event of a line without a flag; None if it is not understood."""
    decision = decide(words, reasons, message=message)
    if decision is None:
        return None
    name, kind, found = decision
    event = LogEvent(name, kind=kind, text=text(words))
    if name == "reject":
        _refusal(event, found)
    elif name == "auth_failure" and found is not None:
        event.client = (found["client"] or b"").decode("utf-8", "replace")
    elif name == "connection":
        event.client = event.text[16:].removeprefix("from ")
    elif found is not None:
        host, said = (found["host"] or found["old"]).decode("utf-8", "replace"), found["words"]
        event.text = text(said)
        if name in {"interim_reply", "connect_failure"}:
            wrapped = grammar.REMOTE.match(said)
            event.relay = host
            event.reason = reasons.reason((said[wrapped.end() :] if wrapped else said)[:_TEXT])
        else:
            event.client = host
    return event


def text(words: bytes) -> str:
    """Return words of a log for people: cut, control characters gone, whatever bytes they were."""
    shown = words[:_TEXT].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in shown) if not shown.isprintable() else shown


def _begins(words: bytes, table: _Index) -> tuple[bytes, str, str] | None:
    for row in table.get(words[:3], ()):
        if words.startswith(row[0]):
            return row
    return None


def _local(words: bytes, *, message: bool) -> Decision | None:
    """About a local caller, our own login, an address of a message: Exim's own words all the same."""
    if (caller := grammar.LOCAL.match(words)) and (row := _begins(words[caller.end() :], _HOST_INDEX)):
        return row[1], row[2], None
    if not message:
        return None
    return next(((event, kind, None) for inside, event, kind in _NAMED if inside in words[:_NEAR]), None)


def _refused(found: re.Match[bytes], reasons: ReasonOf) -> Decision:
    """What our own server refused. The client saw a reply, and so does the classifier."""
    why = found["words"]
    code = b"451 " if found["soft"] else b"550 "
    return "reject", reasons.reason(code + why[:_TEXT]) if why else "policy_rejected", found


def _trouble(words: bytes, event: str, kind: str) -> Decision:
    """Trouble of Exim itself; what the machine lacks and TLS are told apart."""
    if event == "reject":
        return event, "policy_rejected", None
    if kind in {"error", "other", "resource", "fatal"} and any(what in words[:_TEXT] for what in _MACHINE):
        kind = "resource"
    elif kind == "other" and (b"TLS" in words[:80] or b"certificate" in words[:80]):
        kind = "tls"
    return event, kind, None


def _refusal(event: LogEvent, found: re.Match[bytes] | None) -> None:
    """What our own server refused; `kind` holds the reason."""
    event.reason, event.kind = event.kind, "rejected"
    if found is None:
        return
    if found["soft"]:
        event.kind = "temporarily rejected"
    what = found["what"]
    if found["caller"].startswith(b"H=") and (client := grammar.CLIENT.match(found["caller"], 2)):
        event.client = client[0].decode("utf-8", "replace")
    if what.startswith(b"RCPT ") and b"@" in what:
        domain = what[5:].strip(b"<>").rpartition(b"@")[2]
        event.recipient_domain = domain.decode("utf-8", "replace").lower()


def _connection(words: bytes) -> tuple[str, str]:
    """SMTP connection from H=.. (TCP/IP connection count = n), closed by QUIT, lost, refused, dropped."""
    if words.startswith(b"SMTP connection ") and b"connection count = " in words[-60:]:
        return "connection", ""
    if b": too many connections" in words[-160:]:
        return "warning", "process_limit"
    if b" refused" in words or b" dropped" in words or b" lost" in words:
        return "warning", "client"
    return "info", ""
