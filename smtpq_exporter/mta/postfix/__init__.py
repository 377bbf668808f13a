"""Postfix: its queue files and listings, its log.

Source of truth: postfix.org and the code, versions 3.0 to 3.11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import Instance, LogParser, ReasonOf, SpoolLayout
from smtpq_exporter.mta.mail_server import Discovery, Listing, Mta
from smtpq_exporter.mta.postfix.queue_json import JsonParser
from smtpq_exporter.mta.postfix.queue_showq import ShowqParser
from smtpq_exporter.mta.postfix.queue_spool import QUEUES, PostfixSpool
from smtpq_exporter.mta.postfix.settings import settle

if TYPE_CHECKING:
    from smtpq_exporter.logs.tally import Tally
    from smtpq_exporter.mta.postfix.log_words import Reasons


def _layout(instance: Instance, classifier: ReasonOf) -> SpoolLayout:
    options = dict(instance.options)
    depth = options.get("hash_queue_depth", "1")
    return PostfixSpool(
        instance.queue_directory, classifier, hash_depth=int(depth) if depth.isdigit() else 1,
        hash_names=options.get("hash_queue_names", "deferred, defer"),
    )


def _log(tally: Tally, classifier: Reasons, syslog_names: Sequence[str] = ()) -> LogParser:
    """Make the parser of the log; only programs that read logs pay for its import."""
    from smtpq_exporter.mta.postfix.log import PostfixLog  # noqa: PLC0415

    return PostfixLog(tally, classifier, syslog_names)


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
    listings=(
        Listing("showq", ShowqParser, socket="public/showq"),
        Listing(
            "postqueue", JsonParser, argv=("postqueue", "-c", "{config_directory}", "-j"),
            own_config="/etc/postfix", exit_kinds=((69, "unavailable"), (77, "permission")),
            hint="run with the group that may list the queue (postdrop)",
        ),
    ),
    layout=_layout,
    log=_log,
)
