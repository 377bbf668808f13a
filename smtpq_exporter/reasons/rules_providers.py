"""Codes and phrases that one large provider alone uses, after the provider's own postmaster pages.

Pure data. A provider's code is exact where its words are vague ("rejected due to local policy"): Yahoo and
AOL, Orange and La Poste, Comcast, Cox and Spectrum, GoDaddy, GMX, T-Online, NetEase, QQ, Facebook, Apple
and others.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "yahoo-permanent", "blocklisted",
        "553 5.7.1 [BL21] Connections will not be accepted from [192.0.2.1]",
        (r"\[ts0[3-9]\]", r"\[bl\d\d\]", "will be permanently deferred"),
    ),
    Rule(
        "yahoo-deferred", "rate_limited",
        "421 4.7.0 [TSS04] Messages from [192.0.2.1] temporarily deferred due to unexpected volume",
        (
            r"\[tss?0?\d\d?\]", "temporarily deferred due to", "vs1-(?:ip|mf|rt)",
            "excessive unknown recipients",
        ),
    ),
    Rule(
        "yahoo-content", "spam_content", "554 Message not allowed - [PH01] Email not accepted",
        (r"\[ph\d\d\]",),
    ),
    Rule(
        "aol-dynamic", "blocklisted", "554- (DYN:T1) see postmaster.info",
        (r"\((?:dyn|rtr|rly|con):[a-z0-9]{2}",),
    ),
    Rule(
        "aol-url", "spam_content", "554 5.7.1 (HVU:B1) a link in it has complaints",
        (r"\(hvu:[a-z0-9]{0,2}",),
    ),
    Rule(
        "orange-blocked", "blocklisted", "554 mwinf5c20 ME Adresse IP bloquee. OFR006_102 [102]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:10[2389]|510|511)\b",),
    ),
    Rule(
        "orange-rate", "rate_limited", "421 mwinf5c04 ME Trop de monde. OFR005_104 [104]",
        (r"\b(?:ofr|lpn)\d{0,3}_10[145]\b",),
    ),
    Rule(
        "orange-no-user", "invalid_recipient", "550 5.1.1 Adresse d au moins un destinataire. OFR_416 [416]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:40[23]|416|513)\b",),
    ),
    Rule(
        "orange-full", "mailbox_full", "552 5.1.1 Boite. OFR_417 [417]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:417|418|632)\b",),
    ),
    Rule(
        "orange-disabled", "mailbox_disabled", "550 5.5.0 Le compte du destinataire. LPN007_426",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:305|42[0267])\b",),
    ),
    Rule(
        "orange-spam", "spam_content", "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:506|51[579]|52[0-3])\b",),
    ),
    Rule(
        "orange-size", "message_too_large", "552 Message. LPN007_514",
        (r"\b(?:ofr|lpn)\d{0,3}_(?:401|514)\b",),
    ),
    Rule(
        "comcast-rate", "rate_limited", "421 comcast see postmaster.comcast.net/codes.php#RL000003",
        (r"\brl\d{6}\b", "#rl0"),
    ),
    Rule(
        "comcast-block", "blocklisted",
        "554 comcast 192.0.2.8 held. postmaster.comcast.net/codes.php#BL000010",
        (r"\bbl\d{6}\b", "#bl0", "comcast block for spam"),
    ),
    Rule(
        "comcast-dmarc", "auth_failure", "550 comcast no. postmaster.comcast.net/codes#DM000001",
        ("#dm0", r"\bdm\d{6}\b"),
    ),
    Rule(
        "cox-block", "blocklisted", "554 cox 192.0.2.8 rejected. AUP#CDRBL",
        (r"aup#(?:\w{0,3}rbl|cxbl|bl|rbl|c[dx]rbl)",),
    ),
    Rule(
        "cox-rate", "rate_limited", "421 cox too much from 192.0.2.8. AUP#CXCNCT",
        ("aup#(?:cxcnct|cxmj|cxthrt|cncxn|mxcon)",),
    ),
    Rule(
        "cox-dns", "sender_rejected", "554 cox 192.0.2.8 no name. AUP#CXDNS",
        ("aup#(?:cx)?(?:dns|sndr|ssnr|wsndr)",),
    ),
    Rule(
        "spectrum-block", "blocklisted", "421 charter.net 192.0.2.8 wait AUP#In-1000",
        (r"aup#(?:in?-|o(?:ut)?-)?10\d0",),
    ),
    Rule(
        "spectrum-policy", "policy_rejected", "554 charter.net not accepted AUP#POL",
        ("aup#",),
    ),
    Rule(
        "godaddy-block", "blocklisted", "554 bizsmtp 192.0.2.8 closed. IB103",
        (r"\bib10[3-6]\b",),
    ),
    Rule(
        "godaddy-rate", "rate_limited", "421 bizsmtp slow down. IB007",
        (r"\bib(?:007|108|11[01])\b",),
    ),
    Rule(
        "godaddy-spf", "auth_failure", "550 5.1.0 192.0.2.8 inspect your settings. IB508",
        (r"\bib5(?:08|10)\b",),
    ),
    Rule(
        "godaddy-content", "spam_content", "552 message held. IB705",
        (r"\bib70\d\b",),
    ),
    Rule(
        "gmx-block", "blocklisted",
        "554-gmx.net (mxgmx017) Nemesis 554 For explanation visit https://postmaster.gmx.net/?ip=0&c=bip",
        ("[?&]c=(?:b|bl|bip|hi|rbl|rip)(?:&|$| )", r"\brepli?y?:? ?\(bl\)"),
    ),
    Rule(
        "t-online", "blocklisted", "554 IP=192.0.2.3 - A problem occurred. (Ask your postmaster for help)",
        (
            "tosa@", r"ip=\S{1,45} ?- (?:a problem occurred|dialup|unknown)",
            r"to clarify\.\) ?\((?:bl|nowl)\)",
        ),
    ),
    Rule(
        "netease-spam", "spam_content", "554 DT:SPM 163 mx9,PsCowAB 0",
        (r"\bdt:(?:spm|vir)\b",),
    ),
    Rule(
        "netease-rate", "rate_limited", "451 RP:QRC 163 mx3,PMCowA 0",
        (r"\b(?:rp|mi|hl):(?:cel|drc|qrc|trc|rcl|dmc|itc|ifc|icc|mep|sfq|fvc)\b",),
    ),
    Rule(
        "netease-block", "blocklisted", "553 HL:IPB 163 mx3,PMCowA 0",
        (r"\b(?:hl|mi):ipb\b",),
    ),
    Rule(
        "netease-sender", "sender_rejected", "553 HL:IHU 163 mx3,PMCowA 0",
        (r"\b(?:hl:(?:ihu|rep|eip)|mi:(?:imf|stb|spb|nhd)|dt:sum)\b",),
    ),
    Rule(
        "netease-spf", "auth_failure", "550 MI:SPF 163 mx3,PMCowA 0",
        (r"\b(?:mi|dt|hl):(?:spf|dkm|dmr)\b",),
    ),
    Rule(
        "qq-frequency", "rate_limited", "550 Domain frequency limited. http://service.mail.qq.com/",
        ("frequency limited", "suspected bounce attack"),
    ),
    Rule(
        "qq-content", "spam_content", "550 Mail content denied. http://service.mail.qq.com/",
        ("mail content (?:denied|access denied)", "suspected spam(?! ip)"),
    ),
    Rule(
        "qq-spam-ip", "blocklisted", "550 Suspected spam ip. http://service.mail.qq.com/",
        ("suspected spam ip",),
    ),
    Rule(
        "qq-mailbox", "invalid_recipient", "550 Mailbox unavailable or access denied [qq]",
        ("mailbox unavailable or access denied",),
    ),
    Rule(
        "facebook-user", "invalid_recipient", "550 5.1.1 RCP-P1 postmaster.facebook.com/codes#rcp",
        (r"\brcp-p[13]\b",),
    ),
    Rule(
        "facebook-preference", "policy_rejected",
        "550 5.1.1 RCP-P2 postmaster.facebook.com/codes#rcp Refused",
        (r"\brcp-p2\b",),
    ),
    Rule(
        "facebook-policy", "policy_rejected", "554 5.7.1 POL-P4 postmaster.facebook.com/codes#pol",
        (r"\bpol-p\d\b",),
    ),
    Rule(
        "facebook-rate", "rate_limited", "421 4.7.1 CON-T1 postmaster.facebook.com/codes",
        (r"\b(?:pol|con|rcp)-t\d\b",),
    ),
    Rule(
        "apple-reputation", "blocklisted", "550 5.7.1 [CS02] bad reputation of your IP",
        (r"\[cs\d\d\] .{0,60}reputation",),
    ),
    Rule(
        "apple-policy", "policy_rejected",
        "554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/",
        (r"\[(?:hm|cs|hme)\d{1,2}\]",),
    ),
    Rule(
        "earthlink-block", "blocklisted", "550 Dynamic/zombied IPs are not taken here. Write to us",
        ("blockedbyearthlink", "dynamic/zombied"),
    ),
    Rule(
        "att-block", "blocklisted", "521 192.0.2.5 blocked by sbc:blacklist.mailrelay.example",
        ("dnsrbl", "sbc:blacklist", "abuse_rbl@", r"att\.net/blocks"),
    ),
    Rule(
        "yandex-policy", "mailbox_disabled", "550 5.7.1 Policy rejection on the target address",
        ("policy rejection on the target address",),
    ),
)
