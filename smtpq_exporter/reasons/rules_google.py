"""Gmail and Google Workspace: the words behind ``?p=`` in the link of a reply, and phrases of Google alone.

Pure data. Source: support.google.com, "SMTP errors and codes" and "Email sender guidelines". They come
first because the link says exactly what the sentence before it leaves open, and Google gives enhanced codes
a meaning of its own (4.7.23 is a missing PTR record here and a failed SPF elsewhere).
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "google-p-full", "mailbox_full",
        "452-4.2.2 The mailbox has no room left. See 452 4.2.2 "
        "https://support.google.com/mail/?p=OverQuotaTemp",
        ("[?&]p=overquota",),
    ),
    Rule(
        "google-p-no-user", "invalid_recipient",
        "550 5.1.1 Nothing here. https://support.google.com/mail/?p=NoSuchUser - gsmtp",
        ("[?&]p=nosuchuser",),
    ),
    Rule(
        "google-p-disabled", "mailbox_disabled",
        "550 5.2.1 That account. https://support.google.com/mail/?p=DisabledUser - gsmtp",
        ("[?&]p=disableduser",),
    ),
    Rule(
        "google-p-rate", "rate_limited",
        "421 4.7.28 Gmail has seen more than usual. "
        "https://support.google.com/mail/?p=UnsolicitedRateLimitError",
        (
            (
                "[?&]p=(?:receivingrate|unsolicitedratelimit|ratelimit|toomanyrecip|sendinglimit|"
                "mailsentlimit|samemessageid)"
            ),
        ),
    ),
    Rule(
        "google-unusual-rate", "rate_limited",
        "421-4.7.28 [192.0.2.7 15] Our system has detected an unusual rate of 421-4.7.28 unsolicited mail "
        "from you",
        ("unusual (?:rate|amount) of (?:unsolicited )?(?:mail|email|messages)",),
    ),
    Rule(
        "google-p-dmarc", "auth_failure",
        "550 5.7.26 Not taken. https://support.google.com/mail/?p=DmarcRejection",
        ("[?&]p=(?:dmarcrejection|senderauth|authfail|unauthenticatedsender)",),
    ),
    Rule(
        "google-header", "protocol_error",
        "550 5.7.1 A disallowed header has a unicode character. "
        "https://support.google.com/mail/?p=BlockedMessage",
        ("disallowed header", "encoded-word syntax", "not rfc 5322 compliant"),
    ),
    Rule(
        "google-sender-account", "sender_rejected", "550 5.7.0 Mail Sending denied, see the sender's account",
        ("mail sending denied",),
    ),
    Rule(
        "google-send-as", "smtp_auth_failed",
        "You're sending this with the 'Send mail as' feature and its settings are out of date",
        ("'send mail as'",),
    ),
    Rule(
        "google-p-spam", "spam_content",
        "550-5.7.1 Please see 550 5.7.1 https://support.google.com/mail/?p=UnsolicitedMessageError",
        ("[?&]p=(?:unsolicitedmessage|blockedmessage|spamcontent|suspicious)",),
    ),
    Rule(
        "google-p-not-authorized", "blocklisted",
        "550-5.7.1 Use the relay of your provider. https://support.google.com/mail/?p=NotAuthorizedError",
        ("[?&]p=(?:notauthorized|blockedip|lowreputation)",),
    ),
    Rule(
        "google-relay", "relay_denied",
        "550-5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address is not registered",
        ("invalid credentials for relay",),
    ),
    Rule(
        "google-p-form", "protocol_error",
        "550-5.7.1 Please visit 550 5.7.1 https://support.google.com/mail/?p=RfcMessageNonCompliant",
        ("[?&]p=(?:rfcmessage|noncompliant|badsequence)",),
    ),
    Rule(
        "google-p-size", "message_too_large",
        "552-5.3.4 Please see 552 5.3.4 https://support.google.com/mail/?p=MaxSizeError",
        ("[?&]p=(?:maxsize|header-limits|messagesize)",),
    ),
    Rule(
        "google-p-login", "smtp_auth_failed",
        "535-5.7.8 Learn more at 535 5.7.8 https://support.google.com/mail/?p=BadCredentials",
        ("[?&]p=(?:badcredentials|wantauth|webloginrequired|invalidsecondfactor|authreq|toomanylogin)",),
    ),
    Rule(
        "google-ipv6", "sender_rejected",
        "550-5.7.1 [2001:db8::25] Our system has detected that it misses the IPv6 sending guidelines",
        ("ipv6 sending guidelines", "[?&]p=ipv6auth"),
    ),
    Rule(
        "google-not-direct", "blocklisted",
        "550-5.7.1 The IP you're using to send mail is not authorized to 550-5.7.1 send email directly to "
        "our servers",
        ("not authorized to send (?:e-?mail|mail)? ?directly to our servers",),
    ),
    Rule(
        "google-low-reputation", "blocklisted",
        "550-5.7.1 this message is likely suspicious due to the very low reputation of the sending domain",
        ("(?:very )?low reputation of the sending (?:ip|domain)",),
    ),
    Rule(
        "google-group", "policy_rejected",
        "We're writing to let you know that the group you tried to contact (board) may not exist, or you "
        "may not post",
        ("group you tried to contact .{0,60}may not exist, or you may not",),
    ),
)
