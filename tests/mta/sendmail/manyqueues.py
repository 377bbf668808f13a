"""A Sendmail with two queue directories, one of them with qf/, df/ and xf/, and a submission program with its
own.
"""

from __future__ import annotations

from tests.servers.sendmail import SendmailServer

PREPARE = """
sed -i 's|^O QueueDirectory=.*|O QueueDirectory=/var/spool/mqueue/q*|' sendmail.cf
cd /var/spool/mqueue
mkdir q1 q2 q2/qf q2/df q2/xf
chown -R smmta:smmsp .
chmod -R 2750 .
cd /etc/mail
cat > submit.mc <<'EOF'
divert(-1)
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
divert(0)
OSTYPE(`debian')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
define(`confDOMAIN_NAME',`mail.sender.example')dnl
FEATURE(`msp', `[127.0.0.99]', `9')dnl
EOF
m4 submit.mc > submit.cf
mkdir -p /var/spool/clientmqueue
chown smmsp:smmsp /var/spool/clientmqueue
chmod 2770 /var/spool/clientmqueue
"""


class ManyQueues(SendmailServer):
    """See above. Its submission queue keeps everything: nobody listens where it sends to."""

    prepare = SendmailServer.prepare + PREPARE

    def count(self) -> int:
        """Messages of both queue directories."""
        return len(list(self.spool.glob("q*/**/qf*")))
