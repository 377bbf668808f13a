"""Microsoft Exchange on premises, 2013 to Subscription Edition: its queues and its message tracking log.

Source of truth: Microsoft's documentation of mail flow. Never run against a live Exchange: everything here
follows documents and public samples. What is not needed to name it is loaded when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import LogParser, ReasonOf
from smtpq_exporter.mta.exchange import settings
from smtpq_exporter.mta.exchange.names import ASIDES, NAME, QUEUES
from smtpq_exporter.mta.mail_server import Discovery, Mta

if TYPE_CHECKING:
    from smtpq_exporter.logs.tally import Tally
    from smtpq_exporter.mta.report import ReportWay


def _reports() -> tuple[ReportWay, ...]:
    from smtpq_exporter.mta.exchange.ways import WAYS  # noqa: PLC0415

    return WAYS


def _log(tally: Tally, classifier: ReasonOf, syslog_names: Sequence[str] = ()) -> LogParser:  # noqa: ARG001
    """Make the parser of the log; only programs that read logs pay for its import."""
    from smtpq_exporter.mta.exchange.log import ExchangeLog  # noqa: PLC0415

    return ExchangeLog(tally, classifier)


EXCHANGE = Mta(
    name=NAME,
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
    reports=_reports,
    asides=ASIDES,
    log=_log,
)
