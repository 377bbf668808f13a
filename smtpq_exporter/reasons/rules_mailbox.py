"""The mailbox: full or disabled, in the languages that mail servers speak.

Pure data; phrases without diacritics (fold.py takes them out of the texts as well). Sources: Postfix, Exim,
Sendmail, qmail and vpopmail, Dovecot, Cyrus, Exchange, Domino, Kerio and provider texts.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

FULL: tuple[Rule, ...] = (
    Rule(
        "full-quota", "mailbox_full", "452 4.2.2 <u@example.org> Quota exceeded (mailbox for user is full)",
        (
            "over ?-?quota", "quota (?:is |has been |limit |usage |exceed|full|reached|violation|for)",
            r"exceed\w{0,4} (?:\w{1,12} ){0,1}(?:\w{1,12} )?quota", "out ?of ?quota", "quota$",
            "(?:disk|disc|storage|mailbox|user|inbox|account) quota", "insufficient quota",
            "not enough quota", "no quota", "user(?:'s)? quota", "above quota", r"quota\)", "exceeds? quota",
            "depasse (?:son|le) quota",
            "quota (?:depasse|superad|excedid|atteint|esaurit|uberschritten|prekrocen|przekrocz)",
            r"(?:super|exced)\w{0,4} (?:la |su |el )?(?:quota|cuota)", "overdrawn", "disk ?space quota",
            "hard ?limit", "(?:exceed|reach|over)[^;]{0,40}(?:disk usage|storage)",
            "would exceed (?:the |its |his )?(?:quota|mailbox|maximum allowed)", "space has been used up",
            "not have enough (?:space|room|storage)",
            "quota (?:usage|limit)? ?(?:is )?(?:exceeded|reached|full)",
        ),
    ),
    Rule(
        "full-box", "mailbox_full", "552 5.2.2 The inbox of this recipient is full",
        (
            (
                "(?:mail ?box|inbox|mail ?drop|account|mail ?folder|mailfolder|spool)(?:es)?(?: (?:for|of) "
                r"\S{1,60})?(?: \S{1,60})? (?:is |are |has become |appears to be )?(?:almost |too )?(?:full|"
                r"exceeded|overflow)\b"
            ),
            "full (?:mail ?box|inbox)", r"\binbox full", "mailbox full", "box full", "mailfull",
            "user is full", "mailbox (?:size|storage|usage) (?:limit|exceed)", "mailbox exceeds",
            (
                r"(?:exceed|over|exhaust)\w{0,4} (?:the |its |his |their |allowed |allocated |maximum "
                ")?[^;]{0,24}(?:storage|mailbox|inbox|allowed size|space)"
            ),
            (
                "(?:no|not enough|insufficient|out of|lack of) (?:more |mailbox |free |disk |user |storage "
                ")?(?:storage|space)(?! (?:left |available )?on )[^;]{0,20}(?:mailbox|user|recipient|account|"
                "left for|inbox|$)"
            ),
            "mailbox (?:has )?(?:no (?:space|room|more|storage)|insufficient|not enough)",
            "too many messages in (?:the )?(?:mailbox|inbox)",
            "storage (?:quota|limit|allocation|exceed|full)", "out of storage space", "exceeded storage",
            "allocated storage", "space (?:exceeded|exhausted)",
            "user[^;]{0,30} (?:disk|mail) (?:space|full)",
            "(?:user|recipient|account|benutzer)[^;]{0,24} (?:has )?too many messages",
            "zu ?viele mails auf dem server", "message store (?:is )?full",
            "(?:storage|quota|space) (?:is )?full", "number of messages in [^;]{0,40}exceed",
            "database disk quota",
            "(?:mailbox|inbox|account) (?:is )?(?:at|over) (?:its )?(?:limit|capacity)",
            "space (?:is )?not enough", "mailbox space",
            r"used (?:up )?(?:all|his|its|their) (?:\w{1,12} )?(?:disk|storage|space|quota)",
            r"\bbox (?:of \S{1,40} )?is (?:\d{1,3}% )?full", "mail ?box (?:of|for) [^;]{0,30}full",
            "no (?:more |free )?room",
        ),
    ),
    Rule(
        "full-languages", "mailbox_full", "552 5.2.2 Das Postfach des Empfängers ist voll",
        (
            "postfach[^;]{0,30}(?:voll|uberfullt)",
            (
                "mailbox[^;]{0,12} (?:voll|vol|piena|llena|cheia|pleine|pelna|plna|fuld|full|taynna|megtelt|"
                r"dolu|plina)\b"
            ),
            "speicherplatz", "(?:boite|bal)[^;]{0,40}(?:pleine|saturee)", "plus d'espace",
            "buzon[^;]{0,30}(?:llen[oa]|completo|excedid)", "casilla[^;]{0,30}(?:llena|agotado)",
            "espacio en[^;]{0,30}agotado", "casella[^;]{0,30}piena",
            "caixa (?:postal|de correio|de entrada)?[^;]{0,30}cheia",
            r"skrzynk\w{1,3}[^;]{0,40}(?:pelna|przepelnion|zapelnion)", "skrynk", "schrank[^;]{0,30}pln",
            "(?:postovni|mailova|emailova)? ?schranka[^;]{0,30}(?:plna|preplnen)",
            "ящик[^;]{0,40}(?:переполнен|полон|заполнен)", "переполнен",
            "postafiok[^;]{0,20}(?:megtelt|betelt|tele)", "postituslaatikko",
            r"postlad\w{1,3}[^;]{0,20}(?:full|taynna)", "postbus[^;]{0,20}vol",
            "postkasse[^;]{0,20}(?:full|fuld)", r"brevlad\w{1,3}[^;]{0,20}full", "posta kutusu[^;]{0,30}dolu",
            "kutusu dolu", "casuta[^;]{0,20}plina", "邮箱已?满", "邮箱空间", "空间不足", "容量", "信箱已?滿",
            "メールボックス.{0,20}(?:いっぱい|一杯|容量|満杯)", "사서함.{0,20}(?:가득|초과|용량)",
            "용량.{0,6}초과", "speicher(?:quote|limit|kapazitat)", "quote uberschritten",
            "limit des postfachs", r"postfach\w{0,3}[^;]{0,30} (?:uberschritten|erreicht)",
        ),
    ),
)

DISABLED: tuple[Rule, ...] = (
    Rule(
        "disabled-account", "mailbox_disabled",
        "550 5.2.1 The email account that you tried to reach is disabled",
        (
            (
                "(?:account|mail ?box|user(?:name)?|address|recipient|email|e-mail|customer|domain|mail "
                r"service|alias|subscriber|inbox|member)(?:\(s\)|s)?[^;]{0,50}?(?: is| are| has been| was| "
                r"have been| status is| been| currently| temporarily| now| marked|:|\W) ?(?:now |currently |"
                "temporarily |permanently |been |marked |administratively )?(?:disabled|inactive|suspended|"
                "deactivated|frozen|locked|blocked|terminated|expired|discontinued|closed|canceled|cancelled|"
                "restricted by|de-?activated|not active|not activated|unavailable due|dormant|deleted|on "
                r"hold)\b"
            ),
            (
                "(?:disabled|inactive|suspended|deactivated|frozen|locked|terminated|discontinued|closed|"
                "expired|deleted|dormant|cancelled)[ -](?:account|mail ?box|user|recipient|address|e-?mail|"
                "customer|domain)"
            ),
        ),
    ),
    Rule(
        "disabled-words", "mailbox_disabled", "550 5.2.1 Closed due to inactivity",
        (
            "mailbox (?:is )?(?:temporarily )?(?:disabled|inactive|blocked|locked|frozen|suspended)",
            "mail receiving disabled", "due to inactivity",
            "not (?:been )?(?:logged in|accessed|used) (?:for|in|since)", r"inactiv\w{1,4}",
            (
                "no longer (?:active|in service|in use|available|accepts|receiv|being used|monitored|works|"
                "with|employed|a(?:n active)?)"
            ),
            "account (?:not active|not activated|has not been)", "disabled (?:with|due|by|for|mailbox)",
            "(?:user|account)[^;]{0,20}(?:is )?(?:disabled|over the limit and inactive)", "is a deactivated",
            "no longer valid mailbox", "left the (?:company|organi[sz]ation)",
            (
                "(?:is|are) (?:temporarily )?(?:not (?:currently )?)(?:accepting|receiving) (?:mail|messages|"
                "any mail)"
            ),
            "mailbox not (?:currently )?(?:active|available for)", "extended absence",
            "boite du destinataire archivee", "discontinued", "is locked",
            "user(?:s)? (?:or domain )?(?:is |are )?(?:suspended|disabled|terminated)", "suspend the service",
            "not accepting any (?:mail|messages)", "new mail is not currently",
        ),
    ),
    Rule(
        "disabled-languages", "mailbox_disabled", "550 5.2.1 Le compte du destinataire est désactivé",
        (
            "deaktiviert",
            "(?:konto|postfach|benutzer|empfanger)[^;]{0,30}(?:gesperrt|inaktiv|stillgelegt|geschlossen)",
            "(?:compte|boite|adresse)[^;]{0,40}(?:desactive|bloque|suspendu|ferme|inactif|inactive|resilie)",
            (
                "(?:cuenta|casilla|buzon|usuario)[^;]{0,40}(?:desactivad|deshabilitad|suspendid|bloquead|"
                "inactiv|expirado|caducad)"
            ),
            "(?:conta|caixa|usuario)[^;]{0,40}(?:desativad|suspens|bloquead|inativ|cancelad)",
            "(?:account|casella|utente|indirizzo)[^;]{0,30}(?:disabilitat|disattivat|sospes|bloccat)",
            "(?:konto|skrzynka|adres)[^;]{0,30}(?:zablokowan|nieaktywn|zawieszon|wylaczon)",
            "(?:schranka|ucet|uzivatel)[^;]{0,30}(?:zablokovan|zrusen|neaktivn|deaktivovan)",
            (
                "(?:ящик|учетная запись|пользовател|аккаунт|адрес)[^;]{0,40}(?:заблокирован|отключен|"
                "приостановлен|удален|неактив)"
            ),
            "hesap[^;]{0,30}(?:devre disi|kapali|askiya)", "geblokkeerd", "opgeheven", "inaktiv", "停用",
            "禁用", "冻结", "凍結", "無効", "휴면", "정지",
        ),
    ),
)
