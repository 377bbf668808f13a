"""The LastError of a queue, the recipient-status of a log line -> the reply that decides.

Pure. ``[{LRT=..};{LED=450 4.4.316 Connection refused [Message=..]};{MSG=..};{FQDN=..};{IP=..}]``: LED is the
error's detail and may hold braces, quotes and newlines; LRT is a date in the culture of some user and never
read. What the remote server said stands behind ``->``, in ``[Message=..]`` or in quotes behind "responded
with" and "failed .. with"; it decides, the words around it do not. Source of truth: Microsoft, "Queue
properties", and texts seen in public.
"""

from __future__ import annotations

import re

_LED = re.compile(r"\{LED=(.*?)(?:\};? ?\{(?:FQDN|IP|LRT|MSG)=|\}\]|\Z)", re.DOTALL)
_MSG = re.compile(r"\{MSG=(.*?)(?:\};? ?\{(?:FQDN|IP|LRT|LED)=|\}\]|\Z)", re.DOTALL)
_MESSAGE = re.compile(r"\[Message=([45]\d\d[^\]]*)\]")
_QUOTED = re.compile(r"(?:with:?|error:?) ?[\"']([45]\d\d[ -].*)", re.DOTALL)
_ARROW = re.compile(r"-> ?([45]\d\d[ -].*)", re.DOTALL)
_ATTEMPTS = re.compile(r"[\"'] ?Attempted failover.*|[\"']\s*\Z", re.DOTALL)
#: Longer texts are cut.
_LONGEST = 2000


def detail(written: str) -> str:
    """The error's detail and what the system added; the whole text where it has no such parts."""
    text = written[: 4 * _LONGEST]
    found = _LED.search(text)
    if found is None:
        return " ".join(text.strip("[]{} ").split())[:_LONGEST]
    added = _MSG.search(text)
    return " ".join(f"{found[1]} {added[1] if added else ''}".split())[:_LONGEST]


def inner(written: str) -> str:
    """The innermost reply of a LastError or a recipient-status; "" if there is no error."""
    text = detail(written)
    for _ in range(4):
        found = _ARROW.search(text) or _MESSAGE.search(text) or _QUOTED.search(text)
        if found is None:
            break
        text = _ATTEMPTS.sub("", found[1])
    return text
