"""What is left when nothing more telling was said: trouble of the server, refusal by policy, expiry.

Pure data. These rules come last among the words; after them only codes decide.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

MEMBERS: tuple[Rule, ...] = (
    Rule(
        "policy-list", "policy_rejected", "550 This is a closed mailing list",
        (
            "closed (?:mailing )?list", "members[ -]only", "non-?member", "moderated",
            "user (?:rules|preferences)", "recipient preferences", "blocked by the recipient",
            "only accept(?:s|ing) (?:mail|messages) from", "not allowed to post", "not member",
            "have been told to reject", "told to reject your mail", "by your organization", "user reject",
            "not a (?:member|subscriber)(?! of (?:the |this )?domain)", "refuse to receive", "your country",
            "mail from this sender is not wanted", r"rejected by (?:the )?recipients?\b(?! server)",
            "blocked senders?", "sender is blocked by", "write to this (?:group|list)",
            "accepts? no (?:mail|messages)", "has blocked (?:you|your)",
        ),
    ),
)
"""Lists and people who choose from whom they take mail."""

HINTS: tuple[Rule, ...] = (
    Rule(
        "hint-tls", "tls_failure", "550 Come back over TLS",
        (r"\b(?:start)?tls\b", r"\bssl\b", r"\bencrypt", r"\bcertificate\b"),
    ),
    Rule(
        "hint-proof", "auth_failure", "550 SPF and your host, see for yourself",
        (r"\bspf\b", r"\bdkim\b", r"\bdmarc\b"),
    ),
    Rule(
        "hint-login", "smtp_auth_failed", "550 Who are you? Password",
        (r"\bpassword\b", r"\bcredentials?\b", r"\blog ?in\b", r"\bauthenticat"),
    ),
    Rule(
        "hint-relay", "relay_denied", "550 Go and find another relay",
        (r"\brelay",),
    ),
    Rule(
        "hint-size", "message_too_large", "552 Only 20 MB, please",
        (r"\b\d{1,6} ?mb\b", r"\bmegabytes\b", r"too (?:big|large|long)\b"),
    ),
    Rule(
        "hint-full", "mailbox_full", "552 The quota says excess here",
        (
            (
                "(?:mail ?box|inbox|postfach|boite|casella|caixa|buzon|skrzynk|schrank|quota|kvota|"
                "ящик)[^;]{0,40}(?:full|limit|voll|plein|piena|llen|chei|peln|pln|полн|excess|space)"
            ),
        ),
    ),
    Rule(
        "hint-header", "protocol_error", "550 I do not like your header",
        (r"\bheaders?\b(?![^;]{0,40}(?:size|big|large|long))", r"\bmime\b", r"\bsyntax\b", r"\bmalformed\b"),
    ),
    Rule(
        "hint-loop", "mail_loop", "554 That is a loop",
        (r"\bloop(?:s|ed|ing)?\b", r"\bhops?\b"),
    ),
    Rule(
        "hint-sender", "sender_rejected", "550 I have no trust in your return-path",
        (
            r"\breturn-?path\b", r"\bhelo\b", r"\behlo\b", r"\bhost ?name\b",
            (
                r"\bsender'?s?\b[^;]{0,50}\b(?:not|no|bad|wrong|unknown|neither)\b(?! ?(?:allow|authori|"
                "permit|accept|approv|deliver|pre-|be deliver|want|send|receiv))"
            ),
            r"\b(?:bad|wrong|unknown|real|valid)\b[^;]{0,40}\bsender",
        ),
    ),
    Rule(
        "hint-network", "blocklisted", "554 I take nothing from your network; refused",
        (
            (
                r"\b(?:your|this|sending) (?:ip|host|server|network|provider|isp|country|range|"
                r"subnet)\b[^;]{0,60}(?:refus|den|block|reject|not|ban)"
            ),
            (
                r"(?:refus|den|block|reject|not|ban)\w{0,4} [^;]{0,40}\b(?:your|this|sending) (?:ip|host|"
                r"server|network|provider|isp|range|subnet)\b"
            ),
        ),
    ),
    Rule(
        "hint-recipient", "invalid_recipient", "550 For that person we have nothing, not here",
        (
            (
                r"^[05][05]. [0-9.]{5,9} .{0,200}\b(?:user|mail ?box|recipient|account|address(?:ee)?|"
                r"customer|person|name|login|rcpt)s?\b[^;]{0,40}\b(?:not|no|never|unknown|wrong|missing|"
                r"nowhere|cannot)\b(?! ?(?:allow|authori|permit|accept|approv|deliver|pre-|be deliver|want|"
                "send|receiv))"
            ),
            (
                r"^[05][05]. [0-9.]{5,9} .{0,200}\b(?:not|no|don't|doesn't|cannot|can't|unknown|wrong|never|"
                r"nobody)\b(?! ?(?:allow|authori|permit|accept|approv|deliver|pre-|be deliver|want|send|"
                r"receiv))[^;]{0,24}\b(?:user|mail ?box|recipient|account|addressee|customer|person|login|"
                r"rcpt)s?\b"
            ),
        ),
    ),
    Rule(
        "hint-dns", "dns_failure", "550 Your MX and my DNS disagree",
        (r"\bdns\b(?!\.)", r"\bmx\b(?![.\d])", r"\bnxdomain\b", r"\bexchanger\b"),
    ),
)
"""One telling word, when no phrase was known: better than "denied" or "try again later"."""

RULES: tuple[Rule, ...] = (
    Rule(
        "server-storage", "recipient_server_error", "452 4.3.1 Insufficient system storage",
        (
            (
                "(?:insufficient|not enough|out of|no|low on) (?:system |disk |free )?(?:storage|resources?|"
                "disk|space|memory)"
            ),
            "system (?:storage|full|resources)", "mail system full", "disk (?:full|space|error)",
            "resources? (?:temporarily )?(?:unavailable|not available|exhausted|restricted|low)",
            "no space left", "cannot allocate", "back ?pressure", "load (?:average|too high|is)", "high load",
            "server load", "overload", "server (?:is )?(?:too )?busy",
        ),
    ),
    Rule(
        "policy-reason", "policy_rejected", "554 Transaction failed, reject due to policy restrictions",
        (
            (
                r"(?:due to|because of|by|against|violat\w{1,4}|for|under|breach of|per) (?:\w{1,14} "
                r")?(?:\w{1,14} )?(?:policy|policies)"
            ),
            r"policy (?:\w{1,12} )?(?:restriction|reason|violation|reject|prohibit|den)",
            "administrative(?:ly)? (?:prohibit|lockout|reject|den)",
        ),
    ),
    Rule(
        "mailer-unknown", "local_config", "554 5.3.0 unknown mailer error 2",
        ("unknown mailer error",),
    ),
    Rule(
        "remote-lost", "connection_lost", "421 Error: lost input connection",
        ("lost (?:input |output |the )?connection", "connection (?:was |has been )?(?:lost|reset|dropped)"),
        "remote",
    ),
    Rule(
        "server-error", "recipient_server_error", "451 4.3.0 Temporary server error, please try again later",
        (
            (
                "(?:internal|system|server|software|mailer|processing|i/o|input/output|database|backend|"
                "transient|temporary|local|upstream|queue|filter|ldap|lookup|application|program|delivery|"
                "general|unexpected|unspecified|runtime|storage|transaction|relay|dovecot|lmtp|milter|policy "
                r"server|directory|content filter)(?: \w{1,14})? (?:error|failure|problem|trouble|failed|"
                "fault|unavailable|config error|malfunction|not available|outage|exception|down|maintenance)"
            ),
            (
                "(?:error|problem|failure) (?:in|while|during|with|on|writing|processing|occurred|connecting|"
                "reading)"
            ),
            r"\bbusy\b", "mailer error", "maintenance", "out of (?:service|order)",
            "configuration (?:error|problem)", "misconfigur",
            "cannot (?:write|open|connect|append|store|create)",
            (
                "unable to (?:write|open|connect|switch|store|create|complete|process|accept|append|contact|"
                "verify)"
            ),
            "not ready", "shutting down", "aborted", "local (?:error|problem)",
            (
                "temp(?:orar(?:y|ily))? (?:error|fail|failure|local|lookup|problem|deferred|unavailable|"
                "reject|rejected|refused|not|out|system|unable|server|inability)"
            ),
            "serverfehler", "erreur (?:interne|systeme|temporaire)",
            "error (?:interno|temporal|del servidor)", "interner? fehler", "blad (?:serwera|systemu|wewn)",
            "vnitrni chyba", "ошибка", "временн", "系统错误", "系統錯誤", "内部エラー",
            "something went wrong", "system config", "queue file", "data timeout", "unexpected",
            "could not (?:store|save|write|complete|process)", "message could not be",
            "requested action aborted", "action aborted", "local error in processing",
            "can't create (?:user )?output file", "unknown mailer error", "resources are temporarily",
        ),
    ),
    Rule(
        "server-service", "recipient_server_error",
        "421 mx.example.org Service not available, please try again later",
        (
            (
                r"service (?:\w{1,14} )?(?:is )?(?:temporarily |currently )?(?:unavailable|not available|"
                "refuse|shut|closing|down|interrupt|stopped|not accepting|denied due to)"
            ),
            "unavailable",
            (
                r"(?:please |pls )?(?:try|retry|send|resend)(?: \w{1,12})?(?: \w{1,12})?(?: \w{1,12})? "
                "(?:later|again)"
            ),
            "again later", r"later\b", "try again", "closing (?:transmission|connection)",
            "not (?:currently )?accepting (?:mail|messages|connections|network)",
            "(?:currently|temporarily) (?:not|un|defer)", "deferred", "spater", "plus tard", "mas tarde",
            "mais tarde", "piu tardi", "pozniej", "pozdeji", "позже", "稍后", "稍後", "しばらく", "later",
            r"wait\b",
        ),
    ),
    Rule(
        "remote-expired", "expired", "550 4.4.7 Message expired: delivery time is over",
        (
            "(?:message|delivery|mail)[^;]{0,20} (?:has )?(?:expired|timed out)", "too old", "retry timeout",
            "undeliverable for", "delivery time expired", "in (?:the )?queue too long",
            "could not be delivered for",
        ),
    ),
    Rule(
        "policy-word", "policy_rejected", "554 5.7.1 Access denied",
        (
            "policy", "policies", "politique", "politica", "richtlinie", "zasad", "политик", "策略",
            "ポリシー", "prohibit", "administrative", "administrator",
            (
                "(?:access|permission|delivery|connection|client host|host|message|mail|transaction|e-?mail|"
                "session|request|user|sender|transport|service|recipient|command|server|rcpt|data|body|"
                r"client|domain|address)(?: \S{1,40})? (?:is |was |has been |have been |were |are |not |be |"
                "been )?(?:denied|refused|rejected|disallowed|forbidden|not allowed|not permitted|not "
                "authori[sz]ed|not accepted|blocked|restricted|declined|unacceptable|bounced|unauthori[sz]ed|"
                "discarded)"
            ),
            "not (?:allowed|permitted|authori[sz]ed|accepted|acceptable|accept)", "denied", "refused",
            "rejected", "forbidden", "verboten", "interdit", "prohibido", "vietato", "zabronion", "zakazan",
            "запрещ", "отклон", "abgelehnt", "abgewiesen", r"refuse\b", "rejete", "rechazad", "rifiutat",
            "odmitnut", "odrzucon", "geweigerd", "拒绝", "拒絕", "拒否", "insufficient permission",
            "unacceptable", "go away", "blocked", "restricted", "you are not", "access-denied", "security",
            "don't want", "do not want", "unwanted", "redundant", "declined", "permission", "violat",
        ),
    ),
)
