"""The mail servers that this program knows. One line each; everything else about it is in its own package.

Pure: no clock, no files.
"""

from __future__ import annotations

from smtpq_exporter.mta.exchange import EXCHANGE
from smtpq_exporter.mta.exim import EXIM
from smtpq_exporter.mta.mail_server import Mta
from smtpq_exporter.mta.opensmtpd import OPENSMTPD
from smtpq_exporter.mta.postfix import POSTFIX
from smtpq_exporter.mta.sendmail import SENDMAIL

MTAS: dict[str, Mta] = {
    "postfix": POSTFIX,
    "exim": EXIM,
    "sendmail": SENDMAIL,
    "opensmtpd": OPENSMTPD,
    "exchange": EXCHANGE,
}
