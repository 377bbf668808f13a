"""The closed set of reason classes and the root cause of each. Pure data; the contract of every label
`reason`.
"""

from __future__ import annotations

CAUSES: dict[str, str] = {
    "rate_limited": "volume",
    "dns_failure": "dns_network",
    "connection_refused": "dns_network",
    "connection_timeout": "dns_network",
    "connection_lost": "dns_network",
    "network_unreachable": "dns_network",
    "greylisted": "greylisting",
    "blocklisted": "blocklisting",
    "spam_content": "blocklisting",
    "sender_rejected": "configuration",
    "relay_denied": "configuration",
    "smtp_auth_failed": "configuration",
    "protocol_error": "configuration",
    "local_config": "configuration",
    "mail_loop": "configuration",
    "message_too_large": "configuration",
    "tls_failure": "configuration",
    "auth_failure": "authentication",
    "local_resource": "host",
    "recipient_server_error": "recipient_server",
    "policy_rejected": "recipient_server",
    "mailbox_full": "recipient_server",
    "mailbox_disabled": "recipient_server",
    "invalid_recipient": "recipient_server",
    "expired": "recipient_server",
    "unknown": "unknown",
}
"""Reason class -> root cause."""

REASONS: tuple[str, ...] = tuple(CAUSES)
