"""Postfix: its queue files and listings, its log.

Source of truth: postfix.org and the code, versions 3.0 to 3.11.
"""

from __future__ import annotations

from smtpq_exporter.mta.base import Discovery, Mta
from smtpq_exporter.mta.postfix.settings import settle

#: Queues in the order of showq; `corrupt` is only seen in the directories.
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")

POSTFIX = Mta(
    name="postfix",
    queues=QUEUES,
    sources=("spool", "showq", "postqueue"),
    discovery=Discovery(
        binaries=("/usr/sbin/postfix", "/usr/libexec/postfix/master", "/usr/lib/postfix/sbin/master"),
        spools=("/var/spool/postfix",),
        configs=("/etc/postfix",),
        logs=("/var/log/mail.log", "/var/log/maillog", "/var/log/mail.info"),
        processes=("master", "qmgr", "pickup", "smtp", "smtpd", "cleanup", "showq", "tlsmgr", "bounce", "local"),
        syslog_names=("postfix",),
        version=("postconf", "-d", "-h", "mail_version"),
        lock="pid/master.pid",
        socket="public/showq",
    ),
    settle=settle,
)
