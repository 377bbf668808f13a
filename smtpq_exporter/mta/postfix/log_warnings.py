"""What kind of trouble a warning, error, fatal or panic line of Postfix tells of.

Pure. Law: what Postfix itself wrote at a fixed place decides before words that may quote a stranger, so that
no HELO name or address can raise an alarm of a kind of its choice. Source: the msg_warn, msg_error, msg_fatal
and msg_panic calls of Postfix 3.7 to 3.11, and warnings seen in real logs.
"""

from __future__ import annotations

import re

#: Beginnings that decide, on the words after "warning: ": the first kind that matches wins.
_BEGINNINGS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("congestion", (rb"mail for \S+ is using up \d+ of \d+ active queue entries",)),
    ("process_limit", (rb"service \"[^\"]*\" \(\S*\) has reached its process limit",)),
    ("rate_limit", (rb"[A-Z][\w ]{4,40} (?:rate|concurrency) limit exceeded",)),
    (
        "dns",
        (
            rb"hostname \S+ does not resolve to address ",
            rb"\S+: (?:address not listed for hostname|hostname \S+ verification failed|RBL lookup error)",
            rb"(?:numeric|malformed) (?:domain|host) ?name",
            rb"valid_(?:hostname|hostaddr|ipv[46]_hostaddr|mailhost)",
            rb"(?:no|Unable to look up) (?:MX|A|AAAA|NS) host",
            rb"dns_|dnsblog|RBL lookup error",
        ),
    ),
    (
        "client",
        (
            rb"Illegal address syntax|non-(?:E?SMTP) command|unsupported command|dropping |client ",
            rb"ignoring (?:STARTTLS|XCLIENT)|invalid (?:IP|hostname|help)",
            rb"[^\s\[]*\[[^\]\s]*\](?::\d+)?: (?:bad|invalid|unexpected)",
        ),
    ),
    ("sasl", (rb"xsasl_|SASL |smtp_sasl_|smtpd_sasl_security|sasl",)),
    ("milter", (rb"(?:connect to )?[Mm]ilter ",)),
    (
        "tls",
        (
            rb"TLS |tls_|tlsproxy|tlsmgr|SSL|certificate |private/tlsmgr",
            rb"cannot (?:load|get) \S+ ?(?:key|certificate|CA)",
            rb"problem talking to (?:server|service) private/tls",
        ),
    ),
    (
        "transport",
        (
            rb"(?:connect to |unable to connect to )?(?:private|public)/\S+",
            rb"connect to transport |transport \S+ failure|process \S+ pid \d+ |\S+: bad command startup",
            rb"(?:premature|unexpected) end-of-input|problem talking to |timeout (?:talking|on )",
            rb"mail_queue_enter",
        ),
    ),
    ("resource", (rb"not enough free space in mail queue|uid=\d+: File too large|queue file size limit",)),
    (
        "queue_file",
        (
            rb"(?:open|remove|rename|close|stat) (?:active|incoming|deferred|defer|bounce|hold|maildrop) ",
            rb"qmgr_active|damaged message|corrupt|cleanup_|queue file|\S+: queue file",
        ),
    ),
    (
        "configuration",
        (
            rb"/\S+, line \d+: |/\S+ and /\S+ differ|file /\S+|database \S+ is older|\S+ is older than",
            rb"unused|undefined|overriding|unknown|bad |invalid|not owned|not set-gid|group or other|symlink",
            rb"smtpd_sasl_auth_enable|do not list|relay_domains|mydestination|parameter |main\.cf|master\.cf",
            rb"usage: ",
        ),
    ),
    (
        "lookup",
        (
            rb"(?:hash|btree|lmdb|cdb|texthash|ldap|mysql|pgsql|sqlite|memcache|pcre|regexp|tcp):|dict_",
            rb"proxy(?:map)?:",
            rb"socketmap:|unix:|read TCP map|connect to (?:mysql|pgsql|ldap)|\S+: table lookup",
            rb"\S+ is unavailable",
            rb"virtual_|canonical_|alias(?:es)? |unsupported dictionary|table ",
        ),
    ),
)
#: Lines of advice that follow a congestion warning: one incident is counted once.
_ADVICE = (
    b"this may slow down other mail",
    b"you may need ",
    b"lots of deferred mail",
    b"please avoid flushing",
    b".. ",
)
#: Words of the operating system: they stand at the end of what Postfix says, so only there they count.
_RESOURCE = re.compile(
    rb"(?:No space left on device|Too many open files(?: in system)?|Cannot allocate memory|File too large|"
    rb"Disk quota exceeded|Resource temporarily unavailable|Read-only file system|Input/output error|"
    rb"Insufficient system storage|Out of memory)[.)]?\s*$",
    re.IGNORECASE,
)
_KINDS = tuple(kind for kind, _ in _BEGINNINGS)
_FIRST = re.compile(b"|".join(b"(" + b"|".join(patterns) + b")" for _, patterns in _BEGINNINGS))
_SEVERE = {b"fatal": "fatal", b"panic": "panic", b"error": "error"}


def kind(severity: bytes, words: bytes) -> str:
    """Return one of logs.tally.WARNING_KINDS, or "" for advice that belongs to the warning before it.

    `severity` is warning, error, fatal or panic; `words` is what follows it.
    """
    head = words[:1024]
    found = _FIRST.match(head)
    first = _KINDS[found.lastindex - 1] if found and found.lastindex else ""
    if first not in {"client", "dns"} and _RESOURCE.search(head):
        return "resource"
    if severity in _SEVERE:
        return _SEVERE[severity]
    return first or ("" if head.startswith(_ADVICE) else "other")
