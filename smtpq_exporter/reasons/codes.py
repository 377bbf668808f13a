"""What codes mean when the words say nothing: the numbers of Exim's defer, enhanced codes, reply codes.

Pure data. Sources: Exim src/macros.h (ERRNO_*; -1 to -49 are the same in every release, from -50 on only
the text is to be trusted), RFC 3463, 5248, 7372, 7504, 7505, 8689, RFC 5321 section 4.2, Microsoft's NDR
pages. Codes lie: 5.7.1 is used for everything, and Gmail uses 5.2.1 for a rate and 4.7.23 for a missing
PTR record. So they come last.
"""

from __future__ import annotations

import re

EXIM_DEFER = re.compile(r"[^:]{0,120}?\bdefer \((-?\d{1,3})\)")
"""Matched at the beginning: what stands after a colon may be a stranger's."""
_CONFIG = (-9, -17, -20, -21, -24, -25, -26, -27, -28, -29, -30, -31, -33, -34, -35, -39, -40)
EXIM: dict[int, str] = dict.fromkeys(_CONFIG, "local_config") | {
    -18: "connection_lost",
    -19: "protocol_error",
    -22: "mailbox_full",
    -32: "dns_failure",
    -36: "dns_failure",
    -37: "tls_failure",
    -38: "tls_failure",
    -42: "smtp_auth_failed",
    -48: "smtp_auth_failed",
    -43: "connection_timeout",
    -49: "protocol_error",
    60: "connection_timeout",
    110: "connection_timeout",
    61: "connection_refused",
    111: "connection_refused",
    65: "network_unreachable",
    113: "network_unreachable",
    51: "network_unreachable",
    101: "network_unreachable",
    54: "connection_lost",
    104: "connection_lost",
}
"""Number in Exim's ``defer (n)`` -> class; numbers above 0 are errno of BSD and Linux."""

EXACT: dict[str, str] = {
    "4.1.1": "mailbox_full",
    "5.2.1": "mailbox_disabled",
    "4.2.1": "rate_limited",
    "5.4.1": "invalid_recipient",
    "4.7.23": "sender_rejected",
    "5.7.23": "auth_failure",
    "5.7.27": "auth_failure",
    "5.4.14": "mail_loop",
    "5.7.13": "mailbox_disabled",
}
"""Enhanced code -> class where class (4 or 5) makes the difference."""

DETAIL: dict[str, str] = {
    "1.0": "invalid_recipient",
    "1.1": "invalid_recipient",
    "1.2": "dns_failure",
    "1.3": "invalid_recipient",
    "1.4": "invalid_recipient",
    "1.6": "invalid_recipient",
    "1.7": "sender_rejected",
    "1.8": "sender_rejected",
    "1.9": "sender_rejected",
    "1.10": "invalid_recipient",
    "2.0": "greylisted",
    "2.2": "mailbox_full",
    "2.3": "message_too_large",
    "2.4": "invalid_recipient",
    "3.0": "recipient_server_error",
    "3.1": "recipient_server_error",
    "3.2": "recipient_server_error",
    "3.3": "protocol_error",
    "3.4": "message_too_large",
    "3.5": "recipient_server_error",
    "4.1": "connection_timeout",
    "4.2": "connection_lost",
    "4.3": "dns_failure",
    "4.4": "dns_failure",
    "4.5": "rate_limited",
    "4.6": "mail_loop",
    "4.7": "expired",
    "4.316": "connection_refused",
    "4.317": "tls_failure",
    "4.318": "connection_lost",
    "4.310": "dns_failure",
    "4.312": "dns_failure",
    "5.0": "protocol_error",
    "5.1": "protocol_error",
    "5.2": "protocol_error",
    "5.3": "rate_limited",
    "5.4": "protocol_error",
    "5.5": "protocol_error",
    "6.0": "protocol_error",
    "6.1": "protocol_error",
    "6.2": "protocol_error",
    "6.3": "protocol_error",
    "6.5": "protocol_error",
    "6.6": "protocol_error",
    "6.7": "protocol_error",
    "6.8": "protocol_error",
    "6.9": "protocol_error",
    "7.0": "policy_rejected",
    "7.1": "policy_rejected",
    "7.2": "policy_rejected",
    "7.3": "smtp_auth_failed",
    "7.4": "tls_failure",
    "7.5": "tls_failure",
    "7.7": "policy_rejected",
    "7.8": "smtp_auth_failed",
    "7.9": "smtp_auth_failed",
    "7.10": "tls_failure",
    "7.11": "tls_failure",
    "7.12": "smtp_auth_failed",
    "7.13": "mailbox_disabled",
    "7.14": "smtp_auth_failed",
    "7.15": "rate_limited",
    "7.16": "message_too_large",
    "7.17": "invalid_recipient",
    "7.18": "invalid_recipient",
    "7.20": "auth_failure",
    "7.21": "auth_failure",
    "7.22": "auth_failure",
    "7.24": "auth_failure",
    "7.25": "sender_rejected",
    "7.26": "auth_failure",
    "7.28": "rate_limited",
    "7.29": "tls_failure",
    "7.30": "auth_failure",
    "7.32": "auth_failure",
    "7.57": "smtp_auth_failed",
    "7.64": "relay_denied",
    "7.509": "auth_failure",
    "7.515": "auth_failure",
    "7.511": "blocklisted",
    "7.513": "blocklisted",
    "7.508": "rate_limited",
    "7.705": "rate_limited",
    "7.232": "rate_limited",
    "7.233": "rate_limited",
    "1.90": "rate_limited",
    "2.121": "rate_limited",
    "2.122": "rate_limited",
    "1.20": "protocol_error",
    "1.351": "invalid_recipient",
    "4.300": "expired",
    "7.321": "tls_failure",
    "7.322": "tls_failure",
    "7.323": "tls_failure",
    "7.324": "tls_failure",
    "7.501": "blocklisted",
    "7.502": "blocklisted",
    "7.503": "blocklisted",
    "7.504": "invalid_recipient",
    "7.505": "policy_rejected",
    "7.506": "sender_rejected",
    "7.507": "policy_rejected",
    "7.512": "protocol_error",
    "7.750": "sender_rejected",
    "7.708": "blocklisted",
}
"""subject.detail -> class, for 4.x and 5.x alike."""

REPLY: dict[str, str] = {
    "421": "recipient_server_error",
    "422": "mailbox_full",
    "432": "smtp_auth_failed",
    "450": "recipient_server_error",
    "451": "recipient_server_error",
    "452": "recipient_server_error",
    "454": "recipient_server_error",
    "455": "protocol_error",
    "500": "protocol_error",
    "501": "protocol_error",
    "502": "protocol_error",
    "503": "protocol_error",
    "504": "protocol_error",
    "521": "policy_rejected",
    "523": "message_too_large",
    "525": "mailbox_disabled",
    "530": "smtp_auth_failed",
    "534": "smtp_auth_failed",
    "535": "smtp_auth_failed",
    "538": "tls_failure",
    "541": "spam_content",
    "550": "policy_rejected",
    "551": "invalid_recipient",
    "552": "mailbox_full",
    "553": "invalid_recipient",
    "554": "policy_rejected",
    "555": "protocol_error",
    "556": "invalid_recipient",
}
"""Reply code -> class, when there is neither a telling word nor a telling enhanced code."""

TRUSTED = frozenset({"1.1", "2.2", "3.4", "7.25", "7.26", "7.28"})
"""Details for which the sending server's own DSN is believed before a text such as "Service unavailable"."""

TELLING = TRUSTED | {"1.2", "1.3", "1.7", "1.8", "2.3"}
"""Details that decide before vague words if the peer itself sent them."""


def telling(enhanced: str) -> bool:
    """Say whether an enhanced code is more exact than vague words; Microsoft's long ones are."""
    return enhanced[2:] in TELLING or len(enhanced) >= len("5.4.316")


def by_reply(code: str) -> str | None:
    """Return the class of a reply code; any other temporary one is trouble of the peer."""
    return REPLY.get(code) or ("recipient_server_error" if code[:1] == "4" else None)


def by_enhanced(enhanced: str) -> str | None:
    """Return the class of an enhanced code such as 4.7.1, or None."""
    found = EXACT.get(enhanced) or DETAIL.get(enhanced[2:])
    if found is None and enhanced[:4] in ("5.6.", "4.6."):
        return "protocol_error"
    if found == "greylisted" and enhanced[:1] != "4":
        return None
    return found
