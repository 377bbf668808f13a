"""What the remote server said, taken out of what the mail servers on the way wrapped around it.

Pure; works on folded text (fold.py). Known wrappers: Postfix ``host H said: .. (in reply to ..)``, ``refused to talk
to me:``, ``delivery temporarily suspended:``; Exim ``SMTP error from remote mail server after ..: host H [ip]: ..``;
Sendmail ``Deferred: ..`` and ``<<<``; qmail ``Remote host said: ..``; Exchange ``LED=..``, ``.. -> 421 ..``; bounce
texts that quote a reply. Replies of several lines repeat their codes; these are taken out, so that a sentence that
was broken over lines can be read again. What follows the first failing reply counts, later replies included.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_TEXT = 700
"""Characters of the inner text that rules look at."""

_CODE = re.compile(r"\b[45]\d\d(?=[- :;,]|$)")
_BEFORE = frozenset(":;<>'\"=({")
_WITH_ENHANCED = re.compile(r"\b[45]\d\d[- ]#?[45]\.\d{1,3}\.\d{1,3}\b")
_SAID = re.compile(r"\b(?:said|to me|returned|did not like our [a-z :]{2,30}): ?")
_ENHANCED = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_REPEATED = re.compile(r"(?<!\S)[245]\d\d-|(?<!\S)[245]\d\d (?=[45]\.\d)|(?<![\d.\w])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_IN_REPLY = re.compile(r" ?\(in reply to [a-z ]{2,40}\)")
_REJECTED = re.compile(r"; (?:from=<|to=<|proto=|helo=<)")
_ARROW = re.compile(r"-> ?(?=[45]\d\d\b)")
_SUSPENDED = ("delivery temporarily suspended", "retry time not reached", "retry time not yet reached")
_COURTESY = re.compile(r" to (?:best |help )?(?:reduce|protect) [^.]{0,60}\bspam\b[^.]{0,60}")
_FIELDS = re.compile(r"\};? ?\{(?:fqdn|ip|lrt|msg)=")


class Reply(NamedTuple):
    """The innermost reply: `code` and `enhanced` are "" if not named; `remote`: a peer said it, not the MTA itself."""

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
    suspended = folded.startswith(_SUSPENDED) or "retry time not" in folded
    text = folded
    if "-> " in text:
        for match in _ARROW.finditer(text):
            text = folded[match.end() :]
    if "(in reply to" in text:
        text = _IN_REPLY.sub("", text)
    code = ""
    at = _start(text)
    if at >= 0:
        code = text[at : at + 3]
        rest = text[at + 3 :].lstrip("-:;, ")
        remote = True
    else:
        said = None
        for said in _SAID.finditer(text):  # noqa: B007  the last one is wanted
            pass
        remote = said is not None
        rest = text[said.end() :] if said else text
    found = _ENHANCED.search(rest)
    if found is None and at < 0:
        found = _ENHANCED.search(text)
    enhanced = found.group() if found else ""
    if " spam" in rest:  # "to protect our users from spam" explains any refusal
        rest = _COURTESY.sub(" ", rest)
    if "{" in rest:
        rest = _FIELDS.sub(" ", rest)
    if found or code:
        rest = " ".join(_REPEATED.sub(" ", rest).split()).replace(f" {code} ", " ")
    rest = rest.replace(". ", " ; ")  # so that a gap of a phrase can cross a host name and not a sentence
    return Reply(code, enhanced, rest[:LONGEST_TEXT], remote, suspended)
