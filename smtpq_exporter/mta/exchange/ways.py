"""The ways to a report of Exchange's queues, the best first. Loaded only where Exchange is read.

Pure.
"""

from __future__ import annotations

from smtpq_exporter.mta.exchange import settings
from smtpq_exporter.mta.exchange.queue_json import parse
from smtpq_exporter.mta.exchange.queue_text import complaint
from smtpq_exporter.mta.report import ReportWay

WAYS = (
    ReportWay(
        "handover", parse, settings.no_file, path=settings.handover, max_age=settings.max_age,
        hint="does the scheduled task with collect_exchange_queues.ps1 run on the Exchange server?",
    ),
    ReportWay(
        "powershell", parse, settings.no_local, argv=settings.local, complaint=complaint,
        hint="run as a member of View-Only Organization Management",
    ),
    ReportWay(
        "ssh", parse, settings.no_ssh, argv=settings.ssh, complaint=complaint,
        hint="the key must be accepted, and its user a member of View-Only Organization Management",
    ),
    ReportWay(
        "psrp", parse, settings.no_psrp, argv=settings.psrp, module="smtpq_exporter.io.exchange_psrp",
        needs="pypsrp", complaint=complaint,
        hint="the user must be a member of View-Only Organization Management",
    ),
)
