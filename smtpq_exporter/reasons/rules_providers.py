"""Codes and phrases that one large provider alone uses, after the provider's own postmaster pages. They beat words.

Pure data. Why first: a provider's code is exact where its words are vague ("rejected due to local policy"), and some
providers give enhanced codes another meaning (4.7.23 is a missing PTR record at Gmail and a failed SPF elsewhere).
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "google-p-full",
        "mailbox_full",
        "452-4.2.2 The mailbox has no room left. See 452 4.2.2 https://support.google.com/mail/?p=OverQ"
        "uotaTemp",
        ("[?&]p=overquota",),
    ),
    Rule(
        "google-p-no-user",
        "invalid_recipient",
        "550 5.1.1 Nothing here. https://support.google.com/mail/?p=NoSuchUser - gsmtp",
        ("[?&]p=nosuchuser",),
    ),
    Rule(
        "google-p-disabled",
        "mailbox_disabled",
        "550 5.2.1 That account. https://support.google.com/mail/?p=DisabledUser - gsmtp",
        ("[?&]p=disableduser",),
    ),
    Rule(
        "google-p-rate",
        "rate_limited",
        "421 4.7.28 Gmail has seen more than usual. https://support.google.com/mail/?p=UnsolicitedRateL"
        "imitError",
        (
            "[?&]p=(?:receivingrate|unsolicitedratelimit|ratelimit|toomanyrecip|sendinglimit|"
            "mailsentlimit|samemessageid)",
        ),
    ),
    Rule(
        "google-unusual-rate",
        "rate_limited",
        "421-4.7.28 [192.0.2.7 15] Our system has detected an unusual rate of 421-4.7.28 unsolicited ma"
        "il from you",
        ("unusual (?:rate|amount) of (?:unsolicited )?(?:mail|email|messages)",),
    ),
    Rule(
        "google-p-dmarc",
        "auth_failure",
        "550 5.7.26 Not taken. https://support.google.com/mail/?p=DmarcRejection",
        ("[?&]p=(?:dmarcrejection|senderauth|authfail|unauthenticatedsender)",),
    ),
    Rule(
        "google-header",
        "protocol_error",
        "550 5.7.1 A disallowed header has a unicode character. https://support.google.com/mail/?p=BlockedMessage",
        ("disallowed header", "encoded-word syntax", "not rfc 5322 compliant"),
    ),
    Rule(
        "google-sender-account",
        "sender_rejected",
        "550 5.7.0 Mail Sending denied, see the sender's account",
        ("mail sending denied",),
    ),
    Rule(
        "google-send-as",
        "smtp_auth_failed",
        "You're sending this with the 'Send mail as' feature and its settings are out of date",
        ("'send mail as'",),
    ),
    Rule(
        "google-p-spam",
        "spam_content",
        "550-5.7.1 Please see 550 5.7.1 https://support.google.com/mail/?p=UnsolicitedMessageError",
        ("[?&]p=(?:unsolicitedmessage|blockedmessage|spamcontent|suspicious)",),
    ),
    Rule(
        "google-p-not-authorized",
        "blocklisted",
        "550-5.7.1 Use the relay of your provider. https://support.google.com/mail/?p=NotAuthorizedError",
        ("[?&]p=(?:notauthorized|blockedip|lowreputation)",),
    ),
    Rule(
        "google-relay",
        "relay_denied",
        "550-5.7.1 Invalid credentials for relay [192.0.2.1]. The IP address is not registered",
        ("invalid credentials for relay",),
    ),
    Rule(
        "google-p-form",
        "protocol_error",
        "550-5.7.1 Please visit 550 5.7.1 https://support.google.com/mail/?p=RfcMessageNonCompliant",
        ("[?&]p=(?:rfcmessage|noncompliant|badsequence)",),
    ),
    Rule(
        "google-p-size",
        "message_too_large",
        "552-5.3.4 Please see 552 5.3.4 https://support.google.com/mail/?p=MaxSizeError",
        ("[?&]p=(?:maxsize|header-limits|messagesize)",),
    ),
    Rule(
        "google-p-login",
        "smtp_auth_failed",
        "535-5.7.8 Learn more at 535 5.7.8 https://support.google.com/mail/?p=BadCredentials",
        ("[?&]p=(?:badcredentials|wantauth|webloginrequired|invalidsecondfactor|authreq|toomanylogin)",),
    ),
    Rule(
        "google-ipv6",
        "sender_rejected",
        "550-5.7.1 [2001:db8::25] Our system has detected that it misses the IPv6 sending guidelines",
        (
            "ipv6 sending guidelines",
            "[?&]p=ipv6auth",
        ),
    ),
    Rule(
        "google-not-direct",
        "blocklisted",
        "550-5.7.1 The IP you're using to send mail is not authorized to 550-5.7.1 send email directly "
        "to our servers",
        ("not authorized to send (?:e-?mail|mail)? ?directly to our servers",),
    ),
    Rule(
        "google-low-reputation",
        "blocklisted",
        "550-5.7.1 this message is likely suspicious due to the very low reputation of the sending domain",
        ("(?:very )?low reputation of the sending (?:ip|domain)",),
    ),
    Rule(
        "google-group",
        "policy_rejected",
        "We're writing to let you know that the group you tried to contact (board) may not exist, or yo"
        "u may not post",
        ("group you tried to contact .{0,60}may not exist, or you may not",),
    ),
    Rule(
        "microsoft-block-list",
        "blocklisted",
        "550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. Block list (S3150).",
        (
            r"\(s31[45]\d\)",
            "network is on our block ?list",
            "banned sending ip",
            r"\b5\.7\.(?:60[6-9]|6[1-4]\d) ",
            r"^550 5\.7\.(?:5(?:11|13)|708) ",
            "customer block list",
            "traffic not accepted from this ip",
        ),
    ),
    Rule(
        "microsoft-rate",
        "rate_limited",
        "451 4.7.650 The mail server [192.0.2.4] has been held back. For help go to postmaster.live.com",
        (
            r"^4\d\d 4\.7\.(?:5\d\d|6\d\d) ",
            "rate limited due to ip reputation",
            r"^421 rp-00\d",
            r"\brp-00[123]\b",
            "has exceeded permitted limits",
        ),
    ),
    Rule(
        "microsoft-tenant-limit",
        "rate_limited",
        "550 5.7.705 Access denied, tenant has exceeded threshold.",
        (
            r"^5\d\d 5\.7\.(?:705|233) ",
            "tenant has exceeded threshold",
            "recipient thread limit exceeded",
            r"^5\d\d 5\.(?:1\.90|2\.12[12]) ",
        ),
    ),
    Rule(
        "microsoft-no-recipient",
        "invalid_recipient",
        "550 5.4.1 Recipient address rejected: Access denied. [AM1EUR05FT000.eop-eur05.prod.protection."
        "outlook.com]",
        (
            "recipientnotfound",
            r"^550 5\.4\.1 .{0,40}(?:recipient address(?:es)? rejected|access denied)",
            "smtp address lookup",
            r"^5\d\d 5\.1\.10 ",
            r"recip\w{0,6}notfound",
            "reserved by rfc 2606",
        ),
    ),
    Rule(
        "microsoft-attribution",
        "relay_denied",
        "550 5.7.64 TenantAttribution; try another connector",
        ("tenantattribution",),
    ),
    Rule(
        "microsoft-anonymous",
        "smtp_auth_failed",
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM",
        (
            r"^5\d\d 5\.7\.57 ",
            "not authenticated to send (?:anonymous )?mail",
        ),
    ),
    Rule(
        "microsoft-dynamic",
        "blocklisted",
        "550 DY-001 Mail rejected. We generally do not accept email from home connections",
        (r"^5\d\d (?:\S{1,40} )?(?:dy|ou)-00\d",),
    ),
    Rule(
        "microsoft-content",
        "spam_content",
        "550 SC-001 Mail rejected by the service for policy reasons",
        (r"^5\d\d (?:\S{1,40} )?sc-00\d",),
    ),
    Rule(
        "microsoft-quarantine",
        "spam_content",
        "550 5.2.1 Content Filter agent quarantined this message",
        ("content filter agent", "quarantined", "spam abuse detected"),
    ),
    Rule(
        "microsoft-ipv6-proof",
        "auth_failure",
        "550 5.7.26 Access denied, a message sent over IPv6 must pass either SPF or DKIM validation",
        ("must pass either spf or dkim",),
    ),
    Rule(
        "microsoft-login",
        "smtp_auth_failed",
        "550 5.7.3 Cannot achieve Exchange Server authentication",
        ("exchange server authentication", "smtpclientauthentication"),
    ),
    Rule(
        "microsoft-group",
        "policy_rejected",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required for this group",
        (
            r"^5\d\d 5\.7\.(?:12[0-9]|13[0-8]|5[34]\d) ",
            r"resolver\.rst\.(?:notauth|auth|restrict)",
            "sender not allowed to (?:post|send)",
            "don't have permission to (?:post|send)",
            "tenant allow/block",
            "blocked by your organization",
        ),
    ),
    Rule(
        "microsoft-unregistered",
        "sender_rejected",
        "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains",
        (
            r"^5\d\d 5\.7\.750 ",
            "client blocked from sending from unregistered",
        ),
    ),
    Rule(
        "microsoft-bad-outbound",
        "blocklisted",
        "550 5.1.8 Access denied, bad outbound sender. For more information",
        (
            "bad outbound sender",
            r"^5\d\d 5\.7\.50[123] ",
        ),
    ),
    Rule(
        "microsoft-store-quota",
        "mailbox_full",
        "554 5.2.2 mailbox; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuota"
        "Exceeded",
        (
            "quotaexceeded",
            "submissionquota",
            "mapiexceptionshutoffquota",
        ),
    ),
    Rule(
        "microsoft-size",
        "message_too_large",
        "550 5.2.3 RESOLVER.RST.RecipSizeLimit; it does not fit",
        (
            "recipsizelimit",
            r"resolver\.rst\.\w{0,12}size",
            "sendersizelimit",
            r"routing\.sizelimit",
        ),
    ),
    Rule(
        "microsoft-hops",
        "mail_loop",
        "554 5.4.14 Hop count exceeded - possible mail loop ATTR34 [protection.outlook.com]",
        (
            r"^5\d\d 5\.4\.14 ",
            "hop count exceeded",
            r"resolver\.fwd\.loop",
        ),
    ),
    Rule(
        "microsoft-sender-proof",
        "auth_failure",
        "550 5.7.515 Access denied, sending domain lacks the required level",
        (r"^5\d\d 5\.7\.(?:509|515) ",),
    ),
    Rule(
        "yahoo-permanent",
        "blocklisted",
        "553 5.7.1 [BL21] Connections will not be accepted from [192.0.2.1]",
        (
            r"\[ts0[3-9]\]",
            r"\[bl\d\d\]",
            "will be permanently deferred",
        ),
    ),
    Rule(
        "yahoo-deferred",
        "rate_limited",
        "421 4.7.0 [TSS04] Messages from [192.0.2.1] temporarily deferred due to unexpected volume",
        (
            r"\[tss?0?\d\d?\]",
            "temporarily deferred due to",
            "vs1-(?:ip|mf|rt)",
            "excessive unknown recipients",
        ),
    ),
    Rule(
        "yahoo-content",
        "spam_content",
        "554 Message not allowed - [PH01] Email not accepted",
        (r"\[ph\d\d\]",),
    ),
    Rule(
        "aol-dynamic",
        "blocklisted",
        "554- (DYN:T1) see postmaster.info",
        (r"\((?:dyn:|rtr:|rly:)[a-z0-9]{2}",),
    ),
    Rule(
        "aol-url",
        "spam_content",
        "554 5.7.1 (HVU:B1) a link in it has complaints",
        (r"\((?:hvu:|con:b)[a-z0-9]{0,2}",),
    ),
    Rule(
        "orange-blocked",
        "blocklisted",
        "554 mwinf5c20 ME Adresse IP bloquee. OFR006_102 [102]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:10[2389]|510|511)\b",),
    ),
    Rule(
        "orange-rate",
        "rate_limited",
        "421 mwinf5c04 ME Trop de monde. OFR005_104 [104]",
        (r"\b(?:ofr|lpn)\d{0,3}_10[145]\b",),
    ),
    Rule(
        "orange-no-user",
        "invalid_recipient",
        "550 5.1.1 Adresse d au moins un destinataire. OFR_416 [416]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:40[23]|416|513)\b",),
    ),
    Rule(
        "orange-full",
        "mailbox_full",
        "552 5.1.1 Boite. OFR_417 [417]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:417|418|632)\b",),
    ),
    Rule(
        "orange-disabled",
        "mailbox_disabled",
        "550 5.5.0 Le compte du destinataire. LPN007_426",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:305|42[0267])\b",),
    ),
    Rule(
        "orange-spam",
        "spam_content",
        "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:506|51[579]|52[0-3])\b",),
    ),
    Rule(
        "orange-size",
        "message_too_large",
        "552 Message. LPN007_514",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:401|514)\b",),
    ),
    Rule(
        "comcast-rate",
        "rate_limited",
        "421 comcast see postmaster.comcast.net/codes.php#RL000003",
        (
            r"\brl\d{6}\b",
            "#rl0",
        ),
    ),
    Rule(
        "comcast-block",
        "blocklisted",
        "554 comcast 192.0.2.8 held. postmaster.comcast.net/codes.php#BL000010",
        (
            r"\bbl\d{6}\b",
            "#bl0",
            "comcast block for spam",
        ),
    ),
    Rule(
        "comcast-dmarc",
        "auth_failure",
        "550 comcast no. postmaster.comcast.net/codes#DM000001",
        (
            r"#dm0",
            r"\bdm\d{6}\b",
        ),
    ),
    Rule(
        "cox-block",
        "blocklisted",
        "554 cox 192.0.2.8 rejected. AUP#CDRBL",
        (r"aup#(?:\w{0,3}rbl|cxbl|bl|rbl|c[dx]rbl)",),
    ),
    Rule(
        "cox-rate",
        "rate_limited",
        "421 cox too much from 192.0.2.8. AUP#CXCNCT",
        (
            "aup#(?:cxcnct|cxmj|cxthrt|cncxn|mxcon)",
            r"aup#(?:in?-|o(?:ut)?-)?1(?:1\d|3\d|4[0-4])0",
        ),
    ),
    Rule(
        "cox-dns",
        "sender_rejected",
        "554 cox 192.0.2.8 no name. AUP#CXDNS",
        (
            "aup#(?:cx)?(?:dns|sndr|ssnr|wsndr)",
            "aup#(?:in?-)?12[01]0",
        ),
    ),
    Rule(
        "spectrum-block",
        "blocklisted",
        "421 charter.net 192.0.2.8 wait AUP#In-1000",
        (r"aup#(?:in?-|o(?:ut)?-)?10\d0",),
    ),
    Rule(
        "spectrum-size",
        "message_too_large",
        "552 charter.net no AUP#I-1530",
        ("aup#(?:in?-|o(?:ut)?-)?1530",),
    ),
    Rule(
        "spectrum-no-user",
        "invalid_recipient",
        "550 charter.net no AUP#I-1550",
        ("aup#(?:in?-|o(?:ut)?-)?1550",),
    ),
    Rule(
        "spectrum-policy",
        "policy_rejected",
        "554 charter.net not accepted AUP#POL",
        ("aup#",),
    ),
    Rule(
        "godaddy-block",
        "blocklisted",
        "554 bizsmtp 192.0.2.8 closed. IB103",
        (r"\bib(?:10[3-6]|11[01])\b",),
    ),
    Rule(
        "godaddy-rate",
        "rate_limited",
        "421 bizsmtp slow down. IB007",
        (r"\bib(?:007|108|60\d)\b",),
    ),
    Rule(
        "godaddy-spf",
        "auth_failure",
        "550 5.1.0 192.0.2.8 inspect your settings. IB508",
        (r"\bib5(?:08|10)\b",),
    ),
    Rule(
        "godaddy-sender",
        "sender_rejected",
        "550 <x@example.org> sender. IB504",
        (r"\bib(?:401|50[1-7])\b",),
    ),
    Rule(
        "godaddy-content",
        "spam_content",
        "552 message held. IB705",
        (r"\bib(?:212|70\d)\b",),
    ),
    Rule(
        "gmx-block",
        "blocklisted",
        "554-gmx.net (mxgmx017) Nemesis 554 For explanation visit https://postmaster.gmx.net/?ip=0&c=bip",
        (
            "[?&]c=(?:b|bl|bip|hi|r[a-z0-9]{0,5}|rbl)(?:&|$| )",
            r"\brepli?y?:? ?\(bl\)",
        ),
    ),
    Rule(
        "t-online",
        "blocklisted",
        "554 IP=192.0.2.3 - A problem occurred. (Ask your postmaster for help)",
        (
            "tosa@",
            r"ip=\S{1,45} ?- (?:a problem occurred|dialup|unknown)",
            r"to clarify\.\) ?\((?:bl|nowl)\)",
        ),
    ),
    Rule(
        "netease-spam",
        "spam_content",
        "554 DT:SPM 163 mx9,PsCowAB 0",
        (r"\bdt:(?:spm|vir)\b",),
    ),
    Rule(
        "netease-rate",
        "rate_limited",
        "451 RP:QRC 163 mx3,PMCowA 0",
        (r"\b(?:rp|mi|hl):(?:cel|drc|qrc|trc|rcl|dmc|itc|ifc|icc|mep|sfq|fvc)\b",),
    ),
    Rule(
        "netease-block",
        "blocklisted",
        "553 HL:IPB 163 mx3,PMCowA 0",
        (r"\b(?:hl|mi):ipb\b",),
    ),
    Rule(
        "netease-sender",
        "sender_rejected",
        "553 HL:IHU 163 mx3,PMCowA 0",
        (r"\b(?:hl:(?:ihu|rep|eip)|mi:(?:imf|stb|spb|nhd)|dt:sum)\b",),
    ),
    Rule(
        "netease-spf",
        "auth_failure",
        "550 MI:SPF 163 mx3,PMCowA 0",
        (r"\b(?:mi|dt|hl):(?:spf|dkm|dmr)\b",),
    ),
    Rule(
        "qq-frequency",
        "rate_limited",
        "550 Domain frequency limited. http://service.mail.qq.com/",
        (
            "frequency limited",
            "suspected bounce attack",
        ),
    ),
    Rule(
        "qq-content",
        "spam_content",
        "550 Mail content denied. http://service.mail.qq.com/",
        ("mail content (?:denied|access denied)",),
    ),
    Rule(
        "qq-spam-ip",
        "blocklisted",
        "550 Suspected spam ip. http://service.mail.qq.com/",
        ("suspected spam ip",),
    ),
    Rule(
        "qq-mailbox",
        "invalid_recipient",
        "550 Mailbox unavailable or access denied [qq]",
        ("mailbox unavailable or access denied",),
    ),
    Rule(
        "mimecast-reputation",
        "blocklisted",
        "550 Local CT IP Reputation - (reject) - https://community.mimecast.com/docs",
        (
            "poor reputation sender",
            "local ct ip reputation",
            r"csi\.mimecast",
        ),
    ),
    Rule(
        "mimecast-spam",
        "spam_content",
        "554 Email rejected due to security policies - MCSpamSignature.sa.1.2",
        (
            "mcspamsignature",
            "email rejected due to security policies",
        ),
    ),
    Rule(
        "mimecast-spoof",
        "auth_failure",
        "550 Rejected by header based Anti-Spoofing policy - https://community.mimecast.com/docs",
        (
            "anti-?spoofing (?:policy|header|lockout)",
            "submitter failed to authenticate",
        ),
    ),
    Rule(
        "proofpoint-ip",
        "blocklisted",
        "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.5",
        (
            r"ipcheck\.proofpoint",
            r"proofpoint\.com/\?ip=",
        ),
    ),
    Rule(
        "cloudmark-ip",
        "blocklisted",
        "554 192.0.2.5 held. For remediation use http://csi.cloudmark.com/en/reset/",
        (
            r"csi\.cloudmark\.com",
            "blacklisted by csi",
        ),
    ),
    Rule(
        "barracuda-reputation",
        "blocklisted",
        "554 Service unavailable; Client host [192.0.2.5] blocked using Barracuda Reputation",
        (
            r"barracuda ?(?:networks|central)?\S{0,14} ?reputation",
            "barracudacentral",
        ),
    ),
    Rule(
        "mxlogic-content",
        "spam_content",
        "554 Denied [5a1c.0.1.00-1.2.p01c11m012.mxlogic.net] (Mode: normal)",
        (r"^554 \S{1,9} denied \[[^\]]{0,90}mxlogic",),
    ),
    Rule(
        "facebook-user",
        "invalid_recipient",
        "550 5.1.1 RCP-P1 postmaster.facebook.com/codes#rcp",
        (r"\brcp-p[13]\b",),
    ),
    Rule(
        "facebook-preference",
        "policy_rejected",
        "550 5.1.1 RCP-P2 postmaster.facebook.com/codes#rcp Refused",
        (r"\brcp-p2\b",),
    ),
    Rule(
        "facebook-policy",
        "policy_rejected",
        "554 5.7.1 POL-P4 postmaster.facebook.com/codes#pol",
        (r"\bpol-p\d\b",),
    ),
    Rule(
        "facebook-rate",
        "rate_limited",
        "421 4.7.1 CON-T1 postmaster.facebook.com/codes",
        (r"\b(?:pol|con|rcp)-t\d\b",),
    ),
    Rule(
        "apple-reputation",
        "blocklisted",
        "550 5.7.1 [CS02] bad reputation of your IP",
        (r"\[cs\d\d\] .{0,60}reputation",),
    ),
    Rule(
        "apple-policy",
        "policy_rejected",
        "554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/",
        (r"\[(?:hm|cs|hme)\d{1,2}\]",),
    ),
    Rule(
        "earthlink-block",
        "blocklisted",
        "550 Dynamic/zombied IPs are not taken here. Write to us",
        (
            "blockedbyearthlink",
            "dynamic/zombied",
        ),
    ),
    Rule(
        "att-block",
        "blocklisted",
        "521 192.0.2.5 blocked by sbc:blacklist.mailrelay.example",
        (
            "dnsrbl",
            "sbc:blacklist",
            "abuse_rbl@",
            r"att\.net/blocks",
        ),
    ),
    Rule(
        "ses-unverified",
        "sender_rejected",
        "554 Message rejected: Email address is not verified. The following identities failed the check",
        (
            "email address is not verified",
            "identities failed the check",
        ),
    ),
    Rule(
        "ses-suppressed",
        "invalid_recipient",
        "Amazon SES has suppressed sending to this address since mail to it bounced",
        ("suppressed sending", "suppression list", "history of bouncing"),
    ),
    Rule(
        "ses-throttle",
        "rate_limited",
        "454 Throttling failure: Maximum sending rate exceeded.",
        (
            "throttling failure",
            "maximum credits exceeded",
            "daily message quota exceeded",
            "unusual sending activity",
        ),
    ),
    Rule(
        "yandex-policy",
        "mailbox_disabled",
        "550 5.7.1 Policy rejection on the target address",
        ("policy rejection on the target address",),
    ),
)
