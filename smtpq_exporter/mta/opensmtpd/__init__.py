"""OpenSMTPD: its spool and listing, its log.

Source of truth: smtpd(8), smtpctl(8) and the source, 5.7 to the main branch of 2026. Its log tag is a bare
``smtpd``; Postfix's server of that name writes ``postfix/smtpd``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import Instance, LogParser, ReasonOf, SpoolLayout
from smtpq_exporter.mta.mail_server import Discovery, Listing, Mta
from smtpq_exporter.mta.opensmtpd.queue_listing import ShowQueueParser, doubt
from smtpq_exporter.mta.opensmtpd.queue_spool import QUEUES, OpensmtpdSpool
from smtpq_exporter.mta.opensmtpd.settings import (
    CONFIGS,
    CONTROL,
    LOGS,
    NAME,
    PROGRAM,
    PROGRAMS,
    SPOOL,
    settle,
)

if TYPE_CHECKING:
    from smtpq_exporter.logs.tally import Tally


def _layout(instance: Instance, classifier: ReasonOf) -> SpoolLayout:
    return OpensmtpdSpool(instance.queue_directory, classifier)


def _log(tally: Tally, classifier: ReasonOf, syslog_names: Sequence[str] = ()) -> LogParser:
    """Make the parser of the log; only programs that read logs pay for its import."""
    from smtpq_exporter.mta.opensmtpd.log import OpensmtpdLog  # noqa: PLC0415

    return OpensmtpdLog(tally, classifier, syslog_names)


def _parts(instance: Instance) -> tuple[Listing, ...]:
    """The listing by the program that the instance names."""
    program = dict(instance.options).get("smtpctl_path", PROGRAM)
    return (
        replace(
            _LISTING,
            argv=(program, *_LISTING.argv[1:]),
            proof=(program, *_LISTING.proof[1:]),
            parts=None,
        ),
    )


_LISTING = Listing(
    "smtpctl",
    ShowQueueParser,
    argv=(PROGRAM, "show", "queue"),
    proof=(PROGRAM, "show", "stats"),
    parts=_parts,
    doubt=doubt,
    denied=b"need root",
    retries=True,
    sizes=False,
    hint="smtpctl answers root only: install the drop-in 10-opensmtpd.conf (user opensmtpq may read the spool), "
    "or let a timer of root write a textfile (smtpq-exporter --textfile)",
)

OPENSMTPD = Mta(
    name=NAME,
    queues=QUEUES,
    sources=("spool", "smtpctl"),
    discovery=Discovery(
        binaries=PROGRAMS,
        spools=(SPOOL,),
        configs=CONFIGS,
        logs=LOGS,
        processes=("smtpd",),
        syslog_names=("smtpd",),
        version=("sh", "-c", "smtpd -h 2>&1; :"),  # it exits with 1 and prints on standard error
        version_pattern=rb"OpenSMTPD (\d\S*)",
        socket=CONTROL,
    ),
    settle=settle,
    listings=(_LISTING,),
    layout=_layout,
    log=_log,
)
