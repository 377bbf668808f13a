"""The sender and the way: HELO, reverse DNS, the envelope sender, and relaying for others.

Pure data. Sources: Postfix smtpd(8) restriction texts, Exim sender verification, Sendmail
check_mail/check_relay, qmail-smtpd rcpthosts, Exchange, postmaster pages.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

REVERSE: tuple[Rule, ...] = (
    Rule(
        "sender-ptr", "sender_rejected",
        "450 4.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
        (
            r"\bptr\b",
            "reverse[- ]?(?:dns|lookup|name|address|hostname|mapping|resolution|ip|pointer|record|map)",
            r"\br-?dns\b", "fcrdns", "forward[- ]confirmed", "iprev",
            "cannot find your (?:reverse )?host ?name", "cannot resolve your",
            "(?:no|missing|invalid|bad|without|lacks?|without a) (?:valid )?(?:reverse|rdns|ptr|dns ptr)",
            r"\b(?:ip|client|host|your)[^;]{0,40}(?:does not|doesn't|not) resolve", "ip name lookup failed",
            "ip address does not match", "hostname (?:does not|doesn't) match", "may not be mail exchanger",
            "possibly forged", r"unverif\w{1,6} sending", "your ip address[^;]{0,30}(?:has no|not have)",
            "no (?:host ?name|dns) (?:found )?for", "rfc ?1912", "host name lookup of (?:your|the) ip",
            "(?:resolve|find|look up|lookup)[^;]{0,16} (?:the |your )?(?:sender|mail from)",
        ),
    ),
)

SENDER: tuple[Rule, ...] = (
    Rule(
        "sender-helo", "sender_rejected",
        "504 5.5.2 <mail>: Helo command rejected: need fully-qualified hostname",
        (
            (
                r"(?:\bhelo\b|\behlo\b|helo/ehlo|greeting name)[^;]{0,80}(?:reject|invalid|den|refus|not|"
                "fail|match|require|forg|bad|fake|mismatch|syntax|bogus|impersonat|unresolv|empty|resolve|"
                "blocked|numeric|needs|must|wrong|incorrect|is my)"
            ),
            (
                r"(?:invalid|bad|bogus|forged|fake|incorrect|wrong|unqualified|missing|illegal) (?:\w{1,12} "
                ")?(?:helo|ehlo)"
            ),
            "need fully-qualified hostname", "not a fqdn", "fully[- ]qualified (?:host|domain)", "bad helo",
            "host impersonating", "mail ?server is not properly configured",
            r"\b(?:helo|ehlo) (?:should|must|needs|has to)",
            "(?:invalid|wrong|incorrect) (?!sequence)[^;]{0,20} ?(?:helo|ehlo)",
            "host ?name (?:is )?(?:not|in)valid", "your host ?name",
        ),
    ),
    Rule(
        "sender-address", "sender_rejected",
        "550 5.1.8 <a@nowhere.example>: Sender address rejected: Domain not found",
        (
            (
                "sender (?!ip )(?:e-?mail )?(?:address|domain|name)?[^;]{0,30}(?:rejected|refused|denied|"
                "invalid|not (?:allowed|accepted|exist|verified|valid|found|permitted|recogni|authori)|"
                "unknown|verif|does(?: not|n't) (?:exist|resolve)|blocked|bad|unresolv|could not|cannot|"
                "mismatch|unroutable|unrouteable|must)"
            ),
            "(?:domain of )sender", "sender (?:verif|call-?out)", "callout", "call-?back (?:verif|fail)",
            "verify (?:sender|mailfrom)",
            (
                "(?:invalid|bad|unknown|illegal|unverified|unacceptable|forged|fake|non-?existent|"
                r"unresolvable|unroutable|blocked|rejected|unauthorized|unrecogni[sz]ed) (?:\w{1,12} "
                ")?(?:sender|mail[- ]?from|from (?:address|domain)|return[- ]path|envelope[- ](?:sender|"
                "from))"
            ),
            (
                "(?:mail ?from|envelope[- ](?:sender|from)|return[- ]?path|sender's? domain|from domain|from "
                "address|from:? header)[^;]{0,60}(?:reject|refus|den|invalid|not (?:allowed|accepted|exist|"
                "valid|found|permitted|resolv)|does(?: not|n't) (?:exist|resolve|match)|unknown|mismatch|"
                "unresolv|bad|must|block)"
            ),
            "unacceptable mail-?from", "mail ?from is mismatched", "couldn't (?:verify|find) (?:the )?sender",
            "could not (?:verify|validate) (?:the )?sender",
            (
                "your (?:e-?mail )?(?:address|domain|email)[^;]{0,40}(?:is not allowed|does not|doesn't|"
                "rejected|invalid|not accepted|refused|not valid|unknown|not permitted)"
            ),
            "domain (?:must|of)[^;]{0,30}resolve",
            (
                "(?:sending|sender's|originating) (?:domain|address|host)[^;]{0,40}(?:does not|doesn't|"
                "invalid|unresolv|unknown|has no|must|not)"
            ),
            "not allowed to send (?:from|as|mail from|e-?mails? (?:from|as))", "send as this sender",
            "send-?as", "not permitted to send",
            (
                "no (?:mx|a) (?:or a |or mx )?(?:records? )?(?:for|in|of) (?:the )?(?:sender|from|mail from|"
                "return)"
            ),
            "bounces? not accepted", "null sender", "empty (?:sender|envelope|return)",
            "sender is (?:not|on|blocked|unknown|invalid)", "badmailfrom",
            "envelope sender (?:has been|is|was|domain)", "sender denied", "unknown sender",
            "sender (?:is|was) (?:denied|rejected)", "possible forgery",
            "forg(?:ed|ery) (?:sender|from|address)", r"\bbatv\b", "bounce address",
            "fully qualified e-?mail", "not match the sender", "verification of (?:your |the )?sender",
            "(?:couldn't|could not|cannot|can't|unable to) (?:check|verify|validate) (?:the |your )?sender",
            (
                "(?:mail ?from|from domain|sender)[^;]{0,40} (?:cannot|can't|could not|couldn't|not) (?:be "
                ")?(?:resolv|verif|found)"
            ),
            "from:? address[^;]{0,30} (?:belongs|owned|not yours)", "sender[^;]{0,40}null ?mx",
            "bounces?[^;]{0,30} (?:refused|not accepted|rejected|not allowed)", "sender unverified",
            "unverified sender",
            r"(?:return-?path|mail from|sender) (?:address |domain )?[^;]{0,20}(?:neither|no (?:mx|a)\b)",
            "real sender", "your from (?:domain|address)",
        ),
    ),
    Rule(
        "sender-languages", "sender_rejected", "550 5.1.7 Absenderadresse abgelehnt",
        (
            r"absender\w{0,10}[^;]{0,50}(?:abgelehnt|ungultig|unbekannt|existiert nicht|gesperrt|nicht)",
            "expediteur[^;]{0,50}(?:refuse|rejete|invalide|inconnu|bloque|n'existe)",
            "remitente[^;]{0,50}(?:rechazad|inval|desconocid|no |bloquead)",
            "remetente[^;]{0,50}(?:rejeitad|inval|desconhecid|nao|bloquead)",
            "mittente[^;]{0,50}(?:rifiutat|non|sconosciut|bloccat|respint)",
            r"nadawc\w{1,3}[^;]{0,50}(?:odrzucon|niepoprawn|nieznan|nie )",
            r"odesilatel\w{0,3}[^;]{0,50}(?:odmitnut|neplatn|neexist|neznam)",
            r"отправител\w{1,3}[^;]{0,50}(?:отклон|не |неверн|заблокир|запрещ)",
            "afzender[^;]{0,40}(?:geweigerd|onbekend|niet)", "发件人", "寄件人", "送信者",
        ),
    ),
    Rule(
        "sender-code", "sender_rejected", "553 5.1.7 This is not a valid address",
        (r"^[45]\d\d [45]\.1\.[78] ",),
    ),
)

RELAY_PLAIN: tuple[Rule, ...] = (
    Rule(
        "relay-denied", "relay_denied",
        "550 5.7.1 <u@example.net>... Relaying denied. Proper authentication required",
        (
            (
                "(?:relay(?:ing)?|relay access) (?:is )?(?:denied|not allowed|not permitted|prohibited|"
                "disallowed)(?![-:,. ]{0,3}(?:your ip|ip name|cannot|without|you))"
            ),
            "unable to relay",
        ),
    ),
)
"""A plain refusal to relay, which may go on about a login."""

RELAY: tuple[Rule, ...] = (
    Rule(
        "relay-word", "relay_denied", "553 You are trying to use this host as a relay",
        (
            (
                r"relay(?:ing|ed|s)?(?: \w{1,12})?(?: \w{1,12})?(?: \w{1,12})? (?:denied|prohibited|not|"
                "refused|disabled|forbidden|rejected|disallowed|blocked|restricted|operation)"
            ),
            (
                r"(?:unable|not|denied|cannot|can't|won't|don't|refus\w{1,3}|forbidden|disallowed|prohibited|"
                r"no|not permitted|not allowed|unauthorized|attempt\w{0,3}|invalid)(?: \w{1,14})?(?: "
                r"\w{1,14})?(?: \w{1,14})?(?: \w{1,14})? relay"
            ),
            "relay (?:access|not|disallow|denied)", "as a relay", "open relay (?:not|denied)", "no relay",
            "we (?:do not|don't) relay", "relayhost", "third[- ]party (?:mail|relay)", "rcpthosts",
            "isn't in my list", "not in my (?:rcpt|list|domain)", "relaying", "relaying mail to",
            "as mail gate(?:way)?", "remote domains not supported",
        ),
    ),
    Rule(
        "relay-domain", "relay_denied", "550 5.7.1 This domain is not hosted here",
        (
            (
                "(?:not|don't|do not|doesn't|does not|isn't)[^;]{0,30}(?:handle|accept|host|serve|receive|"
                "responsible|configured)[^;]{0,30}(?:domain|mail for (?!this mail)|recipient domain)"
            ),
            (
                r"domain (?:is )?(?:not|isn't) (?:\w{1,12} )?(?:hosted|local|handled|served|configured|"
                "accepted|allowed|here|in my|found in)"
            ),
            "not a (?:local|gateway|local or|relay|hosted|final) (?:domain|destination|recipient domain)",
            "not (?:one of )?(?:our|my) (?:local )?domains?", "unknown (?:recipient )?domain here",
            "not configured to (?:accept|relay|receive)", "we do not (?:accept|handle|host)",
            "mail for this domain", "domain not (?:hosted|local|served|allowed|in)",
            r"weiterleit\w{1,4}[^;]{0,20}(?:nicht|verweigert)", "relais", "relayage",
            r"non autoris\w{1,4} a relayer", "inoltro non", "encaminhamento", "przekazywanie", "ретрансляц",
            r"пересылк\w{1,2} запрещ", "转发", "中継",
            r"domain \S{1,60} (?:is )?not (?:\w{1,12} )?(?:hosted|local|handled|served|configured|here)",
            "allowed to be relayed", "isn't allowed", "not (?:a )?(?:local host|gateway)", "not a gateway",
            "isn't (?:handled|hosted|served|local)",
        ),
    ),
)
