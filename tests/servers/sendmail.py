"""Sendmail in a world of its own. Sources: the Sendmail Installation and Operation Guide, cf/README."""

from __future__ import annotations

from tests.servers.overlay import OverlayServer
from tests.servers.replies import routes

CONFIGURATION = """divert(-1)
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
divert(0)
VERSIONID(`loopback test')
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
define(`confSERVICE_SWITCH_FILE',`/etc/mail/service.switch')dnl
define(`confDOMAIN_NAME',`mail.sender.example')dnl
define(`confTO_IDENT',`0')dnl
define(`confTO_ICONNECT',`5s')dnl
define(`confTO_CONNECT',`5s')dnl
define(`confTO_RCPT',`10s')dnl
define(`confDONT_PROBE_INTERFACES',`True')dnl
define(`confREFUSE_LA',`200')dnl
define(`confQUEUE_LA',`200')dnl
define(`confMAX_DAEMON_CHILDREN',`0')dnl
define(`SMTP_MAILER_ARGS',`TCP $h '{sink})dnl
define(`ESMTP_MAILER_ARGS',`TCP $h '{sink})dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`mailertable',`hash -o /etc/mail/mailertable')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port={port}, Addr=127.0.0.1')dnl
MAILER_DEFINITIONS
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


class SendmailServer(OverlayServer):
    """A private Sendmail with one queue directory. A name without an address bounces at once here."""

    mta = "sendmail"
    packages = ("sendmail-base", "sendmail-bin", "sendmail-cf", "m4", "libsigsegv2", "libwrap0")
    users = ("smmta", "smmsp")
    inner_spool = "/var/spool/mqueue"
    daemon = ("sendmail", "-bD")
    tools = ("sendmail", "mailq")
    prepare = """
cd /etc/mail
: > access
: > local-host-names
m4 sendmail.mc > sendmail.cf
/usr/libexec/sendmail/makemap hash mailertable < mailertable
mkdir -p /var/run/sendmail/mta /var/lib/sendmail
chown smmta:smmsp /var/spool/mqueue
chmod 2750 /var/spool/mqueue
ln -sf /usr/libexec/sendmail/sendmail /usr/sbin/sendmail
ln -sf /usr/libexec/sendmail/sendmail /usr/bin/mailq
sendmail -bi > /dev/null
"""

    def files(self) -> dict[str, str]:
        """Its configuration in m4, routes, and where names come from: files alone."""
        return {
            "/etc/mail/sendmail.mc": CONFIGURATION.format(port=self.port, sink=self.sink.port),
            "/etc/mail/mailertable": "\n".join(routes("sendmail", 0)) + "\n",
            "/etc/mail/service.switch": "hosts\tfiles\naliases\tfiles\n",
            "/etc/mail/aliases": "postmaster: root\n",
        }

    def count(self) -> int:
        """Messages = qf files."""
        return len(list(self.spool.glob("qf*")))

    def idle(self) -> bool:
        """Only the daemon itself runs: each reception and each delivery is a process."""
        return len(self.processes()) == 1

    def flush(self) -> None:
        """One queue run, now."""
        self.run("sendmail", "-q")
