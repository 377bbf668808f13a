"""The mailbox: full, disabled, or not there at all, in the languages that mail servers speak.

Pure data; patterns without diacritics (fold.py takes them out of the texts as well). Sources: Postfix, Exim, Sendmail,
qmail/vpopmail, Dovecot, Cyrus, Exchange, Domino, Kerio and provider texts.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

FULL: tuple[Rule, ...] = (
    Rule(
        "full-quota",
        "mailbox_full",
        "452 4.2.2 <u@example.org> Quota exceeded (mailbox for user is full)",
        (
            "over ?-?quota",
            "quota (?:is |has been |limit |usage |exceed|full|reached|violation|for)",
            r"exceed\w{0,4} (?:\w{1,12} ){0,1}(?:\w{1,12} )?quota",
            "out ?of ?quota",
            "quota$",
            "(?:disk|disc|storage|mailbox|user|inbox|account) quota",
            "insufficient quota",
            "not enough quota",
            "no quota",
            "user(?:'s)? quota",
            "above quota",
            r"quota\)",
            "exceeds? quota",
            "depasse (?:son|le) quota",
            "quota (?:depasse|superad|excedid|atteint|esaurit|uberschritten|prekrocen|przekrocz)",
            r"(?:super|exced)\w{0,4} (?:la |su |el )?(?:quota|cuota)",
            "overdrawn",
            "disk ?space quota",
            "hard ?limit",
            "(?:exceed|reach|over)[^;]{0,40}(?:disk usage|storage)",
            "would exceed (?:the |its |his )?(?:quota|mailbox|maximum allowed)",
            "space has been used up",
            "not have enough (?:space|room|storage)",
            "quota (?:usage|limit)? ?(?:is )?(?:exceeded|reached|full)",
        ),
    ),
    Rule(
        "full-box",
        "mailbox_full",
        "552 5.2.2 The inbox of this recipient is full",
        (
            "(?:mail ?box|inbox|mail ?drop|account|mail ?folder|mailfolder|"
            r"spool)(?:es)?(?: (?:for|of) \S{1,60})?(?: \S{1,60})? (?:is |are |has become |"
            r"appears to be )?(?:almost |too )?(?:full|exceeded|overflow)\b",
            "full (?:mail ?box|inbox)",
            r"\binbox full",
            "mailbox full",
            "box full",
            "mailfull",
            "user is full",
            "mailbox (?:size|storage|usage) (?:limit|exceed)",
            "mailbox exceeds",
            r"(?:exceed|over|exhaust)\w{0,4} (?:the |its |his |their |allowed |allocated |"
            "maximum )?[^;]{0,24}(?:storage|mailbox|inbox|allowed size|space)",
            "(?:no|not enough|insufficient|out of|lack of) (?:more |mailbox |free |disk |user |"
            "storage )?(?:storage|space)(?! (?:left |available )?on )[^;]{0,20}(?:mailbox|user|recipient|account|left for|inbox|$)",
            "mailbox (?:has )?(?:no (?:space|room|more|storage)|insufficient|not enough)",
            "too many messages in (?:the )?(?:mailbox|inbox)",
            "storage (?:quota|limit|allocation|exceed|full)",
            "out of storage space",
            "exceeded storage",
            "allocated storage",
            "space (?:exceeded|exhausted)",
            "user[^;]{0,30} (?:disk|mail) (?:space|full)",
            "(?:user|recipient|account|benutzer)[^;]{0,24} (?:has )?too many messages",
            "zu ?viele mails auf dem server",
            "message store (?:is )?full",
            "(?:storage|quota|space) (?:is )?full",
            "number of messages in [^;]{0,40}exceed",
            "database disk quota",
            "(?:mailbox|inbox|account) (?:is )?(?:at|over) (?:its )?(?:limit|capacity)",
            "space (?:is )?not enough",
            "mailbox space",
        ),
    ),
    Rule(
        "full-languages",
        "mailbox_full",
        "552 5.2.2 Das Postfach des Empfängers ist voll",
        (
            "postfach[^;]{0,30}(?:voll|uberfullt)",
            "mailbox[^;]{0,12} (?:voll|vol|piena|llena|cheia|pleine|pelna|plna|fuld|full|taynna|"
            r"megtelt|dolu|plina)\b",
            "speicherplatz",
            "(?:boite|bal)[^;]{0,40}(?:pleine|saturee)",
            "plus d'espace",
            "buzon[^;]{0,30}(?:llen[oa]|completo|excedid)",
            "casilla[^;]{0,30}(?:llena|agotado)",
            "espacio en[^;]{0,30}agotado",
            "casella[^;]{0,30}piena",
            "caixa (?:postal|de correio|de entrada)?[^;]{0,30}cheia",
            r"skrzynk\w{1,3}[^;]{0,40}(?:pelna|przepelnion|zapelnion)",
            "skrynk",
            "schrank[^;]{0,30}pln",
            "(?:postovni|mailova|emailova)? ?schranka[^;]{0,30}(?:plna|preplnen)",
            "ящик[^;]{0,40}(?:переполнен|полон|заполнен)",
            "переполнен",
            "postafiok[^;]{0,20}(?:megtelt|betelt|tele)",
            "postituslaatikko",
            r"postlad\w{1,3}[^;]{0,20}(?:full|taynna)",
            "postbus[^;]{0,20}vol",
            "postkasse[^;]{0,20}(?:full|fuld)",
            r"brevlad\w{1,3}[^;]{0,20}full",
            "posta kutusu[^;]{0,30}dolu",
            "kutusu dolu",
            "casuta[^;]{0,20}plina",
            "邮箱已?满",
            "邮箱空间",
            "空间不足",
            "容量",
            "信箱已?滿",
            "メールボックス.{0,20}(?:いっぱい|一杯|容量|満杯)",
            "사서함.{0,20}(?:가득|초과|용량)",
            "용량.{0,6}초과",
            "speicher(?:quote|limit|kapazitat)",
            "quote uberschritten",
        ),
    ),
)

DISABLED: tuple[Rule, ...] = (
    Rule(
        "disabled-account",
        "mailbox_disabled",
        "550 5.2.1 The email account that you tried to reach is disabled",
        (
            "(?:account|mail ?box|user(?:name)?|address|recipient|email|e-mail|customer|domain|"
            r"mail service|alias|subscriber|inbox|member)(?:\(s\)|s)?[^;]{0,50}?(?: is| are| has been|"
            r" was| have been| status is| been| currently| temporarily| now| marked|:|\W) ?(?:now |"
            "currently |temporarily |permanently |been |marked |administratively )?(?:disabled|"
            "inactive|suspended|deactivated|frozen|locked|blocked|terminated|expired|discontinued|"
            "closed|canceled|cancelled|restricted by|de-?activated|not active|not activated|"
            r"unavailable due|dormant|deleted|on hold)\b",
            "(?:disabled|inactive|suspended|deactivated|frozen|locked|terminated|discontinued|closed|"
            "expired|deleted|dormant|cancelled)[ -](?:account|mail ?box|user|recipient|address|e-?mail|"
            "customer|domain)",
        ),
    ),
    Rule(
        "disabled-words",
        "mailbox_disabled",
        "550 5.2.1 Closed due to inactivity",
        (
            "mailbox (?:is )?(?:temporarily )?(?:disabled|inactive|blocked|locked|frozen|suspended)",
            "mail receiving disabled",
            "due to inactivity",
            "not (?:been )?(?:logged in|accessed|used) (?:for|in|since)",
            r"inactiv\w{1,4}",
            "no longer (?:active|in service|in use|available|accepts|receiv|being used|monitored|works|"
            "with|employed|a(?:n active)?)",
            "account (?:not active|not activated|has not been)",
            "disabled (?:with|due|by|for|mailbox)",
            "(?:user|account)[^;]{0,20}(?:is )?(?:disabled|over the limit and inactive)",
            "is a deactivated",
            "no longer valid mailbox",
            "left the (?:company|organi[sz]ation)",
            "(?:is|are) (?:temporarily )?(?:not (?:currently )?)(?:accepting|receiving) (?:mail|"
            "messages|any mail)",
            "mailbox not (?:currently )?(?:active|available for)",
            "extended absence",
            "boite du destinataire archivee",
            "discontinued",
            "is locked",
            "user(?:s)? (?:or domain )?(?:is |are )?(?:suspended|disabled|terminated)",
            "suspend the service",
            "not accepting any (?:mail|messages)",
            "new mail is not currently",
        ),
    ),
    Rule(
        "disabled-languages",
        "mailbox_disabled",
        "550 5.2.1 Le compte du destinataire est désactivé",
        (
            "deaktiviert",
            "(?:konto|postfach|benutzer|empfanger)[^;]{0,30}(?:gesperrt|inaktiv|stillgelegt|geschlossen)",
            "(?:compte|boite|adresse)[^;]{0,40}(?:desactive|bloque|suspendu|ferme|inactif|inactive|"
            "resilie)",
            "(?:cuenta|casilla|buzon|usuario)[^;]{0,40}(?:desactivad|deshabilitad|suspendid|bloquead|"
            "inactiv|expirado|caducad)",
            "(?:conta|caixa|usuario)[^;]{0,40}(?:desativad|suspens|bloquead|inativ|cancelad)",
            "(?:account|casella|utente|indirizzo)[^;]{0,30}(?:disabilitat|disattivat|sospes|bloccat)",
            "(?:konto|skrzynka|adres)[^;]{0,30}(?:zablokowan|nieaktywn|zawieszon|wylaczon)",
            "(?:schranka|ucet|uzivatel)[^;]{0,30}(?:zablokovan|zrusen|neaktivn|deaktivovan)",
            "(?:ящик|учетная запись|пользовател|аккаунт|адрес)[^;]{0,40}(?:заблокирован|отключен|"
            "приостановлен|удален|неактив)",
            "hesap[^;]{0,30}(?:devre disi|kapali|askiya)",
            "geblokkeerd",
            "opgeheven",
            "inaktiv",
            "停用",
            "禁用",
            "冻结",
            "凍結",
            "無効",
            "휴면",
            "정지",
        ),
    ),
)

UNKNOWN: tuple[Rule, ...] = (
    Rule(
        "user-unknown",
        "invalid_recipient",
        "550 5.1.1 <u@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
        (
            r"\b(?:user|recipient|mail ?box|account|alias|customer|address|addressee|local[- ]part|"
            "receiver|mail ?name|subscriber|email|name|destination|person|id)s?(?: name| address|"
            r" mailbox| account| info)? ?(?:\S{1,80} )?(?:is |are |was |has been |"
            "seems )?(?:currently )?(?:unknown|not known|unrecogni[sz]ed|undeliverable|nonexistent|"
            r"non-?existant|non-?existent|invalid|not found|not exists?\b|not listed|not valid|"
            "not recogni[sz]ed|not here|not our|not unique|ambiguous|not exactly|not local|missing|"
            r"bad\b|wrong|not in\b)",
            "(?:unknown|invalid|no such|nonexistent|non-?existent|non-?existant|unrecogni[sz]ed|bad|"
            r"wrong|illegal|incorrect|undeliverable|no valid|unresolvable) (?:\w{1,12} )?(?:user|"
            "recipient|mail ?box|account|alias|customer|address|addressee|local[- ]part|receiver|"
            r"person|rcpt|rcptto|e-?mail|id\b|mail ?drop|destination|destination mailbox|member|"
            "subscriber|name)",
            r"^5\d\d [\d.]{5,9} (?:user |recipient )?unknown$",
            "bad_recipient",
            r"^5\d\d 5\.1\.\d .{0,30}address rejected",
        ),
    ),
    Rule(
        "user-not-exist",
        "invalid_recipient",
        "550 5.1.1 Sorry, nobody here by that name",
        (
            r"(?:does not|doesn't|doesnt|do not|don't|did not|didn't|not) exists?\b",
            r"doesn't have an? \S{0,60} ?account",
            r"(?:does not|doesn't) have an? (?:\S{1,60} )?(?:account|mailbox)",
            r"\bno (?:such )?(?:user|recipient|mailbox|account|person|address)\b(?!s? (?:changes|"
            "specified))",
            r"not (?:a )?(?:known|valid|local|listed|registered|our|an? \w{1,12}) (?:user|recipient|"
            "mailbox|customer|account|address|alias|email|rcpt|e-mail)",
            "not our (?:customer|user)",
            "not (?:a )?(?:valid|known) (?:mailbox|user|recipient|address)",
            "isn't (?:a )?(?:valid|known|here)",
            "no mailbox",
            "(?:user|mailbox|recipient|address|account) (?:was |could |can )?(?:not|"
            "n't) (?:be )?(?:found|located|verified|deliver)",
            "user not",
            r"not a (?:\S{1,40} )?(?:user|customer)",
            "could not be found",
            "cannot be found",
            "couldn't find",
            "unable to find",
            "unknown to",
            "nobody (?:here )?(?:by|with)",
            "all recipients (?:are |were )?(?:invalid|rejected|unknown|failed)",
            "no valid (?:recipients?|hosts? or recip)",
            r"recipient (?:\S{1,60} )?(?:is )?(?:not|no longer) (?:on|here|at|found|allowed here|a\b|"
            "accepted)",
            "no longer (?:exists?|on server|valid)",
            "has (?:been )?(?:moved|replaced|changed)",
            "user moved",
            "has been replaced",
            "address (?:lookup|verification) (?:in|fail)",
            "verification failed",
            "undeliverable address",
            "unroutable address",
            "unrouteable address",
            "not deliverable to",
            "check (?:the |if )?(?:recipient|address|spelling|e-?mail)",
            "please check (?:the|if|all|your)",
            "not (?:listed|found) in[^;]{0,30}(?:directory|address book|domino|ldap|database)",
            "user lookup success but no",
            "no account",
            "does not accept mail",
            "doesn't accept mail",
            "null mx",
            "nullmx",
            "no such (?!file)",
            "not unique",
            "mailaddress is administratively",
            "rcpt[^;]{0,30} not ok",
            "recipient cannot be verified",
            "user[^;]{0,40} not (?:known|found|exist|on this)",
            "not a (?:member|subscriber)",
            "mailbox unavailable",
            "mailbox not (?:found|available|exist|local)",
            "mailbox is unavailable",
            "recipient (?:address )?(?:refused|rejected)(?!:? ?(?:access denied|policy|unver|grey|"
            "no relay|deliv|internal|mailer|mess|blo|domain))",
            "unknown (?:or illegal|local)",
            "delivery to the following recipients? failed",
            "bad (?:address|destination|recipient|rcpt)",
            "invalid user",
            r"(?:user|path|mailbox|account|recipient)(?: \w{1,12})? no exist",
            "no mail ?box",
            "no one (?:here|at|by)",
            "badrcptto",
            "badrecipientto",
            "validrcptto",
            "dosn't exist",
            "no account by",
            "can't accept user",
            "missing home directory",
            "account unavailable",
            "not present in",
            "nessun utente",
            "envelope recipient has been denied",
            "host (?:/domain )?does not accept mail",
            "user ?id:",
            "not listed in public",
            "name & address book",
            "destination addresses were unknown",
            "wrong or no longer valid",
            "mailbox name (?:not allowed|invalid)",
            "(?:e-?mail )?(?:account|address) (?:name )?(?:is )?(?:not|isn't) (?:valid|correct|registered|active here)",
            "rejected address",
            "no longer (?:a )?valid",
            "check the address",
            "misspelled",
            "not (?:a )?recognized",
            "illegal (?:alias|user)",
        ),
    ),
    Rule(
        "unknown-west",
        "invalid_recipient",
        "550 5.1.1 <u@example.org>: Empfängeradresse unbekannt",
        (
            "(?:empfanger|benutzer|adresse|postfach|teilnehmer|mailbox|nutzer|"
            "konto)[^;]{0,60}(?:unbekannt|existiert nicht|nicht (?:bekannt|gefunden|vorhanden|"
            "existent|erreichbar)|ungultig|gibt es nicht)",
            "unbekannte[rn]? (?:empfanger|benutzer|nutzer|adresse|user)",
            "kein(?:en)? (?:solche[rn]?|benutzer|empfanger|gultige|postfach)",
            "(?:utilisateur|destinataire|adresse|compte|boite)[^;]{0,60}(?:inconnue?|n'?existe (?:pas|"
            "plus)|introuvable|invalide|erronee|inexistant|non valide)",
            "adresse d au moins un destinataire",
            "aucun (?:utilisateur|destinataire)",
            "(?:usuario|destinatario|buzon|direccion|cuenta|casilla|"
            "recipiente)[^;]{0,60}(?:desconocid|no existe|inexistent|inval|no encontrad|no valid|"
            "incorrect|nao existe|nao encontrad|invalid|inexistente|desconhecid)",
            "no existe (?:el|la|ese|este|dich|tal|ning)",
            "(?:utente|destinatario|casella|indirizzo)[^;]{0,60}(?:sconosciut|inesistente|non esiste|"
            "non trovat|non valid|non presente|errato)",
            "(?:gebruiker|ontvanger|adres|postbus|mailbox)[^;]{0,50}(?:onbekend|bestaat niet|"
            "niet gevonden|ongeldig)",
            "onbekende gebruiker",
            r"(?:anvandare|mottagare|adress\w{0,3}|bruger|bruker|modtager|mottaker|"
            r"konto\w{0,2})[^;]{0,50}(?:okand|finns inte|finns ej|findes ikke|finnes ikke|ukendt|"
            "ukjent|saknas|eksisterer ikke|existerar inte)",
            "okand (?:anvandare|mottagare)",
            "ukendt (?:bruger|modtager)",
            "ukjent (?:bruker|mottaker)",
            r"(?:kayttaja|vastaanottaja|osoite)\w{0,4}[^;]{0,50}(?:tuntematon|ei ole|ei loydy|"
            "virheellinen)",
            "tuntematon (?:kayttaja|vastaanottaja)",
        ),
    ),
    Rule(
        "unknown-east",
        "invalid_recipient",
        "550 5.1.1 Użytkownik nie istnieje",
        (
            r"(?:odbiorca|uzytkownik|adres\w{0,2}|konto|skrzynka|adresat)[^;]{0,60}(?:nieznan|"
            "nie istnieje|nie znaleziono|niepoprawn|nieprawidlow|bledn)",
            "nieznany (?:uzytkownik|odbiorca|adresat)",
            "nie ma takie",
            "brak (?:takie|uzytkownik|odbiorc|skrzynk)",
            "(?:uzivatel|adresat|prijemce|schranka|adresa|pouzivatel|"
            r"prijemca)\w{0,3}[^;]{0,60}(?:neznam|neexistuje|nenalezen|neplatn|nenajden|neexistuj)",
            "neznamy (?:uzivatel|prijemce|adresat|pouzivatel)",
            "zadny takovy",
            "(?:felhasznalo|cimzett|postafiok|cim)[^;]{0,50}(?:ismeretlen|nem letezik|nem talalhato|"
            "ervenytelen)",
            "ismeretlen (?:felhasznalo|cimzett)",
            r"(?:utilizator|destinatar|adresa|casuta|cont)\w{0,4}[^;]{0,50}(?:necunoscut|nu exista|"
            "inexistent|invalid)",
            "(?:пользовател|получател|ящик|адрес|учетн|абонент|юзер|адресат|"
            r"почтов)\w{0,12}[^;]{0,60}(?:неизвест|не найден|не существует|не зарегистрирован|"
            r"отсутству|неверн|недействител|нет\b|недоступ|не известен)",
            "нет такого",
            r"неизвестн\w{1,3} (?:пользователь|получатель|адрес)",
            "несуществующ",
            "не существует",
            r"(?:користувач|скриньк|одержувач|адреса)\w{0,4}[^;]{0,50}(?:не знайден|не існує|невідом)",
            r"(?:потребител|получател)\w{0,4}[^;]{0,40}(?:непознат|не съществува)",
            r"(?:kullanici|alici|adres|hesap|posta kutusu)\w{0,4}[^;]{0,50}(?:bulunamadi|bilinmiyor|"
            "yok|gecersiz|mevcut degil|bulunmuyor)",
            "(?:gecersiz|bilinmeyen) (?:kullanici|alici|adres)",
            r"(?:kasutaja|saaja|aadress)\w{0,3}[^;]{0,40}(?:tundmatu|ei ole|puudub|ei eksisteeri)",
            r"(?:lietotaj|adresat|sanemej)\w{0,3}[^;]{0,40}(?:nezinam|neeksiste|nav)",
            r"(?:korisnik|primatelj|primalac|sanducic)\w{0,3}[^;]{0,40}(?:nepoznat|ne postoji)",
            "uporabnik[^;]{0,40}(?:ne obstaja|neznan)",
            "(?:χρηστης|παραληπτης)[^;]{0,40}(?:αγνωστος|δεν υπαρχει)",
        ),
    ),
    Rule(
        "unknown-asia",
        "invalid_recipient",
        "550 用户不存在",
        (
            "用户不存在",
            "用戶不存在",
            "收件人.{0,8}(?:不存在|无效|無效|错误)",
            "邮箱.{0,6}(?:不存在|未找到|无效)",
            "郵箱不存在",
            "地址.{0,6}(?:不存在|无效|無效|错误)",
            "使用者不存在",
            "帐号不存在",
            "帳號不存在",
            "无此用户",
            "查无此人",
            "未知用户",
            "宛先.{0,20}(?:見つかり|存在し|不明|正しく)",
            "(?:ユーザ|メールアドレス|アドレス|受信者).{0,14}(?:存在し|見つかり|不明|ありません|無効)",
            "存在しません",
            "受信者が見つ",
            "사용자.{0,10}(?:없|존재하지)",
            "수신자.{0,12}(?:없|존재하지|찾을 수)",
            "존재하지 않",
            "계정.{0,6}(?:없|존재)",
            "المستخدم.{0,20}(?:غير|لا يوجد)",
            "ไม่พบผู้ใช้",
            "khong ton tai",
            "pengguna tidak",
            "tidak ditemukan",
            "לא קיים",
            "リストにありません",
            "見つかりません",
        ),
    ),
)
