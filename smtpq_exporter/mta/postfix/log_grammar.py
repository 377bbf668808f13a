"""The shapes of Postfix's log lines: the one place where both ways of reading a log look them up.

Pure. Laws (they keep strangers from forging what never happened): every pattern is matched at a fixed place,
from the left; an address is parsed as an address, quotes and all; the first structure wins; nothing is
searched to the right of "status=S (", of a remote reply, or of a header. Sources: Postfix's own msg_info
calls, 2.3 to 3.11, postconf(5) delay_logging_resolution_limit, enable_long_queue_ids,
info_log_address_format, smtp_log_tls_feature_status.
"""

from __future__ import annotations

import re

#: Programs that log under Postfix's name. Others may borrow it (policy servers do) and say whatever strangers
#: say.
DAEMONS = frozenset(
    (
        b"anvil bounce cleanup discard dnsblog error flush lmtp local master nqmgr oqmgr pickup pipe "
        b"post-install postalias postcat postconf postdrop postfix postfix-script postfix-tls-script "
        b"postkick postlock postlog postlogd postmap postmulti postqueue postscreen postsuper "
        b"proxymap qmgr qmqpd relay retry scache sendmail showq smtp smtpd spawn tlsmgr tlsproxy "
        b"trivial-rewrite verify virtual"
    ).split()
)
#: A queue id, short or long, or NOQUEUE, where Postfix's own word follows that decides. It never begins
#: with a letter in lower case, as "warning: " does, behind which a stranger's host name may follow.
QUEUE_ID = rb"[0-9A-Z][0-9A-Za-z]*"
#: The same without doubt, where words follow that others may write too: hexadecimal digits, or digits and
#: letters but vowels (enable_long_queue_ids). Most words have a vowel in lower case.
SURE_ID = re.compile(rb"[0-9A-HJ-NP-TV-Z][0-9A-HJ-NP-TV-Zb-df-hj-np-tv-z]{4,23}|NOQUEUE")
#: An address in brackets; the quoted form may hold anything. Possessive: hostile text cannot make it
#: backtrack.
QUOTED = rb"<(?:\"(?:[^\"\\]|\\.)*+\"[^\">]*+|[^\">]*+)>"
#: Before 3.5 addresses were not quoted and may hold ">": up to the first one that the next field follows.
_RAW = rb"<(?!\")(?:[^>]|>(?!, (?:orig_to=|relay=)))*+>"
#: Some formatters lose the brackets.
_BARE = rb"[^<>\",\s]*+"
_SECONDS = rb"[0-9]{1,9}(?:\.[0-9]{1,6})?+"
_WAY = rb"/".join([_SECONDS] * 4)
_DELAY = rb"delay=(?P<delay>" + _SECONDS + rb")"
_DELAYS = rb"(?:, delays=(?P<delays>[^,]*+))?"
#: What releases to come may put between delays= and dsn= (3.11: tls=).
_MORE = rb"(?:, [a-z_]+=[^,()]*+){0,4}?"
_END = rb"(?:, dsn=(?P<dsn>[0-9]\.[0-9]{1,3}\.[0-9]{1,3}))?, status=(?P<status>[a-z-]+)(?: \(|\s*$)"


def _delivery(address: bytes) -> re.Pattern[bytes]:
    head = rb"to=(?P<to>" + address + rb"), (?:orig_to=(?:" + address + rb"), )?relay=(?P<relay>[^,]*+)"
    return re.compile(head + rb"(?:, conn_use=\d+)?, " + _DELAY + _DELAYS + _MORE + _END, re.DOTALL)


#: A delivery attempt, after "ID: ", tried in this order.
DELIVERY = (_delivery(QUOTED), _delivery(_RAW), _delivery(_BARE))
#: Pieces of a delivery between its first three ", d", for the hot loop: they read what DELIVERY reads.
PLACE = re.compile(
    rb"to=<[^\"@>]*+@(?P<key>(?P<domain>[^\"@>]*+)>, (?:orig_to=<[^\">]*+>, )?"
    rb"relay=(?P<relay>[^,]*+)(?:, conn_use=[0-9]+)?)"
)
DELAY_PIECE = re.compile(rb"elay=" + _SECONDS)
OUTCOME = re.compile(
    rb"sn=(?P<dsn>[0-9]\.[0-9]{1,3}\.[0-9]{1,3}), status=(?P<status>sent|deferred|bounced) \("
)
#: Four delays, as `delays=` shows them.
WAY = re.compile(_WAY)
ACTIVE = re.compile(rb"from=(?:" + QUOTED + rb"|<(?!\")[^>]*+>), size=\d+, nrcpt=\d+ \(queue active\)")
EXPIRED = re.compile(
    rb"from=(?:" + QUOTED + rb"|<(?!\")[^>]*+>+), status=(?P<status>(?:force-)?expired), returned to sender"
)
MESSAGE = re.compile(rb"(?P<id>" + QUEUE_ID + rb"): ")
CLIENT = re.compile(rb"client=(?P<client>[^\s,]+)?")
#: What our own server refuses or changes, after "ID: ": action, stage, client, and its words up to the
#: envelope.
ACTION = re.compile(
    rb"(?P<action>(?:milter-|proxy-)?(?:reject|accept)|reject_warning|(?:milter-)?(?:hold|discard|quarantine)|filter|redirect|bcc|"
    rb"info|warning|warn|prepend|replace|strip|permit|delay|dunno|pass|milter-tempfail): (?P<rest>.*)",
    re.DOTALL,
)
STAGE = re.compile(
    rb"(?P<stage>[A-Z-]+(?: command)?) from (?P<client>[^\s\[]*\[[^\]\s]*\](?::\d+)?): (?P<words>.*)",
    re.DOTALL,
)
#: Words of a refusal end where the envelope begins.
ENVELOPE = re.compile(rb"; (?:from=<|to=<|proto=)")
RECIPIENT = re.compile(rb"; (?:from=" + QUOTED + rb",? )?to=(?P<to>" + QUOTED + rb")")
#: "550 5.1.1 <address>: " before the words that tell why; the address is a stranger's.
REPLY = re.compile(rb"(?P<code>[245]\d\d)?[ -]?(?P<dsn>[245]\.\d{1,3}\.\d{1,3})? ?(?:" + QUOTED + rb": )?")
SASL_FAILURE = re.compile(
    rb"(?P<client>[^\s\[]*\[[^\]\s]*\])(?::\d+)?: SASL \S+ authentication failed(?:: (?P<words>.*))?",
    re.DOTALL,
)
TLS = re.compile(
    rb"(?:Anonymous|Untrusted|Trusted|Verified) TLS connection (?:established|reused) (?:to|from) "
    rb"(?P<peer>[^\s\[]*\[[^\]\s]*\](?::\d+)?)[^:]*: (?P<protocol>(?:TLS|SSL)v[\d.]{1,4}) with "
)
CONNECT = re.compile(rb"connect to (?P<relay>[^\s\[]*\[[^\]\s]*\](?::\w+)?): (?P<words>.*)", re.DOTALL)
#: A remote server's words without a status of its own: the next host is tried.
SAID = re.compile(
    rb"host (?P<relay>[^\s\[]*\[[^\s]*?\](?::\d+)?) (?:said|refused to talk to me): (?P<words>.*)", re.DOTALL
)
LOST = re.compile(
    rb"(?:lost connection with|conversation with|SSL_connect error to|Server certificate not|"
    rb"Cannot start TLS|TLS is required|SASL authentication failed)"
    rb"(?: (?P<relay>[^\s\[]*\[[^\]\s]*\](?::\d+)?))?"
)
#: The first words of notices about a bounce, a delay, a success.
NOTICES = tuple(
    who + what + b" notification: "
    for who in (b"sender ", b"postmaster ")
    for what in (b"non-delivery", b"delay", b"delivery status", b"success")
)
#: First words after "ID: " and what they mean.
BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    *((notice, "bounce_notice") for notice in NOTICES),
    (b"placed on hold", "held"),
    (b"released from hold", "released"),
    (b"requeued", "requeued"),
    (b"canceled", "removed"),
    *(
        (words, "info")
        for words in (
            *(b"resent-message-id=", b"expired", b"skipped", b"passing ", b"Used TLS for ", b"enabling PIX "),
            *(b"breaking line ", b"lost connection after ", b"timeout after ", b"discarding EHLO ", b"copy "),
        )
    ),
)
#: Programs whose every line is information: statistics, start and stop, the operator's own commands.
TALKATIVE = frozenset(b"anvil scache master postfix-script postsuper postlog postmulti post-install".split())
#: First words of lines without an id that are understood and change no counter.
INFORMATION = (
    *(
        b"disconnect from ",
        b"lost connection after ",
        b"timeout after ",
        b"too many errors after ",
        b"statistics: ",
    ),
    *(
        b"improper command pipelining ",
        b"non-SMTP command from ",
        b"table ",
        b"name_mask: ",
        b"cache ",
        b"using backwards",
    ),
    *(
        b"reload ",
        b"refreshing ",
        b"starting ",
        b"stopping ",
        b"daemon started",
        b"terminating ",
        b"initializing the ",
    ),
    *(
        b"Deleted: ",
        b"Requeued: ",
        b"Placed on hold: ",
        b"Released from hold: ",
        b"Expired: ",
        b"Renamed to match ",
    ),
    *(b"SSL_accept error from ", b"SSL_connect error to ", b"setting up TLS connection ", b"save session"),
    *(
        b"certificate verification failed",
        b"Certificate ",
        b"CA certificate verification failed",
        b"TLS SNI ",
    ),
    *(b"server certificate verification", b"looking for session", b"reusing session", b"remove session"),
    *(
        b"close database ",
        b"delivery loop",
        b"proxy-accept: ",
        b"proxy-reject: ",
        b"idle timeout",
        b"time limit",
    ),
    # postscreen, tlsproxy, dnsblog
    *(
        b"CONNECT from ",
        b"CONNECT to ",
        b"DISCONNECT ",
        b"PASS NEW ",
        b"PASS OLD ",
        b"DNSBL rank ",
        b"PREGREET ",
        b"HANGUP ",
    ),
    *(
        b"COMMAND ",
        b"BARE NEWLINE ",
        b"NON-SMTP COMMAND ",
        b"DATA without ",
        b"BDAT without ",
        b"addr ",
        b"dnsblog",
    ),
    *(b"ALLOWLIST", b"WHITELIST", b"DENYLIST", b"BLACKLIST", b"entering STRESS mode", b"leaving STRESS mode"),
)
