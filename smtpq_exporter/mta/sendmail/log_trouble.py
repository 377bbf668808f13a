"""Lines of Sendmail that are no attempts: refusals, notices, failures, the daemon's own state. Bytes in, a
LogEvent out.

Pure. Tables of first words, tried in order; what is not in them is not understood. Words that strangers may
choose (a host's name, an address, a command) stand behind the first words or are parsed as what they are.
Source: the sm_syslog() calls of sendmail/*.c, 8.12 to 8.18.
"""

from __future__ import annotations

import re

from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.base import ReasonOf
from smtpq_exporter.mta.sendmail import log_grammar as grammar

_TEXT = 2048
_HOST = rb"[^\s,]{1,255}(?: \[[^\]\s]{1,60}\])?(?: \(may be forged\))?"
#: First words -> event and kind.
_FIRST: tuple[tuple[bytes, str, str], ...] = (
    (b"done; delay=", "removed", ""),
    (b"quarantine=", "held", ""),
    (b"unquarantine", "released", ""),
    (b"discarded", "removed", ""),
    (b"AUTH failure", "auth_failure", ""),
    (b"AUTH warning", "info", ""),
    (b"AUTH=", "info", ""),
    (b"AUTH: ", "info", ""),
    (b"STARTTLS", "warning", "tls"),
    (b"TLS: ", "warning", "tls"),
    (b"TLS ", "info", ""),
    (b"rejecting connections on daemon ", "warning", "load"),
    (b"deferring connections on daemon ", "warning", "load"),
    (b"delaying connections on daemon ", "warning", "load"),
    (b"accepting connections again", "info", ""),
    (b"runqueue: ", "warning", "load"),
    (b"Skipping queue run", "warning", "load"),
    (b"grew WorkList", "info", ""),
    (b"low on space", "warning", "resource"),
    (b"low on inodes", "warning", "resource"),
    (b"starting daemon", "info", ""),
    (b"daemon invoked ", "info", ""),
    (b"starting queue", "info", ""),
    (b"restarting", "info", ""),
    (b"stopping daemon", "info", ""),
    (b"started as: ", "info", ""),
    (b"started with: ", "info", ""),
    (b"alias database ", "info", ""),
    (b"rebuilding alias", "info", ""),
    (b"unable to qualify my own domain name", "warning", "configuration"),
    (b"My unqualified host name", "warning", "configuration"),
    (b"gethostbyaddr(", "warning", "dns"),
    (b"getrequests: ", "warning", "error"),
    (b"Milter change", "info", ""),
    (b"Milter add", "info", ""),
    (b"Milter delete", "info", ""),
    (b"Milter insert", "info", ""),
    (b"Milter message", "info", ""),
    (b"Milter accept", "info", ""),
    (b"Milter (", "warning", "milter"),
    (b"Milter: ", "info", ""),
    (b"milter=", "info", ""),
    (b"Milter ", "info", ""),
    (b"timeout waiting for input from ", "info", ""),
    (b"timeout waiting for output", "info", ""),
    (b"timeout writing message to ", "connect_failure", ""),
    (b"lost input channel from ", "info", ""),
    (b"lost connection", "info", ""),
    (b"unexpected close on connection from ", "info", ""),
    (b"collect: premature EOM", "info", ""),
    (b"collect: unexpected close", "info", ""),
    (b"collect: I/O error", "warning", "resource"),
    (b"collect: relay=", "reject", "body"),
    (b"collect: ", "info", ""),
    (b"makeconnection", "connect_failure", ""),
    (b"openmailer", "connect_failure", ""),
    (b"connect from ", "connection", ""),
    (b"SMTP connect from ", "connection", ""),
    (b"SMTP outgoing connect on ", "info", ""),
    (b"possible SMTP attack", "warning", "client"),
    (b"POSSIBLE ATTACK", "warning", "client"),
    (b"Possible ", "warning", "client"),
    (b"Authentication-Warning: ", "info", ""),
    (b"rejecting commands from ", "reject", ""),
    (b"Too many ", "reject", ""),
    (b"too many ", "reject", ""),
    (b"pre-greeting traffic", "info", ""),
    (b"error connecting to filter", "warning", "milter"),
    (b"locked", "info", ""),
    (b"removed", "removed", ""),
    (b"clone: ", "info", ""),
    (b"clone ", "info", ""),
    (b"host map: lookup", "warning", "dns"),
    (b"headers too large", "info", ""),
    (b"message size (", "info", ""),
    (b"Message rejected", "reject", ""),
    (b"Losing ", "warning", "queue_file"),
    (b"Dropped invalid", "warning", "queue_file"),
    (b"unknown mailer", "warning", "configuration"),
    (b"File mode ", "warning", "configuration"),
    (b"forward ", "info", ""),
    (b"/", "info", ""),
    (b"--- ", "info", ""),
    (b"<-- ", "info", ""),
    (b"<<< ", "info", ""),
    (b">>> ", "info", ""),
    (b"... ", "info", ""),
)
_OF_HOST = re.compile(
    _HOST
    + rb" (?P<what>did not issue |sent |failed |unexpected)|"
    + _HOST
    + rb": (?:(?P<verb>[A-Za-z]{4}) .*\[rejected\]|(?P<other>.*))\s*$",
    re.DOTALL,
)
#: Words of SYSERR(user): and warnings, searched in what Sendmail itself says, and the kind they mean.
_TROUBLE: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(b"|".join(words), re.IGNORECASE), kind)
    for kind, words in (
        ("resource", (rb"no space left", rb"disk full", rb"too many open files", rb"out of memory",
                      rb"cannot fork", rb"resource temporarily", rb"low on space", rb"quota exceeded")),
        ("transport", (rb"Cannot exec", rb"cannot execute", rb"mailer ", rb"program ")),
        ("lookup", (rb"hash map", rb"map \"", rb"ldap", rb"dbm", rb"cannot open database", rb"alias db")),
        ("dns", (rb"gethostby", rb"name server", rb"cannot resolve", rb"host ?name", rb"MX list")),
        ("queue_file", (rb"queueup", rb"qf", rb"df[0-9A-Z]", rb"queue file",
                        rb"cannot (?:create|lock|open|rename|unlink) ", rb"collect")),
        ("milter", (rb"milter", rb"filter")),
        ("tls", (rb"tls", rb"certificate", rb"ssl")),
        ("configuration", (rb"config", rb"line \d+", rb"unsafe", rb"permission", rb"(?:world|group) writable",
                           rb"chdir", rb"unknown option", rb"opendaemonsocket", rb"creating SMTP socket")),
    )
)
_SEVERITY = re.compile(
    rb"(?P<what>SYSERR|WARNING|Warning|warning|ERROR|panic|fatal)(?:\([^)]{0,64}\))?: (?P<words>.*)",
    re.DOTALL,
)
_CHILDREN = b" children"


def text(words: bytes) -> str:
    """Words of a log for people: cut, control characters gone, whatever bytes they were."""
    shown = words[:_TEXT].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in shown) if not shown.isprintable() else shown


def about_message(rest: bytes, reasons: ReasonOf) -> LogEvent | None:
    """A line with a queue id that is neither an attempt nor an arrival."""
    if found := grammar.NOTICE.match(rest):
        return _notice(found["what"], found["words"])
    if found := grammar.REFUSED.match(rest):
        _, at, domain = found["to"][1:-1].rpartition(b"@")
        return LogEvent(
            "reject",
            reason=reasons.reason(found["words"][:_TEXT]),
            text=text(found["words"]),
            recipient_domain=domain.decode("utf-8", "replace").lower() if at else "",
        )
    return without_message(rest, reasons)


def without_message(rest: bytes, reasons: ReasonOf) -> LogEvent | None:
    """A line about the daemon, a connection, a client."""
    if rest.startswith(b"ruleset="):
        return _ruleset(rest, reasons)
    if rest.startswith(b"Milter: ") and (found := grammar.MILTER.match(rest)):
        return _refusal(found["action"], found["words"] or b"", reasons, rest)
    if rest.startswith(b"STARTTLS=") and (found := grammar.TLS.match(rest)):
        return LogEvent("tls", kind=found["version"].decode("ascii"), text=text(rest))
    if found := _SEVERITY.match(rest):
        return _severe(found["what"], found["words"], rest)
    for words, event, kind in _FIRST:
        if rest.startswith(words):
            return _known(event, kind, rest, reasons)
    if found := _OF_HOST.match(rest):
        if found["verb"]:
            return LogEvent("reject", reason="policy_rejected", text=text(rest))
        if found["what"]:
            return LogEvent("info", text=text(rest))
    return None


def _known(event: str, kind: str, rest: bytes, reasons: ReasonOf) -> LogEvent:
    if kind == "load":
        kind = (
            "process_limit"
            if _CHILDREN in rest
            else "resource"
            if b"load average" in rest or b"load" in rest
            else "other"
        )
    said = LogEvent(event, kind=kind, text=text(rest))
    if event == "reject":
        said.kind = ""
        said.reason = "protocol_error" if kind == "body" else reasons.reason(rest[:_TEXT])
    elif event == "connect_failure":
        said.reason, said.kind = reasons.reason(rest[:_TEXT]), ""
    return said


def _notice(what: bytes, words: bytes) -> LogEvent:
    """A notice about a message: that it was too long in the queue ends it."""
    if what != b"postmaster notify" and words.startswith(grammar.TOO_LATE):
        return LogEvent("expired", status="expired", reason="expired", text=text(words))
    if what == b"clone":
        return LogEvent("info", text=text(words))
    return LogEvent("bounce_notice", text=text(words))


def _ruleset(rest: bytes, reasons: ReasonOf) -> LogEvent | None:
    found = grammar.RULESET.match(rest)
    if found is None:
        return LogEvent("reject", reason="unknown", text=text(rest)) if b", reject=" in rest else None
    event = _refusal(found["action"], found["words"] or b"", reasons, rest)
    event.client = (found["relay"] or b"").decode("utf-8", "replace")
    if found["set"] == b"check_rcpt":
        _, at, domain = found["arg"].strip(b"<>").rpartition(b"@")
        event.recipient_domain = domain.decode("utf-8", "replace").lower() if at else ""
    return event


def _refusal(action: bytes, words: bytes, reasons: ReasonOf, rest: bytes) -> LogEvent:
    if action == b"quarantine":
        return LogEvent("held", text=text(rest))
    if action == b"discard":
        return LogEvent("info", text=text(rest))
    reply = grammar.REPLY.match(words)
    dsn = (reply["dsn"] or b"") if reply else b""
    return LogEvent(
        "reject",
        dsn=dsn.decode("ascii"),
        reason=reasons.reason(words[:_TEXT], dsn),
        text=text(words),
        kind=action.decode("ascii"),
    )


def _severe(what: bytes, words: bytes, rest: bytes) -> LogEvent:
    head = words[:300]
    kind = next(
        (kind for pattern, kind in _TROUBLE if pattern.search(head)),
        "error" if what == b"SYSERR" else "other",
    )
    return LogEvent("warning", kind=kind, text=text(rest))
