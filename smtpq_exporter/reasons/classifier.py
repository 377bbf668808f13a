"""The text of a reply -> one of the reason classes, and which rule said so.

Pure. fold.py makes the text comparable, unwrap.py takes out the innermost reply, then the user's rules,
ours (rules.py, in order), and at last codes (codes.py) decide. `reason` is the hot path: the same answer,
remembered by the text and by the folded text. As everything after folding sees nothing but the folded text,
that memo cannot change an answer; only the user's rules, which may ask for an address or a host, are searched
in the text as it came, before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from smtpq_exporter.reasons import codes
from smtpq_exporter.reasons.causes import CAUSES
from smtpq_exporter.reasons.fold import Folder
from smtpq_exporter.reasons.phrases import phrases
from smtpq_exporter.reasons.rule import Rule
from smtpq_exporter.reasons.unwrap import SUSPENDED, Reply, unwrap
from smtpq_exporter.reasons.user_rules import UserRules

_MOST_REMEMBERED = 8192
_LONGEST_REMEMBERED = 1024
_SUSPENDED = re.compile(SUSPENDED.encode(), re.IGNORECASE)
_VAGUE = frozenset({"server-error", "server-service", "policy-word"})


class Verdict(NamedTuple):
    """What a text means. `rule` names the rule that decided; enhanced and code are "" where there is none."""

    reason: str
    cause: str
    enhanced: str = ""
    code: str = ""
    rule: str = ""
    suspended: bool = False


class Classifier:
    """Classifies texts; holds compiled phrases, the user's rules, what it remembers. Threads may share it.

    `user_rules` are (pattern, reason) pairs, searched in order, without regard to case, in the text as the
    mail server wrote it (at most 1024 characters of it), before any rule of ours. Raises
    ConfigError("reasons[n]", ..).
    """

    def __init__(self, user_rules: Sequence[tuple[str, str]] = ()) -> None:
        self._users = UserRules(user_rules)
        self.wants_addresses = bool(self._users)
        """Whether a user's rule may ask for an address: then log parsers must not take it out of the text
        before.
        """
        self._fold = Folder().fold
        self._exact: dict[tuple[bytes, bytes], str] = {}
        self._folded: dict[tuple[str, bytes], str] = {}

    def reason(self, text: bytes, dsn: bytes = b"") -> str:
        """Return the class of a text; `dsn` is the code that the sending mail server itself wrote."""
        found = self._exact.get((text, dsn))
        if found is not None:
            return found
        found = self._reason(text, dsn)
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self._exact) >= _MOST_REMEMBERED:
                self._exact.clear()
            self._exact[text, dsn] = found
        return found

    def _reason(self, text: bytes, dsn: bytes) -> str:
        user = self._users.first(text)
        if user is not None:
            return user[1]
        folded = self._fold(text)
        found = self._folded.get((folded, dsn))
        if found is None:
            found = self._decide(folded, unwrap(folded), dsn.decode("ascii", "replace"))[1]
            if len(self._folded) >= _MOST_REMEMBERED:
                self._folded.clear()
            self._folded[folded, dsn] = found
        return found

    def suspended(self, text: bytes) -> bool:
        """Say whether the text only repeats that a destination is known to be dead: no attempt was made."""
        return _SUSPENDED.match(text) is not None

    def verdict(self, text: str | bytes, dsn: str = "") -> Verdict:
        """Return all that is known about a text, unremembered."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        folded = self._fold(raw)
        reply = unwrap(folded)
        user = self._users.first(raw)
        rule, reason = user or self._decide(folded, reply, dsn)
        return Verdict(reason, CAUSES[reason], reply.enhanced, reply.code, rule, reply.suspended)

    def explain(self, text: str | bytes) -> tuple[str, Reply]:
        """Return the folded text and the reply that was found in it, for people who write rules."""
        raw = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        folded = self._fold(raw)
        return folded, unwrap(folded)

    def _decide(self, folded: str, reply: Reply, dsn: str) -> tuple[str, str]:
        """Return (rule id, class)."""
        if "defer (" in folded:
            number = codes.EXIM_DEFER.match(folded)
            known = codes.EXIM.get(int(number[1])) if number else None
            if number and known:
                return f"exim:{number[1]}", known
        rule = phrases().first(reply.subject, remote=reply.remote)
        if rule is not None and rule.id not in _VAGUE:
            return rule.id, rule.reason
        return self._by_code(reply, dsn, rule)

    @staticmethod
    def _by_code(reply: Reply, dsn: str, vague: Rule | None) -> tuple[str, str]:
        """Decide by codes; `vague` is a rule that matched but says little."""
        if reply.enhanced:
            found = codes.by_enhanced(reply.enhanced)
            if found and (vague is None or codes.telling(reply.enhanced)):
                return f"enhanced:{reply.enhanced}", found
        elif dsn[2:] in codes.TRUSTED:
            found = codes.by_enhanced(dsn)
            if found:
                return f"dsn:{dsn}", found
        if vague is not None:
            return vague.id, vague.reason
        if not reply.enhanced and dsn not in ("", "5.0.0", "4.0.0"):
            found = codes.by_enhanced(dsn)
            if found:
                return f"dsn:{dsn}", found
        found = codes.by_reply(reply.code)
        if found:
            return f"code:{reply.code}", found
        return "none", "unknown"
