"""The message and the protocol: size, form, commands, loops, and DNS trouble that the peer reports.

Pure data. Sources: RFC 5321, 5322, 1870, 6531, 6532, 3463; Postfix, Exim, Sendmail, Exchange and provider
texts.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

VERIFY: tuple[Rule, ...] = (
    Rule(
        "verify-recipient", "recipient_server_error",
        "450 4.1.1 <u@example.org>: Recipient address rejected: unverified address: Address verification "
        "in progress",
        (
            (
                "(?:recipient address rejected: )?(?<!sender )unverified address(?!: ?(?:user|unknown|no "
                r"such|recipient|\S{0,40} ?said))"
            ),
            "address verification in progress", "recipient verify (?:in progress|deferred)",
        ),
    ),
)
"""The peer still looks whether the recipient exists."""

SIZE: tuple[Rule, ...] = (
    Rule(
        "form-line", "protocol_error", "550 Line too long: 1200 octets exceed the limit of 998",
        (
            "line (?:is )?too long", r"lines? (?:\w{1,12} )?(?:\w{1,12} )?(?:longer|exceed)",
            "maximum line length", "headers? too (?:large|many)",
        ),
    ),
    Rule(
        "full-mailbox-file", "mailbox_full",
        "cannot update mailbox /var/mail/u for user u. error writing message: File too large",
        ("cannot update mailbox .{0,90}file too large",),
        "own",
    ),
    Rule(
        "full-mailbox-size", "mailbox_full", "552 The mailbox exceeds the size allowed",
        (
            (
                "(?:mail ?box|inbox|account|mail ?drop)(?:'s)? (?:size |storage |limit ){0,2}(?:is |has been "
                "|has )?(?:exceed|over)"
            ),
            (
                "too many (?:messages|mails) (?:on (?:the |this )?server|in (?:the |this |your )?(?:mail "
                "?box|inbox))"
            ),
            "zu ?viele mails auf",
            (
                r"(?:reach|exceed)\w{0,3} (?:his|her|its|their|the|your|my)? ?(?:mail |mailbox |maximum |"
                "allowed )?storage"
            ),
        ),
    ),
    Rule(
        "size-word", "message_too_large", "552 5.3.4 Message size exceeds fixed limit",
        (
            (
                "(?:message|mail|e-?mail|file|header|attachment|body|letter|msg|size|it|data|content)s?(?: "
                r"size)? (?:is |are |was |file |has )?(?:\S{1,20} )?(?:too (?:large|big|long|huge)\b|"
                r"exceed\w{0,3}(?! (?:\w{1,12} )?(?:rate|quota|storage|connection|daily|hourly|"
                "sending))[^;]{0,60}(?:size|max|large|big|bytes|kb|mb|fixed limit))"
            ),
            "too (?:large|big) (?:for|message|mail|attach|to)",
            (
                "(?:max(?:imum)?|fixed|allowed|permitted|message|mail|google'?s?|header|static|email) "
                r"(?:\w{1,14} )?(?:size|header value|attachments?) (?:limit|exceed|is|of|allowed|for)"
            ),
            "size[^;]{0,40}(?:exceed|limit|larger|maximum|too (?:big|large))",
            r"size=\S{0,14} ?(?:too|message too|exceed)", "larger than",
            (
                r"exceed\w{0,4} [^;]{0,40}(?:message size|size limit|maximum size|max size|fixed limit|"
                "maximum message|allowed size|size allowed|individual header|limit attachments|limit of)"
            ),
            "message length exceeds", "max message", "nachricht[^;]{0,20}zu (?:gro|lang)",
            "message trop (?:gros|volumineux|grand)", "mensaje (?:demasiado|muy) grande",
            "mensagem (?:muito|grande)", "messaggio troppo grande", "wiadomosc[^;]{0,12}za duz",
            "zprava[^;]{0,20}velk", r"письм\w{1,2} (?:слишком|превыш)", "размер (?:письма|сообщения)",
            "邮件(?:过大|太大|大小超)", "メールサイズ", "サイズ(?:制限|が大き|超)",
            r"\b\d{1,6} ?(?:kb?|mb?|bytes)\b[^;]{0,40}(?:limit|max|allowed|exceed)",
            r"(?<!space )(?:limit|max\w{0,4}) (?:is |of |size )?\d{1,9} ?(?:kb?|mb?|bytes)\b", "oversize",
        ),
    ),
)

HEADER: tuple[Rule, ...] = (
    Rule(
        "form-header", "protocol_error",
        "550 5.7.1 Messages without a valid address in the From: header are not accepted",
        (
            (
                "(?:duplicate|multiple|missing|invalid|without|having no|more than one|two|several|bad|"
                r"malformed|no)\b[^;]{0,40}\b(?:from|to|date|subject|message-id|sender|reply-to|cc|"
                "received): ?(?:header|field|line)"
            ),
            (
                r"(?:duplicate|multiple|missing|invalid|malformed|no|bad) (?:\w{1,12} )?(?:date|subject|"
                "message-id|mime|from) header"
            ),
            "address(?:es)? in (?:the )?from:? ?header", "disallowed header", "encoded-word",
            r"not rfc ?-?\d{3,4} compliant",
            "rfc ?-?(?:5322|2822|822)[^;]{0,30}(?:complian|conform|violat|invalid|syntax|section)",
            "headers? [^;]{0,30}(?:not|non)-?ascii", "smtp protocol violation", "multiple from addresses",
            "headers? fail", "headers? syntax", "mime complexity", "headers are not rfc", "not rfc compliant",
            (
                "(?:two|several|duplicate|multiple|second) (?:from|to|date|subject|message-id|sender|"
                r"reply-to)\b[^;]{0,12}header"
            ),
        ),
    ),
)
"""The form of the headers, before words about senders."""

FORM: tuple[Rule, ...] = (
    Rule(
        "form-message", "protocol_error", "550 5.6.0 Lone line feed: bare LF received",
        (
            "rfc ?-?(?:2|5)?[28]?[238]?21", "rfc ?-?(?:2|5)?[38]22", "rfc ?2822", "rfc ?822(?!;)",
            "rfc ?-?(?:6531|6532|2045|2047)", "not rfc", "non-?compliant",
            "malformed (?:message|mail|mime|header|address|from|command|smtp)", "mail message is malformed",
            (
                "(?:duplicate|multiple|missing|invalid|bad|empty|broken|malformed|improper|illegal|no|"
                r"without)(?:d)? (?:\S{1,14} ){0,1}(?:header|from:|to:|date:|subject|message-id)s?\b(?! "
                "(?:address|domain)|ip)"
            ),
            (
                r"header (?:\S{1,20} )?(?:error|missing|syntax|invalid|malformed|is missing|contains|fields?|"
                "line)"
            ),
            "bare (?:lf|cr|newline|linefeed|carriage)", "line[- ]?feed", "line (?:is )?too long",
            "lines? (?:longer|exceed)", "8-?bit", "smtputf8", r"eai\b", "non-?ascii", "internationali[sz]ed",
            "encoded-word", "mime (?:error|part|structure|nesting|boundar|syntax|format|header)",
            "mime[^;]{0,20}(?:invalid|error|broken|malformed)", "charset", "unexpectedbound",
            "multiple addresses in from", "body ?type", "(?:loose|nul|null) (?:bytes?|characters?)",
            "null (?:byte|character)", "no (?:message )?body", "empty message", "without to: fields?",
            "invalid (?:mime|characters?|message format|data|format)", "not properly formatted", "improperly",
            "unable to (?:parse|decode)", "cannot (?:parse|decode)",
            "(?:conversion|convert)[^;]{0,20}(?:fail|not|prohibited|required)", "undisclosed",
            "no recipients in header", "utf-?8", "media error", "binary zero", "invalid message",
            "message (?:content|format|structure) (?:is )?invalid",
        ),
    ),
    Rule(
        "form-command", "protocol_error", "502 5.5.1 Error: command not recognized",
        (
            "syntax error", "bad (?:command|syntax|argument|parameter|hello)",
            (
                r"command (?:\S{1,20} )?(?:unrecogni[sz]ed|not (?:recogni|implement|supported|allowed(?! by)|"
                "understood|known|permitted|valid)|out of|unknown|sequence|parameter|rejected|line too|"
                "failed|syntax|timeout)"
            ),
            (
                "(?:unrecogni[sz]ed|unknown|unimplemented|invalid|unexpected|unsupported|illegal|wrong) "
                "(?:smtp )?(?:command|parameter|argument|option|extension|sequence|verb)"
            ),
            "polite people say", "nested mail", "sender already (?:specified|given)",
            "protocol (?:error|violation|not)", "smtp (?:protocol|syntax|synchroni)", "pipelin",
            "synchroni[sz]ation error", "talks? (?:too soon|before)",
            "(?:parameter|argument|option)s? (?:not|invalid|unrecogni|error|unknown|in)", "not implemented",
            "unimplemented", "malformed smtp", "no recipients? (?:specified|have|given|were)",
            "multiple destination domains", "chunking", "dsn not", "notify=", "body=8bitmime",
            "too many unknown", "too many (?:invalid|bad|syntax|unrecognized|unauthenticated) commands",
            "unauthenticated commands", "early talker", "lost synchron", "greeting (?:error|violation)",
            "access violation", "duplicated? message-?id", "starttls may not be repeated",
            "too many unrecogni", "argument (?:not )?permitted", "remote protocol error", "hello first",
            "goodbye", "missing or malformed", "syntactically invalid",
            "unqualified (?:address|sender|recipient)", "already authenticated", "exchange protocol",
        ),
    ),
    Rule(
        "loop", "mail_loop", "554 5.4.6 The hop count is too high",
        (
            "mail loop", "loop(?:s|ing)? (?:back|detected|count)", "too many (?:hops|received|delivered-to)",
            "hop (?:count|limit)", "forwarding loop", "routing loop",
            "points? (?:back )?to (?:myself|itself|localhost)", "possible loop", "message looping",
            "delivered-to", "redirect loop", "loop(?:ing)? (?:mail|message)", "is looping",
            "mail(?:s|ing)? loop", "boucle", "schleife", r"\bhops\b", "mail loop detected",
        ),
    ),
    Rule(
        "remote-dns", "dns_failure", "550 5.1.2 Recipient address rejected: Domain not found",
        (
            (
                r"(?:recipient|destination)?(?: address)?(?: rejected)?:? ?domain (?:\S{1,60} )?(?:not found|"
                "does(?: not|n't) (?:exist|resolve)|unknown|has no (?:mx|dns))"
            ),
            "host unknown", "unknown host", "host not found", "name server", r"no mx\b",
            (
                "(?:unknown|invalid|illegal|no such|bad|non-?existent|unresolvable) (?:recipient |mail |"
                "destination |host )?(?:domain|host(?: ?name)?|destination system)"
            ),
            "bad destination system", "(?:find|resolve|lookup) (?:the )?(?:recipient|destination)'?s? domain",
            "unrouteable (?:mail )?domain",
            "dns (?:error|failure|lookup|problem|query|resolution|server|timeout|temp)",
            "mx (?:lookup|record|host)s?[^;]{0,40}(?:fail|not|error|no |found|point|invalid)",
            "name service error", "nxdomain", "servfail", "could not (?:resolve|route)",
            "unable to (?:resolve|route|lookup)", "can(?:'t|not) (?:resolve|route)", "host name lookup",
            "domain lookup", "no route to domain", "nonexistentdomain", "no data known",
            "illegal host/domain", "any host (?:by|named)", r"unable to find (?:\w{1,12} )?relay",
            "no such domain", "dns records? for", "mx records? [^;]{0,60}(?:points? to|invalid)",
            "find the domain", "mail exchanger",
        ),
    ),
)

SEQUENCE: tuple[Rule, ...] = (
    Rule(
        "form-sequence", "protocol_error", "503 5.5.1 Error: need RCPT command",
        (
            "sequence of commands", "bad sequence", "out of sequence", "need (?:mail|rcpt|helo|ehlo)",
            "(?:mail|rcpt|helo|ehlo|data)(?: from| to)? (?:first|command (?:first|expected|required))",
            "send (?:helo|ehlo|mail) first", "out of order",
        ),
    ),
)
"""These often follow the reply that tells why the recipient was refused."""
