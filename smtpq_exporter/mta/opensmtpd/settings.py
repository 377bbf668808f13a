"""OpenSMTPD's own settings, as far as a monitor needs them.

Pure: files are reached through a Probe. Source of truth: smtpd.conf(5), usr.sbin/smtpd/smtpd-defines.h. The
spool is fixed when OpenSMTPD is built, and it logs by syslog only, so there is nothing to ask it.
"""

from __future__ import annotations

from dataclasses import replace

from smtpq_exporter.mta.base import Instance, Probe

NAME = "opensmtpd"
PROGRAM = "smtpctl"
PROGRAMS = ("/usr/sbin/smtpctl", "/usr/local/sbin/smtpctl")
SPOOL = "/var/spool/smtpd"
CONTROL = "/var/run/smtpd.sock"
#: Debian and OpenBSD; Fedora and Arch; Alpine; FreeBSD and NetBSD.
CONFIGS = (
    "/etc/smtpd.conf",
    "/etc/opensmtpd/smtpd.conf",
    "/etc/smtpd/smtpd.conf",
    "/etc/mail/smtpd.conf",
    "/usr/local/etc/mail/smtpd.conf",
)
LOGS = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail/info", "/var/log/syslog")


def settle(instance: Instance, probe: Probe) -> list[Instance]:
    """Fill in name, spool and the directory of the configuration. What the configuration of this program says
    stays.
    """
    config = next((path for path in CONFIGS if probe.exists(path)), "")
    return [
        replace(
            instance,
            name=instance.name or NAME,
            config_directory=instance.config_directory or config.rpartition("/")[0],
            queue_directory=instance.queue_directory.rstrip("/") or SPOOL,
        )
    ]
