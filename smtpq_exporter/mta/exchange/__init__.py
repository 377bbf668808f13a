"""Microsoft Exchange on premises, 2013 to Subscription Edition: its queues and its message tracking log.

Source of truth: Microsoft's documentation of mail flow. Never run against a live Exchange: everything here
follows documents and public samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import Discovery, LogParser, Mta, ReasonOf
from smtpq_exporter.mta.exchange import settings
from smtpq_exporter.mta.exchange.queue_kind import ASIDES, QUEUES
from smtpq_exporter.mta.exchange.queue_text import complaint
from smtpq_exporter.mta.report import Report, ReportWay

if TYPE_CHECKING:
    from smtpq_exporter.logs.tally import Tally


def _parse(data: bytes, reasons: ReasonOf, now: float) -> Report:
    """Understand a report; only programs that read Exchange pay for the import."""
    from smtpq_exporter.mta.exchange.queue_json import parse  # noqa: PLC0415

    return parse(data, reasons, now)


def _log(tally: Tally, classifier: ReasonOf, syslog_names: Sequence[str] = ()) -> LogParser:  # noqa: ARG001
    """Make the parser of the log; only programs that read logs pay for its import."""
    from smtpq_exporter.mta.exchange.log import ExchangeLog  # noqa: PLC0415

    return ExchangeLog(tally, classifier)


EXCHANGE = Mta(
    name=settings.NAME,
    queues=QUEUES,
    sources=("handover", "powershell", "ssh", "psrp"),
    discovery=Discovery(
        binaries=(),
        spools=(),
        configs=(),
        logs=settings.LOGS,
        processes=(),
        files=(settings.HANDOVER, f"{settings.WINDOWS}/Bin/EdgeTransport.exe"),
    ),
    settle=settings.settle,
    reports=(
        ReportWay(
            "handover", _parse, settings.no_file, path=settings.handover, max_age=settings.max_age,
            hint="does the scheduled task with collect_exchange_queues.ps1 run on the Exchange server?",
        ),
        ReportWay(
            "powershell", _parse, settings.no_local, argv=settings.local, complaint=complaint,
            hint="run as a member of View-Only Organization Management",
        ),
        ReportWay(
            "ssh", _parse, settings.no_ssh, argv=settings.ssh, complaint=complaint,
            hint="the key must be accepted, and its user a member of View-Only Organization Management",
        ),
        ReportWay(
            "psrp", _parse, settings.no_psrp, argv=settings.psrp, module="smtpq_exporter.io.exchange_psrp",
            needs="pypsrp", complaint=complaint,
            hint="the user must be a member of View-Only Organization Management",
        ),
    ),
    asides=ASIDES,
    log=_log,
)
