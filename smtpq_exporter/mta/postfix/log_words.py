"""What one line of a Postfix program says, without its syslog prefix: bytes in, a LogEvent out.

Pure. This is the whole grammar; the hot loop of log.py takes only shapes that stand here as well, and a test
holds both to the same result. Law: dispatch by the first word at a fixed place, see log_grammar.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from smtpq_exporter.logs.tally import SENT
from smtpq_exporter.model import STATUSES, LogEvent
from smtpq_exporter.mta.postfix import log_grammar as grammar
from smtpq_exporter.mta.postfix.log_warnings import kind

#: Remote text beyond this tells nothing more and is not classified.
TEXT = 2048
SUSPENDED = b"delivery temporarily suspended"
NOQUEUE = b"NOQUEUE"


class Reasons(Protocol):
    """What this grammar asks of reasons.Classifier."""

    wants_addresses: bool

    def reason(self, text: bytes, dsn: bytes = b"") -> str:
        """Return the reason class of a text."""


def understand(words: bytes, daemon: bytes, reasons: Reasons) -> LogEvent | None:
    """Return what the words mean, None if they are not understood."""
    found = grammar.MESSAGE.match(words)
    if found is not None:
        event = _of_message(words, found.end(), reasons, found["id"])
        if event is not None:
            if found["id"] != NOQUEUE:
                event.queue_id = found["id"].decode("ascii")
            return event
    return _without_message(words, daemon, reasons)


def text(words: bytes) -> str:
    """Return words of a log for people: cut, control characters gone, whatever bytes they were."""
    shown = words[:TEXT].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in shown) if not shown.isprintable() else shown


def attempt_text(words: bytes, start: int) -> bytes:
    """Return what stands in the parentheses after "status=S (": up to the last one, or all if syslog cut it
    off.
    """
    end = words.rfind(b")", start)
    return words[start : end if end >= 0 else len(words)]


def _of_message(words: bytes, at: int, reasons: Reasons, queue_id: bytes) -> LogEvent | None:
    rule = _FIRST_WORDS.get(words[at : at + 4])
    if rule is not None:
        event = rule(words, at, reasons)
        if queue_id != NOQUEUE or event is None:
            return event
        if event.event == "received":
            event.event = "info"  # a proxy filter's client: the mail gets its queue id later
        return event if event.event != "attempt" else None
    if grammar.SURE_ID.fullmatch(queue_id) is None:
        return None
    if words.startswith(b"to=", at):
        return _delivery(words, at, reasons)
    rest = words[at:]
    if found := grammar.ACTION.match(rest):
        return _action(found["action"], found["rest"], reasons)
    for beginning, event_name in grammar.BEGINNINGS:
        if rest.startswith(beginning):
            return LogEvent(event_name, text=text(rest))
    if found := grammar.LOST.match(rest):
        relay = (found["relay"] or b"").decode("utf-8", "replace")
        return LogEvent("connect_failure", relay=relay, reason=reasons.reason(rest[:TEXT]), text=text(rest))
    return None


def _delivery(words: bytes, at: int, reasons: Reasons) -> LogEvent | None:
    for shape in grammar.DELIVERY:
        if found := shape.match(words, at):
            break
    else:
        return None
    status, dsn = found["status"].decode("ascii"), found["dsn"] or b""
    said = attempt_text(words, found.end())
    delay: float | None = float(found["delay"])
    stages: tuple[float, ...] = ()
    if found["delays"] is not None:
        if grammar.WAY.fullmatch(found["delays"]):
            stages = tuple(map(float, found["delays"].split(b"/")))
        else:  # no way that could be counted
            delay = None
    event = LogEvent(
        "attempt" if status in STATUSES else "probe",
        status=status,
        dsn=dsn.decode("ascii"),
        delay=delay,
        delays=(stages[0], stages[1], stages[2], stages[3]) if stages else None,
        relay=found["relay"].decode("utf-8", "replace"),
        recipient_domain=_domain(found["to"]),
        text=text(said),
    )
    if event.event == "attempt" and status != STATUSES[SENT]:
        address = _bare(found["to"])
        named = b"@" in address and not reasons.wants_addresses
        event.reason = reasons.reason((said.replace(address, b"@") if named else said)[:TEXT], dsn)
        event.suspended = said.startswith(SUSPENDED)
    return event


def _domain(address: bytes) -> str:
    """Return the domain of "<local@domain>", lower case; "" if there is none."""
    _, at, domain = _bare(address).rpartition(b"@")
    return domain.decode("utf-8", "replace").lower() if at else ""


def _bare(address: bytes) -> bytes:
    """Return an address without its brackets."""
    return address[1:-1] if address[:1] == b"<" else address


def _from(words: bytes, at: int, _: Reasons) -> LogEvent | None:
    if words.endswith(b" (queue active)") or grammar.ACTIVE.match(words, at):
        return LogEvent("active", text=text(words[at:]))
    if found := grammar.EXPIRED.match(words, at):
        return LogEvent(
            "expired", status=found["status"].decode("ascii"), reason="expired", text=text(words[at:])
        )
    return None


def _client(words: bytes, at: int, _: Reasons) -> LogEvent | None:
    found = grammar.CLIENT.match(words, at)
    if found is None:
        return None
    return LogEvent("received", client=(found["client"] or b"").decode("latin-1"), text=text(words[at:]))


def _uid(words: bytes, at: int, _: Reasons) -> LogEvent | None:
    return LogEvent("received", text=text(words[at:]))


def _sender(words: bytes, at: int, _: Reasons) -> LogEvent | None:
    if words.startswith(b"sender=", at):  # pickup before 2.3
        return LogEvent("received", text=text(words[at:]))
    return LogEvent("bounce_notice", text=text(words[at:])) if words.startswith(grammar.NOTICES, at) else None


def _removed(words: bytes, at: int, _: Reasons) -> LogEvent | None:
    return LogEvent("removed") if words[at:].rstrip() == b"removed" else None


def _message_id(words: bytes, at: int, _: Reasons) -> LogEvent | None:
    return LogEvent("info", text=text(words[at:]))


def _host(words: bytes, at: int, reasons: Reasons) -> LogEvent | None:
    found = grammar.SAID.match(words, at)
    if found is None:
        return None
    relay, said = found["relay"].decode("utf-8", "replace"), found["words"]
    return LogEvent("interim_reply", relay=relay, reason=reasons.reason(said[:TEXT]), text=text(said))


_Rule = Callable[[bytes, int, Reasons], LogEvent | None]
#: The first four bytes after "ID: " -> rule. None of them ever falls through to another rule.
_FIRST_WORDS: dict[bytes, _Rule] = {
    b"to=<": _delivery,
    b"from": _from,
    b"clie": _client,
    b"uid=": _uid,
    b"send": _sender,
    b"remo": _removed,
    b"mess": _message_id,
    b"host": _host,
}


def _action(action: bytes, rest: bytes, reasons: Reasons) -> LogEvent:
    """Understand what our own server refused, held or changed, and why."""
    name = action.decode("ascii")
    refused = name in {"reject", "milter-reject", "proxy-reject", "milter-tempfail"}
    effect = "reject" if refused else "held" if name in {"hold", "milter-hold"} else "info"
    event = LogEvent(effect, kind=name, text=text(rest))
    staged = grammar.STAGE.match(rest)
    if staged is None:  # a header or body check: what follows is the mail's own text
        if refused:
            event.reason = "spam_content"
        return event
    event.client = staged["client"].decode("latin-1")
    words = staged["words"]
    code, dsn, start = b"", b"", 0
    if reply := grammar.REPLY.match(words):
        code, dsn, start = reply["code"] or b"", reply["dsn"] or b"", reply.end()
    envelope = grammar.ENVELOPE.search(words, start)
    why = words[start : envelope.start() if envelope else len(words)]
    if envelope and (found := grammar.RECIPIENT.match(words, envelope.start())):
        event.recipient_domain = _domain(found["to"])
    event.dsn = dsn.decode("ascii")
    if refused and why.startswith(b"Insufficient system storage"):
        event.reason = "local_resource"  # our own disk, not a remote server's
    elif refused:
        event.reason = reasons.reason(b" ".join(part for part in (code, dsn, why) if part)[:TEXT], dsn)
    return event


def _without_message(words: bytes, daemon: bytes, reasons: Reasons) -> LogEvent | None:
    severity, colon, rest = words.partition(b": ")
    if colon and severity in {b"warning", b"fatal", b"panic", b"error"}:
        return _trouble(severity, rest)
    if words.startswith(b"connect from "):
        return LogEvent("connection", client=words[13:].decode("utf-8", "replace")[:TEXT])
    if found := grammar.TLS.match(words):
        peer = found["peer"].decode("utf-8", "replace")
        return LogEvent("tls", relay=peer, kind=found["protocol"].decode("ascii"), text=text(words))
    if found := grammar.CONNECT.match(words):
        relay, said = found["relay"].decode("utf-8", "replace"), found["words"]
        return LogEvent("connect_failure", relay=relay, reason=reasons.reason(said[:TEXT]), text=text(said))
    if words.startswith(grammar.INFORMATION) or daemon in grammar.TALKATIVE:
        return LogEvent("info", text=text(words))
    return None


def _trouble(severity: bytes, rest: bytes) -> LogEvent:
    """Understand "warning: ..." and worse. A failed login counts as such, unless our own helper failed."""
    failure = grammar.SASL_FAILURE.match(rest) if severity == b"warning" else None
    if failure is not None and not (failure["words"] or b"").startswith(
        b"Connection lost to authentication server"
    ):
        return LogEvent("auth_failure", client=failure["client"].decode("latin-1"), text=text(rest))
    what = "sasl" if failure is not None else kind(severity, rest)
    return LogEvent("warning" if what else "info", kind=what, text=text(severity + b": " + rest))
