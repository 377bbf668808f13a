"""Trust between servers: greylisting, TLS, SMTP AUTH, and proof of the sender (SPF, DKIM, DMARC).

Pure data. Sources: postgrey, milter-greylist, policyd and rspamd reply texts, RFC 3207, 4954, 7208, 7372,
7489, 8461, Postfix and Exim wording, postmaster pages of large providers.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

GREYLIST: tuple[Rule, ...] = (
    Rule(
        "greylist-word", "greylisted", "451 4.7.1 Greylisting in action, please come back in 00:05:00",
        (
            "gr[ea]y-? ?list", "gr[ea]ylst", "postgrey", r"\bgl/gl\b", r"grey\.rbl", "graulist",
            "liste? grise", "lista gris", "lista grigia", "szar[aey][jm]? lis[ct]", "seda listina",
            "szurkelist", r"\bgl0\d\b", "серый список", "серые списки",
        ),
    ),
    Rule(
        "greylist-minutes", "greylisted", "450 4.2.0 You are new here, try again in 300 seconds",
        (
            (
                r"(?:try|retry|come back|again|wait|resend)[^;]{0,40} in (?:at least |about )?\d{1,5} "
                r"?(?:s\b|sec|min)"
            ),
            r"deferred for \d{1,5} ?(?:s\b|sec|min)", "being deferred for",
            r"temporarily (?:deferred|rejected|refused)[^;]{0,30}\d{1,5} (?:sec|min)",
        ),
    ),
    Rule(
        "greylist-first-time", "greylisted", "451 4.7.1 This is your first contact, please try again later",
        (
            "first (?:time|attempt|contact)[^;]{0,40}(?:try|retry|later|again)",
            "you(?:r server)? (?:are|is) (?:new|unknown) here",
            "(?:unknown|new) (?:triplet|sender|triple)[^;]{0,20}(?:try|retry|later|defer)", "triplet",
            "unfamiliar (?:source|sender|client|host|ip)",
            "early[ -]retry", "retry too (?:soon|early)", "too early", "come back later",
            "connection will be accepted (?:later|next)", "early talker delay",
            "temporary deferral to verify", "defer(?:red)? (?:unknown|first|new)",
        ),
    ),
)

TLS: tuple[Rule, ...] = (
    Rule(
        "tls-required", "tls_failure", "530 5.7.0 Must issue a STARTTLS command first",
        (
            "must issue (?:a )?starttls",
            "starttls (?:command )?(?:first|is required|required|needed|unavailable)",
            (
                "(?:tls|ssl|encryption|encrypted (?:connection|session)|secure (?:connection|channel)) (?:is "
                "|are |was )?(?:required|needed|mandatory|necessary|not available|unavailable|not supported|"
                "not offered)"
            ),
            "requires? (?:a )?(?:starttls|tls|ssl|encrypt|secure connection)",
            r"use (?:of )?(?:starttls|tls|ssl)\b", "wasn't sent over a tls", "without (?:tls|encryption)",
            "over (?:an? )?(?:unencrypted|insecure)", "to use tls", "sent over (?:a )?(?:tls|secure)",
            "tls (?:version|protocol)", "insufficient encryption", "verschlusselung", "chiffrement requis",
            "cifrado requerido", "must encrypt", "does not support (?:tls|starttls|encrypt)",
            "not support tls", "must be (?:encrypted|secure|secured)",
            (
                "(?:could not|cannot|can't|unable to|failed to) (?:start|establish|negotiate) (?:tls|ssl|"
                "starttls|encrypt)"
            ),
        ),
    ),
    Rule(
        "tls-broken", "tls_failure", "454 4.7.5 Your certificate has expired",
        (
            (
                "tls (?:currently |temporarily )?(?:not available|unavailable|failure|failed|error|"
                "negotiation|alert)"
            ),
            "(?:ssl|tls)[ -]?handshake",
            "certificate (?:verif|has expired|expired|is not|invalid|not|name|host|required)",
            r"(?:invalid|expired|untrusted|self-?signed|bad|no valid) (?:\w{1,12} )?certificate",
            "starttls[^.]{0,40}(?:fail|error)", r"\btlsa\b", r"\bdane\b", "mta-sts", "requiretls",
            r"4\.4\.317", "failed to establish tls", "socketsecurity", "encryption (?:failed|failure|error)",
            "cipher",
        ),
    ),
)

LOGIN: tuple[Rule, ...] = (
    Rule(
        "login-required", "smtp_auth_failed", "530 5.7.0 Authentication required",
        (
            "(?:smtp )?auth(?:entication|orization)? (?:is )?(?:required|needed|necessary|mandatory)",
            "(?:must|should|need to|please|have to|first) (?:be )?(?:log ?in|log on|sign in|authenticate)",
            "authenticate (?:first|yourself|before)",
            r"(?:requires?|needs?) (?:smtp )?(?:auth\b|authentication\b|login)",
            r"not (?:logged in|been authenticated|authenticated\b)", "unauthenticated senders? not",
            r"smtp auth\b.{0,30}require", "you (?:are|have) not (?:yet )?(?:logged|authenticated)",
            "anmeldung erforderlich", "authentification requise", "autenticacion requerida",
            "need to authenticate", "need auth", r"without (?:smtp )?auth(?:entication)?\b",
            "only authenticated users", "not owned by user", "pop before smtp", "pop-before",
            "not (?:allowed|permitted|authorized) to (?:use|send)[^.]{0,30}(?:without|unless)[^.]{0,12}auth",
            "don't authenticate", "was not authenticated", "not authenticated", "authentication turned off",
            "smtp auth re",
        ),
    ),
    Rule(
        "login-failed", "smtp_auth_failed", "535 5.7.8 Error: authentication failed: bad password",
        (
            (
                r"(?:sasl|login|logon|smtp auth|auth)(?:\w{0,9})? (?:\w{1,12} )?(?:authentication )?(?:has "
                r")?(?:fail|failure|failed|error|unsuccessful|rejected|denied|aborted|mechanism)\b"
            ),
            "^535 ",
            "authentication (?:has )?(?:fail|unsuccessful|rejected|invalid|credentials|mechanism|disabled)",
            "user ?names? (?:and|or) passwords?",
            "incorrect (?:authentication|username|user name|password|login)",
            (
                "(?:bad|invalid|wrong) (?:user(?:name)?(?: name)? or |user/|login or |login and )?(?:passw|"
                "credential|authentication|login)"
            ),
            "(?:application|app)[ -]specific password", "app password", "web browser",
            "credentials? (?:invalid|rejected|incorrect|not)",
            r"too many (?:login|auth|failed|bad auth)\w{0,12} (?:attempt|fail|login|err)",
            "passwor[dt] (?:expired|incorrect|invalid|wrong)", "cannot decode response", "identity changes",
            "auth(?:entication)? (?:type|mechanism|method)", "xoauth", "cannot authenticate",
            "unable to authenticate", "temporary authentication fail", "password command failed",
            "smtpclientauth", "sender address rejected: not (?:owned|logged)",
            "mail from must equal authorized user", "must equal auth", "auth(?:entication)? exchange",
            "authorization fail",
            r"\bauth (?:command|not (?:advertised|available|supported|enabled|allowed))",
            "temporary authentication", "authentication (?:server )?error",
        ),
    ),
)

PROOF: tuple[Rule, ...] = (
    Rule(
        "dmarc", "auth_failure", "550 5.7.1 rejected by the DMARC policy of example.org",
        (r"\bdmarc\b",),
    ),
    Rule(
        "spf", "auth_failure", "550 5.7.23 Message rejected: SPF check failed for example.org",
        (
            (
                r"\bspf\b(?![^.]{0,20}helo, ptr)(?:[^;]{0,80}(?:fail|reject|not|den|record|check|policy|"
                "permit|deny|block|error|mismatch|soft|hard|invalid|violat|valid|forbid|prohib|authenti|:)|$)"
            ),
            "sender policy framework", "openspf",
            r"not (?:a )?(?:designated|permitted|authori[sz]ed|allowed)[^;]{0,60}\bspf\b",
            r"(?:fail\w{0,3}|reject\w{0,2})[^;]{0,30} spf\b",
            (
                r"(?:\bip|host|server|client)\b[^;]{0,30} (?:is )?not (?:allowed|permitted|authori[sz]ed) to "
                "send (?:e-?mails? |messages? )?(?:from|for|on behalf)"
            ),
        ),
    ),
    Rule(
        "dkim", "auth_failure", "550 5.7.20 No passing DKIM signature found",
        (
            r"\bdkim\b", "domainkeys? ", "signature (?:verification|validation|check) fail",
            "bad (?:dkim )?signature", "arc (?:chain|seal|validation)",
        ),
    ),
    Rule(
        "unauthenticated", "auth_failure", "550 5.7.26 This mail is unauthenticated, which poses a risk",
        (
            (
                r"(?:mail|message|email|sender|domain)s? (?:from \S{1,80} )?(?:is|are|was|because it is) "
                "(?:unauthenticated|not authenticated)"
            ),
            r"unauthenticated (?:e-?mail|message|mail)\b",
            "authentication (?:information|checks|results|requirements|policy|level)",
            "multiple authentication checks", "sender authentication",
            "fail(?:s|ed)? (?:to pass )?(?:email |message )?authentication", "sender id", "senderid",
            (
                r"(?:sending|from) domain (?:\S{1,60} )?(?:does not|doesn't) (?:meet|pass) "
                "[^.]{0,30}authentication"
            ),
            "no authentication", "authentication-results", "spoof(?:ed|ing)",
            "forged (?:sender|from|mail|address)", "impersonat(?!ing domain)",
        ),
    ),
)
