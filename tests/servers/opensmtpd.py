"""OpenSMTPD in a world of its own. Sources: smtpd.conf(5), smtpctl(8), Debian's opensmtpd package."""

from __future__ import annotations

from tests.servers.overlay import OverlayServer
from tests.servers.replies import routes


class OpensmtpdServer(OverlayServer):
    """A private OpenSMTPD; its spool is the world's /var/spool/smtpd."""

    mta = "opensmtpd"
    packages = ("opensmtpd", "libevent-2.1-7")
    users = ("opensmtpd", "opensmtpq")
    inner_spool = "/var/spool/smtpd"
    daemon = ("smtpd", "-F")
    tools = ("smtpctl", "mailq")
    pipelining = False  # pipelined commands are rejected
    prepare = """
mkdir -p /var/lib/opensmtpd/empty /run
chgrp opensmtpq /usr/sbin/smtpctl
chmod 2755 /usr/sbin/smtpctl
chmod 711 /var/spool/smtpd
ln -sf ../sbin/smtpctl /usr/bin/mailq
"""

    def files(self) -> dict[str, str]:
        """Its configuration: one action and one rule for each domain of the sink."""
        lines = ["queue ttl 5d", f"listen on 127.0.0.1 port {self.port}"]
        lines += routes("opensmtpd", self.sink.port)
        return {"/etc/smtpd.conf": "\n".join(lines) + "\n", "/etc/mailname": "mail.sender.example\n",
                "/etc/aliases": ""}

    def envelopes(self) -> list[list[str]]:
        """The lines of `smtpctl show queue`, cut at their bars: one for each waiting recipient."""
        return [line.split("|") for line in self.run("smtpctl", "show", "queue").splitlines()]

    def count(self) -> int:
        """Messages = directories of the queue with a message in them."""
        return len(list(self.spool.glob("queue/*/*/message")))

    def idle(self) -> bool:
        """No envelope is in flight, and each that waits has failed once or waits for a later try."""
        return all(e[11] == "pending" and (e[-1] or (e[12].isdigit() and len(e[12]) > 1)) for e in self.envelopes())

    def flush(self) -> None:
        """Schedule everything now."""
        self.run("smtpctl", "schedule", "all")
