"""Sendmail: its queue files and listing, its log.

Source of truth: the Sendmail Installation and Operation Guide and the source, 8.12 to 8.18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import Instance, LogParser, ReasonOf, SpoolLayout
from smtpq_exporter.mta.mail_server import Discovery, Listing, Mta
from smtpq_exporter.mta.sendmail.queue_mailq import MailqParser
from smtpq_exporter.mta.sendmail.queue_spool import CLIENTMQUEUE, GONE, HELD, MQUEUE, QUEUES, SendmailSpool
from smtpq_exporter.mta.sendmail.settings import CONFIGS, PROGRAM, PROGRAMS, QUEUE, base, settle

if TYPE_CHECKING:
    from smtpq_exporter.logs.tally import Tally

#: The listings that together show everything: words of the command, queue.
_VIEWS = (
    ((), MQUEUE),
    (("-qQ",), HELD),
    (("-qL",), GONE),
    (("-Ac",), CLIENTMQUEUE),
    (("-Ac", "-qQ"), HELD),
    (("-Ac", "-qL"), GONE),
)


def _layout(instance: Instance, classifier: ReasonOf) -> SpoolLayout:
    options = dict(instance.options)
    directories = options.get("queue_directories", instance.queue_directory).split()
    client = options.get("client_queue_directory")
    if client is None:  # not settled: where it usually lies
        client = base(directories[0]).rpartition("/")[0] + "/clientmqueue"
    age = options.get("min_queue_age", "")
    return SendmailSpool(directories, client, classifier, min_age=int(age) if age.isdigit() else None)


def _parts(instance: Instance) -> tuple[Listing, ...]:
    """The server's queue, what is quarantined and lost in it, and the same of the submission program."""
    options = dict(instance.options)
    program = options.get("sendmail_path", PROGRAM)
    return tuple(
        replace(
            _LISTING,
            parser=partial(MailqParser, queue=QUEUES[queue]),
            argv=(program, "-bp", "-v", *words),
            parts=None,
        )
        for words, queue in _VIEWS
        if "-Ac" not in words or options.get("submission")
    )


def _log(tally: Tally, classifier: ReasonOf, syslog_names: Sequence[str] = ()) -> LogParser:
    """Make the parser of the log; only programs that read logs pay for its import."""
    from smtpq_exporter.mta.sendmail.log import SendmailLog  # noqa: PLC0415

    return SendmailLog(tally, classifier, syslog_names)


_LISTING = Listing(
    "mailq",
    MailqParser,
    argv=(PROGRAM, "-bp", "-v"),
    exit_kinds=((77, "permission"), (78, "permission")),
    parts=_parts,
    hint="add the service's user to the group of the queue directories (Debian: smmsp), run as root, or take "
    "restrictmailq out of PrivacyOptions",
)

SENDMAIL = Mta(
    name="sendmail",
    queues=QUEUES,
    sources=("spool", "mailq"),
    discovery=Discovery(
        binaries=PROGRAMS,
        spools=(QUEUE,),
        configs=CONFIGS,
        logs=("/var/log/mail.log", "/var/log/maillog", "/var/log/mail/info", "/var/log/syslog"),
        processes=("sendmail", "sendmail-mta", "sendmail-msp", "sm-mta"),
        syslog_names=("sm-mta", "sendmail", "sm-msp-queue"),
        version=(PROGRAM, "-d0.1", "-bt"),
        version_pattern=rb"Version (\d\S*)",
        pid="pid_file",
        files=("/etc/mail/sendmail.cf", "/etc/sendmail.cf"),
    ),
    settle=settle,
    listings=(_LISTING,),
    layout=_layout,
    log=_log,
)
