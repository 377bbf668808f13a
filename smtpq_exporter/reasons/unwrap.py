"""What the remote server said, taken out of what the mail servers on the way wrapped around it.

Pure; works on folded text (fold.py). Known wrappers: Postfix ``host H said: .. (in reply to ..)``,
``refused to talk to me:``, ``delivery temporarily suspended:``; Exim ``SMTP error from remote mail server
after ..: host H [ip]: ..``; Sendmail ``Deferred: ..`` and ``<<<``; qmail ``Remote host said: ..``;
Exchange ``LED=..``, ``.. -> 421 ..``; bounce texts that quote a reply. Replies of several lines repeat
their codes; these are taken out, so that a sentence that was broken over lines can be read again. What
follows the first failing reply counts, later replies included.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SUSPENDED = (
    r"(?:defer \(-?\d{1,3}\)[^:]{0,80}: )?"
    r"(?:delivery temporarily suspended|retry time not|some host address lookups failed and retry time not)"
)
"""How the own server begins when it only repeats that a destination is known to be dead."""
LONGEST_TEXT = 700
"""Characters of the inner text that rules look at."""

# Each begins with its digit and looks back after it: the engine then skips to such digits by itself.
_CODE = re.compile(r"[45](?<!\w[45])\d\d(?=[- :;,]|$)")
_ENHANCED = re.compile(r"[45](?<![\d.][45])\.\d{1,3}\.\d{1,3}(?![\d.])")
_WITH_ENHANCED = re.compile(r"[45](?<!\w[45])\d\d[- ]#?[45]\.\d{1,3}\.\d{1,3}\b")
_REPEATED = re.compile(
    r"[245](?:(?<!\S[245])\d\d(?:-| (?=[45]\.\d))|(?<![\w.][245])\.\d{1,3}\.\d{1,3}(?![\d.]))"
)
_BEFORE = frozenset(":;<>'\"=({")
_SAID = re.compile(r"\b(?:said|to me|returned|did not like our [a-z :]{2,30}): ?")
_ENVELOPE = re.compile(r"; (?:from=|to=|proto=|helo=).{0,1400}")
_OWN_REJECT = " ; proto="
_ARROW = re.compile(r"-> ?(?=[45]\d\d\b)")
_SUSPENDED = re.compile(SUSPENDED)
_COURTESY = re.compile(r" to (?:best |help )?(?:reduce|protect) [^.]{0,60}\bspam\b[^.]{0,60}")
_FIELDS = re.compile(r"\};? ?\{(?:fqdn|ip|lrt|msg)=")


class Reply(NamedTuple):
    """The innermost reply; `code` and `enhanced` are "" if not named; `remote`: a peer said it."""

    code: str
    enhanced: str
    text: str
    remote: bool
    suspended: bool

    @property
    def subject(self) -> str:
        """The line that rules are searched in."""
        return f"{self.code or '000'} {self.enhanced or '0.0.0'} {self.text}"


def _start(text: str) -> int:
    """Return where the first failing reply begins, or -1."""
    said = text.find(" said: ")
    if said > 0 and _CODE.match(text, said + 7):
        return said + 7
    for match in _CODE.finditer(text):
        at = match.start()
        if at == 0 or text[at - 1] in _BEFORE or (text[at - 1] == " " and text[at - 2] in _BEFORE):
            return at
    if text.startswith("220"):
        greeted = _CODE.search(text)
        return greeted.start() if greeted else -1
    with_enhanced = _WITH_ENHANCED.search(text)
    return with_enhanced.start() if with_enhanced else -1


def unwrap(folded: str) -> Reply:
    """Return the innermost reply of a folded text; a text without any wrapper is its own reply."""
    suspended = _SUSPENDED.match(folded) is not None
    text = folded
    if "-> " in text:
        for match in _ARROW.finditer(text):
            text = folded[match.end() :]
    command = text.rfind(" (in reply to ")
    if command > 0:
        text = text[:command]
    if " proto=" in text:  # a reject line of the own smtpd: what follows names the client, not the reason
        text = _ENVELOPE.sub(_OWN_REJECT, text, count=1)
    code = ""
    at = _start(text)
    if at >= 0:
        code, rest, remote = text[at : at + 3], text[at + 3 :].lstrip("-:;, "), True
    else:
        said = None
        for said in _SAID.finditer(text):  # noqa: B007  the last one is wanted
            pass
        rest, remote = (text[said.end() :], True) if said else (text, False)
    found = _ENHANCED.search(rest)
    if found is None and at < 0:
        found = _ENHANCED.search(text)
    enhanced = found.group() if found else ""
    return Reply(code, enhanced, _words(rest, code)[:LONGEST_TEXT], remote, suspended)


def _words(rest: str, code: str) -> str:
    """Return what a reply says, without the codes that are repeated on each of its lines."""
    if " spam" in rest:  # "to protect our users from spam" explains any refusal
        rest = _COURTESY.sub(" ", rest)
    if "{" in rest:
        rest = _FIELDS.sub(" ", rest)
    rest = " ".join(_REPEATED.sub(" ", rest).split())
    if code and code in rest:
        rest = rest.replace(f" {code} ", " ")
    return rest.replace(". ", " ; ")  # so that a gap of a phrase can cross a host name and not a sentence
