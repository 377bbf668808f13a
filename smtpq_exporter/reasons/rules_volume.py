"""Volume: too many messages, connections, recipients or errors in a time, here or there.

Pure data. Sources: Postfix anvil(8) and postscreen(8) texts, Exim ratelimit ACLs, policyd, cPanel/Plesk
limits, Exchange and large providers.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "rate-word", "rate_limited", "450 4.7.1 Message rate limit exceeded, slow down",
        (
            "rate[ -]?limit", "ratelimit", "throttl", "frequency", "slow down", "sending too",
            "too (?:fast|quickly|frequent|often)",
            (
                r"(?:unexpected|high|excessive|large|unusual|increased|suspicious) (?:\w{1,12} )?(?:volume|"
                "rate|number|amount|traffic|activity)"
            ),
            (
                "(?:sending|delivery|receiving|message|mail|connection|hourly|daily|relay|sent|per[- ]hour|"
                r"per[- ]day) (?:rate|limit|quota)s?\b[^;]{0,30}(?:exceed|reach|hit|over)"
            ),
            "at a rate", "rate (?:that|exceed|is|control|of)",
            (
                r"(?:exceed|reach|over)\w{0,5} [^;]{0,50}(?:rate|per (?:hour|day|minute|second|session|"
                "connection)|sending limit|sent limit|send limit|(?:connection|message|mail|email|recipient|"
                "envelope)s? (?:limit|count|quota))"
            ),
            "submission rate", "slower",
        ),
    ),
    Rule(
        "rate-too-many", "rate_limited", "421 4.7.0 Too many concurrent connections from your host",
        (
            (
                r"too many (?!hops|unknown|un|.?received)(?!(?:\w{1,10} )?(?:nested|errors? in|"
                r"attach))(?:\w{1,14} ){0,1}(?:\w{1,14} )?(?:connections?|sessions?|messages?|mails?|"
                "e-?mails?|recipients?|rcpts?|requests?|concurrent|errors?|attempts?|transactions?|commands?|"
                "invalid|deliveries|tries|unknown|simultaneous|processes|threads|simultaneously)"
            ),
            "too much (?:mail|traffic|email|load from)", "too many (?:connections|from)", "too many messages",
            "mail ?bomb", "message flood", "flood(?:ing|ed)",
        ),
    ),
    Rule(
        "rate-limit", "rate_limited", "421 4.7.0 Maximum number of connections reached for your address",
        (
            (
                r"(?:connection|session|concurrency|concurrent|simultaneous)s? (?:\w{1,12} )?(?:limit|count|"
                "quota|rate)"
            ),
            (
                r"(?:maximum|max\.?|max number|limit)(?: number)?(?: of)? (?:\w{1,12} )?(?:\w{1,12} "
                ")?(?:connections?|sessions?|messages?|recipients?|emails?|rcpts?)"
            ),
            (
                "(?:messages?|mails?|emails?|recipients?|connections?) per (?:hour|day|minute|second|"
                "connection|session|time)"
            ),
            r"(?:daily|hourly|sending|sender|outgoing|outbound|smtp relay) (?:\w{1,12} )?(?:limit|quota)s?",
            "reduce (?:your |the )?(?:rate|number|speed|volume)",
            (
                r"\b(?:user|account|domain|sender|host|ip)[^;]{0,40} (?:has |have )?(?:exceeded|reached) "
                "[^;]{0,30}(?:limit|threshold|allowance|sending|messages)"
            ),
            (
                "exceeded (?:the )?(?:max|maximum|number of|allowed)[^;]{0,30}(?:messages|emails|recipients|"
                "connections|hour|day)"
            ),
            "policy size per transaction", "same message-id", "email quota exceeded",
            r"only \d{1,4} (?:recipients|connections|messages)", "defers? and failures per", "max defers",
            r"limit of \d{1,5} (?:messages|mails|emails|recipients|connections)", "permitted limits?",
            "quota for sending", "sent (?:too many|more) (?:mails?|messages|e-?mails?)",
            (
                "(?:message|sending|hourly|daily|bulk|send) (?:quota|limit)s?[^;]{0,30}(?:used up|exhaust|"
                "for |of )"
            ),
            "thread limit", "spike in", r"\bsent \d{1,6} (?:messages|mails|e-?mails)",
            r"in the (?:last|past) \d{1,4} ?(?:seconds|minutes|hours|min\b|h\b)",
            (
                r"\d{1,5} (?:connections?|recipients?|messages?|sessions?) (?:are |is |per \w{1,10} "
                ")?(?:allowed|permitted)"
            ),
            r"opened \d{1,5} (?:connections|sessions)",
        ),
    ),
    Rule(
        "rate-languages", "rate_limited", "421 mx Zu viele Verbindungen von Ihrem Server",
        (
            "zu viele", "zu haufig", "trop de (?:connexion|message|mail|destinataire)",
            "demasiad[oa]s (?:conexion|mensaje|destinatario|correo)", "muitas? (?:conexo|mensage|destinatar)",
            "troppe? (?:conness|messagg)", "troppi (?:messagg|destinatar)", "za duzo", "zbyt wiele",
            "zbyt duzo", "prilis mnoho", "слишком много", "превышен лимит",
            r"превышен\w{0,2} (?:количеств|частот)", "频率", "频繁", "過多", "超过.{0,6}限制", "接続数",
            "cok fazla", "te veel",
        ),
    ),
    Rule(
        "rate-unusual", "rate_limited", "421 4.7.0 Held back because of user complaints",
        (
            (
                "temporarily (?:deferred|blocked|rate|restricted|limited)[^;]{0,40}(?:volume|complaints|"
                "activity|rate)"
            ),
            "user complaints", "receiving (?:mail|messages) (?:too|at)", "busy sending",
            "sending (?:ip|server|host) (?:temporarily )?(?:deferred|limited)", "denial of service",
            r"\bdos\b", "unusual sending", "bounce attack", "directory harvest", "harvesting",
        ),
    ),
)
