"""Reputation: blocklists of addresses and networks, and content that is taken for spam or malware.

Pure data. Sources: names of public DNS blocklists, Postfix reject_rbl_client and rspamd/SpamAssassin/Amavis
wording, Sophos, Trend Micro, Fortinet, MailMarshal and Barracuda texts, postmaster pages.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

LISTS: tuple[Rule, ...] = (
    Rule(
        "content-list", "spam_content", "554 5.7.1 Message contains a URL listed in multi.uribl.example",
        (
            "uribl", "surbl", r"\bdbl\.", r"dbl\.spamhaus", "spamhaus dbl",
            "blacklisted (?:url|link|domain|uri)", "(?:url|link|uri)s? [^.]{0,40}(?:black|block)-?list",
            r"sender address \S{1,80} blocked using", r"domain[^;]{0,30}dbl\b",
            "(?:black|block)-?listed (?:url|link)",
        ),
    ),
    Rule(
        "blocklist-name", "blocklisted",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        (
            "spamhaus", "spamcop", r"\bsorbs\b", "uceprotect", "dnsbl", r"\brbl\b", "dnswl", "abuseat",
            r"\bcbl\b", r"\bxbl\b", r"\bsbl\b", r"\bpbl\b", "spamrats", "mailspike", "senderscore",
            "senderbase", "talosintelligence", "ironport reputation", "trend ?micro", "mail-abuse", "njabl",
            "dynablock", r"blackholes?\b", "barracudacentral", "psbl", "invaluement", "manitu", "lashback",
            r"truncate\.gbudb", "hostkarma", r"countries\.nerd", "rfc-ignorant", r"ix\.dnsbl", "cleantalk",
            "abusix", "backscatterer", "trustedsource", "rbl[+-]", "realtime block",
        ),
    ),
)
"""Names of lists: certain."""

REPUTATION: tuple[Rule, ...] = (
    Rule(
        "blocklist-word", "blocklisted", "550 5.7.1 Your IP is blacklisted here",
        (
            "black-? ?list(?!ed recipient)", "block-? ?list", "deny-? ?list",
            (
                r"blocked (?:using(?! spam)|by (?:\S{0,40}(?:rbl|bl|list)\b|\S{3,60}\.(?:org|net|com)\b|our |"
                "dns|rbl))"
            ),
            "blocklisted", "schwarze liste", "liste noire", "lista negra", "lista nera", r"czarn\w{1,4} list",
            "cerna listina", "cernou listin", r"черн\w{1,3} спис", "kara list", "黑名单", "ブラックリスト",
            "not on (?:our|the) (?:white|allow)-?list", "banned (?:sender|sending|ip|host|address|domain)",
            (
                r"\b(?:ip|host|address|server|sender|domain|you|network)[^;]{0,40} (?:is|are|has been|was|"
                "been) (?:temporarily |permanently |currently )?(?:banned|black|listed)"
            ),
        ),
    ),
    Rule(
        "blocklist-listed", "blocklisted", "550 5.7.1 192.0.2.1 listed at zen.example.net",
        (
            "(?:is|are|been|being|was|due to|currently) (?:list(?:ed|ing)) (?:in|on|at|by)",
            r"(?<!not )\blisted (?:in|on|at|by) ", "due to listing",
            r"found (?:in|on) (?:the )?\S{0,24}\b(?:bl|rbl|xbl|dnsbl)\b",
        ),
    ),
    Rule(
        "blocklist-reputation", "blocklisted",
        "554 5.7.1 Connection refused due to poor reputation of 192.0.2.1",
        (
            (
                r"\b(?:poor|bad|low|poorly|negative|insufficient|ip|sender|domain|network|senders?'?s?) "
                r"(?:\w{1,12} )?reputation"
            ),
            "reputation[^;]{0,40}(?:poor|bad|low|block|reject|refus|too|score|fail)",
            "(?:because|due to)[^;]{0,40}reputation", "reputation (?:service|filter|check|system)",
            "by reputation", "track record",
        ),
    ),
    Rule(
        "blocklist-ip", "blocklisted", "554 5.7.1 Mail from IP 192.0.2.1 has been blocked",
        (
            (
                r"\b(?:ip|address ip|adresse ip|ip-adresse|direccion ip|indirizzo ip)(?: address)?[^;]{0,50} "
                "(?:has been |is |was |been |est |wurde )?(?:temporarily )?(?:blocked|bloque|gesperrt|"
                "bloqueada|bloccato|identified as spam|rejected by|refused|denied|not allowed)"
            ),
            r"\bbad ip\b", "blocked ip", "access from ip address",
            r"\bip (?:blocked|denied|refused|rejected|filtered)",
            (
                "(?:client|host|server|network|mail from|connections? from|mails? from|address) (?:host |ip "
                r")?\S{0,60} (?:has been |is |was |are )?(?:temporarily )?(?:blocked|banned|blacklisted)"
            ),
            "(?:blocked|banned|rejected|refused|denied) (?:ip|host|for (?:abuse|spamming|sending spam))",
            (
                "(?:dynamic|dial-?up|residential|end-?user|generic)[- ](?:ip|address|range|host|line|isp|"
                "pool|client|looking|rdns|hostname)"
            ),
            "blocked for (?:abuse|spam)",
            (
                "your (?:mail ?server|server|host|network|isp|provider)[^;]{0,30} (?:is|has been|was) "
                "(?:blocked|banned|denied)"
            ),
            r"bypass\w{0,3} [^;]{0,30}(?:relay|mail server|mx)",
            "use (?:the )?smtp (?:server |relay )?of your (?:provider|isp)",
            "use your (?:isp|provider)'?s? (?:mail|smtp|relay)",
            (
                "(?:residential|dynamic|dial-?up|home|consumer|cloud) (?:networks?|connections?|hosts?|ip|"
                "lines?|users?)"
            ),
        ),
    ),
    Rule(
        "blocklist-spam-source", "blocklisted", "550 5.7.1 Your network is a known source of spam",
        (
            "spam(?:mer|ming)? (?:source|host|ip|site|network|server)",
            "known spam(?! ?(?:fingerprint|pattern|content|message|signature))",
            "(?:source|origin|sender) of spam", "spammer", "open (?:relay|proxy)", "insecure mail relay",
            "complaints? (?:about|from|received|regarding)", "sen(?:d|t|ding) (?:too much |us )?spam",
            "spam (?:from|originat|coming) ", "blocked for spamming", "abuse complaints", "delist",
            "removal (?:request|from)", "spam (?:history|activity|incident)", "incident de spam",
            "not allowed to connect", r"(?:hacked|compromised|zombie|botnet)\b",
            (
                "(?:host|machine|computer|server|pc|network|ip) (?:is |may be |seems |appears )(?:to be "
                ")?infected"
            ),
            "spamhost", "trapped", "hit(?:ting)? (?:a )?spam ?trap", "unfavorable", "complaints? rate",
            "(?:reported|blocked|listed) for abuse", "spam complaints?",
        ),
    ),
)
"""Words about an address or network."""

SPAM: tuple[Rule, ...] = (
    Rule(
        "virus", "spam_content", "554 5.7.1 Message rejected: virus found (Eicar-Test)",
        (
            "virus(?! ?scan| filter| engine| check)", "malware", "trojan", "phish", r"\bworm\b", "infected",
            "eicar", "clamav", "ransomware", "macro (?:in|detected)", "malicious",
            (
                "(?:prohibited|banned|forbidden|blocked|dangerous|executable|illegal|unsafe|disallowed) "
                "(?:file|attachment|extension|content|type)"
            ),
            (
                r"attachments? (?:type )?(?:\S{1,40} )?(?:is |are |was |has been |type |extension )?(?:not "
                "allowed|blocked|prohibited|forbidden|rejected|not accepted|banned)"
            ),
            "illegal attachment", "file type not", "attachments?: ",
            "attachment (?:extension|file|name|type)",
        ),
    ),
    Rule(
        "spam-word", "spam_content", "550 5.7.1 Message looks like SPAM to us",
        (
            "spam", r"\bjunk", r"\bube\b", r"\buce\b", "unsolicited", "unerwunscht", "werbung", "pourriel",
            "indesirable", "correo no deseado", "nevyzadan", "спам", "垃圾", "迷惑メール", "スパム", "스팸",
            "bulk[ -](?:e-?mail|mail|message)", "as bulk", "mass mail", r"\bbulk\b", "advertis(?:ing|ement)",
        ),
    ),
    Rule(
        "spam-content", "spam_content", "554 5.6.0 Message content rejected, id=1234-05",
        (
            (
                "content[^;]{0,30}(?:reject|refus|den|block|filter|not accept|inappropriate|objection|"
                "suspicious|violat|unacceptable)"
            ),
            (
                "(?:reject|refus|den(?:y|ied)|block|unacceptable|offensive|inappropriate|objectionable|"
                r"suspicious)\w{0,3}[^;]{0,30} content"
            ),
            "potential security issue", "security (?:risk|threat)", "nature of the content",
            "(?:message|mail)[^;]{0,12} (?:is|looks|seems|appears)[^;]{0,12} suspicious",
            (
                "(?:contains?|containing) (?:a |an )?(?:bad|forbidden|prohibited|banned|blocked|suspicious|"
                "blacklisted|disallowed) "
            ),
            "heuristic", "bayes", "mail rejete",
            "suspicious (?:message|mail|activity|link|url|header|pattern)", "filtered (?:by|as)",
            "content filter",
            "rejected by (?:content|filter|header|body|milter|the content|mailmarshal|sophos|rspamd)",
            "message (?:body|content) (?:was )?rejected",
            r"scor(?:e|ed|ing) (?:of )?\S{0,12} ?(?:is |was )?(?:too high|exceed|above|over|points)",
            "(?:rspamd|sa|dspam) (?:score|reject)", "gtube", "pattern match", "high[- ]probability",
            "fingerprint", r"\bcontent scan", "matches a profile", "identified as bulk", "offensive",
            "obscene", "profanity",
        ),
    ),
)
