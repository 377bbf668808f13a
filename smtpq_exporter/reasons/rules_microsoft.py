"""Microsoft 365, Outlook.com and Exchange: their codes, transport agents and resolver words.

Pure data. Sources: Microsoft's pages on non-delivery reports, postmaster.live.com, Exchange Server
transport.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "microsoft-block-list", "blocklisted",
        "550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. Block list (S3150).",
        (
            r"\bs31[45]\d\b", "network is on our block ?list", "banned sending ip",
            r"\b5\.7\.(?:60[6-9]|6[1-4]\d) ", r"^550 5\.7\.(?:5(?:11|13)|708) ", "customer block list",
            "traffic not accepted from this ip",
        ),
    ),
    Rule(
        "microsoft-rate", "rate_limited",
        "451 4.7.650 The mail server [192.0.2.4] has been held back. For help go to postmaster.live.com",
        (
            r"^4\d\d 4\.7\.(?:5\d\d|6\d\d) ", "rate limited due to ip reputation", r"^421 rp-00\d",
            r"\brp-00[123]\b", "has exceeded permitted limits",
        ),
    ),
    Rule(
        "microsoft-tenant-limit", "rate_limited", "550 5.7.705 Access denied, tenant has exceeded threshold.",
        (
            r"^5\d\d 5\.7\.(?:705|233) ", "tenant has exceeded threshold", "submissionquota",
            "recipient thread limit exceeded",
            r"^5\d\d 5\.(?:1\.90|2\.12[12]) ",
        ),
    ),
    Rule(
        "microsoft-no-recipient", "invalid_recipient",
        "550 5.4.1 Recipient address rejected: Access denied. "
        "[AM1EUR05FT000.eop-eur05.prod.protection.outlook.com]",
        (
            "recipientnotfound", r"^550 5\.4\.1 .{0,40}(?:recipient address(?:es)? rejected|access denied)",
            "smtp address lookup", r"^5\d\d 5\.1\.10 ", r"recip\w{0,6}notfound", "reserved by rfc 2606",
        ),
    ),
    Rule(
        "microsoft-attribution", "relay_denied", "550 5.7.64 TenantAttribution; try another connector",
        ("tenantattribution",),
    ),
    Rule(
        "microsoft-anonymous", "smtp_auth_failed",
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        (r"^5\d\d 5\.7\.57 ", "not authenticated to send (?:anonymous )?mail"),
    ),
    Rule(
        "microsoft-dynamic", "blocklisted",
        "550 DY-001 Mail rejected. We generally do not accept email from home connections",
        (r"^5\d\d (?:\S{1,40} )?(?:(?:dy|ou)-00\d|sc-00[234])", "namespace mining"),
    ),
    Rule(
        "microsoft-content", "spam_content", "550 SC-001 Mail rejected by the service for policy reasons",
        (r"^5\d\d (?:\S{1,40} )?sc-001",),
    ),
    Rule(
        "microsoft-quarantine", "spam_content", "550 5.2.1 Content Filter agent quarantined this message",
        ("content filter agent", "quarantined", "spam abuse detected"),
    ),
    Rule(
        "microsoft-ipv6-proof", "auth_failure",
        "550 5.7.26 Access denied, a message sent over IPv6 must pass either SPF or DKIM validation",
        ("must pass either spf or dkim",),
    ),
    Rule(
        "microsoft-login", "smtp_auth_failed", "550 5.7.3 Cannot achieve Exchange Server authentication",
        ("exchange server authentication", "smtpclientauthentication"),
    ),
    Rule(
        "microsoft-group", "policy_rejected",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required for this group",
        (
            r"^5\d\d 5\.7\.(?:12[0-9]|13[0-8]|5[34]\d) ", r"resolver\.rst\.(?:notauth|auth|restrict)",
            "sender not allowed to (?:post|send)", "don't have permission to (?:post|send)",
            "tenant allow/block", "blocked by your organization",
        ),
    ),
    Rule(
        "microsoft-unregistered", "sender_rejected",
        "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains",
        (r"^5\d\d 5\.7\.750 ", "client blocked from sending from unregistered"),
    ),
    Rule(
        "microsoft-bad-outbound", "blocklisted",
        "550 5.1.8 Access denied, bad outbound sender. For more information",
        ("bad outbound sender", r"^5\d\d 5\.7\.50[123] "),
    ),
    Rule(
        "microsoft-store-quota", "mailbox_full",
        "554 5.2.2 mailbox; "
        "STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
        ("(?<!submission)quotaexceeded", "mapiexceptionshutoffquota"),
    ),
    Rule(
        "microsoft-size", "message_too_large", "550 5.2.3 RESOLVER.RST.RecipSizeLimit; it does not fit",
        ("recipsizelimit", r"resolver\.rst\.\w{0,12}size", "sendersizelimit", r"routing\.sizelimit"),
    ),
    Rule(
        "microsoft-hops", "mail_loop",
        "554 5.4.14 Hop count exceeded - possible mail loop ATTR34 [protection.outlook.com]",
        (r"^5\d\d 5\.4\.14 ", "hop count exceeded", r"resolver\.fwd\.loop"),
    ),
    Rule(
        "microsoft-sender-proof", "auth_failure",
        "550 5.7.515 Access denied, sending domain lacks the required level",
        (r"^5\d\d 5\.7\.(?:509|515) ",),
    ),
)
