"""Exim: its spool and listing, its logs.

Source of truth: the Exim specification and source, 4.80 to the main branch of 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import Instance, LogParser, ReasonOf, SpoolLayout
from smtpq_exporter.mta.exim.queue_bp import BpParser
from smtpq_exporter.mta.exim.settings import CONFIGS, DEFAULT, LOGS, PROGRAM, SPOOLS, settle
from smtpq_exporter.mta.mail_server import Discovery, Listing, Mta

if TYPE_CHECKING:
    from smtpq_exporter.logs.tally import Tally


def _names(instance: Instance) -> tuple[str, ...]:
    return tuple(name for name in dict(instance.options).get("queues", "").split() if name != DEFAULT)


def _queues(instance: Instance) -> tuple[str, ...]:
    return (DEFAULT, *_names(instance))


def _layout(instance: Instance, classifier: ReasonOf) -> SpoolLayout:
    from smtpq_exporter.mta.exim.queue_spool import EximSpool  # noqa: PLC0415 - knows the log's words

    return EximSpool(instance.queue_directory, classifier, _names(instance))


def _log(tally: Tally, classifier: ReasonOf, syslog_names: Sequence[str] = ()) -> LogParser:
    """Make the parser of the log; only programs that read logs pay for its import."""
    from smtpq_exporter.mta.exim.log import EximLog  # noqa: PLC0415

    return EximLog(tally, classifier, syslog_names)


def _parts(instance: Instance) -> tuple[Listing, ...]:
    """One listing for each queue: -qG<name> says which."""
    program = dict(instance.options).get("exim_path", PROGRAM)
    found = []
    for name in _queues(instance):
        which = () if name == DEFAULT else (f"-qG{name}",)
        found.append(
            replace(
                _LISTING,
                parser=partial(BpParser, queue=name),
                argv=(program, *which, "-bpr"),
                proof=(program, *which, "-bpc"),
                parts=None,
            )
        )
    return tuple(found)


_LISTING = Listing(
    "exim",
    BpParser,
    argv=(PROGRAM, "-bpr"),
    proof=(PROGRAM, "-bpc"),
    parts=_parts,
    hint="add the service's user to Exim's group (Debian: Debian-exim, RHEL: exim), or set "
    "queue_list_requires_admin = false in Exim's configuration",
)

EXIM = Mta(
    name="exim",
    queues=(DEFAULT,),
    sources=("spool", "exim"),
    discovery=Discovery(
        binaries=("/usr/sbin/exim4", "/usr/sbin/exim", "/usr/exim/bin/exim", "/usr/local/sbin/exim"),
        spools=SPOOLS,
        configs=CONFIGS,
        logs=LOGS,
        processes=("exim4", "exim"),
        syslog_names=("exim", "exim4"),
        version=(PROGRAM, "-bV"),
        version_pattern=rb"Exim version (\S+)",
        pid="pid_file_path",
    ),
    settle=settle,
    queues_of=_queues,
    listings=(_LISTING,),
    layout=_layout,
    log=_log,
)
