"""There is no such mailbox, in the languages that mail servers speak.

Pure data; phrases without diacritics (fold.py takes them out of the texts as well). Sources: Postfix, Exim,
Sendmail, qmail and vpopmail, Dovecot, Cyrus, Exchange, Domino, Kerio and provider texts.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "user-unknown", "invalid_recipient",
        "550 5.1.1 <u@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
        (
            (
                r"\b(?:user|recipient|mail ?box|account|alias|customer|address|addressee|local[- ]part|"
                "receiver|mail ?name|subscriber|email|name|destination|person|id)s?(?: name| address| "
                r"mailbox| account| info)? ?(?:\S{1,80} )?(?:is |are |was |has been |seems )?(?:currently "
                ")?(?:unknown|not known|unrecogni[sz]ed|undeliverable|nonexistent|non-?existant|"
                r"non-?existent|invalid|not found|not exists?\b|not listed|not valid|not recogni[sz]ed|not "
                r"here|not our|not unique|ambiguous|not exactly|not local|missing|bad\b|wrong|not in\b)"
            ),
            (
                "(?:unknown|invalid|no such|nonexistent|non-?existent|non-?existant|unrecogni[sz]ed|bad|"
                r"wrong|illegal|incorrect|undeliverable|no valid|unresolvable) (?:\w{1,12} )?(?:user|"
                "recipient|mail ?box|account|alias|customer|address|addressee|local[- ]part|receiver|person|"
                r"rcpt|rcptto|e-?mail|id\b|mail ?drop|destination|destination mailbox|member|subscriber|name)"
            ),
            r"^5\d\d [\d.]{5,9} (?:user |recipient )?unknown$", "bad_recipient",
            r"^5\d\d 5\.1\.\d .{0,30}address rejected",
        ),
    ),
    Rule(
        "user-not-exist", "invalid_recipient", "550 5.1.1 Sorry, nobody here by that name",
        (
            (
                "(?<!file )(?<!command )(?<!directory )(?:does not|doesn't|doesnt|do not|don't|did not|"
                r"didn't|not) exists?\b"
            ),
            r"doesn't have an? \S{0,60} ?account",
            r"(?:does not|doesn't) have an? (?:\S{1,60} )?(?:account|mailbox)",
            r"\bno (?:such )?(?:user|recipient|mailbox|account|person|address)\b(?!s? (?:changes|specified))",
            (
                r"not (?:a )?(?:known|valid|local|listed|registered|our|an? \w{1,12}) (?:user|recipient|"
                "mailbox|customer|account|address|alias|email|rcpt|e-mail)"
            ),
            "not our (?:customer|user)", "not (?:a )?(?:valid|known) (?:mailbox|user|recipient|address)",
            "isn't (?:a )?(?:valid|known|here)", "no mailbox",
            (
                "(?:user|mailbox|recipient|address|account) (?:was |could |can )?(?:not|n't) (?:be "
                ")?(?:found|located|verified|deliver)"
            ),
            "user not", r"not a (?:\S{1,40} )?(?:user|customer)", "could not be found", "cannot be found",
            "couldn't find", "unable to find", "unknown to", "nobody (?:here )?(?:by|with)",
            "all recipients (?:are |were )?(?:invalid|rejected|unknown|failed)",
            "no valid (?:recipients?|hosts? or recip)",
            (
                r"recipient (?:\S{1,60} )?(?:is )?(?:not|no longer) (?:on|here|at|found|allowed here|a\b|"
                "accepted)"
            ),
            "no longer (?:exists?|on server|valid)", "has (?:been )?(?:moved|replaced|changed)", "user moved",
            "has been replaced", "address (?:lookup|verification) (?:in|fail)", "verification failed",
            "undeliverable address", "unroutable address", "unrouteable address", "not deliverable to",
            "check (?:the |if )?(?:recipient|address|spelling|e-?mail)", "please check (?:the|if|all|your)",
            "not (?:listed|found) in[^;]{0,30}(?:directory|address book|domino|ldap|database)",
            "user lookup success but no", "no account", "does not accept mail", "doesn't accept mail",
            "null mx", "nullmx", "no such (?!file)", "not unique", "mailaddress is administratively",
            "rcpt[^;]{0,30} not ok", "recipient cannot be verified",
            "user[^;]{0,40} not (?:known|found|exist|on this)", "not a (?:member|subscriber)",
            "mailbox unavailable", "mailbox not (?:found|available|exist|local)", "mailbox is unavailable",
            (
                "recipient (?:address )?(?:refused|rejected)(?!:? ?(?:access denied|policy|unver|grey|no "
                "relay|deliv|internal|mailer|mess|blo|domain))"
            ),
            "unknown (?:or illegal|local)", "delivery to the following recipients? failed",
            "bad (?:address|destination|recipient|rcpt)", "invalid user",
            r"(?:user|path|mailbox|account|recipient)(?: \w{1,12})? no exist", "no mail ?box",
            "no one (?:here|at|by)", "badrcptto", "badrecipientto", "validrcptto", "dosn't exist",
            "no account by", "can't accept user", "missing home directory", "account unavailable",
            "not present in", "nessun utente", "envelope recipient has been denied",
            "host (?:/domain )?does not accept mail", "user ?id:", "not listed in public",
            "name & address book", "destination addresses were unknown", "wrong or no longer valid",
            "mailbox name (?:not allowed|invalid)",
            (
                "(?:e-?mail )?(?:account|address) (?:name )?(?:is )?(?:not|isn't) (?:valid|correct|"
                "registered|active here)"
            ),
            "rejected address", "no longer (?:a )?valid", "check the address", "misspelled",
            "not (?:a )?recognized", "illegal (?:alias|user)", "non-?existing",
            "(?:does not|doesn't|do not|don't) know (?:this|the|that|any|such|your)",
            (
                "(?:cannot|can't|could not|couldn't|unable to) (?:find|locate) (?:your |the |this |that "
                ")?(?:recipient|user|mailbox|account|address)"
            ),
            "not a registered", "not registered", "does not belong to", "doesn't belong to",
            (
                "(?:user|mailbox|account|recipient|address) (?:is )?(?:not|isn't) (?:on|at|in|hosted|here|"
                r"ours|known)\b"
            ),
            "not a valid (?:login|user|mailbox|e-?mail|recipient|account|local)",
            "(?:don't|do not|doesn't|does not) have an? (?:mailbox|user|account)",
            "not a (?:mailbox|user|valid|known|local) ", "no se encuentra", "not a mailbox",
            r"(?:don't|do not|doesn't|does not) know \S{1,40} (?:here|at this)",
            "(?:user|alias|recipient|mailbox|address) (?:is )?not defined",
            "(?:live|lives|reside|work|works) here", "nobody (?:of|named|called|with|here)",
            r"mailbox name (?:\S{1,60} )?(?:is )?(?:not allowed|invalid)",
        ),
    ),
    Rule(
        "unknown-west", "invalid_recipient", "550 5.1.1 <u@example.org>: Empfängeradresse unbekannt",
        (
            (
                "(?:empfae?nger|benutzer|adresse|postfach|teilnehmer|mailbox|nutzer|"
                "konto)[^;]{0,60}(?:unbekannt|existiert nicht|nicht (?:bekannt|gefunden|vorhanden|existent|"
                "erreichbar)|ungultig|gibt es nicht)"
            ),
            "unbekannte[rn]? (?:empfae?nger|benutzer|nutzer|adresse|user)",
            "kein(?:en)? (?:solche[rn]?|benutzer|empfanger|gultige|postfach)",
            (
                "(?:utilisateur|destinataire|adresse|compte|boite)[^;]{0,60}(?:inconnue?|n'?existe (?:pas|"
                "plus)|introuvable|invalide|erronee|inexistant|non valide)"
            ),
            "adresse d au moins un destinataire", "aucun (?:utilisateur|destinataire)",
            (
                "(?:usuario|destinatario|buzon|direccion|cuenta|casilla|recipiente)[^;]{0,60}(?:desconocid|"
                "no existe|inexistent|inval|no encontrad|no valid|incorrect|nao existe|nao encontrad|invalid|"
                "inexistente|desconhecid)"
            ),
            "no existe (?:el|la|ese|este|dich|tal|ning)",
            (
                "(?:utente|destinatario|casella|indirizzo)[^;]{0,60}(?:sconosciut|inesistente|non esiste|non "
                "trovat|non valid|non presente|errato)"
            ),
            (
                "(?:gebruiker|ontvanger|adres|postbus|mailbox)[^;]{0,50}(?:onbekend|bestaat niet|niet "
                "gevonden|ongeldig)"
            ),
            "onbekende gebruiker",
            (
                r"(?:anvandare|mottagare|adress\w{0,3}|bruger|bruker|modtager|mottaker|"
                r"konto\w{0,2})[^;]{0,50}(?:okand|finns inte|finns ej|findes ikke|finnes ikke|ukendt|ukjent|"
                "saknas|eksisterer ikke|existerar inte)"
            ),
            "okand (?:anvandare|mottagare)", "ukendt (?:bruger|modtager)", "ukjent (?:bruker|mottaker)",
            r"(?:kayttaja|vastaanottaja|osoite)\w{0,4}[^;]{0,50}(?:tuntematon|ei ole|ei loydy|virheellinen)",
            "tuntematon (?:kayttaja|vastaanottaja)",
            "(?:utilisateur|destinataire|adresse|compte)[^;]{0,40}(?:non trouve|pas trouve)",
        ),
    ),
    Rule(
        "unknown-east", "invalid_recipient", "550 5.1.1 Użytkownik nie istnieje",
        (
            (
                r"(?:odbiorca|uzytkownik|adres\w{0,2}|konto|skrzynka|adresat)[^;]{0,60}(?:nieznan|nie "
                "istnieje|nie znaleziono|niepoprawn|nieprawidlow|bledn)"
            ),
            "nieznany (?:uzytkownik|odbiorca|adresat)", "nie ma takie",
            "brak (?:takie|uzytkownik|odbiorc|skrzynk)",
            (
                "(?:uzivatel|adresat|prijemce|schranka|adresa|pouzivatel|"
                r"prijemca)\w{0,3}[^;]{0,60}(?:neznam|neexistuje|nenalezen|neplatn|nenajden|neexistuj)"
            ),
            "neznamy (?:uzivatel|prijemce|adresat|pouzivatel)", "zadny takovy",
            (
                "(?:felhasznalo|cimzett|postafiok|cim)[^;]{0,50}(?:ismeretlen|nem letezik|nem talalhato|"
                "ervenytelen)"
            ),
            "ismeretlen (?:felhasznalo|cimzett)",
            (
                r"(?:utilizator|destinatar|adresa|casuta|cont)\w{0,4}[^;]{0,50}(?:necunoscut|nu exista|"
                "inexistent|invalid)"
            ),
            (
                "(?:пользовател|получател|ящик|адрес|учетн|абонент|юзер|адресат|"
                r"почтов)\w{0,12}[^;]{0,60}(?:неизвест|не найден|не существует|не зарегистрирован|отсутству|"
                r"неверн|недействител|нет\b|недоступ|не известен)"
            ),
            "нет такого", r"неизвестн\w{1,3} (?:пользователь|получатель|адрес)", "несуществующ",
            "не существует",
            r"(?:користувач|скриньк|одержувач|адреса)\w{0,4}[^;]{0,50}(?:не знайден|не існує|невідом)",
            r"(?:потребител|получател)\w{0,4}[^;]{0,40}(?:непознат|не съществува)",
            (
                r"(?:kullanici|alici|adres|hesap|posta kutusu)\w{0,4}[^;]{0,50}(?:bulunamadi|bilinmiyor|yok|"
                "gecersiz|mevcut degil|bulunmuyor)"
            ),
            "(?:gecersiz|bilinmeyen) (?:kullanici|alici|adres)",
            r"(?:kasutaja|saaja|aadress)\w{0,3}[^;]{0,40}(?:tundmatu|ei ole|puudub|ei eksisteeri)",
            r"(?:lietotaj|adresat|sanemej)\w{0,3}[^;]{0,40}(?:nezinam|neeksiste|nav)",
            r"(?:korisnik|primatelj|primalac|sanducic)\w{0,3}[^;]{0,40}(?:nepoznat|ne postoji)",
            "uporabnik[^;]{0,40}(?:ne obstaja|neznan)",
            "(?:χρηστης|παραληπτης)[^;]{0,40}(?:αγνωστος|δεν υπαρχει)",
        ),
    ),
    Rule(
        "unknown-asia", "invalid_recipient", "550 用户不存在",
        (
            "用户不存在", "用戶不存在", "收件人.{0,8}(?:不存在|无效|無效|错误)",
            "邮箱.{0,6}(?:不存在|未找到|无效)", "郵箱不存在", "地址.{0,6}(?:不存在|无效|無效|错误)",
            "使用者不存在", "帐号不存在", "帳號不存在", "无此用户", "查无此人", "未知用户",
            "宛先.{0,20}(?:見つかり|存在し|不明|正しく)",
            "(?:ユーザ|メールアドレス|アドレス|受信者).{0,14}(?:存在し|見つかり|不明|ありません|無効)",
            "存在しません", "受信者が見つ", "사용자.{0,10}(?:없|존재하지)",
            "수신자.{0,12}(?:없|존재하지|찾을 수)", "존재하지 않", "계정.{0,6}(?:없|존재)",
            "المستخدم.{0,20}(?:غير|لا يوجد)", "ไม่พบผู้ใช้", "khong ton tai", "pengguna tidak",
            "tidak ditemukan", "לא קיים", "リストにありません", "見つかりません", "찾을 수 없",
        ),
    ),
)
