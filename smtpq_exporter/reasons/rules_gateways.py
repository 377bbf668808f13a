"""Filters and sending services between two mail servers: Mimecast, Proofpoint, Cloudmark, Barracuda, Amazon
SES.

Pure data. Sources: the products' pages on SMTP codes.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "mimecast-reputation", "blocklisted",
        "550 Local CT IP Reputation - (reject) - https://community.mimecast.com/docs",
        ("poor reputation sender", "local ct ip reputation", r"csi\.mimecast"),
    ),
    Rule(
        "mimecast-spam", "spam_content",
        "554 Email rejected due to security policies - MCSpamSignature.sa.1.2",
        ("mcspamsignature", "email rejected due to security policies"),
    ),
    Rule(
        "mimecast-proof", "auth_failure", "550 DMARC Sender Invalid - envelope rejected",
        ("(?:dmarc|spf|dkim) sender invalid",),
    ),
    Rule(
        "mimecast-policy", "policy_rejected",
        "550 Envelope blocked - User Entry - https://community.mimecast.com/docs",
        (
            "envelope (?:blocked|rejected)", "content examination policy", "administrative lockout",
            "host network not allowed",
        ),
    ),
    Rule(
        "mimecast-login", "smtp_auth_failed",
        "550 Submitter failed to authenticate - https://community.mimecast.com/docs",
        ("submitter failed to authenticate",),
    ),
    Rule(
        "mimecast-certificate", "tls_failure", "554 Configuration is invalid for this certificate",
        ("invalid for this certificate",),
    ),
    Rule(
        "mimecast-spoof", "auth_failure",
        "550 Rejected by header based Anti-Spoofing policy - https://community.mimecast.com/docs",
        ("anti-?spoofing (?:policy|header|lockout)", "sender failed dmarc"),
    ),
    Rule(
        "proofpoint-ip", "blocklisted", "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.5",
        (r"ipcheck\.proofpoint", r"proofpoint\.com/\?ip="),
    ),
    Rule(
        "cloudmark-ip", "blocklisted",
        "554 192.0.2.5 held. For remediation use http://csi.cloudmark.com/en/reset/",
        (r"csi\.cloudmark\.com", "blacklisted by csi"),
    ),
    Rule(
        "barracuda-reputation", "blocklisted",
        "554 Service unavailable; Client host [192.0.2.5] blocked using Barracuda Reputation",
        (r"barracuda ?(?:networks|central)?\S{0,14} ?reputation", "barracudacentral"),
    ),
    Rule(
        "mxlogic-content", "spam_content",
        "554 Denied [5a1c.0.1.00-1.2.p01c11m012.mxlogic.net] (Mode: normal)",
        (r"^554 \S{1,9} denied \[[^\]]{0,90}mxlogic",),
    ),
    Rule(
        "ses-unverified", "sender_rejected",
        "554 Message rejected: Email address is not verified. The following identities failed the check",
        ("email address is not verified", "identities failed the check"),
    ),
    Rule(
        "ses-suppressed", "invalid_recipient",
        "Amazon SES has suppressed sending to this address since mail to it bounced",
        ("suppressed sending", "suppression list", "history of bouncing"),
    ),
    Rule(
        "ses-throttle", "rate_limited", "454 Throttling failure: Maximum sending rate exceeded.",
        (
            "throttling failure", "maximum credits exceeded", "daily message quota exceeded",
            "unusual sending activity",
        ),
    ),
)
